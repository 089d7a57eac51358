//! Where a stream is looked for, and where it is not.

use super::origin::Origin;
use super::{Names, open, open_source, quick, source, wide_door};
use bellwire::ingress::sse::{BearerToken, SseSettings, SseUpstreams};
use bellwire::model::CredentialRef;
use std::sync::Arc;

fn with_credential() -> SseSettings {
    SseSettings { credentials: [(CredentialRef::new("feed"), BearerToken::new("s3cret"))].into(), ..quick() }
}

#[tokio::test]
async fn redirects_are_followed_and_the_credential_stays_with_its_origin() {
    let (home, other) = (Origin::plain().await, Origin::plain().await);
    let upstreams = SseUpstreams::new(with_credential()).unwrap();
    let mut upstream = open_source(&upstreams, &source(&home.url("/a/b"), Some("feed")), "9", wide_door());
    let mut exchange = home.accept().await;
    exchange.answer("301 Moved Permanently\r\nLocation: c?d").await;
    let mut exchange = home.accept().await;
    assert!(exchange.head.starts_with("GET /a/c?d "), "{}", exchange.head);
    assert_eq!(exchange.header("authorization"), Some("Bearer s3cret"), "still at home");
    exchange.answer(&format!("307 Temporary Redirect\r\nLocation: {}", other.url("/e"))).await;
    let mut exchange = other.accept().await;
    assert_eq!(exchange.header("authorization"), None, "another port is another origin");
    assert_eq!(exchange.header("last-event-id"), Some("9"));
    exchange.answer(&format!("308 Permanent Redirect\r\nLocation: {}", home.url("/f"))).await;
    let mut exchange = home.accept().await.open().await;
    assert_eq!(exchange.header("authorization"), None, "the other origin chose this URL");
    assert!(upstream.opened().await);
    exchange.say("data: found\n\n").await;
    assert_eq!(upstream.data(1).await, ["found"]);
    drop(exchange);
    upstream.lost().await;
    let exchange = home.accept().await;
    assert!(exchange.head.starts_with("GET /a/b "), "a new connection starts at the source's URL");
    assert_eq!(exchange.header("authorization"), Some("Bearer s3cret"));
}

#[tokio::test]
async fn a_circle_of_redirects_ends_the_stream() {
    let origin = Origin::plain().await;
    let mut upstream = open(SseSettings { max_redirects: 2, ..quick() }, &origin.url("/"));
    for _ in 0..3 {
        origin.accept().await.answer("302 Found\r\nLocation: /").await;
    }
    assert_eq!(upstream.ended().await, "more than 2 redirects");
}

#[tokio::test]
async fn a_redirect_out_of_http_ends_the_stream() {
    let origin = Origin::plain().await;
    let mut upstream = open(quick(), &origin.url("/"));
    origin.accept().await.answer("302 Found\r\nLocation: file:///etc/passwd").await;
    let reason = upstream.ended().await;
    assert_eq!(reason, "redirect to where no stream can be: scheme \"file\" is not http or https");
}

#[tokio::test]
async fn private_addresses_are_refused_by_default() {
    let origin = Origin::plain().await;
    let guarded = SseSettings { allow_private: false, ..quick() };
    let mut upstream = open(guarded.clone(), &origin.url("/"));
    let reason = upstream.ended().await;
    assert_eq!(reason, "host \"127.0.0.1\" has a loopback address, and private upstreams are not allowed");
    let resolver = Names::new(&[("rebound.example", &["1.1.1.1", "169.254.169.254"])]);
    let upstreams = SseUpstreams::with_resolver(guarded, Arc::new(resolver)).unwrap();
    let mut upstream = open_source(&upstreams, &source("http://rebound.example/", None), "", wide_door());
    let reason = upstream.ended().await;
    assert_eq!(reason, "host \"rebound.example\" has a link-local address, and private upstreams are not allowed");
}

#[tokio::test]
async fn a_public_host_cannot_redirect_to_a_private_one() {
    let origin = Origin::plain().await;
    let allowed_addresses = [origin.address().ip()].into();
    let settings = SseSettings { allow_private: false, allowed_addresses, ..quick() };
    let resolver = Names::new(&[("public.example", &["127.0.0.1"]), ("inner.example", &["10.0.0.1"])]);
    let upstreams = SseUpstreams::with_resolver(settings, Arc::new(resolver)).unwrap();
    let url = origin.url_at("http://public.example", "/");
    let mut upstream = open_source(&upstreams, &source(&url, None), "", wide_door());
    origin.accept().await.answer("302 Found\r\nLocation: http://inner.example/admin").await;
    let reason = upstream.ended().await;
    assert_eq!(reason, "host \"inner.example\" has a private address, and private upstreams are not allowed");
}
