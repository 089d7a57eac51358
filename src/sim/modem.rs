//! A handset's modem, for software that is no part of this process: the short messages that reach a number, as an event
//! stream over HTTP/1.1 on `/modem?number=15555550123`.
//!
//! An event's data is `{"from":"12345","userData":"<hex>"}`, with user data as in TS 23.040 §9.2.3.24, header included.
//! What arrives while nobody listens is kept, as an SMSC keeps it for a handset that is switched off. The query may ask
//! for `delay_ms`, as long as each message takes. Left out: messages without a user data header.

use super::smsc::Delivered;
use bytes::Bytes;
use futures_util::stream::{self, Stream};
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};

/// Where the stream is.
const PATH: &str = "/modem";
/// Messages kept for a number, and messages that a listener may lag behind.
const MAX_KEPT: usize = 256;
/// Numbers that messages are kept for.
const MAX_NUMBERS: usize = 1024;
/// Longest delay that may be asked for.
const MAX_DELAY: Duration = Duration::from_secs(60);
/// How often a silent stream shows that it lives.
const COMMENT_EVERY: Duration = Duration::from_secs(15);

/// A running modem, for any number of handsets. It ends, with all its connections, when this is dropped.
#[derive(Debug)]
pub struct Modem {
    address: SocketAddr,
    lines: Arc<Lines>,
    server: JoinHandle<()>,
}

/// What listens to each number.
#[derive(Debug, Default)]
struct Lines(Mutex<HashMap<Box<str>, Line>>);

#[derive(Debug, Default)]
struct Line {
    listeners: Vec<mpsc::Sender<Arrived>>,
    /// What nobody has read, the oldest first.
    kept: VecDeque<Arrived>,
}

/// A message, ready to be written, and when it came.
#[derive(Clone, Debug)]
struct Arrived {
    at: Instant,
    text: Bytes,
    /// Several listeners have it.
    shared: bool,
}

impl Modem {
    /// Serves on `listener`.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn start(listener: TcpListener) -> std::io::Result<Self> {
        let address = listener.local_addr()?;
        let lines = Arc::new(Lines::default());
        let server = tokio::spawn(serve(listener, Arc::clone(&lines)));
        Ok(Self { address, lines, server })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The stream of a number's messages.
    pub fn url(&self, number: &str) -> String {
        format!("http://{}{PATH}?number={number}", self.address)
    }

    /// A message reaches its handset: everybody who listens gets it, or it is kept.
    pub fn deliver(&self, message: &Delivered<'_>) {
        if !message.esm_class.has_udh() {
            return;
        }
        let from = String::from_utf8_lossy(message.source);
        let user_data = message.short_message.iter().fold(String::new(), |mut digits, octet| {
            // Writing to a String does not fail.
            let _ = write!(digits, "{octet:02x}");
            digits
        });
        let event = serde_json::json!({ "from": from, "userData": user_data });
        let arrived = Arrived { at: Instant::now(), text: format!("data: {event}\n\n").into(), shared: false };
        self.lines.take(&String::from_utf8_lossy(message.destination), arrived);
    }
}

impl Drop for Modem {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Lines {
    fn take(&self, number: &str, arrived: Arrived) {
        let mut lines = self.0.lock();
        if !lines.contains_key(number) && lines.len() >= MAX_NUMBERS {
            return;
        }
        lines.entry(number.into()).or_default().give(arrived);
    }

    /// One more listens; what was kept is for the first.
    fn listen(&self, number: &str) -> Option<mpsc::Receiver<Arrived>> {
        let mut lines = self.0.lock();
        if !lines.contains_key(number) && lines.len() >= MAX_NUMBERS {
            return None;
        }
        let line = lines.entry(number.into()).or_default();
        let (sender, receiver) = mpsc::channel(MAX_KEPT);
        for arrived in line.kept.drain(..) {
            // There is room for as many as are kept.
            let _ = sender.try_send(arrived);
        }
        line.listeners.push(sender);
        Some(receiver)
    }
}

impl Line {
    fn give(&mut self, mut arrived: Arrived) {
        self.listeners.retain(|listener| !listener.is_closed());
        arrived.shared = self.listeners.len() > 1;
        // Whoever is so far behind that there is no room is cut off.
        self.listeners.retain(|listener| listener.try_send(arrived.clone()).is_ok());
        if self.listeners.is_empty() {
            self.keep(arrived);
        }
    }

    fn keep(&mut self, arrived: Arrived) {
        if self.kept.len() >= MAX_KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(arrived);
    }
}

async fn serve(listener: TcpListener, lines: Arc<Lines>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => { connections.spawn(converse(socket, Arc::clone(&lines))); }
                // Most likely out of descriptors, which passes as connections end.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn converse(socket: TcpStream, lines: Arc<Lines>) {
    let _ = socket.set_nodelay(true);
    let service = service_fn(move |request| {
        let response = answer(&lines, &request);
        async move { Ok::<_, Infallible>(response) }
    });
    // A listener that goes away is no news.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
}

type Body = BoxBody<Bytes, Infallible>;

fn answer(lines: &Arc<Lines>, request: &Request<Incoming>) -> Response<Body> {
    let mut response = match open(lines, request) {
        Ok(body) => {
            let mut response = Response::new(body);
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Err((status, why)) => {
            let mut response = Response::new(Full::new(Bytes::from_static(why.as_bytes())).boxed());
            *response.status_mut() = status;
            response
        }
    };
    // A page from anywhere may have the modem of a handset that is only played.
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

fn open(lines: &Arc<Lines>, request: &Request<Incoming>) -> Result<Body, (StatusCode, &'static str)> {
    if request.uri().path() != PATH {
        return Err((StatusCode::NOT_FOUND, "there is nothing here: the modem is at /modem\n"));
    }
    if request.method() != Method::GET {
        return Err((StatusCode::METHOD_NOT_ALLOWED, "a modem is only read from\n"));
    }
    let (mut number, mut delay) = (None, Duration::ZERO);
    for (name, value) in url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()) {
        match &*name {
            "number" => number = Some(value).filter(|number| is_number(number)),
            "delay_ms" => {
                let wrong = (StatusCode::BAD_REQUEST, "delay_ms: 0 to 60000 is possible\n");
                let asked = value.parse().map(Duration::from_millis).ok();
                delay = asked.filter(|delay| *delay <= MAX_DELAY).ok_or(wrong)?;
            }
            _ => {}
        }
    }
    let number = number.ok_or((StatusCode::BAD_REQUEST, "number: 1 to 15 digits are required\n"))?;
    let full = (StatusCode::SERVICE_UNAVAILABLE, "there are too many numbers\n");
    let arrived = lines.listen(&number).ok_or(full)?;
    let listening =
        Listening { lines: Arc::clone(lines), number: number.into(), arrived, next: None, delay, begun: false };
    Ok(BodyExt::boxed(StreamBody::new(frames(listening))))
}

fn is_number(text: &str) -> bool {
    (1..=15).contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_digit())
}

/// One who listens.
struct Listening {
    lines: Arc<Lines>,
    number: Box<str>,
    arrived: mpsc::Receiver<Arrived>,
    /// What waits for its delay to be over.
    next: Option<Arrived>,
    delay: Duration,
    begun: bool,
}

fn frames(listening: Listening) -> impl Stream<Item = Result<Frame<Bytes>, Infallible>> {
    stream::unfold(listening, |mut listening| async move {
        let text = listening.read().await?;
        Some((Ok(Frame::data(text)), listening))
    })
}

impl Listening {
    /// What comes next on the stream.
    async fn read(&mut self) -> Option<Bytes> {
        let comment = Bytes::from_static(b":\n\n");
        // Some readers wait for the first octets before they believe in a stream.
        if !std::mem::replace(&mut self.begun, true) {
            return Some(comment);
        }
        if self.next.is_none() {
            match timeout(COMMENT_EVERY, self.arrived.recv()).await {
                Ok(arrived) => self.next = Some(arrived?),
                Err(_) => return Some(comment),
            }
        }
        sleep_until(self.next.as_ref()?.at + self.delay).await;
        self.next.take().map(|arrived| arrived.text)
    }
}

impl Drop for Listening {
    /// What it did not read, and nobody else has, is for the others or the next.
    fn drop(&mut self) {
        let mut lines = self.lines.0.lock();
        self.arrived.close();
        let Some(line) = lines.get_mut(&self.number) else { return };
        let unread = self.next.take().into_iter().chain(std::iter::from_fn(|| self.arrived.try_recv().ok()));
        unread.filter(|arrived| !arrived.shared).for_each(|arrived| line.give(arrived));
    }
}
