//! A push on its way: consecutive events of one subscription that travel and end together.

use super::clock::Stamp;
use super::progress::OpenPushes;
use super::receipts::FateId;
use crate::model::{DropReason, Outcome};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Segments of one push, by index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentSet([u64; 4]);

impl SegmentSet {
    fn insert(&mut self, index: u8) {
        self.0[usize::from(index >> 6)] |= 1 << (index & 63);
    }

    fn remove(&mut self, index: u8) {
        self.0[usize::from(index >> 6)] &= !(1 << (index & 63));
    }

    fn contains(&self, index: u8) -> bool {
        self.0[usize::from(index >> 6)] & 1 << (index & 63) != 0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// How many there are.
    pub fn len(&self) -> u8 {
        self.0.iter().map(|word| word.count_ones()).sum::<u32>() as u8
    }

    fn lowest(&self) -> Option<u8> {
        let word = self.0.iter().position(|word| *word != 0)?;
        Some((word as u8) << 6 | self.0[word].trailing_zeros() as u8)
    }
}

/// How the events of a push are written: kept with it, since the policy may change before it is written again. In the
/// upper half is how much less than `Form::LIMIT` an event may need that is not to go as a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Form(u32);

impl Form {
    /// More octets than any push has.
    const LIMIT: usize = u16::MAX as usize;
    const OWN_IDS: u32 = 1;
    const WAKE: u32 = 2;

    /// Each event whole, with the id that its origin gave it.
    pub const PLAIN: Self = Self(0);

    /// Each event whole; if `own_ids`, one for which its origin gave no id has one of ours.
    pub fn new(own_ids: bool) -> Self {
        Self(if own_ids { Self::OWN_IDS } else { 0 })
    }

    /// Only that there are events.
    #[must_use]
    pub fn wake(self) -> Self {
        Self(self.0 | Self::WAKE)
    }

    /// What needs more octets than `room` goes as a notice.
    #[must_use]
    pub fn with_notices(self, room: usize) -> Self {
        let less = Self::LIMIT.saturating_sub(room);
        Self(self.0 & 0xffff | (less as u32) << 16)
    }

    /// Whether each event is there, and whole.
    pub fn is_whole(self) -> bool {
        self.0 < Self::WAKE
    }

    /// Whether it says only that there are events.
    pub fn is_wake(self) -> bool {
        self.0 & Self::WAKE != 0
    }

    /// Whether an event for which its origin gave no id has one of ours.
    pub fn own_ids(self) -> bool {
        self.0 & Self::OWN_IDS != 0
    }

    /// Whether what needs so many octets goes as a notice.
    pub fn is_notice(self, octets: usize) -> bool {
        octets > Self::LIMIT - (self.0 >> 16) as usize
    }
}

/// One push, from the moment it was formed until all its segments are answered. There may be one for every handset at
/// once, so it fills one cache line, and what few pushes have lies elsewhere.
#[derive(Debug)]
pub struct Push {
    /// Its events, without those that had ended out of turn before it was formed. What was passed over between two pushes is
    /// a push without segments, so that nothing is between their ranges.
    pub events: Range<u64>,
    /// When it was formed.
    pub formed_at: Stamp,
    /// Until when it is worth sending; the subscription's time to live counted from its oldest event.
    pub expires_at: Stamp,
    /// Where its receipts are collected.
    pub fate: Option<FateId>,
    oddities: Option<Box<Oddities>>,
    /// How its events are written.
    pub form: Form,
    /// Concatenation reference, the same however often a segment is sent.
    pub reference: u16,
    /// WSP transaction id, the same however often a segment is sent.
    pub transaction: u8,
    /// Segments it is sent in; 0 for events passed over.
    pub segments: u8,
    /// Segments from this one on are to be sent for the first time.
    fresh: u8,
    /// Segments written and not answered.
    pub awaited: u8,
    /// Segments accepted.
    pub accepted: u8,
    /// Times in a row that it was tried again for [`Verdict::Retry`](super::verdict::Verdict::Retry).
    pub refusals: u8,
    /// An earlier process may have sent what nobody knows to have arrived.
    pub maybe_sent: bool,
    /// How it will end once nothing is awaited, if not well.
    doom: Option<Doom>,
    /// How it ended.
    pub outcome: Option<Outcome>,
}

const _: () = assert!(size_of::<Push>() == 64, "one cache line");

/// What few pushes have.
#[derive(Debug, Default)]
struct Oddities {
    /// Events lost before it that its body tells of.
    gap: u64,
    /// Segments to be sent again.
    again: SegmentSet,
    /// Segments that were sent again without knowing what became of the first time.
    resent: SegmentSet,
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
    /// Events about to be sent in `segments`, behind a mark that `gap` were lost.
    pub fn new(events: Range<u64>, segments: u8, gap: u64) -> Self {
        Self {
            events,
            formed_at: Stamp::default(),
            expires_at: Stamp::NEVER,
            fate: None,
            oddities: (gap > 0).then(|| Box::new(Oddities { gap, ..Oddities::default() })),
            form: Form::PLAIN,
            reference: 0,
            transaction: 0,
            segments,
            fresh: 0,
            awaited: 0,
            accepted: 0,
            refusals: 0,
            maybe_sent: false,
            doom: None,
            outcome: None,
        }
    }

    /// Events that ended without being sent.
    pub fn passed_over(events: Range<u64>, outcome: Outcome) -> Self {
        Self { outcome: Some(outcome), ..Self::new(events, 0, 0) }
    }

    /// As what it is formed again if the process ends now.
    pub fn as_open(&self) -> OpenPushes {
        OpenPushes {
            first: self.events.start,
            events: self.events.end - self.events.start,
            count: 1,
            segments: self.segments,
            reference: self.reference,
            transaction: self.transaction,
            step: 0,
            gap: self.gap(),
            form: self.form,
            sent: self.maybe_sent
                || self.awaited > 0
                || self.oddities.as_ref().is_some_and(|odd| !odd.resent.is_empty()),
            accepted: self.known_accepted(),
        }
    }

    /// Which segments the SMSC has, as long as that is known of each.
    fn known_accepted(&self) -> SegmentSet {
        let mut known = SegmentSet::default();
        if self.awaited == 0 && self.accepted > 0 {
            let again = self.oddities.as_ref().map(|odd| odd.again).unwrap_or_default();
            (0..self.fresh).filter(|index| !again.contains(*index)).for_each(|index| known.insert(index));
        }
        known
    }

    /// The SMSC has these segments already; the others are to be sent.
    pub fn go_on_behind(&mut self, accepted: SegmentSet) {
        if accepted.is_empty() {
            return;
        }
        (self.fresh, self.accepted) = (self.segments, accepted.len());
        let odd = self.oddities.get_or_insert_default();
        (0..self.segments).filter(|index| !accepted.contains(*index)).for_each(|index| odd.again.insert(index));
    }

    /// Whether its body is its events and nothing else, each whole.
    pub fn is_plain(&self) -> bool {
        self.gap() == 0 && self.form.is_whole()
    }

    /// Events lost before it that its body tells of.
    pub fn gap(&self) -> u64 {
        self.oddities.as_ref().map_or(0, |odd| odd.gap)
    }

    /// The lowest segment to be sent, for the first time or again.
    pub fn to_send(&self) -> Option<u8> {
        // What goes again was sent before, so it is lower than any that was not.
        let again = self.oddities.as_ref().and_then(|odd| odd.again.lowest());
        again.or_else(|| (self.fresh < self.segments).then_some(self.fresh))
    }

    /// The segment that was to be sent was written; whether it was sent before.
    pub fn note_written(&mut self, index: u8) -> bool {
        let again = index < self.fresh;
        if !again {
            self.fresh = index + 1;
        } else if let Some(odd) = &mut self.oddities {
            odd.again.remove(index);
        }
        self.awaited += 1;
        again
    }

    /// A segment goes again.
    pub fn send_again(&mut self, index: u8) {
        self.oddities.get_or_insert_default().again.insert(index);
    }

    /// A segment goes once more though the first may have arrived; false if it has done so before.
    pub fn resend(&mut self, index: u8) -> bool {
        let odd = self.oddities.get_or_insert_default();
        let first = !odd.resent.contains(index);
        if first {
            odd.again.insert(index);
            odd.resent.insert(index);
        }
        first
    }

    /// Whether nothing will be sent or answered any more.
    pub fn is_done(&self) -> bool {
        self.awaited == 0 && self.to_send().is_none()
    }

    /// Whether this process has sent nothing of it that may have reached the SMSC, and knows of nothing that did.
    pub fn is_untouched(&self) -> bool {
        let resent = self.oddities.as_ref().is_some_and(|odd| !odd.resent.is_empty());
        self.awaited == 0 && self.accepted == 0 && !resent
    }

    /// Whether a handset may get some of its segments and never the others.
    pub fn is_partial(&self) -> bool {
        self.doom.is_some() && self.segments > 1 && (1..self.segments).contains(&self.accepted)
    }

    /// How it will end once nothing is awaited, if not well.
    pub fn doomed(&self) -> Option<Doom> {
        self.doom
    }

    /// Ends it as `doom` as soon as nothing is awaited; segments not sent are withheld, for a handset can do nothing
    /// with some of them.
    pub fn doom(&mut self, doom: Doom) {
        self.doom.get_or_insert(doom);
        self.fresh = self.segments;
        if let Some(odd) = &mut self.oddities {
            odd.again = SegmentSet::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_says_what_it_was_made_of() {
        let all = [false, true].map(Form::new);
        for (form, own_ids) in all.into_iter().zip([false, true]) {
            assert!(form.is_whole() && !form.is_wake() && !form.is_notice(65_535) && form.own_ids() == own_ids);
            let (wake, notices) = (form.wake(), form.with_notices(300));
            assert!(wake.is_wake() && !wake.is_whole() && !wake.is_notice(65_535) && wake.own_ids() == own_ids);
            assert!(!notices.is_whole() && notices.is_notice(301) && !notices.is_notice(300));
            assert!(notices.own_ids() == own_ids && !notices.is_wake() && wake.with_notices(0).is_wake());
        }
    }

    #[test]
    fn a_set_of_segments_holds_each_of_255() {
        let mut set = SegmentSet::default();
        (0..255).for_each(|index| set.insert(index));
        for index in 0..255 {
            assert!(set.contains(index));
            assert_eq!(set.lowest(), Some(index));
            set.remove(index);
        }
        assert!(set.lowest().is_none() && !set.contains(255));
    }

    #[test]
    fn another_process_sends_what_the_smsc_is_known_not_to_have() {
        let mut push = Push::new(0..1, 4, 0);
        (0..3).for_each(|index| assert!(!push.note_written(index)));
        assert!(push.as_open().sent && push.as_open().accepted.is_empty(), "nobody knows which it has");
        (push.awaited, push.accepted) = (0, 2);
        push.send_again(1);
        let open = push.as_open();
        assert!(!open.sent && open.accepted.len() == 2);
        let mut next = Push::new(0..1, 4, 0);
        next.go_on_behind(open.accepted);
        for index in [1, 3] {
            assert_eq!(next.to_send(), Some(index));
            next.note_written(index);
        }
        assert_eq!((next.to_send(), next.accepted), (None, 2));
    }

    #[test]
    fn what_goes_again_goes_before_what_was_never_sent() {
        let mut push = Push::new(0..1, 255, 0);
        for index in 0..100 {
            assert_eq!(push.to_send(), Some(index));
            push.note_written(index);
        }
        push.send_again(70);
        assert!(push.resend(3) && !push.resend(3), "once more, not twice");
        for index in [3, 70, 100] {
            assert_eq!(push.to_send(), Some(index));
            push.note_written(index);
        }
        assert_eq!((push.to_send(), push.awaited), (Some(101), 103));
        push.send_again(70);
        push.doom(Doom::Failed);
        assert_eq!(push.to_send(), None);
    }
}
