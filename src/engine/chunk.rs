//! Events as they travel: never one by one, always what one read brought.

use super::clock::Now;
use crate::codec::sse::{EventRef, Events};
use crate::model::Outcome;
use parking_lot::Mutex;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Whatever must be kept while events are in flight, and given back by dropping it: a credit at the door.
pub type Hold = Box<dyn Send + Sync>;

/// Told how many events of a chunk ended how, once per subscription and event.
pub type Watch = Arc<dyn Fn(Outcome, u64) + Send + Sync>;

/// Consecutive events of one source, numbered; shared by every subscription of the source.
pub struct Chunk {
    events: Events,
    first: u64,
    read_at: Now,
    hold: Mutex<Option<Hold>>,
    watch: Option<Watch>,
}

impl Chunk {
    /// Numbers `events` from `first` on.
    pub fn new(events: Events, first: u64, read_at: Now, hold: Option<Hold>, watch: Option<Watch>) -> Self {
        Self { events, first, read_at, hold: Mutex::new(hold), watch }
    }

    /// The numbers of its events.
    pub fn range(&self) -> Range<u64> {
        self.first..self.first + self.events.len() as u64
    }

    /// The event numbered `seq`, if it is in here.
    pub fn get(&self, seq: u64) -> Option<EventRef<'_>> {
        self.events.get(usize::try_from(seq.checked_sub(self.first)?).ok()?)
    }

    /// When its events were read.
    pub fn read_at(&self) -> Now {
        self.read_at
    }

    /// Octets of memory that it keeps.
    pub fn octets(&self) -> usize {
        self.events.octets()
    }

    /// Gives the hold back: the first subscription to have released every event in here does so.
    pub fn release(&self) {
        self.hold.lock().take();
    }

    /// Who wants to know how its events end.
    pub(super) fn watch(&self) -> Option<&Watch> {
        self.watch.as_ref()
    }
}

impl fmt::Debug for Chunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunk").field("range", &self.range()).field("octets", &self.octets()).finish_non_exhaustive()
    }
}
