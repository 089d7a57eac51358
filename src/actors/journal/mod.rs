//! What is to outlive the process, on its way to the store.
//!
//! Everything that changes state runs on one thread, and none of it waits half-way. So what a commit holds is gathered
//! in one go, between two turns of that thread, and is the state of one moment: events that came, how far everybody is,
//! what was counted. While one batch is written, the next gathers.
//!
//! Without a store there is nothing of all this: every question is answered as if the disk had.

mod commits;
mod gate;

pub use commits::Commits;

use crate::codec::sse::Events;
use crate::engine::chunk::{Chunk, Hold};
use crate::engine::clock::Now;
use crate::engine::subscription::{Backlog, BacklogRule};
use crate::store::{Append, Batch, Logged, SourceNumber, Store, StoreError};
use gate::Gate;
use parking_lot::Mutex;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::{Notify, Semaphore, oneshot};

/// Whoever has something to keep.
pub trait Save: Send + Sync {
    /// Puts what changed since the last call into the batch.
    fn save(&self, now: Now, batch: &mut Batch);

    /// What the last call put into its batch is durable.
    fn saved(&self) {}
}

/// The way to the store; one for all. Its copies are the same.
#[derive(Clone, Default)]
pub struct Journal(Option<Arc<Shared>>);

struct Shared {
    store: Arc<dyn Store>,
    /// Events are sent only when they are durable.
    before: bool,
    pending: Mutex<Pending>,
    /// Something is pending.
    filled: Notify,
    /// Enough is pending not to wait for more.
    full: Notify,
    gate: Gate,
    /// Places for those who read the log.
    readers: Semaphore,
    failing: AtomicBool,
}

/// Reads at a time. The disk is one, and each thread that the runtime has for them, once there, takes its turn at commits
/// too and keeps a heap of its own.
const READERS: usize = 2;

/// What the next commit will hold.
#[derive(Default)]
struct Pending {
    batch: Batch,
    events: usize,
    /// Credits and the like, given back when the batch is durable.
    holds: Vec<Hold>,
    savers: Vec<Arc<dyn Save>>,
    waiting: Vec<Box<dyn FnOnce() + Send>>,
}

/// Events that are enough for a commit.
const ENOUGH_EVENTS: usize = 1000;

/// How events and the disk are to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// An event is sent only when it is durable, and not while it becomes so.
    pub before: bool,
    /// Segments that may be accepted without the store knowing: that many may be sent again after a crash, and those
    /// that were on their way.
    pub max_unsaved: u64,
}

impl Journal {
    /// The way to `store`; [`Commits`] has to run for anything to arrive there.
    pub fn new(store: Arc<dyn Store>, settings: Settings) -> Self {
        Self(Some(Arc::new(Shared {
            store,
            before: settings.before,
            pending: Mutex::default(),
            filled: Notify::new(),
            full: Notify::new(),
            gate: Gate::new(settings.max_unsaved),
            readers: Semaphore::new(READERS),
            failing: AtomicBool::new(false),
        })))
    }

    /// No way: nothing outlives the process.
    pub fn none() -> Self {
        Self(None)
    }

    /// Whether there is a store.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Whether an event is sent only when it is durable.
    pub fn is_before(&self) -> bool {
        self.0.as_ref().is_some_and(|shared| shared.before)
    }

    /// What a subscription keeps waiting, some `octets` at most: what it leaves is in the log, if there is one.
    pub fn backlog(&self, octets: usize) -> Backlog {
        let rule = if self.is_on() { BacklogRule::Refuse } else { BacklogRule::DropOldest };
        Backlog { limit: octets, rule }
    }

    /// Whether the store has refused the last batch, which it is given until it takes it.
    pub fn is_failing(&self) -> bool {
        self.0.as_ref().is_some_and(|shared| shared.failing.load(Ordering::Relaxed))
    }

    /// Events for the log of `source`; `hold` is given back when they are durable.
    pub fn append(&self, source: SourceNumber, chunk: &Arc<Chunk>, hold: Option<Hold>) {
        let Some(shared) = &self.0 else { return };
        let mut pending = shared.pending.lock();
        pending.events += chunk.events().len();
        pending.batch.appends.push(Append { source, chunk: Arc::clone(chunk) });
        pending.holds.extend(hold);
        let full = pending.events >= ENOUGH_EVENTS;
        drop(pending);
        shared.filled.notify_one();
        if full {
            shared.full.notify_one();
        }
    }

    /// `saver` has something to keep; not to be said again before it was asked for it.
    pub fn note(&self, saver: Arc<dyn Save>) {
        if let Some(shared) = &self.0 {
            shared.pending.lock().savers.push(saver);
            shared.filled.notify_one();
        }
    }

    /// Lets `change` say what records change.
    pub fn change(&self, change: impl FnOnce(&mut Batch)) {
        if let Some(shared) = &self.0 {
            change(&mut shared.pending.lock().batch);
            shared.filled.notify_one();
        }
    }

    /// Calls `then` when everything said so far is durable: at once without a store.
    pub fn when_durable(&self, then: impl FnOnce() + Send + 'static) {
        match &self.0 {
            Some(shared) => {
                shared.pending.lock().waiting.push(Box::new(then));
                shared.filled.notify_one();
                shared.full.notify_one();
            }
            None => then(),
        }
    }

    /// Waits until everything said so far is durable.
    pub async fn flush(&self) {
        let (sender, durable) = oneshot::channel();
        self.when_durable(move || {
            // Whoever waited may have given up.
            let _ = sender.send(());
        });
        let _ = durable.await;
    }

    /// So many segments were accepted.
    pub fn note_accepted(&self, segments: u64) {
        if let Some(shared) = &self.0 {
            shared.gate.note_accepted(segments);
        }
    }

    /// Whether more segments may be sent: not while too many were accepted that the store does not know of, `unsaid`
    /// ones that nobody was told of included.
    pub fn is_open(&self, unsaid: u64) -> bool {
        self.0.as_ref().is_none_or(|shared| shared.gate.is_open(unsaid))
    }

    /// What the log of `source` has of the events from number `from` on, some `octets` of it. It is read on a thread
    /// where waiting holds nobody.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn read(&self, source: SourceNumber, from: u64, octets: usize) -> Result<Vec<Logged>, StoreError> {
        let Some(shared) = self.0.clone() else { return Ok(Vec::new()) };
        let own = Arc::clone(&shared);
        let _place = own.readers.acquire().await; // never closed
        let read = tokio::task::spawn_blocking(move || shared.store.read(source, from, octets));
        // It fails only when the runtime ends, and then nobody wants to know.
        read.await.unwrap_or_else(|_| Ok(Vec::new()))
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").field("is_on", &self.is_on()).finish_non_exhaustive()
    }
}

/// When a chunk of the log was read, on the clock of this process: events that are older than it have a time before it
/// began, which the monotonic clock has room for.
pub fn read_at(now: Now, unix_ms: u64) -> Now {
    let age = std::time::Duration::from_millis(now.unix_ms.saturating_sub(unix_ms));
    Now { monotonic: now.monotonic.saturating_sub(age), unix_ms: unix_ms.min(now.unix_ms) }
}

/// A chunk as it was before it went to the log.
pub fn chunk(now: Now, logged: Logged) -> Arc<Chunk> {
    let Logged { first, epoch, unix_ms, events } = logged;
    Arc::new(Chunk::new(Events::compacted(events), first, read_at(now, unix_ms), None, None).in_epoch(epoch))
}
