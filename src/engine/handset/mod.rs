//! One handset: what all its subscriptions share, and whose turn it is.
//!
//! References, transaction ids and the order of pushes belong to the handset, not to a subscription: its reassembly and
//! its screen know nothing of subscriptions.

mod unreceipted;
mod waking;

use super::budget::Purse;
use super::chunk::Chunk;
use super::clock::Now;
use super::encoder::{Encoder, Frame, Owner};
use super::envelope::{self, Addressing};
use super::progress::{HandsetProgress, Progress, Saved};
use super::references::{LastNumbers, Numbers, References};
use super::subscription::{Answer, Settlement, Subscription, Taken, Writing};
use super::tally::Tally;
use super::verdict::{self, Verdict};
use crate::codec::segments::Cut;
use crate::codec::smpp::Destination;
use crate::model::{DropReason, Msisdn, Order, Receipts as Wanted};
use bytes::BytesMut;
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;
use unreceipted::Unreceipted;

/// A subscription's place in its handset. The generation tells apart who had the place before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    index: u16,
    generation: NonZeroU16,
}

/// A segment that was written: the name under which its answer is to be given back.
#[derive(Clone, Copy, Debug)]
pub struct Segment {
    place: Place,
    /// The lower half of its number: no answer comes four billion pushes late.
    push: u32,
    index: u8,
}

/// What is kept of a handset that has nothing on its way: where its numbers go on. There may be millions, so it is
/// octets that can stand anywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memo {
    transaction: u8,
    reference: [u8; 2],
    generation: [u8; 2],
}

impl Memo {
    /// Numbers that begin at `seed`, so that a restart does not begin where the last one did.
    pub fn new(seed: u16) -> Self {
        Self::of(LastNumbers::new(seed), 0)
    }

    /// Numbers that go on behind those of an earlier process.
    pub fn past(saved: &HandsetProgress, references: References) -> Self {
        Self::of(LastNumbers::past(saved, references), 0)
    }

    fn of(LastNumbers { transaction, reference }: LastNumbers, generation: u16) -> Self {
        Self { transaction, reference: reference.to_ne_bytes(), generation: generation.to_ne_bytes() }
    }

    fn last(self) -> LastNumbers {
        LastNumbers { transaction: self.transaction, reference: u16::from_ne_bytes(self.reference) }
    }
}

/// A handset and its subscriptions.
pub struct Handset {
    /// Tells handsets apart for the encoder's cache.
    serial: u64,
    addressing: Arc<Addressing>,
    destination: Destination,
    numbers: Numbers,
    purse: Purse,
    /// Of the subscription that came last.
    generation: u16,
    slots: Vec<Slot>,
    /// The subscription that may go next.
    turn: usize,
    /// Nothing goes before: the SMSC refused for now.
    held_until: Duration,
    refusals: u8,
    /// It is held because the SMSC has no room for more of its messages.
    parked: bool,
    /// Whether whoever asked was told that it is.
    shown_parked: bool,
    unreceipted: Unreceipted,
    /// Whether what changes has to be saved, and whether somebody was told that it did.
    recording: Recording,
}

/// Whether what changes has to be saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Recording {
    /// Nothing outlives the process.
    Off,
    /// It has to, and nobody knows of a change.
    On,
    /// It has to, and whoever saves knows of a change.
    Noted,
}

struct Slot {
    /// Of whoever has the place, or had it last.
    generation: NonZeroU16,
    subscription: Option<Subscription>,
}

impl Handset {
    /// The handset with `number`, reached as `addressing` says; `serial` differs between handsets, and its numbers go
    /// on where `memo` says.
    pub fn new(serial: u64, addressing: Arc<Addressing>, number: &Msisdn, memo: Memo) -> Self {
        Self {
            serial,
            destination: envelope::destination(number),
            numbers: Numbers::new(addressing.references, memo.last()),
            purse: Purse::new(serial, number.into()),
            addressing,
            generation: u16::from_ne_bytes(memo.generation),
            slots: Vec::new(),
            turn: 0,
            held_until: Duration::ZERO,
            refusals: 0,
            parked: false,
            shown_parked: false,
            unreceipted: Unreceipted::default(),
            recording: Recording::Off,
        }
    }

    /// What changes has to be saved.
    #[must_use]
    pub fn recorded(self) -> Self {
        Self { recording: Recording::On, ..self }
    }

    /// Whether something has to be saved that nobody was told of; who asks is told by it.
    pub fn note_change(&mut self) -> bool {
        let noted = self.recording == Recording::On && self.is_changed();
        if noted {
            self.recording = Recording::Noted;
        }
        noted
    }

    fn is_changed(&self) -> bool {
        self.numbers.is_changed() || self.purse.is_changed() || self.occupied().any(|(_, one)| one.is_changed())
    }

    /// Shows `visit` what has changed. What was closed is not kept.
    pub fn save(&mut self, now: Now, visit: &mut dyn FnMut(Saved)) {
        if self.recording == Recording::Noted {
            self.recording = Recording::On;
        }
        for slot in &mut self.slots {
            if let Some(one) = slot.subscription.as_mut().filter(|one| one.is_changed()) {
                let (id, closing) = (one.id(), one.is_closing());
                let progress = one.save();
                if !closing {
                    visit(Saved::Subscription(id, progress));
                }
            }
        }
        if self.purse.is_changed() {
            self.numbers.note_changed();
        }
        if let Some(mut progress) = self.numbers.save(now) {
            progress.used = self.purse.save();
            visit(Saved::Handset(progress));
        }
    }

    /// What an earlier process had in quarantine.
    pub fn restore(&mut self, now: Now, quarantined: &[(u16, u64)]) {
        self.numbers.restore(now, quarantined);
    }

    /// Gives a place to a subscription that goes on from `progress`. References of pushes that were sent rest: some of
    /// their segments may have arrived.
    pub fn resume(&mut self, now: Now, subscription: Subscription, progress: &Progress, resends: bool) -> Place {
        self.numbers.note_changed();
        for open in progress.open.iter().filter(|open| open.reference != 0) {
            if open.sent {
                self.numbers.quarantine(now.monotonic, open.reference);
            }
        }
        self.insert(subscription.resumed(progress, resends))
    }

    /// How its pushes are cut, for building subscriptions.
    pub fn cut(&self) -> Cut {
        self.addressing.cut
    }

    /// Gives a subscription a place.
    pub fn insert(&mut self, mut subscription: Subscription) -> Place {
        subscription.set_ports(self.addressing.ports);
        if let Some(purses) = subscription.purses() {
            self.purse.join(purses);
        }
        let generation = NonZeroU16::new(self.generation.wrapping_add(1)).unwrap_or(NonZeroU16::MIN);
        self.generation = generation.get();
        subscription.again_references().for_each(|reference| self.numbers.reserve(reference));
        let slot = Slot { generation, subscription: Some(subscription) };
        let free = self.slots.iter().position(|slot| slot.subscription.is_none());
        let index = free.unwrap_or(self.slots.len());
        match free {
            Some(free) => self.slots[free] = slot,
            None => {
                if self.slots.is_empty() {
                    self.slots.reserve_exact(1); // most handsets have no second
                }
                self.slots.push(slot);
            }
        }
        Place { index: index as u16, generation }
    }

    /// The subscription at `place`, unless it is gone.
    pub fn get(&mut self, place: Place) -> Option<&mut Subscription> {
        let slot = self.slots.get_mut(usize::from(place.index))?;
        slot.subscription.as_mut().filter(|_| slot.generation == place.generation)
    }

    /// Ends the subscription at `place`: what waits is dropped for `reason`, what was sent is still answered. Every event
    /// before `next` was for it.
    pub fn close(&mut self, now: Now, place: Place, reason: DropReason, next: u64, settlement: &mut Settlement<'_>) {
        if self.get(place).is_some()
            && let Some(subscription) = self.slots[usize::from(place.index)].subscription.as_mut()
        {
            subscription.close(now, reason, next, &mut self.numbers, settlement);
        }
        self.reap();
    }

    /// Takes the subscription at `place` out, with whatever is outstanding: answers to it will mean nothing.
    pub fn take(&mut self, place: Place) -> Option<Subscription> {
        self.get(place)?;
        self.slots[usize::from(place.index)].subscription.take()
    }

    /// Takes the subscription at `place` out if it can go on later from a number alone: the next event's.
    pub fn put_to_sleep(&mut self, now: Now, place: Place) -> Option<u64> {
        let recorded = self.recording != Recording::Off;
        self.get(place).filter(|one| one.is_quiet() && !one.remembers_limit(now) && !(recorded && one.is_changed()))?;
        self.take(place).map(|one| one.released())
    }

    /// What to keep of it if it has no subscription: none if it has more to remember than fits.
    pub fn memo(&mut self, now: Now) -> Option<Memo> {
        let unsaved = self.recording != Recording::Off && self.is_changed();
        if !self.is_vacant() || unsaved || self.shown_parked || now.monotonic < self.held_until {
            return None;
        }
        let last = self.numbers.rest(now.monotonic)?;
        self.purse.put_away(now);
        Some(Memo::of(last, self.generation))
    }

    /// What to keep of it if it cannot be trusted any more: numbers begin behind `seed`, and who had a place in it is
    /// not taken for whoever has one later.
    pub fn begin_anew(&mut self, seed: u16) -> Memo {
        self.purse.hand_on();
        Memo::of(LastNumbers::new(seed), self.generation)
    }

    /// Ends everything, answered or not: the router stops.
    pub fn abandon(&mut self, now: Now, reason: DropReason, settlement: &mut Settlement<'_>) {
        for slot in &mut self.slots {
            if let Some(mut subscription) = slot.subscription.take() {
                subscription.abandon(now, reason, &mut self.numbers, settlement);
            }
        }
    }

    /// Whether it has no subscription any more.
    pub fn is_vacant(&self) -> bool {
        self.slots.iter().all(|slot| slot.subscription.is_none())
    }

    /// Events that wait and pushes that are outstanding, of all its subscriptions.
    pub fn load(&self) -> (u64, usize) {
        let all = self.slots.iter().filter_map(|slot| slot.subscription.as_ref());
        all.fold((0, 0), |(pending, outstanding), one| (pending + one.pending(), outstanding + one.outstanding()))
    }

    /// Events for the subscription at `place`.
    pub fn handle_chunk(&mut self, now: Now, place: Place, chunk: &Arc<Chunk>, tally: &mut Tally) -> Taken {
        self.get(place).map_or(Taken::Whole, |subscription| subscription.handle_chunk(now, chunk, tally))
    }

    /// Whether [`Handset::poll_segment`] would write something now.
    pub fn is_ready(&self, now: Now) -> bool {
        if now.monotonic < self.held_until {
            return false;
        }
        let capped = self.is_capped(now);
        self.occupied().any(|(index, subscription)| subscription.is_ready(now, self.may_form(index, capped)))
    }

    /// The highest priority of what it has to send, now or later.
    pub fn priority(&self) -> u8 {
        let own = |one: &Subscription| one.policy().priority as u8;
        if let [Slot { subscription: Some(only), .. }] = self.slots.as_slice() {
            return own(only);
        }
        let sending = self.occupied().filter(|(_, one)| one.has_unsent() || one.pending() > 0);
        sending.map(|(_, one)| own(one)).max().unwrap_or_default()
    }

    /// When [`Handset::is_ready`] may turn true by itself.
    pub fn poll_timeout(&self) -> Option<Duration> {
        let full = self.unreceipted.is_limited() && self.unreceipted.is_full(self.on_their_way());
        let timeouts = self.occupied().filter_map(|(index, one)| match one.has_unsent() {
            true => Some(Duration::ZERO),
            false => {
                let due = one.poll_timeout().filter(|_| self.may_form(index, false))?;
                // Answers to what is on its way are no matter of time.
                let capped = full && one.policy().receipts != Wanted::None;
                if capped { self.unreceipted.poll_timeout().map(|over| over.max(due)) } else { Some(due) }
            }
        });
        timeouts.min().map(|earliest| earliest.max(self.held_until))
    }

    /// Writes the next segment to go as a submit_sm with `sequence_number` and names it.
    ///
    /// To be called again until it returns `None`; then again after any `handle_*` and at `poll_timeout`.
    pub fn poll_segment(
        &mut self,
        now: Now,
        sequence_number: u32,
        encoder: &mut Encoder,
        out: &mut BytesMut,
        settlement: &mut Settlement<'_>,
    ) -> Option<Segment> {
        if now.monotonic < self.held_until {
            return None;
        }
        self.end_pause(settlement.tally);
        let capped = self.is_capped_for_sure(now, settlement.receipts, settlement.smsc);
        let slots = self.slots.len();
        for step in 0..slots {
            // `turn` is one past the last at most.
            let index = if self.turn + step < slots { self.turn + step } else { self.turn + step - slots };
            let owner = self.owner(index);
            let mut writing = Writing { encoder, out, sequence_number, owner };
            if let Some((push, segment)) = self.poll_slot(index, now, capped, &mut writing, settlement) {
                let slot = &self.slots[index];
                let unfinished = slot.subscription.as_ref().is_some_and(Subscription::has_unsent);
                self.turn = if unfinished { index } else { index + 1 };
                let place = Place { index: index as u16, generation: slot.generation };
                return Some(Segment { place, push: push as u32, index: segment });
            }
        }
        None
    }

    /// Takes the answer to a segment and says what it means for the link.
    pub fn handle_answer(
        &mut self,
        now: Now,
        segment: Segment,
        answer: Answer<'_>,
        settlement: &mut Settlement<'_>,
    ) -> Verdict {
        let unknown = matches!(answer, Answer::Unknown { .. });
        let Place { index, generation } = segment.place;
        let Some(slot) = self.slots.get_mut(usize::from(index)) else { return Verdict::Accept };
        let Some(subscription) = slot.subscription.as_mut().filter(|_| slot.generation == generation) else {
            return Verdict::Accept;
        };
        let named = (segment.push, segment.index);
        let verdict = subscription.handle_answer(now, named, answer, &mut self.numbers, settlement);
        match verdict {
            Verdict::Accept if !unknown => self.refusals = 0,
            // What was sent before the pause began says nothing about the time after it.
            Verdict::ParkHandset | Verdict::Retry | Verdict::NarrowWindow if now.monotonic >= self.held_until => {
                self.refusals = self.refusals.saturating_add(1);
                self.parked = verdict == Verdict::ParkHandset;
                self.held_until = now.monotonic + verdict::pause(self.refusals);
            }
            _ => {}
        }
        if let Some(fate) = subscription.take_released() {
            self.unreceipted.handle_accepted(now.monotonic, fate);
        }
        slot.subscription.take_if(|one| one.is_finished());
        if self.unreceipted.is_full(0) {
            self.unreceipted.look(now.monotonic, settlement.receipts, settlement.smsc);
        }
        verdict
    }

    /// Names whoever has a place among all that an encoder sees; one that starts anew is somebody else, for it counts
    /// its pushes anew.
    fn owner(&self, index: usize) -> Owner {
        (self.serial, (index as u32) << 16 | u32::from(self.slots[index].generation.get()))
    }

    fn poll_slot(
        &mut self,
        index: usize,
        now: Now,
        capped: bool,
        writing: &mut Writing<'_>,
        settlement: &mut Settlement<'_>,
    ) -> Option<(u64, u8)> {
        let may_form = self.may_form(index, capped);
        let subscription = self.slots[index].subscription.as_mut()?;
        let frame =
            Frame { template: &self.addressing.template, destination: &self.destination, cut: self.addressing.cut };
        subscription.poll_segment(now, may_form, &frame, (&mut self.numbers, &mut self.purse), writing, settlement)
    }

    /// In strict order at most one push of the handset awaits its answers; a pipelined subscription still waits for
    /// the push of a strict one. While the SMSC has as many of it as it may have, none asks for another receipt.
    fn may_form(&self, index: usize, capped: bool) -> bool {
        let strict = |one: &Subscription| one.policy().order == Order::Strict;
        let own = self.slots[index].subscription.as_ref();
        if capped && own.is_some_and(|one| one.policy().receipts != Wanted::None) {
            return false;
        }
        let asks = own.is_some_and(strict);
        !self.occupied().any(|(_, one)| one.outstanding() > 0 && (asks || strict(one)))
    }

    fn occupied(&self) -> impl Iterator<Item = (usize, &Subscription)> {
        self.slots.iter().enumerate().filter_map(|(index, slot)| Some((index, slot.subscription.as_ref()?)))
    }

    /// Frees the places of subscriptions that were closed and have nothing outstanding.
    fn reap(&mut self) {
        for slot in &mut self.slots {
            slot.subscription.take_if(|one| one.is_finished());
        }
        self.parked &= !self.is_vacant();
    }
}
