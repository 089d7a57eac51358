//! A house whose process ends, and another that goes on in its place.

use crate::house::{House, activation, feed, settle, until};
use crate::shelf::Shelf;
use crate::upstreams::events;
use bellwire::actors::router::{ActivateError, Activation};
use bellwire::actors::source::PublishError;
use bellwire::actors::upstream::{Resume, UpstreamFact};
use bellwire::engine::subscription::Answer;
use bellwire::model::{Ids, Order, OwnId, Policy};
use bellwire::store::Table;
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

const LOG_OCTETS: usize = 16 * 1024;

fn chunk(number: usize) -> String {
    format!("{number:0>35}")
}

/// Feeds an event, however long its source has to wait for somebody to have room for it.
async fn press(house: &House, data: &str) {
    until(|| {
        let fed = house.feed(&[data]);
        if !fed {
            house.hands.advance(Duration::from_secs(1));
        }
        fed
    })
    .await;
}

#[tokio::test]
async fn a_subscription_comes_back_by_itself_and_goes_on_where_it_was() {
    let shelf = Arc::new(Shelf::default());
    let mut house = House::durable(&shelf, LOG_OCTETS).await;
    let before = house.activate("15550001").await;
    assert!(house.feed(&["1", "2"]));
    house.run_until(|link| link.seen("15550001").len() == 2).await;
    house.journal.flush().await;
    let mut house = house.crash(&shelf).await;
    until(|| house.upstreams.count() == 1).await;
    assert_eq!(house.upstreams.last().last_event_id, "1", "there may be more of 2");
    let after = house.get(before.id).await.unwrap();
    assert_eq!((after.number, after.policy, after.released), (before.number, before.policy, 2));
    house.resumed(1);
    assert!(house.feed(&["2", "3"]));
    house.run_until(|link| !link.seen("15550001").is_empty()).await;
    assert_eq!(house.link.seen("15550001"), ["3"], "what was had is left out");
    assert_eq!(house.settled("accepted"), 3, "counts go on");
}

#[tokio::test]
async fn what_was_not_answered_goes_once_more_with_the_same_octets() {
    let shelf = Arc::new(Shelf::default());
    let mut house = House::durable(&shelf, LOG_OCTETS).await;
    house.activate("15550001").await;
    assert!(house.feed(&[&"long".repeat(40)]));
    let sent = house.take(3).await;
    house.journal.flush().await;
    let mut house = house.crash(&shelf).await;
    let subscriptions = |house: &House, state| house.count(&format!("bellwire_subscriptions{{state=\"{state}\"}} "));
    assert_eq!((subscriptions(&house, "active"), subscriptions(&house, "dormant")), (1, 0));
    let again = house.take(3).await;
    let octets = |written: &[crate::link::Written]| -> Vec<Vec<u8>> {
        written.iter().map(|one| one.short_message.clone()).collect()
    };
    assert_eq!(octets(&again), octets(&sent), "reference and transaction are the same");
    assert_eq!(house.count("bellwire_resent_total "), 3);
    again.iter().for_each(|one| house.link.accept(one));
    house.run_until(|link| link.seen("15550001").len() == 1).await;
}

#[tokio::test]
async fn what_an_event_was_called_it_is_called_after_a_crash_and_nothing_else_is() {
    let shelf = Arc::new(Shelf::default());
    let mut house = House::durable(&shelf, LOG_OCTETS).await;
    let asked = Activation { policy: Policy { ids: Ids::All, ..crate::house::policy() }, ..activation("15550001") };
    house.try_activate(asked).await.unwrap();
    assert!(house.feed(&[""]), "which has no id");
    let sent = house.take(1).await;
    house.journal.flush().await;
    let mut house = house.crash(&shelf).await;
    let again = house.take(1).await;
    assert_eq!(again[0].short_message, sent[0].short_message);
    house.link.accept(&again[0]);
    until(|| house.upstreams.count() == 1).await;
    assert!(house.feed(&[""]));
    house.run_until(|link| link.bodies("15550001").len() == 2).await;
    let bodies = house.link.bodies("15550001");
    let id = |body: &str| body.lines().find_map(|line| line.strip_prefix("id:")?.parse::<OwnId>().ok()).unwrap();
    let (first, second) = (id(&bodies[0]), id(&bodies[1]));
    assert!(second.epoch > first.epoch && (first.seq, second.seq) == (0, 1), "{first} {second}");
}

#[tokio::test]
async fn what_waited_while_nobody_was_there_to_send_it_is_sent() {
    let shelf = Arc::new(Shelf::default());
    let house = House::durable(&shelf, LOG_OCTETS).await;
    let policy = Policy { order: Order::Pipelined, ..crate::house::policy() };
    house.try_activate(Activation { policy, ..activation("15550001") }).await.unwrap();
    for number in 0..1000 {
        press(&house, &chunk(number)).await;
    }
    house.journal.flush().await;
    let view = house.list(None, 1).await.remove(0);
    assert!(view.pending < 500, "{} wait in memory, the others in the log", view.pending);
    let mut house = house.crash(&shelf).await;
    house.run_until(|link| link.seen("15550001").len() == 1000).await;
    assert_eq!(house.link.seen("15550001"), (0..1000).map(chunk).collect::<Vec<_>>());
    assert_eq!(house.dropped("lagged"), 0);
}

#[tokio::test]
async fn one_that_is_held_reads_from_the_log_later_and_holds_nobody() {
    let shelf = Arc::new(Shelf::default());
    let mut house = House::durable(&shelf, LOG_OCTETS).await;
    house.activate("15550001").await;
    house.activate("15550002").await;
    assert!(house.feed(&[&chunk(0)]));
    let (never, other): (Vec<_>, Vec<_>) = house.take(2).await.into_iter().partition(|one| one.number == "15550001");
    house.link.accept(&other[0]);
    for number in 1..2000 {
        press(&house, &chunk(number)).await;
        house.run_until(|link| link.seen("15550002").len() > number).await;
    }
    assert_eq!(house.dropped("lagged"), 0);
    house.link.accept(&never[0]);
    house.run_until(|link| link.seen("15550001").len() == 2000).await;
    assert_eq!(house.link.seen("15550001"), (0..2000).map(chunk).collect::<Vec<_>>());
    assert!(house.feed(&["live"]));
    house.run_until(|link| link.seen("15550001").len() == 2001).await;
}

#[tokio::test]
async fn a_log_that_cannot_be_read_for_a_while_has_lost_nothing() {
    let shelf = Arc::new(Shelf::default());
    let house = House::durable(&shelf, LOG_OCTETS).await;
    house.activate("15550001").await;
    for number in 0..500 {
        press(&house, &chunk(number)).await;
    }
    house.journal.flush().await;
    shelf.closed.store(true, Ordering::Relaxed);
    let mut house = house.crash(&shelf).await;
    settle().await;
    house.link.run();
    assert_eq!((house.link.written, house.dropped("lagged")), (0, 0), "nothing is given up");
    shelf.closed.store(false, Ordering::Relaxed);
    house.run_until(|link| link.seen("15550001").len() == 500).await;
    assert_eq!(house.link.seen("15550001"), (0..500).map(chunk).collect::<Vec<_>>());
    assert_eq!(house.dropped("lagged"), 0);
}

#[tokio::test]
async fn what_the_log_has_lost_is_told_and_counted() {
    let shelf = Arc::new(Shelf::default());
    let mut house = House::durable(&shelf, LOG_OCTETS).await;
    house.activate("15550001").await;
    assert!(house.feed(&[&chunk(0)]));
    let first = house.take(1).await;
    for number in 1..2000 {
        press(&house, &chunk(number)).await;
    }
    house.journal.flush().await;
    shelf.forget_before(1500);
    house.link.accept(&first[0]);
    house.run_until(|link| link.seen("15550001").last() == Some(&chunk(1999))).await;
    let seen = house.link.seen("15550001");
    let lost = 2000 - seen.len() as u64;
    assert_eq!(house.dropped("lagged"), lost);
    assert_eq!(seen[seen.len() - 500..], (1500..2000).map(chunk).collect::<Vec<_>>());
    assert!(house.link.bodies("15550001").iter().any(|body| body.starts_with(&format!(":gap {lost}\n"))));
}

#[tokio::test]
async fn a_store_that_takes_nothing_stops_intake_and_sending_until_it_does() {
    let shelf = Arc::new(Shelf::default());
    let mut house = House::durable(&shelf, LOG_OCTETS).await;
    house.activate("15550001").await;
    shelf.full.store(true, Ordering::Relaxed);
    let mut fed = 0;
    while house.feed(&[&chunk(fed)]) {
        fed += 1;
        house.link.run();
        settle().await;
        assert!(fed < 1000, "intake is not stopped");
    }
    until(|| house.journal.is_failing()).await;
    let refused = house.try_activate(activation("15550002")).await.unwrap_err();
    assert_eq!(refused, ActivateError::Store);
    let refused = house.publish(feed("news"), events(&["x"]), "").await.unwrap_err();
    assert_eq!(refused, PublishError::UnknownSource);
    let seen = house.link.seen("15550001").len();
    assert!(seen <= crate::house::MAX_UNSAVED as usize + 1, "{seen} were sent");
    shelf.full.store(false, Ordering::Relaxed);
    house.run_until(|link| link.seen("15550001").len() == fed).await;
    until(|| !house.journal.is_failing()).await;
    press(&house, "more").await;
}

#[tokio::test]
async fn a_publication_is_taken_when_it_is_durable_and_known_for_ever() {
    let shelf = Arc::new(Shelf::default());
    let house = House::durable(&shelf, LOG_OCTETS).await;
    let activation = Activation { source: feed("news"), ..activation("15550001") };
    house.try_activate(activation).await.unwrap();
    let before = shelf.commits.load(Ordering::Relaxed);
    let taken = house.publish(feed("news"), events(&["a", "b"]), "one").await.unwrap();
    assert!(shelf.commits.load(Ordering::Relaxed) > before, "it is durable");
    assert!(!taken.repeated);
    let mut house = house.crash(&shelf).await;
    let again = house.publish(feed("news"), events(&["a", "b"]), "one").await.unwrap();
    assert!(again.repeated && again.first == taken.first);
    house.run_until(|link| link.seen("15550001").len() == 2).await;
    assert_eq!(house.link.seen("15550001"), ["a", "b"]);
}

#[tokio::test]
async fn what_was_ended_stays_ended_and_leaves_nothing() {
    let shelf = Arc::new(Shelf::default());
    let mut house = House::durable(&shelf, LOG_OCTETS).await;
    let view = house.activate("15550001").await;
    assert!(house.feed(&["1"]));
    house.run_until(|link| link.seen("15550001").len() == 1).await;
    let news = Activation { source: feed("news"), ..activation("15550002") };
    let other = house.try_activate(news).await.unwrap().view;
    house.publish(feed("news"), events(&["a"]), "one").await.unwrap();
    house.run_until(|link| link.seen("15550002").len() == 1).await;
    house.journal.flush().await;
    assert_eq!(shelf.count(Table::Publications), 1);
    // What changed just before must not bring it back.
    house.publish(feed("news"), events(&["b"]), "two").await.unwrap();
    house.deactivate(view.id).await.unwrap();
    house.deactivate(other.id).await.unwrap();
    house.journal.flush().await;
    for table in [Table::Sources, Table::Publications] {
        assert_eq!(shelf.count(table), 0, "{table:?}");
    }
    let house = house.crash(&shelf).await;
    house.journal.flush().await;
    assert!(house.list(None, 10).await.is_empty());
    for table in [Table::Subscriptions, Table::Progress, Table::Terms, Table::Sources, Table::Publications] {
        assert_eq!(shelf.count(table), 0, "{table:?}");
    }
}

#[tokio::test]
async fn an_upstream_that_cannot_be_resumed_begins_an_epoch() {
    let shelf = Arc::new(Shelf::default());
    let house = House::durable(&shelf, LOG_OCTETS).await;
    house.activate("15550001").await;
    let upstream = house.upstreams.last();
    upstream.facts.send(UpstreamFact::Opened { resumed: None });
    settle().await;
    assert_eq!(house.count("bellwire_gaps_total "), 0, "the first time nothing is missing");
    upstream
        .facts
        .send(UpstreamFact::Opened { resumed: Some(Resume { id: Bytes::from_static(b"1"), from: 0, after: 0 }) });
    upstream.facts.send(UpstreamFact::Opened { resumed: None });
    settle().await;
    assert_eq!(house.count("bellwire_gaps_total "), 1);
}

#[tokio::test]
async fn a_link_that_dies_with_the_process_leaves_its_answers_unknown_once() {
    let shelf = Arc::new(Shelf::default());
    let mut house = House::durable(&shelf, LOG_OCTETS).await;
    house.activate("15550001").await;
    assert!(house.feed(&["1"]));
    let sent = house.take(1).await;
    house.link.answer(&sent[0], Answer::Unknown { resend: true });
    house.journal.flush().await;
    let mut house = house.crash(&shelf).await;
    house.run_until(|link| link.seen("15550001") == ["1"]).await;
    assert_eq!(house.settled("accepted"), 1);
}

#[tokio::test]
async fn events_that_are_to_be_durable_first_are_not_sent_before() {
    let shelf = Arc::new(Shelf::default());
    let mut house = House::careful(&shelf, LOG_OCTETS).await;
    house.activate("15550001").await;
    shelf.full.store(true, Ordering::Relaxed);
    assert!(house.feed(&["1"]));
    until(|| house.journal.is_failing()).await;
    house.link.run();
    assert_eq!(house.link.written, 0, "it is not durable");
    shelf.full.store(false, Ordering::Relaxed);
    house.run_until(|link| link.seen("15550001") == ["1"]).await;
    assert!(house.feed(&["2"]));
    house.run_until(|link| link.seen("15550001") == ["1", "2"]).await;
}

#[tokio::test]
async fn one_of_a_thousand_held_for_an_hour_holds_nobody() {
    const MINUTES: usize = 60;
    let shelf = Arc::new(Shelf::default());
    let mut house = House::durable(&shelf, LOG_OCTETS).await;
    let held = house.activate("15550000").await;
    for number in 1..1000 {
        house.activate(&format!("1555{number:04}")).await;
    }
    let long = |minute: usize| format!("{minute:0>150}");
    assert!(house.feed(&[&long(0)]));
    let (never, others): (Vec<_>, Vec<_>) =
        house.take(1000).await.into_iter().partition(|one| one.number == "15550000");
    others.iter().for_each(|one| house.link.accept(one));
    for minute in 1..MINUTES {
        house.hands.advance(Duration::from_secs(60));
        press(&house, &long(minute)).await;
        let seen = |link: &crate::link::FakeLink, number| link.seen(number).len() > minute;
        house.run_until(|link| seen(link, "15550001") && seen(link, "15550999")).await;
    }
    house.journal.flush().await;
    let view = house.get(held.id).await.unwrap();
    assert!((view.pending as usize) < MINUTES / 2, "{} wait in memory", view.pending);
    assert_eq!(house.dropped("lagged"), 0);
    assert!(house.upstreams.last().resume.get().after as usize >= MINUTES - 1, "the position moves on");
    never.iter().for_each(|one| house.link.accept(one));
    house.run_until(|link| link.seen("15550000").len() == MINUTES).await;
    assert_eq!(house.link.seen("15550000"), (0..MINUTES).map(long).collect::<Vec<_>>());
    assert_eq!(house.settled("accepted"), 1000 * MINUTES as u64);
}

#[tokio::test]
async fn a_wall_clock_that_is_set_neither_loses_nor_repeats_anything() {
    for unix_ms in [0, 1_790_000_000_000 - 86_400_000, 1_790_000_000_000 + 86_400_000] {
        let shelf = Arc::new(Shelf::default());
        let mut house = House::durable(&shelf, LOG_OCTETS).await;
        house.activate("15550001").await;
        assert!(house.feed(&["1"]));
        let sent = house.take(1).await;
        house.journal.flush().await;
        house.hands.set_wall(unix_ms);
        let mut house = house.crash(&shelf).await;
        house.run_until(|link| link.seen("15550001") == ["1"]).await;
        until(|| house.upstreams.count() == 1).await;
        assert!(house.feed(&["2"]));
        house.run_until(|link| link.seen("15550001").len() == 2).await;
        house.journal.flush().await;
        assert_eq!((house.settled("accepted"), house.count("bellwire_resent_total ")), (2, sent.len() as u64));
    }
}
