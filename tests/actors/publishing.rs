//! Events from publishers, and streams that are taken up again.

use crate::house::{House, activation, feed, source, until};
use crate::upstreams::events;
use bellwire::actors::router::{Activation, Status};
use bellwire::actors::source::{PublishError, Taken};
use bellwire::actors::upstream::{Cause, Outage, UpstreamFact};
use bytes::Bytes;

fn to_feed(number: &str) -> Activation {
    Activation { source: feed("news"), ..activation(number) }
}

#[tokio::test]
async fn a_feed_needs_no_upstream_and_is_active_at_once() {
    let house = House::new().await;
    let view = house.try_activate(to_feed("15550001")).await.unwrap().view;
    assert_eq!(house.upstreams.count(), 0);
    let status = house.get(view.id).await.unwrap().status;
    assert_eq!(status, Status::Active);
}

#[tokio::test]
async fn a_publication_is_taken_once_however_often_it_is_sent() {
    let mut house = House::new().await;
    for number in ["15550001", "15550002"] {
        house.try_activate(to_feed(number)).await.unwrap();
    }
    let taken = house.publish(feed("news"), events(&["1", "2"]), "first").await;
    assert_eq!(taken, Ok(Taken { first: 0, subscriptions: 2, repeated: false }));
    let taken = house.publish(feed("news"), events(&["1", "2"]), "first").await;
    assert_eq!(taken, Ok(Taken { first: 0, subscriptions: 2, repeated: true }));
    let taken = house.publish(feed("news"), events(&["3"]), "").await;
    assert_eq!(taken, Ok(Taken { first: 2, subscriptions: 2, repeated: false }));
    let taken = house.publish(feed("news"), events(&["3"]), "").await;
    assert_eq!(taken, Ok(Taken { first: 3, subscriptions: 2, repeated: false }), "without a name nothing is a repeat");
    house.run_until(|link| link.seen("15550002").len() == 4).await;
    assert_eq!(house.link.seen("15550001"), ["1", "2", "3", "3"]);
}

#[tokio::test]
async fn a_source_nobody_wants_takes_no_publication() {
    let house = House::new().await;
    assert_eq!(house.publish(feed("news"), events(&["1"]), "").await, Err(PublishError::UnknownSource));
}

#[tokio::test]
async fn a_full_door_refuses_a_publication_until_events_are_released() {
    let mut house = House::with_log(8192).await;
    house.try_activate(to_feed("15550001")).await.unwrap();
    let text = "x".repeat(1000);
    let mut taken = 0;
    let refused = loop {
        match house.publish(feed("news"), events(&[&text]), &taken.to_string()).await {
            Ok(_) => taken += 1,
            Err(error) => break error,
        }
        assert!(taken < 10);
    };
    assert_eq!(refused, PublishError::Full);
    house.run_until(|_| true).await;
    let admission = house.admission.clone();
    house.run_until(|_| admission.available() == 64 << 20).await;
    let again = house.publish(feed("news"), events(&[&text]), &taken.to_string()).await.unwrap();
    assert!(!again.repeated, "what was refused was not taken");
}

#[tokio::test]
async fn a_returning_handset_gets_what_followed_the_event_it_names() {
    let mut house = House::new().await;
    house.activate("15550001").await;
    assert!(house.feed(&["1", "2"]) && house.feed(&["3", "4"]));
    house.run_until(|link| link.seen("15550001").len() == 4).await;
    let last_event_id = Bytes::from_static(b"2");
    house.try_activate(Activation { last_event_id, ..activation("15550002") }).await.unwrap();
    let last_event_id = Bytes::from_static(b"unheard of");
    house.try_activate(Activation { last_event_id, ..activation("15550003") }).await.unwrap();
    assert!(house.feed(&["5"]));
    house.run_until(|link| link.seen("15550002").len() == 3 && link.seen("15550003").len() == 1).await;
    assert_eq!(house.link.seen("15550002"), ["3", "4", "5"]);
    assert_eq!(house.link.seen("15550003"), ["5"]);
}

#[tokio::test]
async fn the_first_subscription_tells_the_origin_where_to_go_on_and_a_new_stream_goes_on_where_the_last_ended() {
    let mut house = House::new().await;
    let last_event_id = Bytes::from_static(b"41");
    house.try_activate(Activation { last_event_id, ..activation("15550001") }).await.unwrap();
    assert_eq!(house.upstreams.last().last_event_id, "41");
    assert!(house.feed(&["42"]));
    house.run_until(|link| link.seen("15550001") == ["42"]).await;

    let outage = Outage::new(Cause::Status(410), "410 Gone");
    house.upstreams.last().facts.send(UpstreamFact::Ended { outage: outage.clone() });
    let view = house.list(None, 10).await.remove(0);
    assert_eq!(view.source, source(crate::house::URL));
    house.run_until(|_| true).await;
    let upstreams = std::sync::Arc::clone(&house.upstreams);
    crate::house::settle().await;
    assert_eq!(house.get(view.id).await.unwrap().status, Status::Ended(outage));

    house.activate("15550001").await;
    until(|| upstreams.count() == 2).await;
    assert_eq!(upstreams.last().last_event_id, "41", "renewing opens it again, and there may be more of 42");
    house.resumed(0);
    assert!(house.feed(&["42", "43"]), "what was had is left out");
    house.run_until(|link| link.seen("15550001") == ["42", "43"]).await;
}
