//! Streams that send more than there is room for.

use super::origin::{Exchange, Origin, within};
use super::{open, open_source, quick, source, wide_door};
use bellwire::actors::admission::Admission;
use bellwire::actors::upstream::UpstreamFact;
use bellwire::codec::sse::Limits;
use bellwire::ingress::sse::{SseSettings, SseUpstreams};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// More than the socket buffers of both ends hold.
const FLOOD_EVENTS: usize = 24 * 1024;
const EVENT: &str = "data: 0123456789abcdef\n\n";

/// Sends the flood in pieces of about 1 KiB each, counting the octets that were taken.
async fn flood(mut exchange: Exchange, sent: Arc<AtomicUsize>) -> Exchange {
    let padding = format!(": {}\n{EVENT}", "p".repeat(1000));
    for _ in 0..FLOOD_EVENTS {
        exchange.try_say(&padding).await.unwrap();
        sent.fetch_add(padding.len(), Ordering::Relaxed);
    }
    exchange
}

/// Waits until the origin gets nothing more out.
async fn stalled(sent: &AtomicUsize) -> usize {
    within(async {
        let mut look = tokio::time::interval(Duration::from_millis(100));
        let mut before = usize::MAX;
        loop {
            look.tick().await;
            let now = sent.load(Ordering::Relaxed);
            if now == before {
                return now;
            }
            before = now;
        }
    })
    .await
}

#[tokio::test]
async fn without_credit_nothing_more_is_read_until_some_is_given_back() {
    let origin = Origin::plain().await;
    // A watchdog that ran on while the reader waits for credit would end the stream.
    let settings = SseSettings { idle_timeout: Duration::from_millis(150), ..quick() };
    let upstreams = SseUpstreams::new(settings).unwrap();
    let admission = Admission::new(1 << 20);
    let door = admission.door(200_000);
    let mut upstream = open_source(&upstreams, &source(&origin.url("/"), None), "", door);
    let exchange = origin.accept().await.open().await;
    upstream.opened().await;
    let sent = Arc::new(AtomicUsize::new(0));
    let writer = tokio::spawn(flood(exchange, Arc::clone(&sent)));

    let stuck = stalled(&sent).await;
    assert!(stuck < FLOOD_EVENTS * 1000, "the origin was held up after {stuck} octets");
    assert!(admission.available() >= (1 << 20) - 200_000, "the door lets no more in than it has room for");

    let mut events = 0;
    while events < FLOOD_EVENTS {
        events += upstream.events().await.len();
    }
    within(writer).await.unwrap();
    assert_eq!(events, FLOOD_EVENTS);
}

#[tokio::test]
async fn a_stream_that_is_stuck_holds_nobody_but_itself() {
    let (slow, other) = (Origin::plain().await, Origin::plain().await);
    let upstreams = SseUpstreams::new(quick()).unwrap();
    let admission = Admission::new(1 << 20);
    let mut stuck = open_source(&upstreams, &source(&slow.url("/"), None), "", admission.door(1000));
    let mut free = open_source(&upstreams, &source(&other.url("/"), None), "", admission.door(1000));
    let (mut slow, mut other) = (slow.accept().await.open().await, other.accept().await.open().await);
    stuck.opened().await;
    free.opened().await;
    slow.say(EVENT.repeat(100)).await;
    let UpstreamFact::Events { credit, .. } = stuck.fact().await else { panic!("no events") };
    slow.say(EVENT).await;
    for _ in 0..10 {
        other.say(EVENT).await;
        assert_eq!(free.data(1).await.len(), 1);
    }
    assert!(stuck.facts.is_empty());
    drop(credit);
    assert_eq!(stuck.data(1).await.len(), 1);
}

#[tokio::test]
async fn a_line_without_end_stays_bounded_and_the_stream_goes_on_behind_it() {
    let origin = Origin::plain().await;
    let limits = Limits { max_line_octets: 4096, max_event_octets: 4096 };
    let mut upstream = open(SseSettings { limits, ..quick() }, &origin.url("/"));
    let mut exchange = origin.accept().await.open_chunked().await;
    upstream.opened().await;
    exchange.chunk("data: ").await;
    for _ in 0..256 {
        exchange.chunk(&"x".repeat(4096)).await;
    }
    exchange.chunk("\n\n").await;
    exchange.chunk("data: small\n\n").await;
    let (mut oversize, mut found) = (0, 0);
    while found == 0 {
        let events = upstream.events().await;
        oversize += events.oversize();
        found += events.len();
        assert!(events.iter().all(|event| event.data == b"small"));
    }
    assert_eq!(oversize, 1);
}

#[tokio::test]
async fn an_event_without_end_stays_bounded_and_gives_its_credit_back() {
    let origin = Origin::plain().await;
    let limits = Limits { max_line_octets: 4096, max_event_octets: 8192 };
    let upstreams = SseUpstreams::new(SseSettings { limits, ..quick() }).unwrap();
    let admission = Admission::new(1 << 20);
    let mut upstream = open_source(&upstreams, &source(&origin.url("/"), None), "", admission.door(10_000));
    let mut exchange = origin.accept().await.open().await;
    upstream.opened().await;
    for _ in 0..512 {
        exchange.say("data: line after line\n".repeat(100)).await;
    }
    exchange.say("\ndata: small\n\n").await;
    let (mut oversize, mut found) = (0, 0);
    while found == 0 {
        let events = upstream.events().await;
        oversize += events.oversize();
        found += events.len();
    }
    assert_eq!((oversize, found), (1, 1));
    assert_eq!(admission.available(), 1 << 20);
}

#[tokio::test]
async fn a_head_without_end_is_no_response() {
    let origin = Origin::plain().await;
    let upstreams = SseUpstreams::new(quick()).unwrap();
    let mut upstream = open_source(&upstreams, &source(&origin.url("/"), None), "", wide_door());
    let mut exchange = origin.accept().await;
    exchange.say("HTTP/1.1 200 OK\r\n").await;
    let line = format!("X-Filler: {}\r\n", "x".repeat(1000));
    while within(exchange.try_say(&line)).await.is_ok() {}
    assert!(upstream.lost().await.0.starts_with("no response: "));
}

#[tokio::test]
async fn a_credit_is_for_all_that_short_events_take_in_memory() {
    let origin = Origin::plain().await;
    let upstreams = SseUpstreams::new(quick()).unwrap();
    let admission = Admission::new(1 << 24);
    let mut upstream = open_source(&upstreams, &source(&origin.url("/"), None), "", admission.door(1 << 24));
    let mut exchange = origin.accept().await.open().await;
    upstream.opened().await;
    exchange.say("data\n\n".repeat(4000)).await;
    let (mut held, mut octets, mut events) = (Vec::new(), 0, 0);
    while events < 4000 {
        let UpstreamFact::Events { events: found, credit, .. } = upstream.fact().await else { panic!("events") };
        events += found.len();
        octets += found.octets();
        held.push(credit);
    }
    assert!(octets > 4000 * "data\n\n".len());
    assert!((1 << 24) - admission.available() >= octets, "{octets} octets of events");
}
