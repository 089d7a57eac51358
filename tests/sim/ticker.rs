//! The ticker, by a client that writes its request by hand.

use crate::within;
use bellwire::codec::sse::{Limits, Parser};
use bellwire::sim::{Afterwards, Event, Ticker, TickerSettings};
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const SEED: u64 = 7;

async fn ticker(events: u64, afterwards: Afterwards) -> Ticker {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = TickerSettings { seed: SEED, events: Some(events), rate: 0.0, afterwards };
    Ticker::start(listener, settings).unwrap()
}

async fn request(ticker: &Ticker, path: &str, more: &str) -> TcpStream {
    let mut socket = TcpStream::connect(ticker.address()).await.unwrap();
    // HTTP/1.0 has no chunks, so that what follows the head is the stream itself.
    let request = format!("GET {path} HTTP/1.0\r\nhost: localhost\r\n{more}\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    socket
}

/// Reads until there are `count` events, and gives head and events.
async fn read(mut socket: TcpStream, count: usize) -> (String, Vec<Event>) {
    let mut octets = Vec::new();
    within(async {
        loop {
            let end = octets.windows(4).position(|window: &[u8]| window == b"\r\n\r\n");
            if let Some(end) = end {
                let body = Bytes::copy_from_slice(&octets[end + 4..]);
                let events: Vec<Event> = Parser::new(Limits::default()).feed(body).iter().map(Event::from).collect();
                if events.len() >= count {
                    return (String::from_utf8(octets[..end].to_vec()).unwrap(), events);
                }
            }
            assert_ne!(socket.read_buf(&mut octets).await.unwrap(), 0, "{octets:?}");
        }
    })
    .await
}

#[tokio::test]
async fn every_client_gets_the_whole_stream() {
    let ticker = ticker(300, Afterwards::KeepOpen).await;
    for path in ["/stocks", "/stocks?for=another"] {
        let (head, events) = read(request(&ticker, path, "").await, 300).await;
        assert!(head.starts_with("HTTP/1.0 200 OK"), "{head}");
        assert!(head.contains("content-type: text/event-stream"), "{head}");
        assert_eq!(events, Ticker::sequence(SEED, 300));
    }
    assert_eq!((ticker.stats().streams, ticker.stats().events), (2, 600));
}

#[tokio::test]
async fn a_client_that_comes_back_gets_exactly_what_it_missed() {
    let ticker = ticker(300, Afterwards::End).await;
    let (_, events) = read(request(&ticker, "/stocks", "Last-Event-ID: 41\r\n").await, 258).await;
    assert_eq!(events, Ticker::sequence(SEED, 300)[42..]);
    assert_eq!(ticker.stats().resumed, 1);
    let (_, events) = read(request(&ticker, "/stocks", "Last-Event-ID: 299\r\n").await, 0).await;
    assert!(events.is_empty());
}

#[tokio::test]
async fn the_stream_can_end() {
    let ticker = ticker(3, Afterwards::End).await;
    let mut socket = request(&ticker, "/stocks", "").await;
    let mut octets = Vec::new();
    within(socket.read_to_end(&mut octets)).await.unwrap();
    assert_eq!(String::from_utf8(octets).unwrap().matches("\nid: ").count(), 3);
}

#[tokio::test]
async fn events_come_at_their_rate() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = TickerSettings { seed: SEED, rate: 100.0, ..TickerSettings::default() };
    let ticker = Ticker::start(listener, settings).unwrap();
    let before = std::time::Instant::now();
    let (_, events) = read(request(&ticker, "/stocks", "").await, 11).await;
    // The first is due at once, the eleventh a tenth of a second later.
    assert!(before.elapsed().as_millis() >= 100 || events.len() > 11);
    assert_eq!(events, Ticker::sequence(SEED, events.len() as u64));
}

#[tokio::test]
async fn other_paths_are_not_found_and_a_dropped_ticker_is_gone() {
    let ticker = ticker(3, Afterwards::KeepOpen).await;
    let mut octets = Vec::new();
    within(request(&ticker, "/bonds", "").await.read_to_end(&mut octets)).await.unwrap();
    assert!(octets.starts_with(b"HTTP/1.0 404 "));
    let mut stream = request(&ticker, "/stocks", "").await;
    within(async {
        while ticker.stats().events < 3 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    drop(ticker);
    // End or reset, either will do.
    let _ = within(stream.read_to_end(&mut octets)).await;
}
