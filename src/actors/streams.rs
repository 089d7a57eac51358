//! The streams by which a handset follows a source: the other bearer, beside pushes.
//!
//! They may be there before the subscription is, and after it: a handset opens a stream first and activates push later,
//! or never. What they have brought is remembered here, so that one bearer goes on where the other was.

use super::clock::Clock;
use super::ledger::Ledger;
use super::port::Port;
use super::seat::SharedSeat;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// The streams of one handset for one source and application.
pub struct Streams {
    ledger: Arc<Ledger>,
    clock: Clock,
    fields: Mutex<Fields>,
    /// Every event before this one has reached the handset.
    confirmed: watch::Sender<u64>,
    /// How often all of them were ended by the handset's wish.
    ended: watch::Sender<u32>,
}

#[derive(Default)]
struct Fields {
    /// The subscription, if push is active.
    seat: Option<SharedSeat>,
    open: usize,
    /// There was one.
    begun: bool,
    /// Every event before this one was written to a stream.
    written: u64,
}

impl Streams {
    /// None so far.
    pub(super) fn new(ledger: Arc<Ledger>, clock: Clock) -> Self {
        let (confirmed, ended) = (watch::Sender::new(0), watch::Sender::new(0));
        Self { ledger, clock, fields: Mutex::default(), confirmed, ended }
    }

    /// Push is active from now on. While a stream is open nothing is pushed.
    pub(super) fn arm(&self, seat: &SharedSeat) {
        let mut fields = self.fields.lock();
        fields.seat = Some(SharedSeat::clone(seat));
        if fields.open > 0 {
            seat.open_stream();
        }
    }

    /// Push is no longer active.
    pub(super) fn disarm(&self) {
        self.fields.lock().seat = None;
    }

    /// Where a subscription goes on that begins now: while one is open, with the first event that may not have arrived;
    /// else behind the last that was written. None if there never was one.
    pub(super) fn brought(&self) -> Option<u64> {
        let fields = self.fields.lock();
        match fields.open {
            _ if !fields.begun => None,
            0 => Some(fields.written),
            _ => Some(*self.confirmed.borrow()),
        }
    }

    /// A subscription that is to come begins with event number `from`, unless streams have brought more by then.
    pub(super) fn expect(&self, from: u64) {
        let mut fields = self.fields.lock();
        if !fields.begun {
            (fields.begun, fields.written) = (true, from);
        }
    }

    /// Every event before this one was written to a stream.
    pub(super) fn written(&self) -> u64 {
        self.fields.lock().written
    }

    /// Whether one is open.
    pub(super) fn is_open(&self) -> bool {
        self.fields.lock().open > 0
    }

    /// One more is open; its handset has every event before `from`.
    fn open(&self, from: u64) {
        let mut fields = self.fields.lock();
        fields.open += 1;
        fields.begun = true;
        if let Some(seat) = &fields.seat {
            seat.open_stream();
        }
        drop(fields);
        self.relayed(from, from);
    }

    /// Every event before `written` was written to a stream, and every one before `confirmed` has arrived.
    fn relayed(&self, written: u64, confirmed: u64) {
        let mut fields = self.fields.lock();
        fields.written = fields.written.max(written).max(confirmed);
        self.confirmed.send_if_modified(|known| {
            let news = *known < confirmed;
            *known = confirmed.max(*known);
            news
        });
        let (seat, written) = (fields.seat.clone(), fields.written);
        drop(fields);
        if let Some(seat) = seat {
            let now = self.clock.now();
            self.ledger.record(|tally| seat.relayed(now, written, confirmed, tally));
        }
    }

    /// The handset says that it has every event before this one; what was not written it cannot have.
    pub(super) fn acknowledge(&self, until: u64) {
        let written = self.fields.lock().written;
        self.relayed(written, until.min(written));
    }

    /// Ends every stream: what has not arrived is pushed at once.
    pub(super) fn end_all(&self) {
        self.ended.send_modify(|times| *times += 1);
        let mut fields = self.fields.lock();
        fields.open = 0;
        if let Some(seat) = &fields.seat {
            let now = self.clock.now();
            seat.close_streams(now, now.monotonic);
        }
    }

    fn close(&self, push_after: Duration, times: u32) {
        let mut fields = self.fields.lock();
        if *self.ended.borrow() != times {
            return; // it was ended with all others
        }
        fields.open = fields.open.saturating_sub(1);
        if fields.open == 0
            && let Some(seat) = &fields.seat
        {
            let now = self.clock.now();
            seat.close_streams(now, now.monotonic.saturating_add(push_after));
        }
    }
}

/// One open stream: dropped when it is closed, for whatever reason.
pub struct OpenStream {
    /// Whose it is, if that is known.
    streams: Option<Arc<Streams>>,
    begun: bool,
    push_after: Duration,
    /// How often all were ended when it was opened.
    times: u32,
    signals: Signals,
    /// Told that it is closed.
    closed: Port<()>,
}

/// What a handset says of its streams.
#[derive(Clone, Debug)]
pub struct Signals {
    confirmed: watch::Receiver<u64>,
    ended: watch::Receiver<u32>,
}

impl OpenStream {
    /// A stream, of the handset to which `streams` belong if that is known. `closed` is told when it is no more; what
    /// has not arrived is pushed `push_after` that, unless another was opened.
    pub(super) fn new(streams: Option<Arc<Streams>>, push_after: Duration, closed: Port<()>) -> Self {
        let signals = match &streams {
            Some(streams) => Signals { confirmed: streams.confirmed.subscribe(), ended: streams.ended.subscribe() },
            None => Signals { confirmed: watch::Sender::new(0).subscribe(), ended: watch::Sender::new(0).subscribe() },
        };
        let times = *signals.ended.borrow();
        Self { streams, begun: false, push_after, times, signals, closed }
    }

    /// The first event that its handset is to have, if push is active: what is before it was pushed, or has arrived.
    pub fn owed(&self) -> Option<u64> {
        let seat = self.streams.as_ref()?.fields.lock().seat.clone();
        seat.map(|seat| seat.owed())
    }

    /// It begins: its handset has every event before `from`.
    pub fn begin(&mut self, from: u64) {
        if let Some(streams) = self.streams.as_ref().filter(|_| !self.begun) {
            // What was ended while it was being opened was not this one.
            self.times = *streams.ended.borrow();
            streams.open(from);
            self.begun = true;
        }
    }

    /// Every event before `written` was written to it, and every one before `confirmed` has arrived.
    pub fn relayed(&self, written: u64, confirmed: u64) {
        if let Some(streams) = &self.streams {
            streams.relayed(written, confirmed);
        }
    }

    /// For waiting on what the handset says.
    pub fn signals(&self) -> Signals {
        self.signals.clone()
    }
}

impl Signals {
    /// Every event before this one has arrived, by this stream or another.
    pub fn confirmed(&self) -> u64 {
        *self.confirmed.borrow()
    }

    /// Waits until the handset has said that it has more.
    pub async fn acknowledged(&mut self) {
        if self.confirmed.changed().await.is_err() {
            std::future::pending::<()>().await; // nobody can say anything
        }
    }

    /// Waits until the handset wants no stream any more.
    pub async fn ended(&mut self) {
        if self.ended.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        if let Some(streams) = self.streams.as_ref().filter(|_| self.begun) {
            streams.close(self.push_after, self.times);
        }
        self.closed.send(());
    }
}
