//! Subscriptions of which nothing is on its way fall asleep, and their next event wakes them.

use crate::house::{House, activation, policy, settle, within};
use bellwire::actors::handset::HandsetCell;
use bellwire::actors::router::{Activation, Load};
use bellwire::actors::upstream::{Cause, Outage, UpstreamFact};
use bellwire::engine::subscription::Answer;
use bellwire::model::Policy;
use std::time::Duration;

/// Between two sweeps.
const SWEEP: Duration = Duration::from_secs(30);

/// Lets time pass until whatever is quiet has fallen asleep.
async fn rest() {
    for _ in 0..3 {
        tokio::time::advance(SWEEP).await;
        settle().await;
    }
}

impl House {
    fn awake(&self) -> u64 {
        self.count("bellwire_subscriptions{state=\"active\"} ")
    }

    fn asleep(&self) -> u64 {
        self.count("bellwire_subscriptions{state=\"dormant\"} ")
    }

    /// Feeds one event to `count` subscriptions of the last source and has it accepted by all.
    async fn round(&mut self, data: &str, count: usize) {
        assert!(self.feed(&[data]));
        let before = self.link.written;
        self.run_until(|link| link.written == before + count).await;
    }
}

fn number(index: usize) -> String {
    format!("1555{index:07}")
}

#[tokio::test(start_paused = true)]
async fn one_is_asleep_until_its_first_event_and_after_its_last() {
    let mut house = House::new().await;
    let view = house.activate("15550001").await;
    assert_eq!((house.awake(), house.asleep()), (0, 1));
    house.round("1", 1).await;
    assert_eq!((house.awake(), house.asleep()), (1, 0));
    tokio::time::advance(SWEEP).await;
    settle().await;
    assert_eq!(house.awake(), 1, "it was awake just now");
    rest().await;
    assert_eq!((house.awake(), house.asleep()), (0, 1));
    let shown = house.get(view.id).await.unwrap();
    assert_eq!((shown.released, shown.pending, shown.outstanding), (1, 0, 0));

    house.round("2", 1).await;
    assert_eq!(house.awake(), 1);
    assert_eq!(house.link.seen("15550001"), ["1", "2"]);
    assert_eq!(house.settled("accepted"), 2);
    assert_eq!(house.dropped("lagged"), 0);
}

#[tokio::test(start_paused = true)]
async fn one_that_waits_for_an_answer_or_for_company_stays_awake() {
    let mut house = House::new().await;
    house.activate("15550001").await;
    let batching = Policy { batch_window: Duration::from_secs(600), ..policy() };
    house.try_activate(Activation { policy: batching, ..activation("15550002") }).await.unwrap();
    assert!(house.feed(&["1"]));
    let sent = house.take(1).await;
    rest().await;
    rest().await;
    assert_eq!(house.awake(), 2);
    house.link.accept(&sent[0]);
    rest().await;
    assert_eq!(house.awake(), 1, "the other still waits for company");
    house.hands.advance(Duration::from_secs(600));
    house.run_until(|link| link.seen("15550002") == ["1"]).await;
    rest().await;
    assert_eq!((house.awake(), house.load().await), (0, Load::default()));
}

#[tokio::test(start_paused = true)]
async fn numbers_go_on_where_they_were() {
    let mut house = House::new().await;
    house.activate("15550001").await;
    let long = |digit: &str| digit.repeat(80); // as data and as id: two segments, which need a reference
    let mut references = Vec::new();
    for digit in ["1", "2", "3"] {
        assert!(house.feed(&[&long(digit)]));
        let sent = house.take(2).await;
        references.push(sent[0].short_message[3]..=sent[1].short_message[3]);
        sent.iter().for_each(|one| house.link.accept(one));
        rest().await;
        assert_eq!(house.awake(), 0);
    }
    assert_eq!(house.link.seen("15550001"), ["1", "2", "3"].map(long));
    let first = *references[0].start();
    let expected = [first, first.wrapping_add(1).max(1), first.wrapping_add(2).max(1)];
    assert_eq!(references, expected.map(|one| one..=one), "each its own, the same in both segments");
}

#[tokio::test(start_paused = true)]
async fn thousands_sleep_wake_come_and_go() {
    const COUNT: usize = 3000;
    let mut house = House::new().await;
    let mut ids = Vec::new();
    for index in 0..COUNT {
        ids.push(house.activate(&number(index)).await.id);
    }
    assert_eq!((house.awake(), house.asleep()), (0, COUNT as u64));
    house.round("1", COUNT).await;
    assert_eq!(house.awake(), COUNT as u64);
    rest().await;
    assert_eq!((house.awake(), house.asleep()), (0, COUNT as u64));

    // Every other one goes, asleep; then as many come, into the places that became free.
    for id in ids.iter().step_by(2) {
        house.deactivate(*id).await.unwrap();
    }
    settle().await;
    assert_eq!((house.awake(), house.asleep()), (0, COUNT as u64 / 2));
    house.round("2", COUNT / 2).await;
    for index in (0..COUNT).step_by(2) {
        house.activate(&number(COUNT + index)).await;
    }
    house.round("3", COUNT).await;
    for index in 0..COUNT {
        let expected: &[&str] = if index % 2 == 0 { &["1"] } else { &["1", "2", "3"] };
        assert_eq!(house.link.seen(&number(index)), expected, "{index}");
    }
    assert!((0..COUNT).step_by(2).all(|index| house.link.seen(&number(COUNT + index)) == ["3"]));
    assert_eq!(house.settled("accepted"), (COUNT + COUNT / 2 + COUNT) as u64);
    rest().await;
    assert_eq!((house.awake(), house.asleep()), (0, COUNT as u64));
    assert_eq!(house.admission.available(), 64 << 20);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_deactivated_awake_or_just_woken_has_every_event_counted() {
    let mut house = House::new().await;
    let mut ids = Vec::new();
    for index in 0..200 {
        ids.push(house.activate(&number(index)).await.id);
    }
    assert!(house.feed(&["1"]));
    house.deactivate(ids[0]).await.unwrap(); // alone with its actor
    house.deactivate(ids[150]).await.unwrap(); // one of a group
    settle().await;
    house.link.run();
    settle().await;
    assert_eq!(house.settled("accepted") + house.dropped("deactivated"), 200);
    house.round("2", 198).await;
    rest().await;
    assert_eq!((house.awake(), house.asleep()), (0, 198));
}

#[tokio::test(start_paused = true)]
async fn the_actor_of_a_group_that_dies_harms_nobody() {
    let mut house = House::new().await;
    for index in 0..500 {
        house.activate(&number(index)).await;
    }
    house.round("1", 500).await;
    house.hands.arm_in(65); // 64 have an actor of their own, and the others one
    assert!(house.feed(&["2"]));
    settle().await;
    assert!(!house.hands.is_armed());
    assert!(house.feed(&["3"]));
    house.run_until(|link| (0..500).all(|index| link.seen(&number(index)).len() == 3)).await;
    assert!((0..500).all(|index| house.link.seen(&number(index)) == ["1", "2", "3"]));
    assert_eq!((house.settled("accepted"), house.dropped("lagged")), (1500, 0));
    rest().await;
    assert_eq!((house.awake(), house.asleep()), (0, 500));
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_fails_in_a_group_harms_nobody_else() {
    let mut house = House::new().await;
    for index in 0..200 {
        house.activate(&number(index)).await;
    }
    assert!(house.feed(&["1"]));
    let sent = house.take(200).await;
    let (victim, others): (Vec<_>, Vec<_>) = sent.into_iter().partition(|one| one.number == number(150));
    others.iter().for_each(|one| house.link.accept(one));
    let now = house.now();
    assert!(HandsetCell::serve::<()>(&victim[0].cell, now, |_| panic!("told to fail")).is_none());
    assert!(house.feed(&["2"])); // its group finds out
    house.run_until(|link| (0..200).all(|index| link.seen(&number(index)) == ["1", "2"])).await;
    house.link.answer(&victim[0], Answer::Accepted { message_id: b"late" });
    assert_eq!(house.settled("accepted"), 400);
    assert_eq!(house.count("bellwire_resent_total "), 1);
    rest().await;
    assert_eq!((house.awake(), house.asleep()), (0, 200));
}

#[tokio::test(start_paused = true)]
async fn a_source_that_fails_finds_its_sleepers_again() {
    let mut house = House::new().await;
    for index in 0..100 {
        house.activate(&number(index)).await;
    }
    house.round("1", 100).await;
    rest().await;
    house.upstreams.last().facts.send(UpstreamFact::Ended { outage: Outage::new(Cause::Content, "over") });
    settle().await;
    house.upstreams.fails.store(true, std::sync::atomic::Ordering::Relaxed);
    house.activate(&number(0)).await; // opens it again, which fails, and once more
    within(async {
        while house.upstreams.count() < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    house.round("2", 100).await;
    assert!((0..100).all(|index| house.link.seen(&number(index)) == ["1", "2"]));
    assert_eq!((house.awake(), house.dropped("lagged")), (100, 0));
}
