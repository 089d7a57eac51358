//! A stream that is open.

use super::super::Proxy;
use super::super::clients::StreamPlace;
use super::catching_up::CatchingUp;
use super::opening::Opened;
use super::writer::Writer;
use crate::actors::clock::{instant, now};
use crate::actors::router::Status;
use crate::actors::source::Piece;
use crate::actors::streams::Signals;
use crate::engine::tail::Tail;
use crate::engine::tally::Stage;
use bytes::{Bytes, BytesMut};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};

/// Later than any stream lasts.
const NEVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// One stream, until its client or its source is gone.
pub(super) struct Running {
    pub(super) proxy: Arc<Proxy>,
    opened: Opened,
    _place: StreamPlace,
    pieces: mpsc::Sender<Bytes>,
    signals: Signals,
    tail: Tail,
    /// The next event to be written.
    pub(super) next: u64,
    epoch: Option<u32>,
    pub(super) writer: Writer,
    quiet_since: Instant,
}

/// The stream is over.
pub(super) struct Over;

impl Running {
    pub(super) fn new(
        proxy: Arc<Proxy>,
        opened: Opened,
        place: StreamPlace,
        pieces: mpsc::Sender<Bytes>,
        tail: Tail,
        next: u64,
        writer: Writer,
    ) -> Self {
        let signals = opened.stream.signals();
        proxy.telemetry.relay_streams.increment(1);
        let quiet_since = Instant::now();
        Self { proxy, opened, _place: place, pieces, signals, tail, next, epoch: None, writer, quiet_since }
    }

    /// Relays until it is over; first what the log no longer has, if that is wanted.
    pub(super) async fn run(mut self, catching_up: Option<CatchingUp>) {
        if self.begin(catching_up).await.is_ok() {
            while self.turn().await.is_ok() {}
        }
    }

    async fn begin(&mut self, catching_up: Option<CatchingUp>) -> Result<(), Over> {
        // Something to read at once: some clients and hops wait for the first octets before they believe in a stream.
        let mut out = BytesMut::new();
        self.writer.write_heartbeat(&mut out);
        self.send(out).await?;
        match catching_up {
            Some(catching_up) => catching_up.run(self).await,
            None => Ok(()),
        }
    }

    /// Reads once, and writes what came. As long as nothing comes it sees to everything else.
    async fn turn(&mut self) -> Result<(), Over> {
        let mut reading = None;
        loop {
            if reading.is_none() && self.tail.room() > 0 {
                reading = Some(self.opened.read(self.next));
            }
            let heartbeat = self.quiet_since + self.proxy.settings.heartbeat;
            let doubt = self.tail.poll_timeout().map_or_else(|| Instant::now() + NEVER, instant);
            let mut ending = self.signals.clone();
            tokio::select! {
                piece = answer(&mut reading) => return self.take(piece.map_err(|_| Over)?).await,
                () = self.signals.acknowledged() => self.acknowledge(),
                () = sleep_until(doubt) => {
                    self.tail.handle_timeout(now().monotonic);
                    self.opened.stream.relayed(self.next, self.tail.confirmed());
                }
                () = sleep_until(heartbeat) => {
                    let mut out = BytesMut::new();
                    self.writer.write_heartbeat(&mut out);
                    self.send(out).await?;
                    // Said again for a subscription that has only now had the events that were meant.
                    self.opened.stream.relayed(self.next, self.tail.confirmed());
                }
                () = ending.ended() => return Err(Over),
                () = self.pieces.closed() => return Err(Over),
                () = over(&mut self.opened.status) => return Err(Over),
            }
        }
    }

    fn acknowledge(&mut self) {
        self.tail.handle_acknowledged(self.signals.confirmed());
    }

    async fn take(&mut self, piece: Piece) -> Result<(), Over> {
        let mut out = BytesMut::new();
        if piece.lost {
            self.gap("the log no longer has what follows the last event", &mut out);
        }
        self.writer.write_retry(piece.retry, &mut out);
        let from = self.next.max(piece.next);
        let mut written = from..from;
        let written_at = now();
        for chunk in &piece.chunks {
            let range = chunk.range();
            let end = range.end.min(from.saturating_add(self.tail.room()));
            let events = range.start.max(written.end)..end;
            if events.is_empty() {
                continue;
            }
            written.end = events.end;
            let count = events.end - events.start;
            if self.epoch.replace(chunk.epoch()).is_some_and(|epoch| epoch != chunk.epoch()) {
                self.gap("the origin gave no ids, so nobody knows what it sent while its stream was lost", &mut out);
            }
            self.writer.write(chunk, events, &mut out);
            self.proxy.ledger.record(|tally| tally.time(Stage::Relay, written_at.since(chunk.read_at()), count));
        }
        self.send(out).await?;
        self.note_written(written_at.monotonic, written);
        Ok(())
    }

    fn note_written(&mut self, now: Duration, events: Range<u64>) {
        self.next = events.end;
        self.proxy.telemetry.relayed_events.increment(events.end - events.start);
        self.tail.handle_written(now, events);
        self.opened.stream.relayed(self.next, self.tail.confirmed());
    }

    /// Tells that events are missing here.
    pub(super) fn gap(&mut self, reason: &str, out: &mut BytesMut) {
        self.writer.write_gap(reason, out);
        self.proxy.telemetry.gaps.increment(1);
    }

    /// Gives octets to the connection: waits while it has more than it can send.
    pub(super) async fn send(&mut self, out: BytesMut) -> Result<(), Over> {
        if out.is_empty() {
            return Ok(());
        }
        let mut ending = self.signals.clone();
        tokio::select! {
            sent = self.pieces.send(out.freeze()) => sent.map_err(|_| Over)?,
            () = ending.ended() => return Err(Over),
        }
        self.quiet_since = Instant::now();
        Ok(())
    }

    /// Where it stands with its source.
    pub(super) fn opened(&self) -> &Opened {
        &self.opened
    }
}

/// Waits until the origin wants nobody any more.
async fn over(status: &mut watch::Receiver<Status>) {
    // A source that is gone gives no more events, which is the same.
    let _ = status.wait_for(|status| matches!(status, Status::Ended(_))).await;
}

impl Drop for Running {
    fn drop(&mut self) {
        self.proxy.telemetry.relay_streams.decrement(1);
    }
}

/// What was asked for, if anything was.
async fn answer(reading: &mut Option<oneshot::Receiver<Piece>>) -> Result<Piece, oneshot::error::RecvError> {
    match reading {
        Some(reading) => reading.await,
        None => std::future::pending().await,
    }
}
