//! `Publish`.

use crate::house::{House, feed, within};
use bellwire::control::proto::publish_response::Answer;
use bellwire::control::proto::{
    ActivateRequest, Coalesce, DeactivateRequest, Event, EventTypes, Policy, PublishRequest, PublishResponse, Rejected,
    Released, Source, Taken,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Streaming};

/// Publications that wait for the server.
const READ_AHEAD: usize = 2048;

struct Publisher {
    requests: mpsc::Sender<PublishRequest>,
    responses: Streaming<PublishResponse>,
}

impl Publisher {
    async fn open(house: &House) -> Self {
        let (requests, sent) = mpsc::channel(READ_AHEAD);
        let responses = house.control().publish(ReceiverStream::new(sent)).await.unwrap().into_inner();
        Self { requests, responses }
    }

    async fn publish(&mut self, request: PublishRequest) -> Answer {
        let id = request.publish_id.clone();
        self.requests.try_send(request).unwrap();
        let (answered, answer) = self.answer().await;
        assert_eq!(answered, id);
        answer
    }

    async fn answer(&mut self) -> (String, Answer) {
        let response = within(self.responses.message()).await.unwrap().expect("the stream goes on");
        (response.publish_id, response.answer.unwrap())
    }
}

fn publication(publish_id: &str, source: Option<Source>, events: usize) -> PublishRequest {
    let event = |n: usize| Event { r#type: String::new(), data: format!("event {n}"), id: n.to_string() };
    PublishRequest {
        publish_id: publish_id.to_owned(),
        source,
        events: (0..events).map(event).collect(),
        ..PublishRequest::default()
    }
}

fn taken(first_sequence: u64, subscriptions: u32, repeated: bool) -> Answer {
    Answer::Taken(Taken { first_sequence, subscriptions, repeated })
}

fn rejection(answer: Answer) -> (Code, Vec<String>) {
    let Answer::Rejected(Rejected { code, violations, .. }) = answer else { panic!("{answer:?}") };
    (Code::from(code), violations.into_iter().map(|violation| violation.field).collect())
}

#[tokio::test]
async fn events_are_taken_at_once_and_released_when_they_have_ended_for_every_subscription() {
    let house = House::open().await;
    let ids = [house.activate("prices", "15551234500").await.id, house.activate("prices", "15551234501").await.id];
    let mut publisher = Publisher::open(&house).await;
    assert_eq!(publisher.publish(publication("one", feed("prices"), 3)).await, taken(0, 2, false));
    assert_eq!(publisher.publish(publication("two", feed("prices"), 1)).await, taken(3, 2, false));
    for id in ids {
        house.control().deactivate(DeactivateRequest { tenant: String::new(), id }).await.unwrap();
    }
    let released = |dropped| Answer::Released(Released { dropped, ..Released::default() });
    assert_eq!(publisher.answer().await, ("one".to_owned(), released(6)));
    assert_eq!(publisher.answer().await, ("two".to_owned(), released(2)));
    drop(publisher.requests);
    assert!(within(publisher.responses.message()).await.unwrap().is_none(), "the stream ends with the last release");
}

#[tokio::test]
async fn events_that_need_not_be_pushed_are_released_as_such() {
    let house = House::open().await;
    let policy = Policy {
        types: Some(EventTypes { types: vec!["price".to_owned()] }),
        coalesce: Coalesce::Latest.into(),
        ..Policy::default()
    };
    let to = "15551234500".to_owned();
    let request = ActivateRequest { to, source: feed("prices"), policy: Some(policy), ..ActivateRequest::default() };
    let id = house.control().activate(request).await.unwrap().into_inner().subscription.unwrap().id;
    let mut publisher = Publisher::open(&house).await;
    assert_eq!(publisher.publish(publication("noise", feed("prices"), 3)).await, taken(0, 1, false));
    let noise = Released { filtered: 3, ..Released::default() };
    assert_eq!(publisher.answer().await, ("noise".to_owned(), Answer::Released(noise)));
    let mut prices = publication("prices", feed("prices"), 3);
    prices.events.iter_mut().for_each(|event| event.r#type = "price".to_owned());
    assert_eq!(publisher.publish(prices).await, taken(3, 1, false));
    house.control().deactivate(DeactivateRequest { tenant: String::new(), id }).await.unwrap();
    let prices = Released { coalesced: 2, dropped: 1, ..Released::default() };
    assert_eq!(publisher.answer().await, ("prices".to_owned(), Answer::Released(prices)));
}

#[tokio::test]
async fn a_retry_is_taken_and_publishes_nothing() {
    let house = House::open().await;
    house.activate("prices", "15551234500").await;
    let mut publisher = Publisher::open(&house).await;
    assert_eq!(publisher.publish(publication("one", feed("prices"), 3)).await, taken(0, 1, false));
    assert_eq!(publisher.publish(publication("one", feed("prices"), 3)).await, taken(0, 1, true));
    assert_eq!(publisher.answer().await, ("one".to_owned(), Answer::Released(Released::default())));
    assert_eq!(publisher.publish(publication("", feed("prices"), 1)).await, taken(3, 1, false));
    assert_eq!(publisher.publish(publication("", feed("prices"), 1)).await, taken(4, 1, false));
}

#[tokio::test]
async fn a_rejected_publication_does_not_end_the_stream() {
    let house = House::with_log(8192).await;
    house.activate("prices", "15551234500").await;
    let mut publisher = Publisher::open(&house).await;
    let unknown = publisher.publish(publication("unknown", feed("nobody"), 1)).await;
    assert_eq!(rejection(unknown), (Code::NotFound, vec![]));
    let mut wrong = publication(&"x".repeat(256), feed("two words"), 3);
    wrong.tenant = "?".to_owned();
    wrong.events[0].id = "a\nb".to_owned();
    wrong.events[2].r#type = "a\0b".to_owned();
    let named = ["publish_id", "tenant", "source.feed", "events[0].id", "events[2].type"].map(str::to_owned);
    assert_eq!(rejection(publisher.publish(wrong).await), (Code::InvalidArgument, named.into()));
    let empty = publisher.publish(publication("empty", None, 0)).await;
    assert_eq!(rejection(empty), (Code::InvalidArgument, vec!["source".to_owned(), "events".to_owned()]));
    assert_eq!(publisher.publish(publication("fits", feed("prices"), 50)).await, taken(0, 1, false));
    let full = publisher.publish(publication("full", feed("prices"), 100)).await;
    assert_eq!(rejection(full), (Code::ResourceExhausted, vec![]));
}

#[tokio::test]
async fn a_stream_is_not_read_beyond_1024_unreleased_publications() {
    let house = House::open().await;
    let id = house.activate("prices", "15551234500").await.id;
    let mut publisher = Publisher::open(&house).await;
    for number in 0..1025 {
        publisher.requests.try_send(publication(&number.to_string(), feed("prices"), 1)).unwrap();
    }
    for first in 0..1024 {
        assert_eq!(publisher.answer().await, (first.to_string(), taken(first, 1, false)));
    }
    // The last is read only when the others are released, and then nobody is there to get it.
    house.control().deactivate(DeactivateRequest { tenant: String::new(), id }).await.unwrap();
    let mut released = 0;
    let rejected = loop {
        match publisher.answer().await {
            (_, Answer::Released(_)) => released += 1,
            (_, answer) => break answer,
        }
    };
    assert!(released > 0, "a place was free before");
    assert_eq!(rejection(rejected), (Code::NotFound, vec![]));
}

#[tokio::test]
async fn a_server_that_stops_answers_what_it_took_and_then_ends_the_stream() {
    let mut house = House::open().await;
    let id = house.activate("prices", "15551234500").await.id;
    let mut publisher = Publisher::open(&house).await;
    assert_eq!(publisher.publish(publication("one", feed("prices"), 3)).await, taken(0, 1, false));
    let mut control = house.control();
    house.begin_stop();
    // A connection that drains takes no new call, so the router is asked directly.
    drop(control.deactivate(DeactivateRequest::default()).await);
    let tenant = bellwire::model::TenantId::default();
    let id = id.parse().unwrap();
    let asked = |reply| bellwire::actors::router::RouterMessage::Deactivate(tenant, id, reply);
    house.router.call(asked, None).await.unwrap();
    assert!(matches!(publisher.answer().await.1, Answer::Released(_)));
    assert_eq!(within(publisher.responses.message()).await.unwrap_err().code(), Code::Unavailable);
    drop((publisher, control));
    house.ended().await;
}

#[tokio::test]
async fn a_publication_beyond_4_mib_ends_the_stream() {
    let house = House::open().await;
    let mut publisher = Publisher::open(&house).await;
    let mut large = publication("large", feed("prices"), 1);
    large.events[0].data = "x".repeat(4 << 20);
    publisher.requests.try_send(large).unwrap();
    assert_eq!(within(publisher.responses.message()).await.unwrap_err().code(), Code::OutOfRange);
}
