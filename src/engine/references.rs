//! Concatenation references of one originator and handset.

use super::clock::Now;
use super::progress::HandsetProgress;
use crate::codec::segments::ReferenceWidth;
use std::collections::VecDeque;
use std::time::Duration;

/// How long a handset may keep the parts of a message that never became whole: Android keeps them for weeks.
const HORIZON: Duration = Duration::from_secs(30 * 24 * 3600);
/// References in quarantine at most; the oldest is given free beyond that.
const MAX_QUARANTINED: usize = 128;

/// The numbers given last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LastNumbers {
    /// WSP transaction id.
    pub transaction: u8,
    /// Concatenation reference.
    pub reference: u16,
}

impl LastNumbers {
    /// Those of an earlier process, and past all that it may have given without saving them.
    pub fn past(saved: &HandsetProgress, width: ReferenceWidth) -> Self {
        let reference = match width {
            ReferenceWidth::Bits8 => u16::from((saved.reference as u8).wrapping_add(64)),
            ReferenceWidth::Bits16 => saved.reference.wrapping_add(4096),
        };
        Self { transaction: saved.transaction.wrapping_add(64), reference }
    }

    /// Numbers that begin behind `seed`.
    pub fn new(seed: u16) -> Self {
        Self { transaction: seed as u8, reference: seed }
    }
}

/// What tells one push to a handset from another: WSP transaction ids and concatenation references.
#[derive(Debug)]
pub struct Numbers {
    last: LastNumbers,
    width: ReferenceWidth,
    in_use: Vec<u16>,
    quarantined: VecDeque<(u16, Duration)>,
    /// A reference was given, or put into quarantine, since they were saved.
    changed: bool,
}

impl Numbers {
    /// References of `width` that go on behind `last`.
    pub fn new(width: ReferenceWidth, last: LastNumbers) -> Self {
        Self { last, width, in_use: Vec::new(), quarantined: VecDeque::new(), changed: false }
    }

    /// The numbers given last, if they are all that has to be remembered at `now`.
    pub fn rest(&mut self, now: Duration) -> Option<LastNumbers> {
        self.free_quarantined(now);
        (self.in_use.is_empty() && self.quarantined.is_empty()).then_some(self.last)
    }

    /// What has to outlive the process, if that has changed.
    pub fn save(&mut self, now: Now) -> Option<HandsetProgress> {
        if !std::mem::take(&mut self.changed) {
            return None;
        }
        self.free_quarantined(now.monotonic);
        let unix_ms = |until: Duration| now.unix_ms + until.saturating_sub(now.monotonic).as_millis() as u64;
        let quarantined = self.quarantined.iter().map(|(reference, until)| (*reference, unix_ms(*until))).collect();
        let LastNumbers { transaction, reference } = self.last;
        Some(HandsetProgress { reference, transaction, quarantined, used: (0, 0) })
    }

    /// Whether something has to be saved.
    pub fn is_changed(&self) -> bool {
        self.changed
    }

    /// What an earlier process had in quarantine.
    pub fn restore(&mut self, now: Now, quarantined: &[(u16, u64)]) {
        for (reference, until) in quarantined {
            // A clock that was set back must not make it longer than it ever is.
            let left = Duration::from_millis(until.saturating_sub(now.unix_ms)).min(HORIZON);
            self.quarantined.push_back((*reference, now.monotonic + left));
        }
    }

    /// They have to be saved, whether one was given or not: where they go on behind those of an earlier process, a third
    /// one must not go on from the same.
    pub fn note_changed(&mut self) {
        self.changed = true;
    }

    /// `reference` is in use by a push of an earlier process.
    pub fn reserve(&mut self, reference: u16) {
        if reference != 0 {
            self.in_use.push(reference);
        }
    }

    /// A reference and a transaction id for a push of `segments`. A reference is never 0, and none is given again
    /// while it is in use or parts under it may still lie on the handset. A push of one segment needs none.
    pub fn take(&mut self, now: Duration, segments: u8) -> (u16, u8) {
        self.last.transaction = self.last.transaction.wrapping_add(1);
        if segments < 2 {
            return (0, self.last.transaction);
        }
        self.free_quarantined(now);
        let all = match self.width {
            ReferenceWidth::Bits8 => u16::from(u8::MAX),
            ReferenceWidth::Bits16 => u16::MAX,
        };
        let LastNumbers { transaction, reference } = &mut self.last;
        for _ in 0..all {
            *reference = if *reference >= all { 1 } else { *reference + 1 };
            let quarantined = self.quarantined.iter().any(|(quarantined, _)| quarantined == reference);
            if !quarantined && !self.in_use.contains(reference) {
                break;
            }
        }
        self.in_use.push(*reference);
        self.changed = true;
        (*reference, *transaction)
    }

    /// The push with `reference` ended.
    pub fn release(&mut self, reference: u16) {
        if reference == 0 {
            return;
        }
        if let Some(at) = self.in_use.iter().position(|used| *used == reference) {
            self.in_use.swap_remove(at);
        }
    }

    fn free_quarantined(&mut self, now: Duration) {
        while self.quarantined.front().is_some_and(|(_, until)| *until <= now) {
            self.quarantined.pop_front();
        }
    }

    /// Keeps `reference` out of use: some of its segments may have arrived, others not.
    pub fn quarantine(&mut self, now: Duration, reference: u16) {
        if reference == 0 || self.quarantined.iter().any(|(known, _)| *known == reference) {
            return;
        }
        if self.quarantined.len() == MAX_QUARANTINED {
            self.quarantined.pop_front();
        }
        self.quarantined.push_back((reference, now + HORIZON));
        self.changed = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::ZERO;

    fn next(numbers: &mut Numbers, now: Duration) -> u16 {
        let (reference, _) = numbers.take(now, 2);
        numbers.release(reference);
        reference
    }

    #[test]
    fn references_wrap_past_zero() {
        let mut numbers = Numbers::new(ReferenceWidth::Bits8, LastNumbers::new(254));
        let first: Vec<u16> = (0..3).map(|_| next(&mut numbers, NOW)).collect();
        assert_eq!(first, [255, 1, 2]);
        assert_eq!(next(&mut Numbers::new(ReferenceWidth::Bits16, LastNumbers::new(u16::MAX)), NOW), 1);
    }

    #[test]
    fn a_reference_in_use_or_quarantine_is_passed_over_until_the_horizon() {
        let mut numbers = Numbers::new(ReferenceWidth::Bits8, LastNumbers::new(0));
        assert_eq!(numbers.take(NOW, 3).0, 1);
        numbers.quarantine(NOW, 2);
        assert_eq!(next(&mut numbers, NOW), 3);
        numbers.last.reference = 0;
        assert_eq!(next(&mut numbers, NOW), 3, "1 is in use, 2 in quarantine");
        numbers.last.reference = 0;
        numbers.release(1);
        assert_eq!(next(&mut numbers, NOW), 1);
        assert_eq!(next(&mut numbers, NOW + HORIZON), 2);
    }

    #[test]
    fn with_every_reference_taken_one_is_still_given() {
        let mut numbers = Numbers::new(ReferenceWidth::Bits8, LastNumbers::new(7));
        for _ in 0..600 {
            assert_ne!(numbers.take(NOW, 2).0, 0);
        }
    }

    #[test]
    fn pushes_of_one_segment_use_no_reference() {
        let mut numbers = Numbers::new(ReferenceWidth::Bits8, LastNumbers::new(7));
        assert_eq!(numbers.take(NOW, 1), (0, 8));
        assert_eq!(numbers.take(NOW, 2), (8, 9));
    }
}
