//! Pushes that an earlier process formed are formed again: the same events, numbers and octets, so that a handset that
//! had them knows them.

use super::Subscription;
use crate::codec::segments;
use crate::engine::clock::{Now, Stamp};
use crate::engine::progress::OpenPushes;
use crate::engine::push::Push;
use crate::engine::references::Numbers;
use crate::engine::tally::Tally;
use crate::model::{DropReason, Outcome};
use bytes::BytesMut;
use std::ops::Range;

/// What is to be done at the cursor about the next push of an earlier process.
enum Step {
    /// What ended is passed over, up to this event.
    Pass(u64),
    /// These events did not come.
    Lose(Range<u64>),
    /// It must not go again, and nobody knows how it ended.
    Forget(Range<u64>),
    /// It cannot be formed as it was: what there is of its events goes in new pushes.
    GiveUp,
    /// It is whole.
    Form,
    /// Some of its events have yet to come.
    Wait,
    /// It lies ahead: what is before it goes in new pushes.
    Afresh,
}

impl Subscription {
    /// Whether something is to be done about pushes of an earlier process; none if new ones are formed here.
    pub(super) fn again_is_due(&self) -> Option<bool> {
        match self.step()? {
            Step::Afresh => None,
            Step::Wait => Some(false),
            _ => Some(true),
        }
    }

    /// Whether nothing can be formed before more events have come.
    pub(super) fn waits_for_rest(&self) -> bool {
        !self.again.is_empty() && self.cursor < self.end && matches!(self.step(), Some(Step::Wait))
    }

    /// References of pushes to be formed again.
    pub(in super::super) fn again_references(&self) -> impl Iterator<Item = u16> {
        self.again.iter().map(|run| run.reference)
    }

    /// The first event of the next push of an earlier process: no other push has it.
    pub(super) fn again_start(&self) -> u64 {
        self.again.front().map_or(u64::MAX, |run| run.first)
    }

    /// One past the last event of pushes of an earlier process.
    pub(super) fn again_end(&self) -> u64 {
        self.again.back().map_or(0, OpenPushes::end)
    }

    /// Forms the next push of an earlier process; none if new ones are formed here, false if events have yet to come.
    pub(super) fn form_again(&mut self, now: Now, numbers: &mut Numbers, tally: &mut Tally) -> Option<bool> {
        while self.cursor < self.end {
            match self.step()? {
                Step::Afresh => return None,
                Step::Wait => break,
                // Counted before: the outcome says nothing.
                Step::Pass(until) => self.skip(self.cursor..until, Outcome::Accepted, tally),
                Step::Lose(range) => self.lose(range, tally),
                Step::Forget(range) => {
                    self.take_again().iter().for_each(|push| numbers.release(push.reference));
                    self.skip(range, Outcome::Unknown, tally);
                }
                Step::GiveUp => self.take_again().iter().for_each(|push| self.give_up(push, numbers, tally)),
                Step::Form => {
                    let Some(again) = self.take_again() else { break };
                    if self.put_again(&again, now, tally) {
                        return Some(true);
                    }
                    self.give_up(&again, numbers, tally);
                }
            }
        }
        Some(false)
    }

    /// Ends what is still to be formed again, for `reason`, unless it was sent: then nobody knows how it ended.
    pub(super) fn end_again(&mut self, reason: DropReason, numbers: &mut Numbers, tally: &mut Tally) {
        for run in std::mem::take(&mut self.again) {
            numbers.release(run.reference);
            self.end = self.end.max(run.end());
            self.skip(self.cursor..run.first, Outcome::Dropped(reason), tally);
            let outcome = if run.sent { Outcome::Unknown } else { Outcome::Dropped(reason) };
            self.skip(self.cursor..run.end(), outcome, tally);
        }
    }

    /// None if there is no push to be formed again. Else there is an event at the cursor.
    fn step(&self) -> Option<Step> {
        let next = self.again.front()?;
        if let Some(until) = self.ended.until(self.cursor) {
            return Some(Step::Pass(until.min(self.end)));
        }
        let push = next.first..next.first_end();
        if self.cursor >= push.end {
            return Some(Step::GiveUp);
        }
        let is_here = self.cursor >= push.start;
        if is_here && self.end < push.end {
            return Some(Step::Wait);
        }
        if is_here && next.sent && !self.resends {
            return Some(Step::Forget(self.cursor..push.end));
        }
        let came = self.chunks.get(self.chunk_index(self.cursor)).map_or(self.end, |chunk| chunk.range().start);
        if came > self.cursor {
            return Some(Step::Lose(self.cursor..came.min(if is_here { push.end } else { push.start })));
        }
        Some(match is_here {
            false => Step::Afresh,
            true if self.cursor == push.start && self.has_all(&push) => Step::Form,
            true => Step::GiveUp,
        })
    }

    fn has_all(&self, push: &Range<u64>) -> bool {
        let mut next = push.start;
        for chunk in self.chunks.range(self.chunk_index(next)..) {
            if next >= push.end || chunk.range().start > next {
                break;
            }
            next = chunk.range().end;
        }
        next >= push.end
    }

    fn take_again(&mut self) -> Option<OpenPushes> {
        let (first, more) = self.again.front_mut()?.take_first();
        if !more {
            self.again.pop_front();
        }
        self.changed = true;
        Some(first)
    }

    /// Its reference is free, what it told is told again, and what there is of its events may arrive twice.
    fn give_up(&mut self, push: &OpenPushes, numbers: &mut Numbers, tally: &mut Tally) {
        numbers.release(push.reference);
        self.gap += push.gap;
        if push.sent && self.cursor < push.end() {
            tally.resent += u64::from(push.segments);
        }
    }

    /// False if it would be another push, since what is around every push has changed.
    fn put_again(&mut self, again: &OpenPushes, now: Now, tally: &mut Tally) -> bool {
        let at = self.chunk_index(again.first);
        let oldest = self.chunks.get(at).map_or(now.monotonic, |one| one.read_at().monotonic);
        let mut push = Push::new(again.first..again.end(), again.segments, again.gap);
        push.form = again.form;
        (push.reference, push.transaction) = (again.reference, again.transaction);
        push.go_on_behind(again.accepted);
        push.maybe_sent = again.sent;
        push.formed_at = now.monotonic.into();
        if !self.policy.ttl.is_zero() {
            push.expires_at = (oldest + self.policy.ttl).into();
        }
        if self.segments_of(&push, at) != Some(push.segments) {
            return false;
        }
        if !self.policy.batch_window.is_zero() {
            self.pending_octets = self.pending_octets.saturating_sub(self.measure(push.events.clone()));
        }
        self.cursor = push.events.end;
        tally.pushes += 1;
        if again.sent && push.expires_at > Stamp::from(now.monotonic) {
            tally.resent += u64::from(again.segments);
        }
        self.pushes.push_back(push);
        self.unsent += 1;
        self.outstanding += 1;
        self.pass_ended(tally);
        true
    }

    /// Segments that the push needs.
    fn segments_of(&self, push: &Push, at: usize) -> Option<u8> {
        let block = |seq| self.chunks.get(self.chunk_index(seq))?.measure(seq)?.block;
        let mut open = self.ended.open(&push.events).into_iter().flatten();
        if !push.form.is_wake() && open.any(|seq| block(seq).is_none()) {
            return None;
        }
        let mut body = BytesMut::new();
        self.write_body(push, at, &mut body);
        segments::count(self.around + body.len(), self.width)
            .ok()
            .map(|count| if self.is_whole { 1 } else { count.get() })
    }
}
