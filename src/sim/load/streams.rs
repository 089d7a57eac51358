//! Sources as event streams over HTTP/1.1: `/0`, `/1` … on one listener. A stream goes on behind its `Last-Event-ID`.
//!
//! Of a request only the head's first line and that field are read; a stream ends with its connection.

use super::pacer::pace;
use super::schedule::Schedule;
use parking_lot::Mutex;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n\r\n:\n\n";
/// Octets of events written at once.
const WRITE_OCTETS: usize = 64 * 1024;
/// A request's head is shorter.
const HEAD_OCTETS: usize = 16 * 1024;

/// Running streams. They end when this is dropped.
#[derive(Debug)]
pub struct Streams {
    address: SocketAddr,
    shared: Arc<Shared>,
    start: watch::Sender<Option<Schedule>>,
    server: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    /// The open stream of each source.
    open: Vec<Mutex<Option<Arc<Stream>>>>,
    /// Events of each source that were sent; those sent again count once.
    sent: Vec<AtomicU64>,
}

#[derive(Debug)]
struct Stream {
    socket: TcpStream,
    position: Mutex<Position>,
}

#[derive(Debug)]
struct Position {
    source: u32,
    next: u64,
    pending: Vec<u8>,
}

impl Streams {
    /// Serves `sources` streams, silent at first.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn serve(listener: TcpListener, sources: u32) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            open: (0..sources).map(|_| Mutex::default()).collect(),
            sent: (0..sources).map(|_| AtomicU64::new(0)).collect(),
        });
        let (start, schedule) = watch::channel(None);
        let server = tokio::spawn(accept(listener, shared.clone(), schedule));
        Ok(Self { address, shared, start, server })
    }

    /// A source's URL.
    pub fn url(&self, source: u32) -> String {
        format!("http://{}/{source}", self.address)
    }

    /// Streams that are open.
    pub fn open(&self) -> usize {
        self.shared.open.iter().filter(|open| open.lock().is_some()).count()
    }

    /// Begins to send.
    pub fn start(&self, schedule: Schedule) {
        self.start.send_replace(Some(schedule));
        if schedule.rate > 0.0 {
            let shared = self.shared.clone();
            std::thread::spawn(move || pace(&schedule, |source| shared.push(source, &schedule)));
        }
    }

    /// Events sent over all sources.
    pub fn sent(&self) -> u64 {
        self.shared.sent.iter().map(|sent| sent.load(Relaxed)).sum()
    }
}

impl Drop for Streams {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, schedule: watch::Receiver<Option<Schedule>>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => { connections.spawn(converse(socket, shared.clone(), schedule.clone())); }
                // Most likely out of descriptors, which passes as connections end.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Ends when the other side goes, which is no news.
async fn converse(
    mut socket: TcpStream,
    shared: Arc<Shared>,
    mut schedule: watch::Receiver<Option<Schedule>>,
) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let head = read_head(&mut socket).await?;
    let Some((source, next)) = asked(&head).filter(|(source, _)| (*source as usize) < shared.open.len()) else {
        return socket.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
    };
    socket.write_all(HEAD).await?;
    let stream = Arc::new(Stream { socket, position: Mutex::new(Position { source, next, pending: Vec::new() }) });
    let Some(place) = shared.open.get(source as usize) else { return Ok(()) };
    *place.lock() = Some(stream.clone());
    let ended = tokio::select! {
        ended = gone(&stream.socket) => ended,
        ended = async {
            let schedule = schedule.wait_for(Option::is_some).await.ok().and_then(|schedule| *schedule);
            match schedule {
                Some(schedule) if schedule.rate <= 0.0 => shared.flood(&stream, &schedule).await,
                _ => std::future::pending().await,
            }
        } => ended,
    };
    let mut place = place.lock();
    if place.as_ref().is_some_and(|open| Arc::ptr_eq(open, &stream)) {
        *place = None;
    }
    ended
}

async fn read_head(socket: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    while memchr::memmem::find(&head, b"\r\n\r\n").is_none() {
        if head.len() > HEAD_OCTETS || socket.read_buf(&mut head).await? == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    Ok(head)
}

/// The source, and the number of the event that comes next.
fn asked(head: &[u8]) -> Option<(u32, u64)> {
    let head = std::str::from_utf8(head).ok()?;
    let source = head.strip_prefix("GET /")?.split([' ', '?']).next()?.parse().ok()?;
    let last = head.lines().filter_map(|line| line.split_once(':'));
    let last = last.filter(|(name, _)| name.eq_ignore_ascii_case("last-event-id"));
    let last = last.filter_map(|(_, id)| id.trim().parse::<u64>().ok()).next();
    Some((source, last.map_or(0, |last| last.saturating_add(1))))
}

/// Returns when the other side has closed: it has nothing more to say.
async fn gone(socket: &TcpStream) -> io::Result<()> {
    let mut said = [0; 256];
    loop {
        socket.readable().await?;
        match socket.try_read(&mut said) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

impl Shared {
    /// Flat out: a buffer after the other, as fast as the other side reads.
    async fn flood(&self, stream: &Stream, schedule: &Schedule) -> io::Result<()> {
        while self.write(stream, schedule)? {
            stream.socket.writable().await?;
            // `writable` is ready at once while the other side reads as fast: others have their turn too.
            tokio::task::yield_now().await;
        }
        std::future::pending().await
    }

    /// Sends what is due on a source's stream; `true` if some of it has to wait. Without a stream it waits for one.
    fn push(&self, source: u32, schedule: &Schedule) -> Option<bool> {
        let stream = self.open.get(source as usize)?.lock().clone();
        // A stream that fails is closed by its own task, and opened again by the other side.
        Some(stream.is_none_or(|stream| self.write(&stream, schedule).unwrap_or(true)))
    }

    /// Writes once; whether there is more.
    fn write(&self, stream: &Stream, schedule: &Schedule) -> io::Result<bool> {
        let mut position = stream.position.lock();
        let more = position.fill(schedule);
        if let Some(sent) = self.sent.get(position.source as usize) {
            sent.fetch_max(position.next, Relaxed);
        }
        match stream.socket.try_write(&position.pending) {
            Ok(octets) => drop(position.pending.drain(..octets)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
            Err(error) => return Err(error),
        }
        Ok(more || !position.pending.is_empty())
    }
}

impl Position {
    /// Forms events that are due, a buffer full at most; whether there are more.
    fn fill(&mut self, schedule: &Schedule) -> bool {
        let now = Instant::now();
        if schedule.is_over(now) {
            return false;
        }
        let due = schedule.due(self.source, now).min(u64::from(u32::MAX));
        while self.next < due && self.pending.len() < WRITE_OCTETS {
            self.pending.extend_from_slice(b"data: ");
            schedule.mark(self.source, self.next as u32, now).write(schedule.octets, &mut self.pending);
            // Writing to memory does not fail.
            let _ = write!(self.pending, "\nid: {}\n\n", self.next);
            self.next += 1;
        }
        self.next < due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_its_source_and_where_to_go_on() {
        assert_eq!(asked(b"GET /17 HTTP/1.1\r\nHost: a\r\n\r\n"), Some((17, 0)));
        assert_eq!(asked(b"GET /3?x HTTP/1.1\r\nlast-event-id: 41\r\n\r\n"), Some((3, 42)));
        assert_eq!(asked(b"POST /3 HTTP/1.1\r\n\r\n"), None);
    }
}
