//! Pushes come to their end: answers, restarts, and what is given up.

use super::{Answer, Settlement, Subscription, asking};
use crate::engine::clock::{Now, Stamp};
use crate::engine::ended::Ended;
use crate::engine::push::{Doom, Push};
use crate::engine::receipts::PushOf;
use crate::engine::references::Numbers;
use crate::engine::tally::{Answered, Stage, Tally};
use crate::engine::verdict::{MAX_RETRIES, Verdict};
use crate::model::{DropReason, Outcome};
use std::ops::Range;

impl Subscription {
    /// It takes the place of `old`, which has failed: it wants what is not released, and not what has ended out of turn.
    pub fn handle_restart(&mut self, old: &Self) {
        self.handle_attached(old.released);
        (self.changed, self.resends, self.draining) = (true, old.resends, old.draining);
        self.relay.clone_from(&old.relay);
        self.again.clone_from(&old.again);
        let untold = old.pushes.iter().filter(|push| push.outcome.is_none()).map(Push::gap).sum::<u64>();
        self.gap = old.gap + untold;
        let pushes = old.pushes.iter().filter(|push| push.outcome.is_some()).map(|push| push.events.clone());
        self.ended = Ended::new(pushes.chain(old.ended.within(&(old.released..u64::MAX))).collect());
    }

    /// Takes the answer to a segment and says what it means for handset and link. An answer to a push that is gone
    /// means nothing.
    pub(in super::super) fn handle_answer(
        &mut self,
        now: Now,
        (number, index): (u32, u8),
        answer: Answer<'_>,
        numbers: &mut Numbers,
        settlement: &mut Settlement<'_>,
    ) -> Verdict {
        let at = number.wrapping_sub(self.first_push as u32) as usize;
        let Some(push) = self.pushes.get_mut(at) else { return Verdict::Accept };
        self.changed = true;
        push.awaited = push.awaited.saturating_sub(1);
        let had_unsent = push.to_send().is_some();
        let verdict = match answer {
            Answer::Accepted { message_id } => {
                push.accepted = push.accepted.saturating_add(1);
                push.refusals = 0;
                settlement.tally.answer(Answered::Accepted);
                let wanted = self.policy.receipts;
                if asking::asks(wanted, &self.id, push, index) {
                    let owed = asking::owed(wanted, push);
                    let fate = *push.fate.get_or_insert_with(|| settlement.receipts.open(owed));
                    let of = &PushOf {
                        subscription: self.id,
                        first: push.events.start,
                        events: self.ended.count_open(&push.events),
                    };
                    let named = (settlement.smsc, message_id);
                    settlement.receipts.handle_accepted(now.monotonic, fate, named, of, settlement.tally);
                }
                Verdict::Accept
            }
            Answer::Refused { verdict, .. } => refuse(push, index, verdict, settlement.tally),
            Answer::Unknown { resend } => {
                numbers.quarantine(now.monotonic, push.reference);
                settlement.tally.references_reused += numbers.take_reused();
                lose_answer(push, index, resend, settlement.tally);
                Verdict::Accept
            }
        };
        let has_unsent = push.to_send().is_some();
        self.unsent = self.unsent + usize::from(has_unsent && !had_unsent) - usize::from(!has_unsent && had_unsent);
        self.settle_if_done(at, now, numbers, settlement);
        verdict
    }

    /// Ends what waits, for `reason`; what was sent is still answered. Every event before `next` was for it.
    pub(in super::super) fn close(
        &mut self,
        now: Now,
        reason: DropReason,
        next: u64,
        numbers: &mut Numbers,
        settlement: &mut Settlement<'_>,
    ) {
        self.end_written(settlement.tally);
        self.closing = Some(reason);
        if reason.takes_back() && settlement.receipts.is_withdrawing() {
            settlement.receipts.withdraw_all(&self.id);
        }
        self.end_again(reason, numbers, settlement.tally);
        self.end = self.end.max(next);
        self.skip(self.cursor..self.end, Outcome::Dropped(reason), settlement.tally);
        for number in self.numbers() {
            let Some(at) = self.place(number) else { continue };
            let push = &mut self.pushes[at];
            if push.to_send().is_some() && push.is_untouched() {
                push.doom(if push.maybe_sent { Doom::Unknown } else { Doom::Withdrawn(reason) });
                self.unsent -= 1;
                self.settle_if_done(at, now, numbers, settlement);
            }
        }
    }

    /// Ends everything, answered or not, for `reason`: the last thing done to it.
    pub(in super::super) fn abandon(
        &mut self,
        now: Now,
        reason: DropReason,
        numbers: &mut Numbers,
        settlement: &mut Settlement<'_>,
    ) {
        self.close(now, reason, self.end, numbers, settlement);
        for number in self.numbers() {
            let Some(at) = self.place(number) else { continue };
            let push = &mut self.pushes[at];
            push.doom(Doom::Unknown);
            push.awaited = 0;
            self.settle_if_done(at, now, numbers, settlement);
        }
        self.unsent = 0;
    }

    /// Refused pushes go before new ones, so the oldest with something to send is next.
    pub(super) fn first_unsent(&self) -> Option<usize> {
        if self.unsent == 1 && self.pushes.back().is_some_and(|push| push.to_send().is_some()) {
            return Some(self.pushes.len() - 1);
        }
        self.pushes.iter().position(|push| push.to_send().is_some())
    }

    /// Whether it was written before.
    pub(super) fn note_written(&mut self, at: usize, index: u8, airtime: u8, now: Now, tally: &mut Tally) -> bool {
        let push = &mut self.pushes[at];
        let again = push.note_written(index);
        self.changed = true;
        tally.segments += u64::from(airtime);
        tally.time(Stage::Window, Stamp::from(now.monotonic).since(push.formed_at), 1);
        self.unsent -= usize::from(push.to_send().is_none());
        again
    }

    pub(super) fn settle_if_done(
        &mut self,
        at: usize,
        now: Now,
        numbers: &mut Numbers,
        settlement: &mut Settlement<'_>,
    ) {
        let push = &mut self.pushes[at];
        if !push.is_done() || push.outcome.is_some() {
            return;
        }
        self.changed = true;
        numbers.release(push.reference);
        let (events, fate) = (push.events.clone(), push.fate);
        if push.is_partial() {
            numbers.quarantine(now.monotonic, push.reference);
            settlement.tally.references_reused += numbers.take_reused();
        }
        let count = self.ended.count_open(&events);
        let outcome = push.doomed().map_or(Outcome::Accepted, Doom::outcome);
        push.outcome = Some(outcome);
        self.outstanding -= 1;
        match fate {
            Some(fate) if outcome == Outcome::Accepted => {
                settlement.receipts.handle_released(now.monotonic, fate, count, settlement.tally);
                self.accepted_last = Some(fate);
                if settlement.receipts.is_withdrawing() {
                    self.note_withdrawable(fate, &events, settlement);
                }
            }
            fate => {
                if let Some(fate) = fate {
                    if settlement.receipts.is_withdrawing() {
                        self.recall(fate, outcome, settlement);
                    }
                    settlement.receipts.forget(fate);
                }
                settlement.tally.settle(outcome, count);
            }
        }
        if outcome == Outcome::Accepted {
            let number = self.first_push + at as u64;
            settlement.tally.reordered += u64::from(number < self.last_accepted);
            self.last_accepted = self.last_accepted.max(number);
        }
        if self.watched {
            self.ended.open(&events).iter().for_each(|open| self.tell_watchers(open, outcome));
        }
        self.pop_settled();
    }

    /// Moves the released position over what has ended, and lets go of the chunks before it.
    fn pop_settled(&mut self) {
        while let Some(push) = self.pushes.pop_front_if(|push| push.outcome.is_some()) {
            self.released = push.events.end;
            self.first_push += 1;
        }
        if !self.ended.is_empty() {
            self.ended.forget_before(self.released);
        }
        while let Some(chunk) = self.chunks.pop_front_if(|chunk| chunk.range().end <= self.released) {
            self.octets -= chunk.octets();
            chunk.release();
        }
        self.tell_if_roomy();
    }

    /// Ends the events of `range`, which starts at the cursor, and passes over those behind it that have ended.
    pub(super) fn skip(&mut self, mut range: Range<u64>, outcome: Outcome, tally: &mut Tally) {
        if range.is_empty() {
            return;
        }
        if let Some(until) = self.ended.until(range.end) {
            range.end = until.min(self.end).min(self.again_start()).max(range.end);
        }
        self.changed = true;
        for open in self.ended.open(&range) {
            tally.settle(outcome, open.end - open.start);
            self.tell_watchers(&open, outcome);
        }
        if !self.policy.batch_window.is_zero() {
            self.pending_octets = self.pending_octets.saturating_sub(self.measure(range.clone()));
        }
        self.cursor = range.end;
        if self.cursor == self.end {
            self.leave_lines();
        }
        match self.pushes.back_mut() {
            Some(last) if last.segments == 0 => last.events.end = range.end,
            _ => self.pushes.push_back(Push::passed_over(range, outcome)),
        }
        self.pop_settled();
    }

    /// The events of `range`, which starts at the cursor, will not be sent: the next push tells.
    pub(super) fn lose(&mut self, range: Range<u64>, tally: &mut Tally) {
        self.gap += self.ended.count_open(&range);
        self.skip(range, Outcome::Dropped(DropReason::Lagged), tally);
    }

    /// Gives up the oldest events that wait: the backlog is longer than what the source keeps.
    pub(super) fn drop_oldest_waiting(&mut self, tally: &mut Tally) -> bool {
        let at = self.chunk_index(self.cursor);
        let Some(chunk) = self.chunks.get(at).filter(|_| at + 1 < self.chunks.len()) else { return false };
        let (range, octets) = (chunk.range(), chunk.octets());
        let lost = self.cursor..range.end;
        let needed = range.start < self.cursor; // by a push that is outstanding
        self.lose(lost, tally);
        if !needed && let Some(at) = self.chunks.iter().position(|chunk| chunk.range() == range) {
            self.chunks.remove(at);
            self.octets -= octets;
        }
        true
    }

    pub(super) fn tell_watchers(&self, range: &Range<u64>, outcome: Outcome) {
        if !self.watched {
            return;
        }
        for chunk in self.chunks.range(self.chunk_index(range.start)..) {
            let own = chunk.range();
            let both = own.start.max(range.start)..own.end.min(range.end);
            if both.is_empty() {
                break;
            }
            if let Some(watch) = chunk.watch() {
                watch(outcome, both.end - both.start);
            }
        }
    }
}

fn refuse(push: &mut Push, index: u8, verdict: Verdict, tally: &mut Tally) -> Verdict {
    let doomed = push.doomed().is_some();
    match verdict {
        Verdict::Accept => {}
        Verdict::HoldLink | Verdict::Rebind | Verdict::ParkHandset if !doomed => {
            push.send_again(index);
            let throttled = verdict == Verdict::HoldLink;
            tally.answer(if throttled { Answered::Throttled } else { Answered::Retried });
        }
        Verdict::Retry | Verdict::NarrowWindow if !doomed && push.refusals < MAX_RETRIES => {
            push.send_again(index);
            push.refusals += 1;
            tally.answer(Answered::Retried);
        }
        _ => {
            push.doom(Doom::Failed);
            tally.answer(Answered::Failed);
        }
    }
    verdict
}

/// The segment goes once more, octet for octet as before, or is given up.
fn lose_answer(push: &mut Push, index: u8, resend: bool, tally: &mut Tally) {
    if resend && push.doomed().is_none() && push.resend(index) {
        tally.resent += 1;
        tally.answer(Answered::Resent);
    } else {
        push.doom(Doom::Unknown);
        tally.answer(Answered::Unknown);
    }
}
