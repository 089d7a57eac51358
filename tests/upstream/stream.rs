//! Streams that open, flow, break and go on.

use super::origin::{Origin, chunk, within};
use super::{open, open_source, quick, source, wide_door};
use bellwire::ingress::sse::{SseSettings, SseUpstreams};
use std::time::Duration;

#[tokio::test]
async fn a_stream_that_ends_with_its_connection_is_read() {
    let origin = Origin::plain().await;
    let mut upstream = open(quick(), &origin.url("/feed?x=1"));
    let mut exchange = origin.accept().await.open().await;
    assert!(exchange.head.starts_with("GET /feed?x=1 HTTP/1.1\r\n"), "{}", exchange.head);
    assert_eq!(exchange.header("host"), Some(origin.address().to_string().as_str()));
    assert_eq!(exchange.header("accept"), Some("text/event-stream"));
    assert_eq!(exchange.header("cache-control"), Some("no-store"));
    assert!(exchange.header("user-agent").unwrap().starts_with("bellwire/"));
    assert_eq!((exchange.header("last-event-id"), exchange.header("authorization")), (None, None));
    assert!(!upstream.opened().await);
    exchange.say(": hello\n\nid: 7\nevent: tick\ndata: one\n\n").await;
    let events = upstream.events().await;
    let event = events.get(0).unwrap();
    assert_eq!((event.event_type, event.data, event.id), (&b"tick"[..], &b"one"[..], &b"7"[..]));
}

#[tokio::test]
async fn a_chunked_stream_is_read_wherever_it_is_cut() {
    let origin = Origin::plain().await;
    let mut upstream = open(quick(), &origin.url("/"));
    let mut exchange = origin.accept().await.open_chunked().await;
    upstream.opened().await;
    for cut in ["da", "ta: o", "ne\n", "\ndata: two\n\nda", "ta: three\n\n"] {
        exchange.chunk(cut).await;
    }
    assert_eq!(upstream.data(3).await, ["one", "two", "three"]);
}

#[tokio::test]
async fn chunks_that_lie_ready_come_as_one_piece() {
    let origin = Origin::plain().await;
    let mut upstream = open(quick(), &origin.url("/"));
    let mut exchange = origin.accept().await.open_chunked().await;
    upstream.opened().await;
    let burst: String = (0..100).map(|number| chunk(&format!("data: {number}\n\n"))).collect();
    exchange.say(burst).await;
    let (mut facts, mut events) = (0, 0);
    while events < 100 {
        events += upstream.events().await.len();
        facts += 1;
    }
    assert!(facts <= 4, "100 chunks came as {facts} pieces");
}

#[tokio::test]
async fn tls_is_spoken_with_http1_and_trusts_the_given_root() {
    let origin = Origin::tls("http/1.1").await;
    let settings = SseSettings { ca: origin.certificate.clone().into(), ..quick() };
    let mut upstream = open(settings, &origin.url("/secure"));
    let mut exchange = origin.accept().await.open_chunked().await;
    upstream.opened().await;
    exchange.chunk("data: over TLS\n\n").await;
    assert_eq!(upstream.data(1).await, ["over TLS"]);
    drop(exchange);
    upstream.lost().await;
    origin.accept().await.open().await;
    upstream.opened().await;
}

#[tokio::test]
async fn tls_is_spoken_with_http2_when_the_origin_offers_it() {
    let origin = Origin::tls("h2").await;
    let settings = SseSettings { ca: origin.certificate.clone().into(), ..quick() };
    let upstreams = SseUpstreams::new(settings).unwrap();
    let url = origin.url("/secure?a=b");
    let mut upstream = open_source(&upstreams, &source(&url, None), "41", wide_door());
    let (head, stream) = origin.accept_http2().await;
    assert_eq!(head.uri.to_string(), url);
    assert_eq!(head.headers["last-event-id"], "41");
    assert!(upstream.opened().await);
    stream.send("id: 42\ndata: over ").await.unwrap();
    stream.send("h2\n\n").await.unwrap();
    assert_eq!(upstream.data(1).await, ["over h2"]);
    drop(stream);
    upstream.lost().await;
    let (head, stream) = origin.accept_http2().await;
    assert_eq!(head.headers["last-event-id"], "42");
    upstream.opened().await;
    drop(upstream);
    within(stream.closed()).await;
}

#[tokio::test]
async fn a_certificate_nobody_vouches_for_is_tried_again() {
    let origin = Origin::tls("http/1.1").await;
    let mut upstream = open(quick(), &origin.url("/"));
    let handshakes = async { origin.accept().await };
    tokio::select! {
        _ = handshakes => panic!("the handshake went through"),
        (reason, _) = async { upstream.lost().await; upstream.lost().await } => {
            assert!(reason.contains("certificate") && reason.contains("localhost"), "{reason}");
        }
    }
}

#[tokio::test]
async fn a_new_connection_says_where_the_last_one_ended() {
    let origin = Origin::plain().await;
    let upstreams = SseUpstreams::new(quick()).unwrap();
    let mut upstream = open_source(&upstreams, &source(&origin.url("/"), None), "start", wide_door());
    let mut exchange = origin.accept().await.open().await;
    assert_eq!(exchange.header("last-event-id"), Some("start"));
    assert!(upstream.opened().await);
    exchange.say("id: é1\ndata: whole\n\nid: half\ndata: pending").await;
    assert_eq!(upstream.data(1).await, ["whole"]);
    drop(exchange);
    upstream.lost().await;

    let mut exchange = origin.accept().await.open().await;
    assert_eq!(exchange.header("last-event-id"), Some("é1"), "an id counts once its event is whole");
    assert!(upstream.opened().await);
    exchange.say(" no more\n\ndata: fresh\n\nid\n\n").await;
    assert_eq!(upstream.data(1).await, ["fresh"], "what was pending is discarded");
    drop(exchange);
    upstream.lost().await;

    let exchange = origin.accept().await.open().await;
    assert_eq!(exchange.header("last-event-id"), None, "an empty id resets it");
    assert!(!upstream.opened().await);
}

#[tokio::test]
async fn the_stream_sets_its_own_reconnection_time() {
    let origin = Origin::plain().await;
    let mut upstream = open(quick(), &origin.url("/"));
    let mut exchange = origin.accept().await.open().await;
    upstream.opened().await;
    exchange.say("retry: 40\n\ndata: x\n\n").await;
    upstream.data(1).await;
    drop(exchange);
    let asked = Duration::from_millis(40);
    let (_, wait) = upstream.lost().await;
    assert!(wait >= asked && wait <= asked * 5 / 4, "{wait:?}");
    drop(origin.accept().await.open().await);
    upstream.opened().await;
    let (_, wait) = upstream.lost().await;
    assert!(wait >= asked, "it outlives the connection that set it: {wait:?}");
}

#[tokio::test]
async fn an_origin_that_only_opens_is_backed_off_until_an_event_comes() {
    let origin = Origin::plain().await;
    let base = Duration::from_millis(16);
    let mut upstream = open(SseSettings { backoff_base: base, backoff_max: 4 * base, ..quick() }, &origin.url("/"));
    let mut longest = Duration::ZERO;
    for _ in 0..6 {
        drop(origin.accept().await.open().await);
        upstream.opened().await;
        longest = longest.max(upstream.lost().await.1);
    }
    assert!(longest > base, "{longest:?}");
    let mut exchange = origin.accept().await.open().await;
    upstream.opened().await;
    exchange.say("data: sound\n\n").await;
    upstream.data(1).await;
    drop(exchange);
    let (_, wait) = upstream.lost().await;
    assert!(wait < Duration::from_millis(2), "the reconnection time alone: {wait:?}");
}

#[tokio::test]
async fn silence_is_a_loss_and_a_comment_is_no_silence() {
    let origin = Origin::plain().await;
    let settings = SseSettings { idle_timeout: Duration::from_millis(300), ..quick() };
    let mut upstream = open(settings, &origin.url("/"));
    let mut exchange = origin.accept().await.open().await;
    upstream.opened().await;
    let mut beat = tokio::time::interval(Duration::from_millis(60));
    for _ in 0..8 {
        beat.tick().await;
        exchange.say(":\n").await;
    }
    assert!(upstream.facts.is_empty(), "comments send nothing and keep the stream");
    let (reason, _) = upstream.lost().await;
    assert!(reason.contains("silent for 300ms"), "{reason}");
    exchange.closed().await;
    origin.accept().await.open().await;
    upstream.opened().await;
}

#[tokio::test]
async fn whoever_drops_the_handle_closes_the_socket() {
    let origin = Origin::plain().await;
    let mut upstream = open(quick(), &origin.url("/"));
    let mut exchange = origin.accept().await.open().await;
    upstream.opened().await;
    drop(upstream);
    exchange.closed().await;
}

#[tokio::test]
async fn octets_that_are_no_utf8_are_repaired_and_counted() {
    let origin = Origin::plain().await;
    let mut upstream = open(quick(), &origin.url("/"));
    let mut exchange = origin.accept().await.open().await;
    upstream.opened().await;
    exchange.say(b"data: a\xFFb\n\n").await;
    let events = upstream.events().await;
    assert_eq!(events.get(0).unwrap().data, "a\u{FFFD}b".as_bytes());
    assert_eq!(events.repaired(), 1);
}
