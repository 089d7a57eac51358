//! Pushes that an earlier process formed are formed again: the same events, numbers and octets, so that a handset that
//! had them knows them.

use super::Subscription;
use crate::engine::clock::Now;
use crate::engine::progress::OpenPushes;
use crate::engine::push::Push;
use crate::engine::tally::Tally;
use crate::model::Outcome;

impl Subscription {
    /// Whether the next push of an earlier process has all its events; none if there is no such push.
    pub(super) fn again_is_due(&self) -> Option<bool> {
        self.again.front().map(|run| self.end >= run.first_end())
    }

    /// Forms the next push of an earlier process; false when none is left, or its events have yet to come.
    pub(super) fn form_again(&mut self, now: Now, tally: &mut Tally) -> bool {
        while self.again_is_due() == Some(true) {
            self.pass_over(tally);
            let Some(run) = self.again.front_mut() else { return false };
            let (first, more) = run.take_first();
            if !more {
                self.again.pop_front();
            }
            if self.cursor != first.first || !self.has_all(&first) {
                // The log has lost some of its events, or they ended: the others go in new pushes.
                continue;
            }
            if first.sent && !self.resends {
                self.skip(first.first..first.end(), Outcome::Unknown, tally);
                continue;
            }
            self.put_again(&first, now, tally);
            return true;
        }
        false
    }

    fn has_all(&self, push: &OpenPushes) -> bool {
        let mut next = push.first;
        for chunk in self.chunks.range(self.chunk_index(next)..) {
            if next >= push.end() || chunk.range().start > next {
                break;
            }
            next = chunk.range().end;
        }
        next >= push.end()
    }

    fn put_again(&mut self, again: &OpenPushes, now: Now, tally: &mut Tally) {
        let oldest =
            self.chunks.get(self.chunk_index(again.first)).map_or(now.monotonic, |one| one.read_at().monotonic);
        let events = again.first..again.end();
        if !self.policy.batch_window.is_zero() {
            self.pending_octets = self.pending_octets.saturating_sub(self.measure(events.clone()));
        }
        self.cursor = events.end;
        let mut push = Push::new(events, again.segments, again.gap);
        push.notice_above = again.notice_above;
        (push.reference, push.transaction) = (again.reference, again.transaction);
        push.go_on_behind(again.accepted);
        push.formed_at = now.monotonic.into();
        if !self.policy.ttl.is_zero() {
            push.expires_at = (oldest + self.policy.ttl).into();
        }
        self.pushes.push_back(push);
        self.unsent += 1;
        self.outstanding += 1;
        tally.pushes += 1;
        tally.resent += u64::from(again.sent) * u64::from(again.segments);
    }
}
