//! A handset that never answers.

use crate::house::{House, activation, settle};
use bellwire::actors::router::Activation;
use bellwire::model::Policy;

const LOG_OCTETS: usize = 16 * 1024;
/// Octets of data and id.
const EVENT_OCTETS: usize = 2 * 35;

fn chunk(number: usize) -> String {
    format!("{number:0>35}")
}

#[tokio::test]
async fn it_holds_nobody_but_itself_and_is_told_what_it_missed() {
    let mut house = House::with_log(LOG_OCTETS).await;
    let stalled = house.activate("15550001").await;
    house.activate("15550002").await;
    assert!(house.feed(&[&chunk(0)]));
    let first = house.take(2).await;
    let (never, other): (Vec<_>, Vec<_>) = first.into_iter().partition(|one| one.number == "15550001");
    house.link.accept(&other[0]);
    for number in 1..2000 {
        assert!(house.feed(&[&chunk(number)]), "the source is not held at event {number}");
        house.run_until(|link| link.seen("15550002").len() > number).await;
    }
    let expected: Vec<String> = (0..2000).map(chunk).collect();
    assert_eq!(house.link.seen("15550002"), expected);

    let view = house.get(stalled.id).await.unwrap();
    assert_eq!(view.outstanding, 1);
    assert!(view.pending as usize * EVENT_OCTETS <= LOG_OCTETS, "{} events wait", view.pending);
    let lagged = house.dropped("lagged");
    assert_eq!(lagged + view.pending + 1, 2000, "every other event was given up");

    house.link.accept(&never[0]);
    let kept = view.pending as usize + 1; // with the first
    house.run_until(|link| link.seen("15550001").len() == kept).await;
    let told = &house.link.bodies("15550001")[1];
    assert!(told.starts_with(&format!(":gap {lagged}\n")), "{told}");
    assert_eq!(house.link.seen("15550001")[1..], expected[2000 - kept + 1..]);
    assert_eq!(house.settled("accepted") + house.settled("dropped"), 4000);
}

#[tokio::test]
async fn alone_it_holds_its_source_and_nothing_is_lost() {
    let mut house = House::with_log(LOG_OCTETS).await;
    house.activate("15550001").await;
    let mut fed = 0;
    while house.feed(&[&chunk(fed)]) {
        fed += 1;
        settle().await;
        assert!(fed * EVENT_OCTETS < LOG_OCTETS, "the source is never held");
    }
    assert!(house.admission.available() < 64 << 20);
    house.run_until(|link| link.seen("15550001").len() == fed).await;
    assert_eq!(house.link.seen("15550001"), (0..fed).map(chunk).collect::<Vec<_>>());
    assert_eq!(house.dropped("lagged"), 0);
    assert!(house.feed(&["more"]), "the credits are back");
}

#[tokio::test]
async fn without_its_window_a_batch_waits_for_its_time_and_comes_once() {
    let mut house = House::new().await;
    let window = std::time::Duration::from_secs(10);
    let policy = Policy { batch_window: window, ..crate::house::policy() };
    house.try_activate(Activation { policy, ..activation("15550001") }).await.unwrap();
    assert!(house.feed(&["1"]));
    settle().await;
    house.hands.advance(window / 2);
    assert!(house.feed(&["2"]));
    settle().await;
    assert!(house.link.take().is_empty());
    assert_eq!(house.link.lane.poll_timeout(), Some(house.now().monotonic + window / 2));
    house.hands.advance(window / 2);
    house.run_until(|link| link.seen("15550001").len() == 2).await;
    assert_eq!(house.link.written, 1);
    assert_eq!(house.link.lane.poll_timeout(), None, "nobody comes later any more");
}
