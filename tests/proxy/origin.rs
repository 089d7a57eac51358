//! An origin: streams that it adds to when the test says so, and everything else that an origin may answer.

use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub path: String,
    pub last_event_id: Option<String>,
    pub cookie: bool,
}

/// `/stream…` has events with ids that are numbers from 1 on, and replays; `/bare…` has events without ids, and does
/// not; `/status/N` answers so, `/plain` with something else, `/to/URL` sends elsewhere.
pub struct Origin {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Blocks as they are written, by path.
    streams: Mutex<BTreeMap<String, Vec<String>>>,
    news: watch::Sender<u64>,
    asked: Mutex<Vec<Asked>>,
    /// How often every stream was cut.
    cuts: watch::Sender<u64>,
    down: AtomicBool,
    readers: AtomicUsize,
}

impl Origin {
    pub async fn start() -> Self {
        Self::at(Ipv4Addr::LOCALHOST).await
    }

    pub async fn at(ip: Ipv4Addr) -> Self {
        let listener = TcpListener::bind((ip, 0)).await.unwrap();
        let (address, shared) = (listener.local_addr().unwrap(), Arc::new(Shared::default()));
        let serving = Arc::clone(&shared);
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let shared = Arc::clone(&serving);
                // Who has gone does not matter.
                tokio::spawn(async move { drop(converse(socket, &shared).await) });
            }
        });
        Self { address, shared }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Adds a block to a stream.
    pub fn write(&self, path: &str, block: &str) {
        self.shared.streams.lock().entry(path.to_owned()).or_default().push(block.to_owned());
        self.shared.news.send_modify(|news| *news += 1);
    }

    /// Adds an event to a stream; the next number is its id and its data.
    pub fn tick(&self, path: &str) -> usize {
        let number = self.shared.streams.lock().get(path).map_or(0, Vec::len) + 1;
        let id = if path.starts_with("/bare") { String::new() } else { format!("id: {number}\n") };
        self.write(path, &format!("retry: 20\n{id}data: {number}\n\n"));
        number
    }

    /// Ends every connection.
    pub fn cut(&self) {
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Refuses, or takes, connections.
    pub fn set_down(&self, down: bool) {
        self.shared.down.store(down, Ordering::Relaxed);
    }

    /// Streams that are read.
    pub fn readers(&self) -> usize {
        self.shared.readers.load(Ordering::Relaxed)
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().clone()
    }

    /// The requests for a stream, by what they said they had.
    pub fn asked_for(&self, path: &str) -> Vec<Option<String>> {
        self.asked().into_iter().filter(|one| one.path == path).map(|one| one.last_event_id).collect()
    }
}

async fn converse(mut socket: TcpStream, shared: &Shared) -> std::io::Result<()> {
    if shared.down.load(Ordering::Relaxed) {
        return Ok(());
    }
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if socket.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let head = String::from_utf8(head).unwrap();
    let path = head.split(' ').nth(1).unwrap().to_owned();
    let header = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
    };
    let (last_event_id, cookie) = (header("last-event-id"), header("cookie").is_some());
    shared.asked.lock().push(Asked { path: path.clone(), last_event_id: last_event_id.clone(), cookie });
    let answer = |status: &str, more: &str| format!("HTTP/1.1 {status}\r\n{more}Connection: close\r\n\r\n");
    if let Some(status) = path.strip_prefix("/status/") {
        return socket.write_all(answer(&format!("{status} so"), "Content-Length: 0\r\n").as_bytes()).await;
    }
    if let Some(location) = path.strip_prefix("/to/") {
        let more = format!("Location: {location}\r\nContent-Length: 0\r\n");
        return socket.write_all(answer("307 elsewhere", &more).as_bytes()).await;
    }
    if path == "/plain" {
        return socket
            .write_all(answer("200 OK", "Content-Type: text/plain\r\nContent-Length: 0\r\n").as_bytes())
            .await;
    }
    socket.write_all(answer("200 OK", "Content-Type: text/event-stream\r\n").as_bytes()).await?;
    shared.readers.fetch_add(1, Ordering::Relaxed);
    let ended = stream(socket, shared, &path, last_event_id).await;
    shared.readers.fetch_sub(1, Ordering::Relaxed);
    ended
}

async fn stream(
    mut socket: TcpStream,
    shared: &Shared,
    path: &str,
    last_event_id: Option<String>,
) -> std::io::Result<()> {
    let known = shared.streams.lock().get(path).map_or(0, Vec::len);
    let mut at = match last_event_id.and_then(|id| id.parse().ok()) {
        Some(id) => id,
        None if path.starts_with("/bare") => known,
        None => 0,
    };
    let (mut news, mut cuts) = (shared.news.subscribe(), shared.cuts.subscribe());
    cuts.borrow_and_update();
    loop {
        news.borrow_and_update();
        let blocks: Vec<String> = shared.streams.lock().get(path).into_iter().flatten().skip(at).cloned().collect();
        at += blocks.len();
        socket.write_all(blocks.concat().as_bytes()).await?;
        let mut nothing = [0; 1];
        tokio::select! {
            _ = news.changed() => {}
            _ = cuts.changed() => return Ok(()),
            _ = socket.read(&mut nothing) => return Ok(()),
        }
    }
}
