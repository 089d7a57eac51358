//! The end of a router: nothing new comes in, what is in the house goes out, what is left is counted.

use crate::house::{House, activation, feed, settle, until};
use crate::upstreams::events;
use bellwire::actors::handset::HandsetCell;
use bellwire::actors::router::{ActivateError, Activation, Load, RouterMessage};
use bellwire::actors::source::PublishError;

#[tokio::test]
async fn a_stopped_ingress_takes_nothing_new_and_what_is_in_the_house_still_goes_out() {
    let mut house = House::new().await;
    house.activate("15550001").await;
    house.try_activate(Activation { source: feed("news"), ..activation("15550002") }).await.unwrap();
    assert!(house.feed(&["1"]));
    settle().await;
    let upstream = house.upstreams.last();
    house.ask(RouterMessage::StopIngress).await;
    until(|| upstream.is_closed()).await;
    assert_eq!(house.try_activate(activation("15550003")).await, Err(ActivateError::Stopping));
    assert_eq!(house.publish(feed("news"), events(&["x"]), "").await, Err(PublishError::UnknownSource));
    house.run_until(|link| link.seen("15550001") == ["1"]).await;
    assert_eq!(house.load().await, Load::default());
}

#[tokio::test]
async fn the_load_is_what_waits_and_what_is_unanswered() {
    let mut house = House::new().await;
    house.activate("15550001").await;
    house.activate("15550002").await;
    assert_eq!(house.load().await, Load::default());
    assert!(house.feed(&["1"]));
    let sent = house.take(2).await;
    assert!(house.feed(&["2", "3"]));
    settle().await;
    assert_eq!(house.load().await, Load { pending: 4, outstanding: 2 });
    sent.iter().for_each(|one| house.link.accept(one));
    house.run_until(|link| link.seen("15550002").len() == 3).await;
    assert_eq!(house.load().await, Load::default());
}

#[tokio::test]
async fn what_is_left_in_the_end_is_counted_for_what_it_is() {
    let mut house = House::new().await;
    house.activate("15550001").await;
    assert!(house.feed(&["1"]));
    house.take(1).await;
    assert!(house.feed(&["2", "3"]));
    settle().await;
    let left = house.ask(RouterMessage::Abandon).await;
    assert_eq!(left, Load { pending: 2, outstanding: 1 });
    assert_eq!((house.settled("unknown"), house.dropped("shutdown")), (1, 2));
    assert_eq!(house.load().await, Load::default());
    assert_eq!(house.admission.available(), 64 << 20);
}

#[tokio::test]
async fn a_subscription_that_fails_while_the_house_stops_is_counted_and_not_started_again() {
    let mut house = House::new().await;
    let view = house.activate("15550001").await;
    assert!(house.feed(&["1"]));
    let sent = house.take(1).await;
    assert!(house.feed(&["2", "3"]));
    settle().await;
    house.ask(RouterMessage::StopIngress).await;
    let now = house.now();
    assert!(HandsetCell::serve::<()>(&sent[0].cell, now, |_| panic!("told to fail")).is_none());
    house.router.cast(RouterMessage::Broken(view.handset)).unwrap();
    settle().await;
    house.link.run();
    assert_eq!(house.dropped("quarantined"), 3, "its source cannot give them again");
    assert_eq!(house.load().await, Load::default());
}
