//! Actors and engines that fail, and what is left of them: everything.

use crate::house::{House, activation, feed, policy, settle, until};
use crate::upstreams::events;
use bellwire::actors::handset::HandsetCell;
use bellwire::actors::router::{Activation, Load, RouterMessage, Status};
use bellwire::engine::subscription::Answer;
use bellwire::model::{Order, Policy};
use bytes::Bytes;
use std::time::Duration;

/// Feeds an event that the subscription's actor dies of, and waits until it has.
async fn fail(house: &House, data: &str) {
    house.hands.arm();
    assert!(house.feed(&[data]));
    let hands = std::sync::Arc::clone(&house.hands);
    until(|| !hands.is_armed()).await;
    settle().await;
}

#[tokio::test]
async fn a_subscription_that_fails_starts_again_and_loses_nothing() {
    let mut house = House::new().await;
    let view = house.activate("15550001").await;
    assert!(house.feed(&["1"]));
    house.run_until(|link| link.seen("15550001") == ["1"]).await;
    fail(&house, "2").await;
    assert!(house.feed(&["3"]));
    house.run_until(|link| link.seen("15550001").len() >= 3).await;
    assert_eq!(house.link.seen("15550001"), ["1", "2", "3"]);
    assert_eq!(house.settled("accepted"), 3);
    settle().await;
    let view = house.get(view.id).await.unwrap();
    assert_eq!((view.released, view.pending, view.outstanding), (3, 0, 0));
}

#[tokio::test]
async fn what_it_had_outstanding_goes_once_more_and_a_late_answer_changes_nothing() {
    let mut house = House::new().await;
    house.activate("15550001").await;
    assert!(house.feed(&["1"]));
    let first = house.take(1).await;
    fail(&house, "2").await;
    let again = house.take(1).await;
    house.link.answer(&first[0], Answer::Accepted { message_id: b"late" });
    assert_eq!(house.settled("accepted"), 0, "the old push is gone");
    house.link.accept(&again[0]);
    assert_eq!(house.link.seen("15550001"), ["1", "2"], "both are in the new push");
    assert_eq!(house.settled("accepted"), 2);
    assert_eq!(house.count("bellwire_resent_total "), 1, "a possible repeat is counted");
}

#[tokio::test]
async fn what_has_ended_out_of_turn_does_not_end_again() {
    let mut house = House::new().await;
    let policy = Policy { order: Order::Pipelined, max_events: 1, ..policy() };
    house.try_activate(Activation { policy, ..activation("15550001") }).await.unwrap();
    assert!(house.feed(&["1", "2", "3", "4"]));
    let sent = house.take(4).await;
    house.link.accept(&sent[1]);
    house.link.accept(&sent[3]);
    fail(&house, "5").await;
    house.run_until(|link| link.seen("15550001").len() >= 5).await;
    settle().await;
    house.link.run();
    assert_eq!(house.link.seen("15550001"), ["2", "4", "1", "3", "5"]);
    assert_eq!(house.settled("accepted"), 5);
    assert_eq!(house.load().await, Load::default());
}

#[tokio::test]
async fn others_are_not_harmed() {
    let mut house = House::new().await;
    let numbers: Vec<String> = (0..10).map(|index| format!("1555000{index}")).collect();
    for number in &numbers {
        house.activate(number).await;
    }
    fail(&house, "1").await;
    assert!(house.feed(&["2"]));
    house.run_until(|link| numbers.iter().all(|number| link.seen(number).len() == 2)).await;
    for number in &numbers {
        assert_eq!(house.link.seen(number), ["1", "2"]);
    }
    assert_eq!(house.settled("accepted"), 20);
}

#[tokio::test]
async fn one_that_fails_before_it_was_let_in_starts_where_it_was_let_in() {
    let mut house = House::new().await;
    house.activate("15550001").await;
    assert!(house.feed(&["before"]) && house.feed(&["missed"]));
    house.run_until(|link| link.seen("15550001") == ["before", "missed"]).await;
    house.hands.arm_in(3); // the router reads the clock twice, and then the actor on its first message
    let last_event_id = Bytes::from_static(b"before");
    house.try_activate(Activation { last_event_id, ..activation("15550002") }).await.unwrap();
    settle().await;
    assert!(!house.hands.is_armed());
    assert!(house.feed(&["after"]));
    house.run_until(|link| link.seen("15550002").last().is_some_and(|last| last == "after")).await;
    assert_eq!(house.link.seen("15550002"), ["missed", "after"]);
}

#[tokio::test]
async fn three_failures_within_a_minute_are_the_end_and_every_event_is_counted() {
    let mut house = House::new().await;
    let view = house.activate("15550001").await;
    let mut changes = house.ask(RouterMessage::Watch).await;
    for data in ["1", "2", "3"] {
        fail(&house, data).await;
    }
    let quarantined = house.get(view.id).await.unwrap();
    assert!(matches!(&quarantined.status, Status::Quarantined(reason) if reason.contains("told to fail")));
    assert!(changes.recv().await.is_ok());
    house.link.run();
    let all = house.settled("accepted") + house.dropped("quarantined");
    assert_eq!(all, 3);
    assert_eq!(house.dropped("quarantined"), 3 - house.link.seen("15550001").len() as u64);
    let upstream = house.upstreams.last();
    until(|| upstream.is_closed()).await;

    assert!(house.try_activate(activation("15550001")).await.unwrap().created, "activating gives it another chance");
    assert!(house.feed(&["4"]));
    house.run_until(|link| link.seen("15550001").last().is_some_and(|last| last == "4")).await;
    assert_eq!(house.get(view.id).await.unwrap().status, Status::Connecting);
}

#[tokio::test]
async fn failures_that_are_minutes_apart_are_forgiven() {
    let mut house = House::new().await;
    let view = house.activate("15550001").await;
    for data in ["1", "2", "3", "4", "5"] {
        fail(&house, data).await;
        house.hands.advance(Duration::from_secs(31));
    }
    house.run_until(|link| link.seen("15550001").len() == 5).await;
    assert_eq!(house.link.seen("15550001"), ["1", "2", "3", "4", "5"]);
    assert!(!matches!(house.get(view.id).await.unwrap().status, Status::Quarantined(_)));
}

#[tokio::test]
async fn a_source_that_fails_starts_again_and_its_subscriptions_see_a_gap_and_no_number_twice() {
    let mut house = House::new().await;
    let to_feed = Activation { source: feed("news"), ..activation("15550001") };
    let view = house.try_activate(to_feed).await.unwrap().view;
    house.publish(feed("news"), events(&["1", "2"]), "").await.unwrap();
    house.run_until(|link| link.seen("15550001").len() == 2).await;
    house.hands.arm(); // a publication is dated by the source
    let publication = bellwire::actors::router::Publication {
        source: feed("news"),
        events: events(&["lost", "lost too"]),
        publish_id: String::new(),
        watch: std::sync::Arc::new(|_, _| {}),
    };
    let answer = ractor::call!(house.router, |reply| RouterMessage::Publish(Box::new(publication), reply));
    assert!(answer.is_err(), "its publisher learns that it failed");
    settle().await;
    let taken = house.publish(feed("news"), events(&["3"]), "").await.unwrap();
    assert_eq!(taken.first, 4, "numbers go on behind those that may have been given");
    house.run_until(|link| link.seen("15550001").len() == 3).await;
    assert_eq!(house.link.seen("15550001"), ["1", "2", "3"]);
    assert!(house.link.bodies("15550001")[1].starts_with(":gap 2\n"));
    assert_eq!((house.settled("accepted"), house.dropped("lagged")), (3, 2));
    assert_eq!(house.get(view.id).await.unwrap().released, 5);
}

#[tokio::test]
async fn an_engine_that_fails_under_its_link_is_replaced_with_all_its_subscriptions() {
    let mut house = House::new().await;
    house.activate("15550001").await;
    let news = Activation { source: feed("news"), ..activation("15550001") };
    house.try_activate(news).await.unwrap();
    house.activate("15550002").await;
    assert!(house.feed(&["1"]));
    house.publish(feed("news"), events(&["a"]), "").await.unwrap();
    let sent = house.take(2).await;
    let mine = sent.iter().find(|one| one.number == "15550001").unwrap().clone();
    let other = sent.iter().find(|one| one.number == "15550002").unwrap();
    house.link.accept(other);

    let now = house.now();
    assert!(HandsetCell::serve::<()>(&mine.cell, now, |_| panic!("told to fail")).is_none());
    assert!(mine.cell.is_broken());
    house.link.answer(&mine, Answer::Accepted { message_id: b"late" });
    house.link.answer(&mine, Answer::Accepted { message_id: b"later" });
    house.run_until(|link| link.seen("15550001").len() == 2).await;
    let mut seen = house.link.seen("15550001");
    seen.sort();
    assert_eq!(seen, ["1", "a"]);
    assert_eq!(house.settled("accepted"), 3);

    house.link.answer(&mine, Answer::Accepted { message_id: b"much later" });
    settle().await;
    assert!(house.feed(&["2"]));
    house.run_until(|link| link.seen("15550001").len() == 3 && link.seen("15550002").len() == 2).await;
    assert_eq!(house.settled("accepted"), 5);
}

#[tokio::test]
async fn an_engine_that_fails_three_times_takes_its_subscriptions_out_of_service_and_counts_their_events() {
    let mut house = House::new().await;
    let view = house.activate("15550001").await;
    assert!(house.feed(&["1"]));
    for _ in 0..3 {
        let sent = house.take(1).await;
        let now = house.now();
        assert!(HandsetCell::serve::<()>(&sent[0].cell, now, |_| panic!("told to fail")).is_none());
        house.router.cast(RouterMessage::Broken(view.handset)).unwrap();
        settle().await;
    }
    assert!(matches!(house.get(view.id).await.unwrap().status, Status::Quarantined(_)));
    assert_eq!(house.dropped("quarantined"), 1);
    house.activate("15550001").await;
    assert!(house.feed(&["2"]));
    house.run_until(|link| link.seen("15550001") == ["2"]).await;
}
