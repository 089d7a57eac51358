//! An origin that keeps every event it ever made and replays what its reader asks for (HTML §9.2.7, Last-Event-ID).
//!
//! Its streams differ in their ids: each event its own, runs of events with the same one, events without one between
//! events with one, and none at all. It makes events in bursts and drops its readers now and then, in the middle of an
//! event.

use bellwire::sim::Event;
use parking_lot::Mutex;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};

/// Events written at once at most.
const BATCH: usize = 32;
/// The longest request head.
const HEAD_MAX_OCTETS: usize = 16 * 1024;
/// `retry`: a reader that was dropped comes back soon.
const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n\
                    Connection: close\r\n\r\nretry: 100\n\n";

/// Which events have which id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ids {
    /// Each its own.
    Unique,
    /// One to five in a row share one.
    Runs,
    /// Up to four without one follow one with its own, which they inherit.
    Inherited,
    /// None has one: a reader that comes back gets everything again.
    Missing,
}

/// What a stream is like.
#[derive(Clone, Copy, Debug)]
pub struct Stream {
    pub ids: Ids,
    /// Events per second.
    pub rate: f64,
    /// Events in all at most.
    pub most: usize,
}

/// Where readers are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drops {
    /// Wherever they are.
    Anywhere,
    /// Only where the last id says exactly what they have had.
    BetweenIds,
}

/// What a reader asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    pub last_event_id: Option<String>,
    /// What is wrong with that.
    pub wrong: Option<String>,
}

pub struct Origin {
    shared: Arc<Shared>,
    address: std::net::SocketAddr,
    _server: JoinSet<()>,
    makers: Vec<JoinHandle<()>>,
}

struct Shared {
    streams: Vec<Played>,
    drops: Drops,
    finished: AtomicBool,
    random: Mutex<fastrand::Rng>,
}

/// What there is of one stream.
struct Played {
    setting: Stream,
    inner: Mutex<Inner>,
    news: Notify,
}

#[derive(Default)]
struct Inner {
    made: Vec<Made>,
    asked: Vec<Asked>,
    /// Events that were written to one reader or another.
    written: usize,
}

struct Made {
    event: Event,
    /// Whether its block holds an `id` line.
    bears_id: bool,
    /// Whether its id says exactly that everything up to it was had.
    is_exact: bool,
}

impl Origin {
    /// Listens; makes nothing before [`Origin::begin`].
    pub async fn start(seed: u64, streams: &[Stream], drops: Drops) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let played = |setting: &Stream| Played { setting: *setting, inner: Mutex::default(), news: Notify::new() };
        let shared = Arc::new(Shared {
            streams: streams.iter().map(played).collect(),
            drops,
            finished: AtomicBool::new(false),
            random: Mutex::new(fastrand::Rng::with_seed(seed)),
        });
        let mut server = JoinSet::new();
        server.spawn(serve(listener, Arc::clone(&shared)));
        Self { shared, address, _server: server, makers: Vec::new() }
    }

    /// Makes events from now on.
    pub fn begin(&mut self) {
        for stream in 0..self.shared.streams.len() {
            self.makers.push(tokio::spawn(make(Arc::clone(&self.shared), stream)));
        }
    }

    /// Makes no more events.
    pub async fn finish(&mut self) {
        self.shared.finished.store(true, Relaxed);
        for maker in self.makers.drain(..) {
            maker.await.unwrap();
        }
    }

    pub fn url(&self, stream: usize) -> String {
        format!("http://{}/{stream}", self.address)
    }

    /// What is seen of its events, for whoever compares.
    pub fn log(&self) -> Log {
        Log(Arc::clone(&self.shared))
    }
}

/// Every event that was ever made.
#[derive(Clone)]
pub struct Log(Arc<Shared>);

impl Log {
    pub fn event(&self, stream: usize, index: usize) -> Option<Event> {
        let inner = self.0.streams.get(stream)?.inner.lock();
        inner.made.get(index).map(|made| made.event.clone())
    }

    pub fn made(&self, stream: usize) -> usize {
        self.0.streams[stream].inner.lock().made.len()
    }

    pub fn made_in_all(&self) -> usize {
        (0..self.0.streams.len()).map(|stream| self.made(stream)).sum()
    }

    pub fn asked(&self, stream: usize) -> Vec<Asked> {
        self.0.streams[stream].inner.lock().asked.clone()
    }

    pub fn replays(&self, stream: usize) -> bool {
        self.0.streams[stream].setting.ids == Ids::Missing
    }

    pub fn streams(&self) -> usize {
        self.0.streams.len()
    }
}

async fn make(shared: Arc<Shared>, stream: usize) {
    let played = &shared.streams[stream];
    let Stream { rate, most, .. } = played.setting;
    while !shared.finished.load(Relaxed) && played.inner.lock().made.len() < most {
        let burst = shared.random.lock().usize(1..=12);
        let mut made = 0;
        while made < burst {
            made += shared.make_run(stream);
        }
        played.news.notify_waiters();
        let jitter = 0.5 + shared.random.lock().f64();
        tokio::time::sleep(Duration::from_secs_f64(made as f64 / rate * jitter)).await;
    }
}

impl Shared {
    /// Events that belong together by their id; how many.
    fn make_run(&self, stream: usize) -> usize {
        let Played { setting, inner, .. } = &self.streams[stream];
        let mut random = self.random.lock();
        let mut inner = inner.lock();
        let events = match setting.ids {
            Ids::Unique | Ids::Missing => 1,
            // As long as there is one id, nothing tells its later events from those that a reader has had: what comes
            // behind it counts as new. So the first has one event.
            Ids::Runs | Ids::Inherited if inner.made.is_empty() => 1,
            Ids::Runs | Ids::Inherited => random.usize(1..=5),
        };
        let id = match setting.ids {
            Ids::Missing => String::new(),
            _ => format!("{stream}-{:x}", inner.made.len()),
        };
        for at in 0..events {
            let event = event(stream, inner.made.len(), id.clone(), &mut random);
            let (bears_id, is_exact) = match setting.ids {
                Ids::Unique => (true, true),
                Ids::Runs => (true, at + 1 == events),
                Ids::Inherited => (at == 0, events == 1),
                Ids::Missing => (false, true),
            };
            inner.made.push(Made { event, bears_id, is_exact });
        }
        events
    }
}

/// Event `index` of a stream: its first line says which one it is.
fn event(stream: usize, index: usize, id: String, random: &mut fastrand::Rng) -> Event {
    let octets = match random.u8(..16) {
        0 => random.usize(150..320),
        _ => random.usize(0..40),
    };
    let text: String = (0..octets).map(|_| random.lowercase()).collect();
    let event_type = if random.u8(..4) == 0 { "trade" } else { "message" };
    let between = if random.bool() { "\n" } else { " " };
    Event { event_type: event_type.to_owned(), data: format!("{stream}#{index}{between}{text}"), id }
}

/// Which event it is that says `data`.
pub fn place(data: &str) -> Option<(usize, usize)> {
    let (stream, index) = data.split(['\n', ' ']).next()?.split_once('#')?;
    Some((stream.parse().ok()?, index.parse().ok()?))
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut readers = JoinSet::new();
    loop {
        let (socket, _) = listener.accept().await.unwrap();
        while readers.try_join_next().is_some() {}
        let shared = Arc::clone(&shared);
        // A reader that is gone is no news.
        readers.spawn(async move { drop(converse(socket, &shared).await) });
    }
}

async fn converse(mut socket: TcpStream, shared: &Shared) -> std::io::Result<()> {
    socket.set_nodelay(true)?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < HEAD_MAX_OCTETS {
        if socket.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let head = String::from_utf8(head).unwrap();
    let stream: usize = head.split(' ').nth(1).and_then(|path| path.strip_prefix('/')?.parse().ok()).unwrap();
    let header = head.lines().filter_map(|line| line.split_once(": "));
    let mut ids = header.filter(|(name, _)| name.eq_ignore_ascii_case("last-event-id"));
    let played = &shared.streams[stream];
    let mut at = played.open(ids.next().map(|(_, id)| id.to_owned()));
    socket.write_all(HEAD.as_bytes()).await?;
    let mut left = shared.random.lock().usize(20..250);
    loop {
        let news = played.news.notified();
        let written = played.text(at, BATCH);
        if written.0 == 0 {
            let mut nothing = [0; 1];
            tokio::select! {
                () = news => continue,
                _ = socket.read(&mut nothing) => return Ok(()),
            }
        }
        socket.write_all(written.1.as_bytes()).await?;
        at += written.0;
        left = left.saturating_sub(written.0);
        let may_drop = played.written(at);
        if left == 0 && (may_drop || shared.drops == Drops::Anywhere) {
            // Half an event is none.
            let half: String = played.text(at, 1).1.chars().take(9).collect();
            return socket.write_all(half.trim_end().as_bytes()).await;
        }
    }
}

impl Played {
    /// Where somebody goes on who has had the event of this id: behind the last one that bears it.
    fn open(&self, last_event_id: Option<String>) -> usize {
        let mut inner = self.inner.lock();
        let (at, wrong) = match &last_event_id {
            None => (0, None),
            Some(id) => match inner.made.iter().rposition(|made| made.bears_id && made.event.id == *id) {
                None => (0, Some(format!("nothing has the id {id:?}"))),
                Some(index) if index >= inner.written => {
                    (index + 1, Some(format!("{id:?} is event {index}, and {} were sent", inner.written)))
                }
                Some(index) => (index + 1, None),
            },
        };
        inner.asked.push(Asked { last_event_id, wrong });
        at
    }

    /// Up to so many events from one on: how many, and as they are written.
    fn text(&self, from: usize, most: usize) -> (usize, String) {
        let inner = self.inner.lock();
        let mut text = String::new();
        let events = inner.made.iter().skip(from).take(most);
        let count = events.map(|made| made.write(&mut text)).count();
        (count, text)
    }

    /// Everything up to event `at` was written to somebody. Whether the id before it says so exactly.
    fn written(&self, at: usize) -> bool {
        let mut inner = self.inner.lock();
        inner.written = inner.written.max(at);
        inner.made[at - 1].is_exact
    }
}

impl Made {
    fn write(&self, out: &mut String) {
        let Event { event_type, data, id } = &self.event;
        if self.bears_id {
            let _ = writeln!(out, "id: {id}");
        }
        if event_type != "message" {
            let _ = writeln!(out, "event: {event_type}");
        }
        data.split('\n').for_each(|line| {
            let _ = writeln!(out, "data: {line}");
        });
        out.push('\n');
    }
}
