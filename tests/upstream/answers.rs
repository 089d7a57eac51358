//! What the head of a response, or the lack of one, does to a stream.

use super::origin::Origin;
use super::{Names, open, open_source, quick, source, wide_door};
use bellwire::ingress::sse::{BearerToken, SseSettings, SseUpstreams};
use bellwire::model::{CredentialRef, FeedName, SourceId, SourceOrigin, TenantId};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpSocket;

#[tokio::test]
async fn an_answer_that_is_no_stream_ends_it() {
    let origin = Origin::plain().await;
    for (answer, reason) in [
        ("204 No Content", "status 204 No Content"),
        ("404 Not Found", "status 404 Not Found"),
        ("401 Unauthorized", "status 401 Unauthorized"),
        ("206 Partial Content\r\nContent-Type: text/event-stream", "status 206 Partial Content"),
        ("200 OK\r\nContent-Type: text/html", "content type \"text/html\" is not text/event-stream"),
        ("301 Moved Permanently", "status 301 Moved Permanently without a Location"),
    ] {
        let mut upstream = open(quick(), &origin.url("/"));
        origin.accept().await.answer(answer).await;
        assert_eq!(upstream.ended().await, reason);
    }
}

#[tokio::test]
async fn overload_is_tried_again_when_the_origin_says() {
    let origin = Origin::plain().await;
    let settings = SseSettings { max_reconnection_time: Duration::from_millis(30), ..quick() };
    let mut upstream = open(settings, &origin.url("/"));
    origin.accept().await.answer("503 Service Unavailable").await;
    let (reason, wait) = upstream.lost().await;
    assert_eq!(reason, "status 503 Service Unavailable");
    assert!(wait < Duration::from_millis(30), "{wait:?}");
    origin.accept().await.answer("429 Too Many Requests\r\nRetry-After: 3600").await;
    let (_, wait) = upstream.lost().await;
    assert_eq!(wait, Duration::from_millis(30), "an hour, up to the longest wait there is");
    origin.accept().await.open().await;
    upstream.opened().await;
}

#[tokio::test]
async fn an_origin_that_says_nothing_or_nonsense_is_tried_again() {
    let origin = Origin::plain().await;
    let settings = SseSettings { head_timeout: Duration::from_millis(500), ..quick() };
    let mut upstream = open(settings, &origin.url("/"));
    let mut mute = origin.accept().await;
    assert_eq!(upstream.lost().await.0, "no response within 500ms");
    mute.closed().await;
    origin.accept().await.say("SMTP? no\r\n\r\n").await;
    assert!(upstream.lost().await.0.starts_with("no response: "));
    drop(origin.accept().await);
    assert!(upstream.lost().await.0.starts_with("no response: "));
    origin.accept().await.open().await;
    upstream.opened().await;
}

#[tokio::test]
async fn a_name_without_address_and_a_closed_port_are_tried_again() {
    let resolver = Names::new(&[("closed.example", &["127.0.0.1"]), ("empty.example", &[])]);
    let upstreams = SseUpstreams::with_resolver(quick(), Arc::new(resolver)).unwrap();
    // Bound, so that nobody else gets the port, but not listening.
    let bound = TcpSocket::new_v4().unwrap();
    bound.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let closed = format!("http://closed.example:{}/", bound.local_addr().unwrap().port());
    for (url, reason) in [
        ("http://unknown.example/", "resolving \"unknown.example\": "),
        ("http://empty.example/", "host \"empty.example\" has no address"),
        (closed.as_str(), "connecting to \"closed.example\": "),
    ] {
        let mut upstream = open_source(&upstreams, &source(url, None), "", wide_door());
        for _ in 0..2 {
            let (found, _) = upstream.lost().await;
            assert!(found.starts_with(reason), "{found}");
        }
    }
}

#[tokio::test]
async fn a_second_address_is_tried_when_the_first_refuses() {
    let origin = Origin::plain().await;
    let resolver = Names::new(&[("two.example", &["127.0.0.2", "127.0.0.1"])]);
    let upstreams = SseUpstreams::with_resolver(quick(), Arc::new(resolver)).unwrap();
    let url = origin.url_at("http://two.example", "/");
    let mut upstream = open_source(&upstreams, &source(&url, None), "", wide_door());
    origin.accept().await.open().await;
    upstream.opened().await;
}

#[tokio::test]
async fn a_credential_is_sent_as_a_bearer_token() {
    let origin = Origin::plain().await;
    let credentials = [(CredentialRef::new("feed"), BearerToken::new("s3cret"))].into();
    let upstreams = SseUpstreams::new(SseSettings { credentials, ..quick() }).unwrap();
    let mut upstream = open_source(&upstreams, &source(&origin.url("/"), Some("feed")), "", wide_door());
    let exchange = origin.accept().await.open().await;
    assert_eq!(exchange.header("authorization"), Some("Bearer s3cret"));
    upstream.opened().await;
}

#[tokio::test]
async fn what_cannot_be_opened_ends_at_once() {
    let upstreams = SseUpstreams::new(quick()).unwrap();
    let unknown = source("http://127.0.0.1/", Some("nobody"));
    let mut upstream = open_source(&upstreams, &unknown, "", wide_door());
    assert_eq!(upstream.ended().await, "credential nobody is not configured");
    let feed = SourceOrigin::Feed(FeedName::new("news").unwrap());
    let mut upstream = open_source(&upstreams, &SourceId::new(TenantId::default(), feed, None), "", wide_door());
    assert_eq!(upstream.ended().await, "a feed has no upstream");
}

#[tokio::test]
async fn a_last_event_id_that_no_header_can_carry_is_left_out() {
    let origin = Origin::plain().await;
    let upstreams = SseUpstreams::new(quick()).unwrap();
    let mut upstream = open_source(&upstreams, &source(&origin.url("/"), None), "a\u{1}b", wide_door());
    let exchange = origin.accept().await.open().await;
    assert_eq!(exchange.header("last-event-id"), None);
    assert!(!upstream.opened().await);
}
