//! Activating, showing, following and deactivating subscriptions.

use crate::house::{House, activation, policy, settle, source, until};
use crate::shelf::Shelf;
use bellwire::actors::router::{ActivateError, Activation, Change, Load, RouterMessage, Status};
use bellwire::actors::upstream::{Cause, Outage, UpstreamFact};
use bellwire::codec::{udh, wsp};
use bellwire::model::{ApplicationId, HandsetId, Order, Policy, StreamKey, SubscriptionId, TenantId};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::broadcast::error::TryRecvError;

#[tokio::test]
async fn activating_twice_is_activating_once() {
    let mut house = House::new().await;
    let first = house.try_activate(activation("15550001")).await.unwrap();
    let second = house.try_activate(activation("15550001")).await.unwrap();
    assert!(first.created && !second.created);
    assert_eq!(first.view.id, second.view.id);
    assert!(house.feed(&["1"]));
    house.run_until(|link| !link.seen("15550001").is_empty()).await;
    settle().await;
    house.link.run();
    assert_eq!(house.link.seen("15550001"), ["1"]);
    assert_eq!(house.list(None, 10).await.len(), 1);
}

#[tokio::test]
async fn activating_again_changes_the_policy_of_what_comes() {
    let mut house = House::new().await;
    house.activate("15550001").await;
    let changed = Policy { order: Order::Pipelined, max_events: 1, ..policy() };
    let renewed = house.try_activate(Activation { policy: changed.clone(), ..activation("15550001") }).await.unwrap();
    assert_eq!((renewed.created, renewed.view.policy), (false, changed));
    assert!(house.feed(&["1", "2", "3"]));
    assert_eq!(house.take(3).await.len(), 3, "one event each, none awaited");
}

#[tokio::test]
async fn a_named_handset_keeps_its_number_while_it_has_subscriptions() {
    let house = House::new().await;
    let named = |number: &str| Activation {
        handset: Some(HandsetId::from_name(&TenantId::default(), "phone")),
        ..activation(number)
    };
    let view = house.try_activate(named("15550001")).await.unwrap().view;
    assert_eq!(house.try_activate(named("15550002")).await, Err(ActivateError::OtherNumber));
    let application = Some(ApplicationId::Code(7));
    let other = Activation { application, ..named("15550002") };
    assert_eq!(house.try_activate(other.clone()).await, Err(ActivateError::OtherNumber));
    house.deactivate(view.id).await.unwrap();
    assert_eq!(house.try_activate(other).await.unwrap().view.number, "15550002".parse().unwrap());
}

#[tokio::test]
async fn a_number_that_nobody_reaches_leaves_nothing_behind() {
    let house = House::new().await;
    assert_eq!(house.try_activate(activation("99900001")).await, Err(ActivateError::NoRoute));
    assert_eq!(house.upstreams.count(), 0);
    assert!(house.list(None, 10).await.is_empty());
}

#[tokio::test]
async fn an_activation_that_fails_half_way_leaves_nothing_behind() {
    let house = House::new().await;
    house.upstreams.fails.store(true, Ordering::Relaxed);
    let named = |number: &str| Activation {
        handset: Some(HandsetId::from_name(&TenantId::default(), "phone")),
        ..activation(number)
    };
    let refused = house.try_activate(named("15550001")).await;
    assert!(matches!(refused, Err(ActivateError::Unencodable(_))), "{refused:?}");
    assert!(house.try_activate(named("15550002")).await.unwrap().created, "the number was not kept");
    assert_eq!(house.upstreams.count(), 1);
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let house = House::new().await;
    let id: SubscriptionId = "00000000000000000000000000000000".parse().unwrap();
    assert_eq!(house.get(id).await, None);
    assert_eq!(house.deactivate(id).await, None);
    let view = house.activate("15550001").await;
    assert!(house.deactivate(view.id).await.is_some());
    assert_eq!(house.deactivate(view.id).await, None, "only once");
}

#[tokio::test]
async fn a_tenant_sees_its_own_and_nobody_elses() {
    let house = House::new().await;
    let view = house.activate("15550001").await;
    let stranger: TenantId = TenantId::new("stranger").unwrap();
    assert_eq!(house.ask(|reply| RouterMessage::Get(stranger.clone(), view.id, reply)).await, None);
    assert_eq!(house.ask(|reply| RouterMessage::Deactivate(stranger, view.id, reply)).await, None);
    assert!(house.get(view.id).await.is_some());
}

#[tokio::test]
async fn pages_follow_each_other_in_the_order_of_ids_without_holes_or_repeats() {
    let house = House::new().await;
    let mut all = Vec::new();
    for index in 0..25 {
        all.push(house.activate(&format!("155500{index:02}")).await.id);
    }
    all.sort();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = house.list(after, 10).await;
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 10);
        after = Some(last.id);
        seen.extend(page.iter().map(|view| view.id));
    }
    assert_eq!(seen, all);
}

#[tokio::test]
async fn whoever_watches_is_told_of_every_change_from_then_on() {
    let house = House::new().await;
    house.activate("15550001").await;
    let mut changes = house.ask(RouterMessage::Watch).await;
    settle().await;
    let told = changes.try_recv();
    assert!(matches!(&told, Err(TryRecvError::Empty)), "{told:?}");

    let second = house.activate("15550002").await;
    assert!(matches!(changes.recv().await.unwrap(), Change::Activated(view) if view.id == second.id));
    house.upstreams.last().facts.send(UpstreamFact::Opened { resumed: None });
    for _ in 0..2 {
        let change = changes.recv().await.unwrap();
        assert!(matches!(&change, Change::Status(view) if view.status == Status::Active), "{change:?}");
    }
    let outage = Outage::new(Cause::Connection, "connection reset");
    let retry_in = Duration::from_secs(3);
    house.upstreams.last().facts.send(UpstreamFact::Lost { outage, retry_in });
    for _ in 0..2 {
        let Change::Status(view) = changes.recv().await.unwrap() else { panic!("not a status") };
        assert_eq!(view.status, Status::Waiting(Outage::new(Cause::Connection, "connection reset; again in 3.0s")));
    }
    house.deactivate(second.id).await.unwrap();
    assert!(matches!(changes.recv().await.unwrap(), Change::Deactivated(view) if view.id == second.id));
}

#[tokio::test]
async fn the_upstream_closes_with_the_last_subscription_and_opens_anew_with_the_next() {
    let mut house = House::new().await;
    let (first, second) = (house.activate("15550001").await, house.activate("15550002").await);
    let upstream = house.upstreams.last();
    house.deactivate(first.id).await.unwrap();
    settle().await;
    assert!(!upstream.is_closed());
    assert!(house.feed(&["1"]));
    house.run_until(|link| link.seen("15550002") == ["1"]).await;
    assert!(house.link.seen("15550001").is_empty());
    house.deactivate(second.id).await.unwrap();
    until(|| upstream.is_closed()).await;
    house.activate("15550001").await;
    assert_eq!(house.upstreams.count(), 2);
}

#[tokio::test]
async fn what_waits_when_a_subscription_ends_is_dropped_and_what_was_sent_is_still_heard() {
    let mut house = House::new().await;
    let view = house.activate("15550001").await;
    assert!(house.feed(&["1"]));
    let sent = house.take(1).await;
    assert!(house.feed(&["2", "3"]));
    settle().await;
    house.deactivate(view.id).await.unwrap();
    settle().await;
    assert_eq!(house.dropped("deactivated"), 2);
    house.link.accept(&sent[0]);
    assert_eq!(house.settled("accepted"), 1);
    assert_eq!(house.admission.available(), 64 << 20);
    let lane = Arc::clone(&house.link.lane);
    assert!(house.link.take().is_empty() && lane.is_empty());
}

#[tokio::test]
async fn a_handset_that_leaves_with_a_push_outstanding_has_it_answered_before_it_begins_anew() {
    let mut house = House::new().await;
    let view = house.activate("15550001").await;
    assert!(house.feed(&["1"]));
    let sent = house.take(1).await;
    house.deactivate(view.id).await.unwrap();
    settle().await;
    let unanswered = Load { pending: 0, outstanding: 1 };
    assert_eq!(house.load().await, unanswered);
    house.activate("15550001").await;
    assert!(house.feed(&["2"]));
    settle().await;
    assert!(house.link.take().is_empty(), "strict, whichever subscription it was");
    house.link.accept(&sent[0]);
    house.run_until(|link| link.seen("15550001") == ["1", "2"]).await;
    assert_eq!(house.load().await, Load::default());
}

#[tokio::test]
async fn what_a_handset_left_behind_is_counted_in_the_end() {
    let mut house = House::new().await;
    let view = house.activate("15550001").await;
    assert!(house.feed(&["1"]));
    house.take(1).await;
    house.deactivate(view.id).await.unwrap();
    settle().await;
    assert_eq!(house.ask(RouterMessage::Abandon).await, Load { pending: 0, outstanding: 1 });
    assert_eq!(house.settled("unknown"), 1);
}

#[tokio::test]
async fn a_subscription_has_the_lowest_key_that_is_free_and_keeps_it() {
    let shelf = Arc::new(Shelf::default());
    let house = House::durable(&shelf, 16 * 1024).await;
    let asked = |n: u32| Activation { application: Some(ApplicationId::Code(n)), ..activation("15550001") };
    let mut ids = Vec::new();
    for n in 0..4 {
        let view = house.try_activate(asked(n)).await.unwrap().view;
        assert_eq!(view.stream, StreamKey(n as u16));
        ids.push(view.id);
    }
    assert_eq!(house.activate("15550002").await.stream, StreamKey(0), "keys are the handset's own");
    house.deactivate(ids[0]).await.unwrap();
    house.deactivate(ids[2]).await.unwrap();
    assert_eq!(house.try_activate(asked(3)).await.unwrap().view.stream, StreamKey(3), "it was active");
    house.journal.flush().await;
    let house = house.crash(&shelf).await;
    assert_eq!(house.get(ids[1]).await.unwrap().stream, StreamKey(1));
    for (n, key) in [(9, 0), (8, 2), (7, 4)] {
        assert_eq!(house.try_activate(asked(n)).await.unwrap().view.stream, StreamKey(key));
    }
}

#[tokio::test]
async fn a_push_of_a_second_subscription_says_what_it_is_about() {
    let mut house = House::new().await;
    house.activate("15550001").await;
    let second = source("http://example.com/other?q=1");
    house.try_activate(Activation { source: second, ..activation("15550001") }).await.unwrap();
    for at in 0..2 {
        assert!(house.upstreams.get(at).feed(house.now(), &["1"]));
        let sent = house.take(1).await.remove(0);
        let (_, push) = udh::decode(&sent.short_message).unwrap();
        let uri = [None, Some("http://example.com/other?q=1")][at];
        assert_eq!(wsp::decode(push).unwrap().content_uri(), uri);
        house.link.accept(&sent);
    }
    let long = source(&format!("http://example.com/{}", "a".repeat(400)));
    let asked = |number| Activation { source: long.clone(), ..activation(number) };
    let refused = house.try_activate(asked("15550001")).await.unwrap_err();
    let why = "the headers of its pushes take 464 octets, and max_segments hold 384: an event needs 32";
    assert_eq!(refused, ActivateError::Unencodable(why.to_owned()));
    assert_eq!(house.upstreams.count(), 2);
    assert!(house.try_activate(asked("15550002")).await.unwrap().created, "as a first one it has no need of it");
}
