//! An origin with stock prices: the ticker of the HTML Standard's example (§9.2.6: `data: YHOO`, `data: +2`,
//! `data: 10`), as an endless event stream over HTTP/1.1 on `/stocks`.
//!
//! Event `n` is a function of the seed and `n` alone, so whoever knows the seed can check what arrived. A connection
//! starts with the first event, or behind the one that `Last-Event-ID` names. The query is ignored, so that a load test
//! has as many origins as it likes.

use super::chance::draw;
use super::event::Event;
use bytes::Bytes;
use futures_util::stream::{self, Stream};
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

/// Where the stream is.
const PATH: &str = "/stocks";
/// How often a silent stream shows that it lives. HTML §9.2.7: "authors can include a comment line … every 15 seconds
/// or so".
const COMMENT_EVERY: Duration = Duration::from_secs(15);
/// Events written at once at most: a few kilobytes, so that slow readers are felt soon.
const BATCH: u64 = 64;
const SYMBOLS: [&str; 8] = ["YHOO", "GOOG", "AAPL", "MSFT", "NOK", "ERIC", "ORCL", "SAP"];
/// Most events have no type of their own.
const TYPES: [&str; 8] = ["message", "message", "message", "message", "message", "trade", "trade", "halt"];

/// What a ticker sends.
#[derive(Clone, Copy, Debug)]
pub struct TickerSettings {
    /// Decides every event.
    pub seed: u64,
    /// Events in the stream; `None` for no end.
    pub events: Option<u64>,
    /// Events per second; 0 for as fast as they are read.
    pub rate: f64,
    /// What comes after the last event.
    pub afterwards: Afterwards,
}

impl Default for TickerSettings {
    /// One event per second without end, seed 1.
    fn default() -> Self {
        Self { seed: 1, events: None, rate: 1.0, afterwards: Afterwards::KeepOpen }
    }
}

/// What comes after the last event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Afterwards {
    /// Comments, for ever.
    KeepOpen,
    /// The end of the response.
    End,
}

/// What a ticker did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct TickerStats {
    /// Streams that were opened.
    pub streams: u64,
    /// Of these, such as went on behind a `Last-Event-ID`.
    pub resumed: u64,
    /// Requests that were refused.
    pub refused: u64,
    /// Events handed to connections; some may not have been read.
    pub events: u64,
}

/// A running ticker. It ends, with all its connections, when this is dropped.
#[derive(Debug)]
pub struct Ticker {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    settings: TickerSettings,
    streams: AtomicU64,
    resumed: AtomicU64,
    refused: AtomicU64,
    events: AtomicU64,
}

impl Ticker {
    /// Event `n`, from 0, of the stream of `seed`. Its id is `n` in decimal.
    pub fn event(seed: u64, n: u64) -> Event {
        let drawn = draw(seed, n);
        let pick = |shift: u32, of: &[&'static str; 8]| of[(drawn >> shift) as usize % 8];
        let change = 1 + (drawn >> 16) % 19;
        let price = 10 + (drawn >> 32) % 490;
        let sign = if drawn & 1 << 48 == 0 { '+' } else { '-' };
        Event {
            event_type: pick(8, &TYPES).to_owned(),
            data: format!("{}\n{sign}{change}\n{price}", pick(0, &SYMBOLS)),
            id: n.to_string(),
        }
    }

    /// The first `count` events of the stream of `seed`.
    pub fn sequence(seed: u64, count: u64) -> Vec<Event> {
        (0..count).map(|n| Self::event(seed, n)).collect()
    }

    /// Serves on `listener`.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn start(listener: TcpListener, settings: TickerSettings) -> std::io::Result<Self> {
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            settings,
            streams: AtomicU64::new(0),
            resumed: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            events: AtomicU64::new(0),
        });
        let server = tokio::spawn(serve(listener, shared.clone()));
        Ok(Self { address, shared, server })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The stream's URL.
    pub fn url(&self) -> String {
        format!("http://{}{PATH}", self.address)
    }

    /// What it did so far.
    pub fn stats(&self) -> TickerStats {
        let Shared { streams, resumed, refused, events, .. } = &*self.shared;
        TickerStats {
            streams: streams.load(Relaxed),
            resumed: resumed.load(Relaxed),
            refused: refused.load(Relaxed),
            events: events.load(Relaxed),
        }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => { connections.spawn(converse(socket, shared.clone())); }
                // Most likely out of descriptors, which passes as connections end.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn converse(socket: TcpStream, shared: Arc<Shared>) {
    let _ = socket.set_nodelay(true);
    let service = service_fn(move |request| {
        let response = shared.answer(&request);
        async move { Ok::<_, Infallible>(response) }
    });
    // A client that goes away is no news.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
}

type Body = BoxBody<Bytes, Infallible>;

impl Shared {
    fn answer(self: &Arc<Self>, request: &Request<Incoming>) -> Response<Body> {
        let status = match (request.uri().path(), request.method()) {
            (PATH, &Method::GET) => return self.open(request.headers()),
            (PATH, _) => StatusCode::METHOD_NOT_ALLOWED,
            _ => StatusCode::NOT_FOUND,
        };
        self.refused.fetch_add(1, Relaxed);
        let mut response = Response::new(Full::new(Bytes::new()).boxed());
        *response.status_mut() = status;
        response
    }

    fn open(self: &Arc<Self>, headers: &HeaderMap) -> Response<Body> {
        self.streams.fetch_add(1, Relaxed);
        let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse::<u64>().ok());
        self.resumed.fetch_add(u64::from(last.is_some()), Relaxed);
        let next = last.map_or(0, |last| last.saturating_add(1));
        let mut response = Response::new(BodyExt::boxed(StreamBody::new(frames(self.clone(), next))));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/event-stream"));
        headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
        // A page from anywhere may look at it.
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, header::HeaderValue::from_static("*"));
        response
    }
}

/// The stream from event `next` on.
fn frames(shared: Arc<Shared>, next: u64) -> impl Stream<Item = Result<Frame<Bytes>, Infallible>> {
    let position = Position { shared, started: Instant::now(), first: next, next };
    stream::unfold(position, |mut position| async move {
        let text = position.read().await?;
        Some((Ok(Frame::data(Bytes::from(text))), position))
    })
}

/// How far one connection has come.
struct Position {
    shared: Arc<Shared>,
    started: Instant,
    first: u64,
    next: u64,
}

impl Position {
    /// What comes next on the stream, or `None` at its end.
    async fn read(&mut self) -> Option<String> {
        let settings = self.shared.settings;
        let end = settings.events.unwrap_or(u64::MAX);
        if self.next >= end {
            if settings.afterwards == Afterwards::End {
                return None;
            }
            tokio::time::sleep(COMMENT_EVERY).await;
            return Some(":\n".to_owned());
        }
        if let Some(comment) = self.wait(settings.rate).await {
            return Some(comment);
        }
        let until = self.due(settings.rate).clamp(self.next + 1, self.next.saturating_add(BATCH)).min(end);
        let mut text = String::new();
        (self.next..until).for_each(|n| Ticker::event(settings.seed, n).write(&mut text));
        self.shared.events.fetch_add(until - self.next, Relaxed);
        self.next = until;
        Some(text)
    }

    /// Waits until the next event is due, or long enough for a comment.
    async fn wait(&self, rate: f64) -> Option<String> {
        if rate <= 0.0 {
            return None;
        }
        // A rate as low as one event in an hour is meant; below that an interval cannot overflow either.
        let seconds = ((self.next - self.first) as f64 / rate).min(1e9);
        let due = self.started + Duration::from_secs_f64(seconds);
        let comment = Instant::now() + COMMENT_EVERY;
        tokio::time::sleep_until(due.min(comment)).await;
        (comment < due).then(|| ":\n".to_owned())
    }

    /// The first event that is not due yet.
    fn due(&self, rate: f64) -> u64 {
        if rate <= 0.0 {
            return u64::MAX;
        }
        let passed = (self.started.elapsed().as_secs_f64() * rate) as u64;
        self.first.saturating_add(passed).saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::sse::{Limits, Parser};

    #[test]
    fn an_event_is_a_function_of_seed_and_number() {
        assert_eq!(Ticker::event(7, 3), Ticker::event(7, 3));
        assert_ne!(Ticker::event(7, 3).data, Ticker::event(8, 3).data);
        let event = Ticker::event(7, 12);
        assert_eq!((event.id.as_str(), event.data.lines().count()), ("12", 3));
    }

    #[test]
    fn a_parser_reads_the_events_that_were_written() {
        let events = Ticker::sequence(1, 200);
        let mut text = String::new();
        events.iter().for_each(|event| event.write(&mut text));
        let parsed = Parser::new(Limits::default()).feed(Bytes::from(text));
        assert_eq!(parsed.iter().map(Event::from).collect::<Vec<_>>(), events);
        assert!(events.iter().any(|event| event.event_type == "halt"));
        assert!(events.iter().any(|event| event.event_type == "message"));
    }
}
