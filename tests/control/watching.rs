//! `WatchSubscriptions`.

use crate::house::{House, fields, url, within};
use bellwire::control::proto::watch_subscriptions_response::Change;
use bellwire::control::proto::{
    ActivateRequest, DeactivateRequest, WatchSubscriptionsRequest, WatchSubscriptionsResponse,
};
use tonic::{Code, Status, Streaming};

async fn watch(house: &House, include_current: bool) -> Streaming<WatchSubscriptionsResponse> {
    let request = WatchSubscriptionsRequest { tenant: String::new(), include_current };
    house.control().watch_subscriptions(request).await.unwrap().into_inner()
}

async fn next(changes: &mut Streaming<WatchSubscriptionsResponse>) -> Result<(Change, String), Status> {
    let response = within(changes.message()).await?.unwrap();
    Ok((response.change(), response.subscription.unwrap().id))
}

#[tokio::test]
async fn a_watcher_sees_what_happens_after_it_began() {
    let house = House::open().await;
    house.activate("prices", "15551234500").await;
    let mut changes = watch(&house, false).await;
    let id = house.activate("prices", "15551234501").await.id;
    let (change, changed) = next(&mut changes).await.unwrap();
    let (change, changed) = match change {
        // The status of the first one, whose source may just have opened.
        Change::Status => next(&mut changes).await.unwrap(),
        _ => (change, changed),
    };
    assert_eq!((change, &changed), (Change::Activated, &id));
    house.control().deactivate(DeactivateRequest { tenant: String::new(), id: id.clone() }).await.unwrap();
    while next(&mut changes).await.unwrap() != (Change::Deactivated, id.clone()) {}
}

#[tokio::test]
async fn a_watcher_may_begin_with_what_there_is() {
    let house = House::open().await;
    let mut expected = vec![house.activate("a", "15551234500").await.id, house.activate("b", "15551234501").await.id];
    expected.sort();
    let mut changes = watch(&house, true).await;
    for id in expected {
        assert_eq!(next(&mut changes).await.unwrap(), (Change::Current, id));
    }
}

#[tokio::test]
async fn other_tenants_are_not_watched_and_a_wrong_one_is_named() {
    let house = House::open().await;
    let request = WatchSubscriptionsRequest { tenant: "acme".to_owned(), include_current: true };
    let mut changes = house.control().watch_subscriptions(request).await.unwrap().into_inner();
    house.activate("prices", "15551234500").await;
    let mut house = house;
    house.begin_stop();
    assert_eq!(next(&mut changes).await.unwrap_err().code(), Code::Unavailable);
    house.ended().await;
    let house = House::open().await;
    let request = WatchSubscriptionsRequest { tenant: "?".to_owned(), include_current: true };
    let error = house.control().watch_subscriptions(request).await.unwrap_err();
    assert_eq!(fields(&error), ["tenant"]);
}

#[tokio::test]
async fn a_watcher_too_far_behind_is_told_to_start_over() {
    let house = House::open().await;
    let mut changes = watch(&house, false).await;
    // More than the connection takes without anybody reading (2 MiB) and the router keeps (1024 changes).
    let source = url(&format!("http://example.com/{}", "x".repeat(2000)));
    let request = ActivateRequest { to: "15551234500".to_owned(), source, ..ActivateRequest::default() };
    for _ in 0..1500 {
        let response = house.control().activate(request.clone()).await.unwrap().into_inner();
        let id = response.subscription.unwrap().id;
        house.control().deactivate(DeactivateRequest { tenant: String::new(), id }).await.unwrap();
    }
    let error = loop {
        if let Err(error) = next(&mut changes).await {
            break error;
        }
    };
    assert_eq!(error.code(), Code::DataLoss);
    assert!(error.message().contains("start over"), "{}", error.message());
}
