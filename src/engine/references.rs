//! Concatenation references of one originator and handset.

use super::clock::Now;
use super::progress::HandsetProgress;
use crate::codec::segments::ReferenceWidth;
use std::collections::VecDeque;
use std::time::Duration;

/// How long a handset may keep the parts of a message that never became whole: Android keeps them for weeks.
const HORIZON: Duration = Duration::from_secs(30 * 24 * 3600);
/// References in quarantine at most, and at most half of all; the one that rested longest is given free beyond that.
const MAX_QUARANTINED: usize = 128;

/// The references that are ours, from the first to the last. Others may have the rest: handsets tell messages of one sender
/// apart by nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct References {
    first: u16,
    last: u16,
}

impl References {
    /// A range has as many at least: handsets keep parts of messages that are not whole, and one that comes again soon is
    /// taken for one of those.
    pub const MIN_COUNT: u16 = 16;

    /// Those from `first` to `last`. `None` for 0, which some handsets take for none, and for fewer than
    /// [`MIN_COUNT`](Self::MIN_COUNT).
    pub fn new(first: u16, last: u16) -> Option<Self> {
        let is_enough = first > 0 && last >= first && last - first >= Self::MIN_COUNT - 1;
        is_enough.then_some(Self { first, last })
    }

    /// All of a width.
    pub fn of(width: ReferenceWidth) -> Self {
        let last = match width {
            ReferenceWidth::Bits8 => u16::from(u8::MAX),
            ReferenceWidth::Bits16 => u16::MAX,
        };
        Self { first: 1, last }
    }

    fn count(self) -> u16 {
        self.last - self.first + 1
    }

    /// The one `step` behind `reference`, or behind the last if that is none of them; round and round.
    fn behind(self, reference: u16, step: u16) -> u16 {
        let at = match reference {
            reference if (self.first..=self.last).contains(&reference) => reference - self.first,
            _ => self.count() - 1,
        };
        self.first + ((u32::from(at) + u32::from(step)) % u32::from(self.count())) as u16
    }

    #[inline]
    fn next(self, reference: u16) -> u16 {
        if (self.first..self.last).contains(&reference) { reference + 1 } else { self.first }
    }

    /// How many may rest at once, so that some are left to be given.
    fn most_quarantined(self) -> usize {
        MAX_QUARANTINED.min(usize::from(self.count() / 2))
    }

    /// How many another process may have given without saving them.
    fn skipped(self) -> u16 {
        let usual = if self.last > u16::from(u8::MAX) { 4096 } else { 64 };
        usual.min(self.count() / 2)
    }

    /// Where numbers that are to begin at `seed` begin.
    fn seeded(self, seed: u16) -> u16 {
        let is_ours = seed == 0 || (self.first..=self.last).contains(&seed);
        if is_ours { seed } else { self.first + seed % self.count() }
    }
}

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
    pub fn past(saved: &HandsetProgress, references: References) -> Self {
        let reference = references.behind(saved.reference, references.skipped());
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
    references: References,
    in_use: Vec<u16>,
    quarantined: VecDeque<(u16, Duration)>,
    /// References given free before they had rested for long enough, since somebody asked.
    reused: u32,
    /// A reference was given, or put into quarantine, since they were saved.
    changed: bool,
}

impl Numbers {
    /// Numbers among `references` that go on behind `last`.
    pub fn new(references: References, last: LastNumbers) -> Self {
        let last = LastNumbers { reference: references.seeded(last.reference), ..last };
        Self { last, references, in_use: Vec::new(), quarantined: VecDeque::new(), reused: 0, changed: false }
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
        let mut reference = self.last.reference;
        for _ in 0..self.references.count() {
            reference = self.references.next(reference);
            let quarantined = self.quarantined.iter().any(|(quarantined, _)| *quarantined == reference);
            if !quarantined && !self.in_use.contains(&reference) {
                self.last.reference = reference;
                return self.give();
            }
        }
        self.give_rested()
    }

    fn give(&mut self) -> (u16, u8) {
        let LastNumbers { transaction, reference } = self.last;
        self.in_use.push(reference);
        self.changed = true;
        (reference, transaction)
    }

    /// All are in use or rest: one that has rested longest is the least likely to be taken for a part of another message.
    #[cold]
    fn give_rested(&mut self) -> (u16, u8) {
        self.reused += 1;
        let mut resting = self.quarantined.iter().map(|(reference, _)| *reference);
        let rested = resting.position(|reference| !self.in_use.contains(&reference));
        self.last.reference = match rested.and_then(|at| self.quarantined.remove(at)) {
            Some((reference, _)) => reference,
            None => self.references.next(self.last.reference),
        };
        self.give()
    }

    /// References given free before they had rested for long enough, since it was asked last.
    pub fn take_reused(&mut self) -> u64 {
        std::mem::take(&mut self.reused).into()
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
        while self.quarantined.len() >= self.references.most_quarantined() {
            self.quarantined.pop_front();
            self.reused += 1;
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
        let mut numbers = Numbers::new(References::of(ReferenceWidth::Bits8), LastNumbers::new(254));
        let first: Vec<u16> = (0..3).map(|_| next(&mut numbers, NOW)).collect();
        assert_eq!(first, [255, 1, 2]);
        assert_eq!(next(&mut Numbers::new(References::of(ReferenceWidth::Bits16), LastNumbers::new(u16::MAX)), NOW), 1);
    }

    #[test]
    fn a_reference_in_use_or_quarantine_is_passed_over_until_the_horizon() {
        let mut numbers = Numbers::new(References::of(ReferenceWidth::Bits8), LastNumbers::new(0));
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
        let mut numbers = Numbers::new(References::of(ReferenceWidth::Bits8), LastNumbers::new(7));
        for _ in 0..600 {
            assert_ne!(numbers.take(NOW, 2).0, 0);
        }
    }

    #[test]
    fn pushes_of_one_segment_use_no_reference() {
        let mut numbers = Numbers::new(References::of(ReferenceWidth::Bits8), LastNumbers::new(7));
        assert_eq!(numbers.take(NOW, 1), (0, 8));
        assert_eq!(numbers.take(NOW, 2), (8, 9));
    }

    fn range(first: u16, last: u16) -> References {
        References::new(first, last).unwrap()
    }

    #[test]
    fn a_range_is_sixteen_or_more_and_never_has_zero() {
        for (first, last) in [(0, 100), (1, 15), (5, 4), (250, 255)] {
            assert_eq!(References::new(first, last), None, "{first} to {last}");
        }
        assert!(References::new(1, 16).is_some() && References::new(65_520, u16::MAX).is_some());
    }

    #[test]
    fn only_references_of_the_range_are_given_whatever_was_before() {
        let ours = range(100, 119);
        for before in [0, 1, 99, 100, 119, 120, 4242, u16::MAX] {
            let saved = HandsetProgress { reference: before, ..HandsetProgress::default() };
            for last in [LastNumbers::new(before), LastNumbers::past(&saved, ours)] {
                let mut numbers = Numbers::new(ours, last);
                let given: Vec<u16> = (0..40).map(|_| next(&mut numbers, NOW)).collect();
                assert!(given.iter().all(|one| (100..=119).contains(one)), "{given:?}");
                assert!((100..=119).all(|one| given.contains(&one)), "{given:?}");
            }
        }
    }

    #[test]
    fn another_process_goes_on_far_enough_behind_and_round_the_range() {
        let past = |reference, ours| {
            LastNumbers::past(&HandsetProgress { reference, ..HandsetProgress::default() }, ours).reference
        };
        assert_eq!(past(10, References::of(ReferenceWidth::Bits8)), 74);
        assert_eq!(past(200, References::of(ReferenceWidth::Bits8)), 9);
        assert_eq!(past(10, References::of(ReferenceWidth::Bits16)), 4106);
        assert_eq!((past(100, range(100, 119)), past(115, range(100, 119))), (110, 105));
    }

    #[test]
    fn when_half_of_a_small_range_rests_the_one_that_rested_longest_is_given_free() {
        let mut numbers = Numbers::new(range(1, 16), LastNumbers::new(0));
        for _ in 0..8 {
            let (reference, _) = numbers.take(NOW, 2);
            numbers.release(reference);
            numbers.quarantine(NOW, reference);
        }
        assert_eq!(numbers.take_reused(), 0);
        for expected in [9, 10, 11, 12, 13, 14, 15, 16, 9] {
            assert_eq!(next(&mut numbers, NOW), expected);
        }
        numbers.quarantine(NOW, 9);
        assert_eq!((numbers.take_reused(), numbers.take_reused()), (1, 0));
        let given: Vec<u16> = (0..8).map(|_| next(&mut numbers, NOW)).collect();
        assert!(given.contains(&1) && !given.contains(&2) && !given.contains(&9), "{given:?}");
    }

    #[test]
    fn with_all_others_in_use_one_that_rests_is_given() {
        let mut numbers = Numbers::new(range(1, 16), LastNumbers::new(0));
        numbers.quarantine(NOW, 3);
        numbers.quarantine(NOW, 4);
        let given: Vec<u16> = (0..15).map(|_| numbers.take(NOW, 2).0).collect();
        assert_eq!((given.last(), numbers.take_reused()), (Some(&3), 1));
    }
}
