//! Events come, and wait: as many of them as there is room for.

use super::Subscription;
use crate::engine::chunk::Chunk;
use crate::engine::clock::Now;
use crate::engine::tally::{Stage, Tally};
use std::sync::Arc;

/// What a subscription keeps waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// Octets of chunks, at most; one longer chunk is taken alone.
    pub limit: usize,
    /// What becomes of more.
    pub rule: BacklogRule,
}

/// What becomes of events that there is no room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BacklogRule {
    /// The oldest that wait are lost, and the handset is told.
    DropOldest,
    /// They are refused, and given again when there is room.
    Refuse,
}

/// What became of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It was taken, or is nothing new.
    Whole,
    /// It was refused; nothing is taken any more before [`Subscription::catch_up`].
    Full,
}

/// Told that there is room.
pub type Roomy = Arc<dyn Fn() + Send + Sync>;

impl Subscription {
    /// Takes events. What it has already is left out; what is missing in between is lost, and the handset will be told.
    pub fn handle_chunk(&mut self, now: Now, chunk: &Arc<Chunk>, tally: &mut Tally) -> Taken {
        let range = chunk.range();
        if range.end <= self.end || self.is_closing() {
            return Taken::Whole;
        }
        // A push that an earlier process formed may need more of them.
        let has_work = !self.chunks.is_empty() && !self.waits_for_rest();
        let full = has_work && self.octets + chunk.octets() > self.backlog.limit;
        if self.backlog.rule == BacklogRule::Refuse && (full || self.behind) {
            self.behind = true;
            return Taken::Full;
        }
        tally.time(Stage::Queue, now.since(chunk.read_at()), range.end - self.end.max(range.start));
        self.watched |= chunk.watch().is_some();
        self.octets += chunk.octets();
        self.chunks.push_back(Arc::clone(chunk));
        if !self.policy.batch_window.is_zero() {
            self.pending_octets += self.measure(self.end..range.end);
        }
        self.end = range.end;
        self.end_confirmed(tally);
        if self.screen.is_some() {
            self.screen(tally);
        }
        let drops = self.backlog.rule == BacklogRule::DropOldest;
        if drops && self.octets > self.backlog.limit {
            self.end_written(tally);
        }
        while drops && self.octets > self.backlog.limit && self.drop_oldest_waiting(tally) {}
        Taken::Whole
    }

    /// What it refused is given to it again.
    pub fn catch_up(&mut self) {
        self.behind = false;
    }

    /// Calls `roomy` once, when half of the backlog is free.
    pub fn call_when_roomy(&mut self, roomy: Roomy) {
        self.roomy = Some(roomy);
        self.tell_if_roomy();
    }

    #[inline]
    pub(super) fn tell_if_roomy(&mut self) {
        if self.roomy.is_some()
            && (self.octets <= self.backlog.limit / 2 || self.waits_for_rest())
            && let Some(roomy) = self.roomy.take()
        {
            roomy();
        }
    }
}
