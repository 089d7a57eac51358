//! What of a subscription and a handset has to outlive the process, so that another one goes on as if it were the same.

use super::push::{Form, SegmentSet};
use crate::model::SubscriptionId;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// How far a subscription is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Every event before this number has ended or was accepted.
    pub released: u64,
    /// Events behind it that have ended too, in order.
    pub ended: Vec<Range<u64>>,
    /// Pushes whose outcome is open, in order: to be formed again as they were.
    pub open: Vec<OpenPushes>,
    /// Events lost that no push has told of.
    pub gap: u64,
}

impl Progress {
    /// Whether the number of its next event says all about it.
    pub fn is_quiet(&self) -> bool {
        self.ended.is_empty() && self.open.is_empty() && self.gap == 0
    }

    /// Whether the event numbered `seq` is in a push whose outcome is open.
    pub fn is_open(&self, seq: u64) -> bool {
        self.open.iter().any(|run| (run.first..run.end()).contains(&seq))
    }

    pub(super) fn add_ended(&mut self, range: Range<u64>) {
        match self.ended.last_mut() {
            Some(last) if last.end >= range.start => last.end = last.end.max(range.end),
            _ => self.ended.push(range),
        }
    }

    pub(super) fn add_open(&mut self, push: OpenPushes) {
        match self.open.last_mut() {
            Some(last) if last.goes_on_with(&push) => {
                last.step = last.step_to(&push);
                last.count += push.count;
            }
            _ => self.open.push(push),
        }
    }
}

/// Pushes that were formed one behind the other and have not ended. What is here determines their octets. Thousands may
/// be open that differ in nothing but their numbers, and these are kept as one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenPushes {
    /// The first event of the first.
    pub first: u64,
    /// Events of each.
    pub events: u64,
    /// How many.
    pub count: u64,
    /// Segments each is sent in; more than one only where there is one push.
    pub segments: u8,
    /// Concatenation reference; 0 for pushes of one segment.
    pub reference: u16,
    /// WSP transaction id of the first.
    pub transaction: u8,
    /// From each one's transaction id to the next one's: other subscriptions of the handset have those between.
    pub step: u8,
    /// Events lost before it that its body tells of.
    pub gap: u64,
    /// How its events are written.
    pub form: Form,
    /// Whether segments were sent of which nobody knows what became of them.
    pub sent: bool,
    /// Segments that the SMSC has; none unless that is known of all.
    pub accepted: SegmentSet,
}

impl OpenPushes {
    /// One past the last event.
    pub fn end(&self) -> u64 {
        self.first.saturating_add(self.events.saturating_mul(self.count))
    }

    /// One past the last event of the first.
    pub(super) fn first_end(&self) -> u64 {
        self.first.saturating_add(self.events)
    }

    /// The first of them, which is then no longer among them; whether others are left.
    pub(super) fn take_first(&mut self) -> (Self, bool) {
        let first = Self { count: 1, step: 0, ..*self };
        self.first = self.first_end();
        self.transaction = self.transaction.wrapping_add(self.step);
        self.count = self.count.saturating_sub(1);
        (first, self.count > 0)
    }

    fn goes_on_with(&self, next: &Self) -> bool {
        let plain = |one: &Self| one.segments == 1 && one.gap == 0 && one.accepted.is_empty();
        let alike = (self.events, self.sent, self.form) == (next.events, next.sent, next.form);
        let alike = alike && plain(self) && plain(next);
        let step = self.step_to(next);
        let in_step = (self.count == 1 || self.step == step) && (next.count == 1 || next.step == step);
        alike && self.end() == next.first && in_step
    }

    /// From the transaction id of the last to that of the first of `next`.
    fn step_to(&self, next: &Self) -> u8 {
        let last = self.transaction.wrapping_add(self.step.wrapping_mul(self.count.wrapping_sub(1) as u8));
        next.transaction.wrapping_sub(last)
    }
}

/// What a handset remembers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandsetProgress {
    /// The concatenation reference given last.
    pub reference: u16,
    /// The WSP transaction id given last.
    pub transaction: u8,
    /// References that rest, and until when, in milliseconds since 1970.
    pub quarantined: Vec<(u16, u64)>,
    /// A day since 1970, and segments of its budget that were used on it.
    pub used: (u32, u32),
}

/// Something that has to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Saved {
    /// Of a subscription.
    Subscription(SubscriptionId, Progress),
    /// Of the handset.
    Handset(HandsetProgress),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(first: u64, transaction: u8) -> OpenPushes {
        OpenPushes {
            first,
            events: 2,
            count: 1,
            segments: 1,
            reference: 0,
            transaction,
            step: 0,
            gap: 0,
            form: Form::PLAIN,
            sent: true,
            accepted: SegmentSet::default(),
        }
    }

    #[test]
    fn pushes_that_differ_in_nothing_but_their_numbers_are_one_run() {
        let mut progress = Progress::default();
        for (first, transaction) in [(10, 252), (12, 255), (14, 2), (18, 5), (20, 6), (22, 9)] {
            progress.add_open(push(first, transaction));
        }
        progress.add_open(OpenPushes { segments: 2, reference: 7, ..push(24, 10) });
        let counts: Vec<(u64, u64)> = progress.open.iter().map(|run| (run.first, run.count)).collect();
        assert_eq!(counts, [(10, 3), (18, 2), (22, 1), (24, 1)]);
        assert!(progress.is_open(15) && !progress.is_open(16) && progress.is_open(25));
    }

    #[test]
    fn a_run_gives_its_pushes_one_by_one() {
        let mut run = OpenPushes { count: 2, step: 3, ..push(10, 255) };
        assert_eq!(run.take_first(), (push(10, 255), true));
        assert_eq!(run.take_first(), (push(12, 2), false));
    }

    #[test]
    fn ranges_that_touch_are_one() {
        let mut progress = Progress::default();
        for range in [3..5, 5..6, 8..9] {
            progress.add_ended(range);
        }
        assert_eq!(progress.ended, [3..6, 8..9]);
    }
}
