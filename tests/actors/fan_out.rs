//! One upstream for however many subscriptions, and every event for each of them.

use crate::house::{House, activation, settle, source};
use bellwire::actors::router::Activation;

fn number(index: usize) -> String {
    format!("1555{index:07}")
}

#[tokio::test]
async fn a_thousand_subscriptions_share_one_upstream_and_each_has_every_event_in_order() {
    let mut house = House::new().await;
    for index in 0..1000 {
        house.activate(&number(index)).await;
    }
    assert_eq!(house.upstreams.count(), 1);
    assert!(house.feed(&["1"]));
    let first = house.take(1000).await;
    assert!(house.feed(&["2", "3"]) && house.feed(&["4"]));
    settle().await;
    assert!(house.link.take().is_empty(), "strict: one push awaits its answer");
    first.iter().for_each(|one| house.link.accept(one));
    house.run_until(|link| (0..1000).all(|index| link.seen(&number(index)).len() == 4)).await;
    for index in 0..1000 {
        assert_eq!(house.link.seen(&number(index)), ["1", "2", "3", "4"]);
    }
    assert_eq!(house.link.written, 2000, "what came while a push was outstanding shares the next one");
    assert_eq!(house.settled("accepted"), 4000);
    assert_eq!(house.admission.available(), 64 << 20, "every credit is back");
}

#[tokio::test]
async fn each_source_has_its_own_upstream_and_its_own_subscriptions() {
    let mut house = House::new().await;
    house.activate("15550001").await;
    let other = Activation { source: source("http://example.com/other"), ..activation("15550002") };
    house.try_activate(other).await.unwrap();
    assert_eq!(house.upstreams.count(), 2);
    assert_eq!(house.upstreams.get(1).source, source("http://example.com/other"));
    let now = house.now();
    assert!(house.upstreams.get(0).feed(now, &["a"]) && house.upstreams.get(1).feed(now, &["b"]));
    house.run_until(|link| link.written == 2).await;
    assert_eq!((house.link.seen("15550001"), house.link.seen("15550002")), (vec!["a".into()], vec!["b".into()]));
}

#[tokio::test]
async fn a_handset_with_two_sources_has_one_push_outstanding() {
    let mut house = House::new().await;
    house.activate("15550001").await;
    let other = Activation { source: source("http://example.com/other"), ..activation("15550001") };
    house.try_activate(other).await.unwrap();
    let now = house.now();
    assert!(house.upstreams.get(0).feed(now, &["a"]) && house.upstreams.get(1).feed(now, &["b"]));
    let first = house.take(1).await;
    settle().await;
    assert!(house.link.take().is_empty());
    house.link.accept(&first[0]);
    house.run_until(|link| link.seen("15550001").len() == 2).await;
}

#[tokio::test]
async fn each_number_is_reached_by_the_smsc_that_has_its_prefix() {
    let mut house = House::new().await;
    let (one, other) = (house.activate("15550001").await, house.activate("4420000001").await);
    assert_eq!((one.smsc.as_str(), other.smsc.as_str()), ("main", "other"));
    assert!(house.feed(&["1"]));
    settle().await;
    house.link.run();
    house.other.run();
    assert_eq!((house.link.written, house.other.written), (1, 1));
    assert_eq!(house.other.seen("4420000001"), ["1"]);
}
