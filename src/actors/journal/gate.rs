//! A bound on what may be sent twice: segments that were accepted without the store knowing.

use std::sync::atomic::{AtomicU64, Ordering};

/// Closed while too many segments were accepted since the last commit.
pub(super) struct Gate {
    limit: u64,
    /// Segments accepted since the process began.
    accepted: AtomicU64,
    /// Those of them that the store knows of.
    saved: AtomicU64,
}

impl Gate {
    /// A gate that closes behind `limit` segments.
    pub fn new(limit: u64) -> Self {
        Self { limit: limit.max(1), accepted: AtomicU64::new(0), saved: AtomicU64::new(0) }
    }

    pub fn note_accepted(&self, segments: u64) {
        self.accepted.fetch_add(segments, Ordering::Relaxed);
    }

    /// Whether it is open when `unsaid` more were accepted than it was told.
    pub fn is_open(&self, unsaid: u64) -> bool {
        (self.accepted() + unsaid).saturating_sub(self.saved.load(Ordering::Relaxed)) < self.limit
    }

    /// Segments accepted so far: to be read when what a commit holds is gathered.
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// The commit that was gathered when `accepted` segments were is durable; whether that opened the gate.
    pub fn note_saved(&self, accepted: u64) -> bool {
        let was_open = self.is_open(0);
        self.saved.store(accepted, Ordering::Relaxed);
        !was_open && self.is_open(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_closes_behind_the_limit_and_opens_with_a_commit() {
        let gate = Gate::new(10);
        gate.note_accepted(9);
        assert!(gate.is_open(0) && !gate.is_open(1));
        let gathered = gate.accepted();
        gate.note_accepted(1);
        assert!(!gate.is_open(0));
        assert!(gate.note_saved(gathered), "it opens");
        gate.note_accepted(8);
        assert!(gate.is_open(0), "nine are unsaved");
        assert!(!gate.note_saved(gathered + 1), "it was open");
    }
}
