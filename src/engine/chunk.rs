//! Events as they travel: never one by one, always what one read brought.

use super::clock::Now;
use crate::codec::sse::{self, EventRef, Events};
use crate::model::{Outcome, OwnId};
use parking_lot::Mutex;
use std::fmt;
use std::num::NonZeroU32;
use std::ops::Range;
use std::sync::Arc;

/// Whatever must be kept while events are in flight, and given back by dropping it: a credit at the door.
pub type Hold = Box<dyn Send + Sync>;

/// Told how many events of a chunk ended how, once per subscription and event.
pub type Watch = Arc<dyn Fn(Outcome, u64) + Send + Sync>;

/// The octets that an event needs in a push.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measure {
    /// Those of its id at the head of a push.
    pub id: u32,
    /// Those of its id behind the event before it in the chunk.
    pub id_behind: u32,
    /// All others; none for an event that cannot be written.
    pub block: Option<NonZeroU32>,
}

/// What a chunk takes however few events it has: itself, its counts of references, and what an allocator adds to the
/// four pieces that it is made of.
const OVERHEAD_OCTETS: usize = size_of::<Chunk>() + 2 * size_of::<usize>() + 4 * 16;

/// Consecutive events of one source, numbered; shared by every subscription of the source.
pub struct Chunk {
    events: Events,
    /// Of each event; taken once for all subscriptions.
    measures: Box<[Measure]>,
    first: u64,
    epoch: u32,
    read_at: Now,
    hold: Mutex<Option<Hold>>,
    watch: Option<Watch>,
}

impl Chunk {
    /// Numbers `events` from `first` on.
    pub fn new(events: Events, first: u64, read_at: Now, hold: Option<Hold>, watch: Option<Watch>) -> Self {
        let measures = measures(&events);
        Self { events, measures, first, epoch: 0, read_at, hold: Mutex::new(hold), watch }
    }

    /// Its numbers belong to this numbering of its source, and not to the first.
    #[must_use]
    pub fn in_epoch(self, epoch: u32) -> Self {
        Self { epoch, ..self }
    }

    /// Which numbering of its source its numbers belong to.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// What the event numbered `seq` is called if its origin does not call it anything.
    pub fn own_id(&self, seq: u64) -> OwnId {
        OwnId { epoch: self.epoch, seq }
    }

    /// The numbers of its events.
    pub fn range(&self) -> Range<u64> {
        self.first..self.first + self.events.len() as u64
    }

    /// Its events.
    pub fn events(&self) -> &Events {
        &self.events
    }

    /// The event numbered `seq`, if it is in here.
    pub fn get(&self, seq: u64) -> Option<EventRef<'_>> {
        self.events.get(self.index(seq)?)
    }

    /// What the event numbered `seq` needs.
    pub(super) fn measure(&self, seq: u64) -> Option<&Measure> {
        self.measures.get(self.index(seq)?)
    }

    fn index(&self, seq: u64) -> Option<usize> {
        usize::try_from(seq.checked_sub(self.first)?).ok()
    }

    /// When its events were read.
    pub fn read_at(&self) -> Now {
        self.read_at
    }

    /// Octets of memory that it keeps.
    pub fn octets(&self) -> usize {
        octets(&self.events)
    }

    /// Gives the hold back: the first subscription to have released every event in here does so. Whether it was there.
    pub fn release(&self) -> bool {
        self.hold.lock().take().is_some()
    }

    /// Who wants to know how its events end.
    pub(super) fn watch(&self) -> Option<&Watch> {
        self.watch.as_ref()
    }
}

/// Octets of memory that a chunk of these events keeps, with those that say what is where: of a single event they are
/// most.
pub fn octets(events: &Events) -> usize {
    OVERHEAD_OCTETS + events.octets() + events.len() * size_of::<Measure>()
}

fn measures(events: &Events) -> Box<[Measure]> {
    let mut measures = Vec::with_capacity(events.len());
    let mut previous_id = &b""[..];
    for event in events {
        let id = sse::id_len(&event, b"") as u32;
        let id_behind = sse::id_len(&event, previous_id) as u32;
        measures.push(Measure { id, id_behind, block: block(&event) });
        previous_id = event.id;
    }
    measures.into()
}

/// A stream may carry a NUL in an event's type (HTML §9.2.6 bars it from ids only), but the writer refuses it.
fn block(event: &EventRef<'_>) -> Option<NonZeroU32> {
    if event.event_type.contains(&0) {
        return None;
    }
    // With the id in force already, none is written.
    NonZeroU32::new(sse::encoded_len(event, event.id) as u32)
}

impl fmt::Debug for Chunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunk").field("range", &self.range()).field("octets", &self.octets()).finish_non_exhaustive()
    }
}
