//! Events that need not be pushed: of a type that is not wanted, or made needless by a later one while they wait.
//!
//! Each is looked at once, when it comes, and ends out of turn. What has ended so far is remembered until the pushes
//! around it are settled too; where that would be too much, the next events are looked at later, and none of them is
//! pushed before.

use super::Subscription;
use super::keys::{Key, Keys};
use crate::engine::chunk::Chunk;
use crate::engine::clock::Stamp;
use crate::engine::tally::Tally;
use crate::model::{Coalesce, Content, Outcome, Policy};
use std::ops::Range;
use std::sync::Arc;

/// Ranges of events ended out of turn, at most.
const MAX_ENDED: usize = 8192;

/// What is known of the events that came, if not all of them are pushed.
#[derive(Debug)]
pub(super) struct Screen {
    /// Every event before this one was looked at.
    until: u64,
    /// When the first event came of which a later one that waits took the place.
    waiting_since: Stamp,
    keys: Keys,
}

impl Screen {
    /// None if every event is pushed.
    pub fn of(policy: &Policy) -> Option<Box<Self>> {
        let needed = !policy.types.is_all() || policy.coalesce != Coalesce::None;
        needed.then(|| Box::new(Self { until: 0, waiting_since: Stamp::NEVER, keys: Keys::default() }))
    }
}

impl Subscription {
    /// One past the last event that may be pushed.
    #[inline]
    pub(super) fn reach(&self) -> u64 {
        self.screen.as_ref().map_or(self.end, |screen| screen.until.min(self.end))
    }

    /// Whether events can be looked at that were not: while a stream brings them none makes another needless.
    #[inline(never)]
    pub(super) fn screening_is_due(&self) -> bool {
        let streamed = self.policy.coalesce != Coalesce::None && self.is_streamed();
        self.reach() < self.end && self.ended.len() < MAX_ENDED && !streamed
    }

    /// When the first event came that waits, or one that it took the place of.
    pub(super) fn waiting_since(&self, oldest: Stamp) -> Stamp {
        self.screen.as_ref().map_or(oldest, |screen| screen.waiting_since.min(oldest))
    }

    /// A push was formed: what waits now has not waited for others that are gone.
    pub(super) fn note_formed(&mut self) {
        if let Some(screen) = &mut self.screen {
            screen.waiting_since = Stamp::NEVER;
        }
    }

    /// Looks at the events that came, and ends those that need not be pushed.
    #[inline(never)]
    pub(super) fn screen(&mut self, tally: &mut Tally) {
        let Some(mut screen) = self.screen.take() else { return };
        if self.cursor >= screen.until {
            screen.waiting_since = Stamp::NEVER;
        }
        // A push of an earlier process is formed again as it was.
        screen.until = screen.until.max(self.cursor).max(self.again_end().min(self.end));
        self.screen = Some(screen);
        while self.screening_is_due() {
            let Some(mut screen) = self.screen.take() else { return };
            match self.chunks.get(self.chunk_index(screen.until)).map(Arc::clone) {
                Some(chunk) => self.screen_chunk(&mut screen, &chunk, tally),
                None => screen.until = self.end,
            }
            self.screen = Some(screen);
        }
        self.pass_ended(tally);
        self.tell_if_roomy();
    }

    fn screen_chunk(&mut self, screen: &mut Screen, chunk: &Chunk, tally: &mut Tally) {
        let own = chunk.range();
        let (mut seq, end) = (screen.until.max(own.start), own.end.min(self.end));
        let written = self.written_to_streams();
        // Of events that are not wanted a run ends at once.
        let mut unwanted = seq..seq;
        while seq < end && self.ended.len() < MAX_ENDED {
            let wanted = chunk.get(seq).filter(|event| self.policy.types.wants(event.event_type));
            if let Some(until) = self.ended.until(seq) {
                self.end_out_of_turn(std::mem::replace(&mut unwanted, until..until), Outcome::Filtered, tally);
                seq = until;
                continue;
            }
            match wanted {
                None => unwanted.end = seq + 1,
                Some(event) => {
                    self.end_out_of_turn(std::mem::replace(&mut unwanted, seq + 1..seq + 1), Outcome::Filtered, tally);
                    // What was written to a stream may have arrived.
                    let key = if seq < written { None } else { Key::of(&event, &self.policy.coalesce) };
                    if let Some(key) = key.filter(|_| self.can_be_sent(chunk, seq)) {
                        self.coalesce(screen, key, seq, tally);
                    }
                }
            }
            seq += 1;
        }
        self.end_out_of_turn(unwanted, Outcome::Filtered, tally);
        screen.until = seq;
        self.let_go(&own);
    }

    fn coalesce(&mut self, screen: &mut Screen, key: Key, seq: u64, tally: &mut Tally) {
        let waiting = self.cursor.max(self.again_end()).max(self.written_to_streams());
        let before = screen.keys.put(key, seq, waiting).filter(|before| *before >= waiting && *before < seq);
        let Some(before) = before.filter(|before| self.ended.until(*before).is_none()) else { return };
        if let Some(chunk) = self.chunks.get(self.chunk_index(before)) {
            screen.waiting_since = screen.waiting_since.min(chunk.read_at().monotonic.into());
        }
        self.end_out_of_turn(before..before + 1, Outcome::Coalesced, tally);
    }

    fn can_be_sent(&self, chunk: &Chunk, seq: u64) -> bool {
        let wake = self.policy.content == Content::Wake;
        chunk.measure(seq).is_some_and(|measure| wake || self.fits(chunk, seq, measure))
    }

    /// Ends events that wait, and have not ended.
    fn end_out_of_turn(&mut self, range: Range<u64>, outcome: Outcome, tally: &mut Tally) {
        if range.is_empty() {
            return;
        }
        self.changed = true;
        tally.settle(outcome, range.end - range.start);
        self.tell_watchers(&range, outcome);
        if !self.policy.batch_window.is_zero() {
            self.pending_octets = self.pending_octets.saturating_sub(self.measure(range.clone()));
        }
        self.ended.insert(range.clone());
        self.let_go(&range);
    }

    /// Lets go of the chunk with the events of `range` if each of it has ended.
    fn let_go(&mut self, range: &Range<u64>) {
        let at = self.chunk_index(range.start);
        if let Some(own) = self.chunks.get(at).map(|chunk| chunk.range())
            && own.contains(&range.start)
            && self.ended.covers(&own)
            && let Some(chunk) = self.chunks.remove(at)
        {
            self.octets -= chunk.octets();
            chunk.release();
        }
    }

    /// Passes over what has ended at the cursor.
    pub(super) fn pass_ended(&mut self, tally: &mut Tally) {
        let limit = self.reach().min(self.again_start());
        if self.cursor < limit
            && let Some(until) = self.ended.until(self.cursor)
        {
            // Counted before: the outcome says nothing.
            self.skip(self.cursor..until.min(limit), Outcome::Accepted, tally);
        }
    }
}
