//! Many activations in one call.

use crate::house::{House, feed, fields, within};
use bellwire::control::proto::import_subscriptions_response::Refusal;
use bellwire::control::proto::{
    ActivateRequest, ImportSubscriptionsRequest, ImportSubscriptionsResponse, ListSubscriptionsRequest,
};
use tokio_stream::StreamExt;
use tonic::{Code, Status};

fn one(to: &str) -> ActivateRequest {
    ActivateRequest { to: to.to_owned(), source: feed("prices"), ..ActivateRequest::default() }
}

fn named(handset: &str, to: &str) -> ActivateRequest {
    ActivateRequest { handset: handset.to_owned(), ..one(to) }
}

fn request(activations: &[ActivateRequest]) -> ImportSubscriptionsRequest {
    ImportSubscriptionsRequest { activations: activations.to_vec(), validate_only: false }
}

fn validation(activations: &[ActivateRequest]) -> ImportSubscriptionsRequest {
    ImportSubscriptionsRequest { validate_only: true, ..request(activations) }
}

async fn import(house: &House, requests: Vec<ImportSubscriptionsRequest>) -> Vec<ImportSubscriptionsResponse> {
    let responses = house.control().import_subscriptions(tokio_stream::iter(requests)).await.unwrap().into_inner();
    within(responses.collect::<Result<Vec<_>, Status>>()).await.unwrap()
}

async fn count(house: &House) -> usize {
    let request = ListSubscriptionsRequest { page_size: 1000, ..ListSubscriptionsRequest::default() };
    house.control().list_subscriptions(request).await.unwrap().into_inner().subscriptions.len()
}

/// Place, code, and the fields to blame.
fn told(refused: &[Refusal]) -> Vec<(u32, Code, String)> {
    let fields = |one: &Refusal| {
        assert!(!one.message.is_empty() && one.violations.iter().all(|wrong| !wrong.description.is_empty()));
        one.violations.iter().map(|wrong| wrong.field.clone()).collect::<Vec<_>>().join(" ")
    };
    refused.iter().map(|one| (one.index, Code::from_i32(one.code), fields(one))).collect()
}

#[tokio::test]
async fn each_request_is_answered_in_its_turn_and_good_ones_are_taken() {
    let house = House::open().await;
    house.activate("prices", "15551230000").await;
    let wrong = ActivateRequest { source: None, ..one("0555") };
    let first = [one("15551230000"), wrong, one("15551230001"), one("445551230000")];
    let second = [named("device", "15551230002"), named("device", "15551230003")];
    let answers = import(&house, vec![request(&first), request(&[]), request(&second)]).await;
    assert_eq!(answers.len(), 3);
    assert_eq!((answers[0].created, answers[0].renewed), (1, 1));
    let refused = [(1, Code::InvalidArgument, "to source".to_owned()), (3, Code::FailedPrecondition, "to".to_owned())];
    assert_eq!(told(&answers[0].refused), refused);
    assert_eq!(answers[1], ImportSubscriptionsResponse::default());
    assert_eq!((answers[2].created, told(&answers[2].refused)[0].0), (1, 1));
    assert_eq!(count(&house).await, 3);
}

#[tokio::test]
async fn what_is_only_validated_has_no_effect() {
    let house = House::open().await;
    house.control().activate(named("device", "15551230000")).await.unwrap();
    let asked =
        [named("device", "15551230000"), one("15551230001"), named("device", "15551239999"), one("445551230000")];
    let other = ActivateRequest { application: Some("0x7".to_owned()), ..named("device", "15551239999") };
    let asked = [&asked[..], &[other]].concat();
    let foreseen = import(&house, vec![validation(&asked)]).await.remove(0);
    assert_eq!((foreseen.created, foreseen.renewed), (1, 1));
    assert_eq!(told(&foreseen.refused).iter().map(|one| one.0).collect::<Vec<_>>(), [2, 3, 4]);
    assert_eq!(count(&house).await, 1);
    assert_eq!(import(&house, vec![request(&asked)]).await, [foreseen], "and then it comes so");
    assert_eq!(count(&house).await, 2);
}

#[tokio::test]
async fn a_thousand_at_a_time_is_the_most() {
    let house = House::open().await;
    let many: Vec<_> = (0..1001).map(|at| one(&(15_551_230_000_u64 + at).to_string())).collect();
    let answers = import(&house, vec![request(&many[..1000])]).await;
    assert_eq!(answers[0].created, 1000);
    let stream = tokio_stream::iter(vec![request(&many[..1]), request(&many)]);
    let mut responses = house.control().import_subscriptions(stream).await.unwrap().into_inner();
    assert_eq!(within(responses.message()).await.unwrap().unwrap().renewed, 1);
    let error = within(responses.message()).await.unwrap_err();
    assert_eq!((error.code(), fields(&error)), (Code::InvalidArgument, vec!["activations".to_owned()]));
    assert_eq!(count(&house).await, 1000);
}

#[tokio::test]
async fn an_import_ends_when_the_server_stops() {
    let mut house = House::open().await;
    let (requests, received) = tokio::sync::mpsc::channel(1);
    let stream = tokio_stream::wrappers::ReceiverStream::new(received);
    let mut responses = house.control().import_subscriptions(stream).await.unwrap().into_inner();
    requests.send(request(&[one("15551230000")])).await.unwrap();
    assert_eq!(within(responses.message()).await.unwrap().unwrap().created, 1);
    house.begin_stop();
    assert_eq!(within(responses.message()).await.unwrap_err().code(), Code::Unavailable);
}

#[tokio::test]
async fn watchers_see_what_is_imported() {
    let house = House::open().await;
    let request_watch = bellwire::control::proto::WatchSubscriptionsRequest::default();
    let mut changes = house.control().watch_subscriptions(request_watch).await.unwrap().into_inner();
    import(&house, vec![request(&[one("15551230000")])]).await;
    let change = within(changes.message()).await.unwrap().unwrap();
    assert_eq!(change.subscription.unwrap().to, "+15551230000");
}
