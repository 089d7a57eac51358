//! A push on its way: consecutive events of one subscription that travel and end together.

use super::receipts::FateId;
use crate::model::{DropReason, Outcome};
use std::ops::Range;
use std::time::Duration;

/// Segments of one push, by index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SegmentSet([u64; 4]);

impl SegmentSet {
    /// The first `count` segments.
    pub fn first(count: u8) -> Self {
        let mut set = Self::default();
        (0..count).for_each(|index| set.insert(index));
        set
    }

    /// Adds a segment.
    pub fn insert(&mut self, index: u8) {
        self.0[usize::from(index >> 6)] |= 1 << (index & 63);
    }

    /// Takes a segment out.
    pub fn remove(&mut self, index: u8) {
        self.0[usize::from(index >> 6)] &= !(1 << (index & 63));
    }

    /// Whether a segment is in.
    pub fn contains(&self, index: u8) -> bool {
        self.0[usize::from(index >> 6)] & 1 << (index & 63) != 0
    }

    /// The lowest segment.
    pub fn lowest(&self) -> Option<u8> {
        let word = self.0.iter().position(|word| *word != 0)?;
        Some((word as u8) << 6 | self.0[word].trailing_zeros() as u8)
    }

    /// Whether no segment is in.
    pub fn is_empty(&self) -> bool {
        self.0 == [0; 4]
    }
}

/// One push, from the moment it was formed until all its segments are answered.
#[derive(Debug)]
pub struct Push {
    /// Its events. What was passed over between two pushes is a push without segments, so that ranges have no holes.
    pub events: Range<u64>,
    /// Events lost before it that its body tells of.
    pub gap: u64,
    /// If any of its events goes as a notice: those that need more octets than this.
    pub notice_above: Option<usize>,
    /// Segments it is sent in; 0 for events passed over.
    pub segments: u8,
    /// Concatenation reference, the same however often a segment is sent.
    pub reference: u16,
    /// WSP transaction id, the same however often a segment is sent.
    pub transaction: u8,
    /// When it was formed.
    pub formed_at: Duration,
    /// Until when it is worth sending; the subscription's time to live counted from its oldest event.
    pub expires_at: Option<Duration>,
    /// Segments to be sent, for the first time or again.
    pub to_send: SegmentSet,
    /// Segments written and not answered.
    pub awaited: u8,
    /// Segments accepted.
    pub accepted: u8,
    /// Segments that were sent again without knowing what became of the first time.
    pub resent: SegmentSet,
    /// Times in a row that it was tried again for [`Verdict::Retry`](super::verdict::Verdict::Retry).
    pub refusals: u8,
    /// How it will end once nothing is awaited, if not well.
    pub doom: Option<Doom>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Where its receipts are collected.
    pub fate: Option<FateId>,
}

/// Why a push will not end well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doom {
    /// A segment was refused for good.
    Failed,
    /// A segment's outcome is not known and must not be tried again.
    Unknown,
    /// Its time was over before every segment was sent.
    Expired,
    /// It was taken back before any of it was sent.
    Withdrawn(DropReason),
}

impl Doom {
    /// How its events end.
    pub fn outcome(self) -> Outcome {
        match self {
            Self::Failed => Outcome::Failed,
            Self::Unknown => Outcome::Unknown,
            Self::Expired => Outcome::Expired,
            Self::Withdrawn(reason) => Outcome::Dropped(reason),
        }
    }
}

impl Push {
    /// Events that ended without being sent.
    pub fn passed_over(events: Range<u64>, outcome: Outcome) -> Self {
        Self {
            events,
            gap: 0,
            notice_above: None,
            segments: 0,
            reference: 0,
            transaction: 0,
            formed_at: Duration::ZERO,
            expires_at: None,
            to_send: SegmentSet::default(),
            awaited: 0,
            accepted: 0,
            resent: SegmentSet::default(),
            refusals: 0,
            doom: None,
            outcome: Some(outcome),
            fate: None,
        }
    }

    /// Whether nothing will be sent or answered any more.
    pub fn is_done(&self) -> bool {
        self.to_send.is_empty() && self.awaited == 0
    }

    /// Whether any of its segments may have reached the SMSC.
    pub fn was_sent(&self) -> bool {
        self.awaited > 0 || self.accepted > 0 || !self.resent.is_empty()
    }

    /// Ends it as `doom` as soon as nothing is awaited; segments not sent are withheld, for a handset can do nothing
    /// with some of them.
    pub fn doom(&mut self, doom: Doom) {
        self.doom.get_or_insert(doom);
        self.to_send = SegmentSet::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_segments_holds_each_of_255() {
        let mut set = SegmentSet::first(255);
        for index in 0..255 {
            assert!(set.contains(index));
            assert_eq!(set.lowest(), Some(index));
            set.remove(index);
        }
        assert!(set.is_empty() && set.lowest().is_none() && !set.contains(255));
    }
}
