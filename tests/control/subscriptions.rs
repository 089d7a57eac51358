//! Activating, showing, listing and deactivating, and what is refused.

use crate::house::{House, feed, fields, url};
use bellwire::control::proto::subscription::Status;
use bellwire::control::proto::{
    ActivateRequest, AtLimit, Coalesce, Content, DeactivateRequest, EventTypes, GetSubscriptionRequest, Ids, Order,
    Overflow, Policy, Priority, Receipts, Source, source::Origin,
};
use prost_types::Duration;
use tonic::Code;

const NUMBER: &str = "+15551234567";

fn seconds(seconds: i64) -> Option<Duration> {
    Some(Duration { seconds, nanos: 0 })
}

fn request() -> ActivateRequest {
    ActivateRequest { to: NUMBER.to_owned(), source: url("http://Example.com:80/a#b"), ..ActivateRequest::default() }
}

#[tokio::test]
async fn what_a_request_leaves_out_is_the_servers_default() {
    let house = House::open().await;
    let response = house.control().activate(request()).await.unwrap().into_inner();
    assert!(response.created);
    let shown = response.subscription.unwrap();
    assert_eq!((shown.tenant.as_str(), shown.to.as_str(), shown.smsc.as_str()), ("default", NUMBER, "main"));
    assert_eq!(shown.application, "urn:oma:xml:push");
    assert_eq!(shown.source, url("http://example.com/a"));
    assert_eq!(shown.status(), Status::Connecting);
    assert!(shown.activate_time.unwrap().seconds > 1_500_000_000);
    let policy = Policy {
        batch_window: seconds(0),
        max_events: Some(7),
        max_segments: Some(3),
        order: Order::Strict.into(),
        ttl: seconds(3600),
        overflow: Overflow::Notify.into(),
        receipts: Receipts::All.into(),
        content: Content::All.into(),
        ids: Ids::Origin.into(),
        priority: Priority::Normal.into(),
        at_limit: AtLimit::Hold.into(),
        types: Some(EventTypes::default()),
        coalesce: Coalesce::None.into(),
        coalesce_field: String::new(),
    };
    assert_eq!(shown.policy, Some(policy));
}

#[tokio::test]
async fn what_a_request_says_is_what_is_done() {
    let house = House::open().await;
    let policy = Policy {
        batch_window: seconds(30),
        max_events: Some(0),
        max_segments: Some(255),
        order: Order::Pipelined.into(),
        ttl: seconds(0),
        overflow: Overflow::Drop.into(),
        receipts: Receipts::None.into(),
        content: Content::Wake.into(),
        ids: Ids::All.into(),
        priority: Priority::High.into(),
        at_limit: AtLimit::Notify.into(),
        types: Some(EventTypes { types: vec!["price".to_owned(), "message".to_owned()] }),
        coalesce: Coalesce::Field.into(),
        coalesce_field: "symbol".to_owned(),
    };
    let source = Source { origin: Some(Origin::Feed("prices".to_owned())), credential: "ticker".to_owned() };
    let asked = ActivateRequest {
        tenant: "acme".to_owned(),
        handset: "device-1".to_owned(),
        source: Some(source.clone()),
        application: Some("0x2".to_owned()),
        policy: Some(policy.clone()),
        last_event_id: "17".to_owned(),
        ..request()
    };
    let shown = house.control().activate(asked).await.unwrap().into_inner().subscription.unwrap();
    assert_eq!((shown.tenant.as_str(), shown.application.as_str()), ("acme", "0x2"));
    assert_eq!((shown.source, shown.policy), (Some(source), Some(policy)));
}

#[tokio::test]
async fn activating_again_changes_the_policy_and_nothing_else() {
    let house = House::open().await;
    let first = house.control().activate(request()).await.unwrap().into_inner().subscription.unwrap();
    let policy = Policy { ttl: seconds(60), ..Policy::default() };
    let again = ActivateRequest { policy: Some(policy), ..request() };
    let second = house.control().activate(again).await.unwrap().into_inner();
    assert!(!second.created);
    let second = second.subscription.unwrap();
    assert_eq!((&second.id, second.activate_time), (&first.id, first.activate_time));
    assert_eq!(second.policy.unwrap().ttl, seconds(60));
}

#[tokio::test]
async fn every_wrong_field_is_named_at_once() {
    let house = House::open().await;
    let policy = Policy {
        batch_window: seconds(-1),
        max_segments: Some(0),
        order: 9,
        ttl: seconds(29 * 24 * 3600),
        overflow: -1,
        receipts: 5,
        content: 3,
        ids: 3,
        priority: 5,
        at_limit: -1,
        types: Some(EventTypes { types: vec!["a\nb".to_owned()] }),
        coalesce: 5,
        ..Policy::default()
    };
    let source = Source { origin: Some(Origin::Url("ftp://example.com/".to_owned())), credential: "nobody".to_owned() };
    let wrong = ActivateRequest {
        tenant: "Not A Tenant".to_owned(),
        handset: "x".repeat(256),
        to: "0555 123".to_owned(),
        source: Some(source),
        application: Some("no blanks please".to_owned()),
        policy: Some(policy),
        last_event_id: "a\nb".to_owned(),
        handset_id: String::new(),
    };
    let error = house.control().activate(wrong).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    let expected = [
        "tenant",
        "handset",
        "to",
        "source.url",
        "source.credential",
        "application",
        "policy.batch_window",
        "policy.ttl",
        "policy.max_segments",
        "policy.order",
        "policy.overflow",
        "policy.content",
        "policy.ids",
        "policy.receipts",
        "policy.priority",
        "policy.at_limit",
        "policy.types",
        "policy.coalesce",
        "last_event_id",
    ];
    assert_eq!(fields(&error), expected);
    assert!(error.message().contains("policy.max_segments: 0 is not from 1 to 255"), "{}", error.message());
}

#[tokio::test]
async fn a_single_wrong_value_is_named() {
    let house = House::open().await;
    let refused = async |request: ActivateRequest| {
        let error = house.control().activate(request).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument);
        fields(&error).join(" ")
    };
    let nowhere = Some(Source::default());
    assert_eq!(refused(ActivateRequest::default()).await, "to source");
    assert_eq!(refused(ActivateRequest { source: nowhere, ..request() }).await, "source");
    assert_eq!(refused(ActivateRequest { source: feed("two words"), ..request() }).await, "source.feed");
    let twice = |handset: &str| ActivateRequest {
        handset: handset.to_owned(),
        handset_id: "0123456789abcdef0123456789abcde".to_owned(),
        ..request()
    };
    assert_eq!([refused(twice("")).await, refused(twice("device-1")).await], ["handset_id", "handset_id"]);
    assert_eq!(refused(ActivateRequest { to: "123456".to_owned(), ..request() }).await, "to");
    assert_eq!(refused(ActivateRequest { last_event_id: "x".repeat(4097), ..request() }).await, "last_event_id");
}

#[tokio::test]
async fn durations_and_counts_out_of_range_are_named() {
    let house = House::open().await;
    let exactly = |seconds, nanos| Some(Duration { seconds, nanos });
    let window = |batch_window| Policy { batch_window, ..Policy::default() };
    let ttl = |ttl| Policy { ttl, ..Policy::default() };
    let segments = |count| Policy { max_segments: Some(count), ..Policy::default() };
    let cases = [
        (window(exactly(86_400, 1)), "policy.batch_window"),
        (window(exactly(0, 1_000_000_000)), "policy.batch_window"),
        (segments(256), "policy.max_segments"),
        (ttl(exactly(0, 5)), "policy.ttl"),
        (ttl(exactly(1, -5)), "policy.ttl"),
        (ttl(exactly(i64::MIN, 0)), "policy.ttl"),
        (ttl(exactly(i64::MAX, 999_999_999)), "policy.ttl"),
    ];
    for (policy, field) in cases {
        let asked = ActivateRequest { policy: Some(policy.clone()), ..request() };
        let error = house.control().activate(asked).await.unwrap_err();
        assert_eq!((error.code(), fields(&error).join(" ").as_str()), (Code::InvalidArgument, field), "{policy:?}");
    }
}

#[tokio::test]
async fn wrong_types_and_keys_of_events_are_told_with_what_is_allowed() {
    let house = House::open().await;
    let types = |types: Vec<String>| Policy { types: Some(EventTypes { types }), ..Policy::default() };
    let field = |coalesce: Coalesce, field: &str| Policy {
        coalesce: coalesce.into(),
        coalesce_field: field.to_owned(),
        ..Policy::default()
    };
    let cases = [
        (
            types(vec!["x".repeat(65)]),
            "policy.types: types: \"xxx",
            "is not from 1 to 64 octets without CR, LF and NUL",
        ),
        (types((0..33).map(|at| at.to_string()).collect()), "policy.types: types: more than 32", ""),
        (
            field(Coalesce::Field, ""),
            "policy.coalesce_field: coalesce: the field \"\"",
            "1 to 64 octets of printable ASCII",
        ),
        (field(Coalesce::Type, "symbol"), "policy.coalesce_field: only with COALESCE_FIELD", ""),
    ];
    for (policy, begin, end) in cases {
        let error = house.control().activate(ActivateRequest { policy: Some(policy), ..request() }).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument);
        assert!(error.message().starts_with(begin) && error.message().ends_with(end), "{}", error.message());
    }
}

#[tokio::test]
async fn numbers_without_a_route_and_handsets_under_another_number_are_refused() {
    let house = House::open().await;
    let error = house.control().activate(ActivateRequest { to: "445551234567".to_owned(), ..request() }).await;
    assert_eq!(error.unwrap_err().code(), Code::FailedPrecondition);
    let named = |to: &str| ActivateRequest { handset: "device-1".to_owned(), to: to.to_owned(), ..request() };
    house.control().activate(named(NUMBER)).await.unwrap();
    let error = house.control().activate(named("15557654321")).await.unwrap_err();
    assert_eq!((error.code(), fields(&error)), (Code::FailedPrecondition, vec![]));
}

#[tokio::test]
async fn a_handset_goes_by_its_name_or_by_its_identity() {
    let house = House::open().await;
    let named = ActivateRequest { handset: "device-1".to_owned(), ..request() };
    let first = house.control().activate(named).await.unwrap().into_inner().subscription.unwrap();
    let known = ActivateRequest { handset_id: first.handset.clone(), ..request() };
    let again = house.control().activate(known).await.unwrap().into_inner();
    assert_eq!((again.created, again.subscription.unwrap().id), (false, first.id));
}

#[tokio::test]
async fn a_subscription_is_shown_to_its_tenant_until_it_is_deactivated() {
    let house = House::open().await;
    let mut control = house.control();
    let active = house.activate("prices", NUMBER).await;
    let get = |tenant: &str| GetSubscriptionRequest { tenant: tenant.to_owned(), id: active.id.clone() };
    let shown = control.get_subscription(get("")).await.unwrap().into_inner().subscription.unwrap();
    assert_eq!((&shown.id, &shown.handset), (&active.id, &active.handset));
    assert_eq!(control.get_subscription(get("acme")).await.unwrap_err().code(), Code::NotFound);
    let deactivate = DeactivateRequest { tenant: String::new(), id: active.id.clone() };
    let last = control.deactivate(deactivate.clone()).await.unwrap().into_inner().subscription.unwrap();
    assert_eq!(last.id, active.id);
    assert_eq!(control.deactivate(deactivate).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(control.get_subscription(get("")).await.unwrap_err().code(), Code::NotFound);
    let wrong = DeactivateRequest { tenant: "?".to_owned(), id: "17".to_owned() };
    let error = control.deactivate(wrong).await.unwrap_err();
    assert_eq!(fields(&error), ["tenant", "id"]);
}

#[tokio::test]
async fn a_request_beyond_4_mib_is_refused() {
    let house = House::open().await;
    let error = house.control().activate(ActivateRequest { handset: "x".repeat(4 << 20), ..request() }).await;
    assert_eq!(error.unwrap_err().code(), Code::OutOfRange);
}

#[tokio::test]
async fn a_router_that_is_gone_is_unavailable() {
    let house = House::open().await;
    house.router.stop_and_wait(None, None).await.unwrap();
    let error = house.control().activate(request()).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
}
