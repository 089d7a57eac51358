//! What a source keeps of its events at hand: a ring in memory. What fell out of it is in the store's log, if there is one.

use crate::codec::sse::EventRef;
use crate::engine::chunk::Chunk;
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

    /// The number after the last event with this id.
    pub fn after(&self, last_event_id: &[u8]) -> Option<u64> {
        self.chunks.iter().rev().find_map(|chunk| {
            let mut numbers = chunk.range().rev();
            numbers.find(|seq| chunk.get(*seq).is_some_and(|event| event.id == last_event_id)).map(|seq| seq + 1)
        })
    }
}
