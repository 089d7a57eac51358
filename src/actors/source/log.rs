//! What a source keeps of its events: a ring in memory. What fell out of it cannot be given to anybody.

use crate::engine::chunk::Chunk;
use std::collections::VecDeque;
use std::sync::Arc;

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
