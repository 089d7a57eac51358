//! What a source keeps of its events at hand: a ring in memory. What fell out of it is in the store's log, if there is one.

use crate::codec::sse::EventRef;
use crate::engine::chunk::Chunk;
use crate::model::OwnId;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// The newest events of a source.
pub(super) struct Log {
    chunks: VecDeque<Arc<Chunk>>,
    octets: usize,
    max_octets: usize,
}

impl Log {
    /// A log that keeps `max_octets`, and the newest chunk however long it is.
    pub fn new(max_octets: usize) -> Self {
        Self { chunks: VecDeque::new(), octets: 0, max_octets }
    }

    /// Adds the newest.
    pub fn push(&mut self, chunk: Arc<Chunk>) {
        self.octets += chunk.octets();
        self.chunks.push_back(chunk);
        while self.octets > self.max_octets && self.chunks.len() > 1 {
            let Some(oldest) = self.chunks.pop_front() else { break };
            self.octets -= oldest.octets();
        }
    }

    /// The number of the oldest event that it has.
    pub fn start(&self) -> Option<u64> {
        self.chunks.front().map(|chunk| chunk.range().start)
    }

    /// One past the number of the newest event that it has.
    pub fn end(&self) -> Option<u64> {
        self.chunks.back().map(|chunk| chunk.range().end)
    }

    /// The event numbered `seq`.
    pub fn get(&self, seq: u64) -> Option<EventRef<'_>> {
        let at = self.chunks.partition_point(|chunk| chunk.range().end <= seq);
        self.chunks.get(at)?.get(seq)
    }

    /// Gives back what is held by chunks that were read before `time` and that no subscription has released; whether
    /// there were any.
    pub fn release_before(&self, time: Duration) -> bool {
        let old = self.chunks.iter().take_while(|chunk| chunk.read_at().monotonic <= time);
        old.filter(|chunk| chunk.release()).count() > 0
    }

    /// What it has of the events from number `from` on.
    pub fn from(&self, from: u64) -> Vec<Arc<Chunk>> {
        let first = self.chunks.partition_point(|chunk| chunk.range().end <= from);
        self.chunks.range(first..).cloned().collect()
    }

    /// What it has of the events from number `from` on, some `octets` of it.
    pub fn some(&self, from: u64, octets: usize) -> Vec<Arc<Chunk>> {
        let first = self.chunks.partition_point(|chunk| chunk.range().end <= from);
        let mut taken = 0;
        let enough = |chunk: &&Arc<Chunk>| {
            let more = taken < octets;
            taken += chunk.octets();
            more
        };
        self.chunks.range(first..).take_while(enough).cloned().collect()
    }

    /// Whether it has the event that we have called so.
    pub fn has(&self, own: OwnId) -> bool {
        let at = self.chunks.partition_point(|chunk| chunk.range().end <= own.seq);
        self.chunks.get(at).is_some_and(|chunk| chunk.range().contains(&own.seq) && chunk.epoch() == own.epoch)
    }

    /// The last event with this id before number `end`.
    pub fn last(&self, id: &[u8], end: u64) -> Option<u64> {
        self.chunks.iter().rev().find_map(|chunk| {
            let numbers = chunk.range().start..chunk.range().end.min(end);
            numbers.rev().find(|seq| chunk.get(*seq).is_some_and(|event| event.id == id))
        })
    }

    /// The number to go on with for whoever has the event with this id.
    pub fn after(&self, last_event_id: &[u8]) -> Option<u64> {
        let mut run = LastRun::of(last_event_id);
        for chunk in &self.chunks {
            chunk.range().zip(chunk.events()).for_each(|(seq, event)| run.note(seq, event.id));
        }
        run.begin().map(|seq| seq + 1)
    }
}

/// The last run of events with some id. Events inherit the id of the one before (HTML §9.2.6), and whoever has seen the
/// first of a run may not have seen the others: the id does not tell.
pub(super) struct LastRun<'a> {
    id: &'a [u8],
    begin: Option<u64>,
    runs: bool,
}

impl<'a> LastRun<'a> {
    pub fn of(id: &'a [u8]) -> Self {
        Self { id, begin: None, runs: false }
    }

    /// The next event has this number and this id.
    pub fn note(&mut self, seq: u64, id: &[u8]) {
        let is = id == self.id;
        if is && !self.runs {
            self.begin = Some(seq);
        }
        self.runs = is;
    }

    /// The number of its first event.
    pub fn begin(&self) -> Option<u64> {
        self.begin
    }
}
