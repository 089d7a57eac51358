//! A handset that the SMSC takes nothing for, and what makes it go on: its receipts, a sign of life, or time.

use super::Handset;
use crate::engine::clock::Now;
use crate::engine::receipts::{FateId, Receipts};
use crate::engine::sign::Sign;
use crate::engine::subscription::Subscription;
use crate::engine::tally::Tally;
use crate::model::Receipts as Wanted;
use std::time::Duration;

impl Handset {
    /// At most `most` pushes may be accepted by the SMSC without a receipt, 0 for any number.
    #[must_use]
    pub fn capped(self, most: u16) -> Self {
        Self { unreceipted: super::Unreceipted::new(most), ..self }
    }

    /// The handset was heard of: whatever it is parked for may be over. An alert says more: it can be reached from now
    /// on, so nothing of it waits any longer, not even for events that could go with it.
    pub fn handle_sign(&mut self, now: Now, sign: Sign, tally: &mut Tally) {
        let alerted = sign == Sign::Alert;
        if !self.parked && !alerted {
            return;
        }
        if self.parked || now.monotonic < self.held_until {
            tally.wakes[sign as usize] += 1;
        }
        (self.parked, self.held_until) = (false, Duration::ZERO);
        if alerted {
            self.unreceipted.clear();
            self.slots.iter_mut().filter_map(|slot| slot.subscription.as_mut()).for_each(|one| one.flush());
        }
    }

    /// The receipts of a push are in, or not awaited any more.
    pub fn handle_told(&mut self, fate: FateId) {
        self.unreceipted.handle_told(fate);
    }

    /// Whether the table of receipts is to tell of some pushes of it. To be asked after answers.
    #[inline]
    pub fn wants_to_be_told(&self) -> bool {
        self.unreceipted.is_full(0)
    }

    /// The pushes whose receipts it waits for, and has not named before.
    pub fn watch_for(&mut self) -> impl Iterator<Item = FateId> {
        self.unreceipted.watch_for()
    }

    /// Whether nothing of it is to be remembered for as long as receipts may still come.
    pub fn may_sleep(&mut self, now: Now, receipts: &Receipts, smsc: u8) -> bool {
        self.unreceipted.look(now.monotonic, receipts, smsc);
        !self.has_unreceipted()
    }

    /// Whether pushes of it count, as far as is known without a look at the receipts.
    pub fn has_unreceipted(&self) -> bool {
        !self.unreceipted.is_empty()
    }

    /// Whether it has begun to be parked, or has ceased to be, since this was asked.
    #[inline]
    pub fn parking_change(&mut self) -> Option<bool> {
        if self.parked == self.shown_parked {
            return None;
        }
        self.shown_parked = self.parked;
        Some(self.parked)
    }

    /// Whether [`Handset::parking_change`] last said that it is parked.
    pub fn is_shown_parked(&self) -> bool {
        self.shown_parked
    }

    /// Its pause is over by the passing of time, if there was one.
    #[inline]
    pub(super) fn end_pause(&mut self, tally: &mut Tally) {
        if self.parked {
            self.parked = false;
            tally.wakes[Sign::Timer as usize] += 1;
        }
    }

    /// Pushes on their way to the SMSC that ask for receipts. Of samples few do: those count when they are accepted.
    pub(super) fn on_their_way(&self) -> usize {
        let asks = |one: &Subscription| matches!(one.policy().receipts, Wanted::All | Wanted::Last);
        self.occupied().filter(|(_, one)| asks(one)).map(|(_, one)| one.outstanding()).sum()
    }

    /// Whether the SMSC has as many unreceipted pushes of it as it may have, as far as is known without a look at the
    /// receipts.
    #[inline]
    pub(super) fn is_capped(&self, now: Now) -> bool {
        self.unreceipted.is_limited() && self.unreceipted.is_full_at(now.monotonic, self.on_their_way())
    }

    /// As [`Handset::is_capped`], with a look at the receipts if it is.
    #[inline]
    pub(super) fn is_capped_for_sure(&mut self, now: Now, receipts: &Receipts, smsc: u8) -> bool {
        if !self.is_capped(now) {
            return false;
        }
        self.unreceipted.look(now.monotonic, receipts, smsc);
        self.is_capped(now)
    }
}
