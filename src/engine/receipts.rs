//! Delivery receipts: which push a message id belongs to, and what became of it.
//!
//! One table per SMSC, for a receipt may come on any of its links, and often comes before the response that gives its
//! id. Bounded in number and in time: an entry that runs out ends its events as `accepted`.

use super::tally::{Stage, Tally};
use crate::codec::smpp::MessageState;
use crate::model::Outcome;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// Octets of a message_id that are kept without an allocation: numbers in either base have fewer.
const INLINE_OCTETS: usize = 22;
/// How long a receipt that overtook its response waits for it.
const PARKING_TIME: Duration = Duration::from_secs(60);
/// Receipts parked at most.
const MAX_PARKED: usize = 10_000;

/// An SMSC's name for a segment: opaque octets, compared as they are.
#[derive(Clone, PartialEq, Eq, Hash)]
enum MessageId {
    Short { len: u8, octets: [u8; INLINE_OCTETS] },
    Long(Box<[u8]>),
}

const _: () = assert!(size_of::<MessageId>() == 24, "there may be a million of them");

impl MessageId {
    fn new(id: &[u8]) -> Self {
        let mut octets = [0; INLINE_OCTETS];
        match octets.get_mut(..id.len()) {
            Some(own) => {
                own.copy_from_slice(id);
                Self::Short { len: id.len() as u8, octets }
            }
            None => Self::Long(id.into()),
        }
    }
}

/// Where the receipts of one push are collected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FateId {
    index: u32,
    serial: u32,
}

/// What is known of one push.
#[derive(Debug, Default)]
struct Fate {
    serial: u32,
    /// Events that end with it; 0 while the push is not released.
    events: u64,
    /// Segments without a final receipt.
    missing: u8,
    /// The worst final state so far, if not delivered.
    bad: Option<Outcome>,
    accepted_at: Duration,
}

/// A segment accepted whose receipt is awaited.
struct Expected {
    fate: FateId,
    until: Duration,
}

/// Receipts awaited and receipts that came too early.
pub struct Receipts {
    expected: HashMap<MessageId, Expected>,
    expected_order: VecDeque<(Duration, MessageId)>,
    parked: HashMap<MessageId, MessageState>,
    parked_order: VecDeque<(Duration, MessageId)>,
    fates: Vec<Fate>,
    free: Vec<u32>,
    timeout: Duration,
    limit: usize,
}

impl Receipts {
    /// Waits `timeout` for each receipt, and for at most `limit` of them at a time.
    pub fn new(timeout: Duration, limit: usize) -> Self {
        Self {
            expected: HashMap::new(),
            expected_order: VecDeque::new(),
            parked: HashMap::new(),
            parked_order: VecDeque::new(),
            fates: Vec::new(),
            free: Vec::new(),
            timeout,
            limit: limit.max(1),
        }
    }

    /// A place to collect the receipts of a push of `segments`.
    pub fn open(&mut self, segments: u8) -> FateId {
        let index = self.free.pop().unwrap_or_else(|| {
            self.fates.push(Fate::default());
            self.fates.len() as u32 - 1
        });
        let fate = &mut self.fates[index as usize];
        *fate = Fate { serial: fate.serial.wrapping_add(1), missing: segments, ..Fate::default() };
        FateId { index, serial: fate.serial }
    }

    /// A segment of `fate` was accepted as `message_id`.
    pub fn handle_accepted(&mut self, now: Duration, fate: FateId, message_id: &[u8], tally: &mut Tally) {
        let id = MessageId::new(message_id);
        if let Some(state) = self.parked.remove(&id) {
            self.note(now, fate, state, tally);
            return;
        }
        while self.expected_order.len() >= self.limit {
            self.expire_oldest(tally);
        }
        let until = now + self.timeout;
        self.expected.insert(id.clone(), Expected { fate, until });
        self.expected_order.push_back((until, id));
    }

    /// Every segment of `fate` was accepted: its `events` end when the last receipt does.
    pub fn handle_released(&mut self, now: Duration, fate: FateId, events: u64, tally: &mut Tally) {
        match self.get(fate) {
            Some(known) => {
                (known.events, known.accepted_at) = (events, now);
                self.settle_if_complete(now, fate, tally);
            }
            // A receipt it waited for ran out before the last segment was accepted.
            None => tally.settle(Outcome::Accepted, events),
        }
    }

    /// The push of `fate` ended otherwise; receipts for it say nothing new.
    pub fn forget(&mut self, fate: FateId) {
        if self.get(fate).is_some() {
            self.close(fate);
        }
    }

    /// A receipt came. An intermediate state changes nothing.
    pub fn handle_receipt(&mut self, now: Duration, message_id: &[u8], state: MessageState, tally: &mut Tally) {
        if outcome_of(state).is_none() {
            return;
        }
        let id = MessageId::new(message_id);
        if let Some(expected) = self.expected.remove(&id) {
            self.note(now, expected.fate, state, tally);
            return;
        }
        while self.parked_order.len() >= MAX_PARKED {
            self.drop_parked(tally);
        }
        self.parked.insert(id.clone(), state);
        self.parked_order.push_back((now + PARKING_TIME, id));
    }

    /// Ends what has waited long enough. To be called now and then.
    pub fn handle_timeout(&mut self, now: Duration, tally: &mut Tally) {
        while self.expected_order.front().is_some_and(|(until, _)| *until <= now) {
            self.expire_oldest(tally);
        }
        while self.parked_order.front().is_some_and(|(until, _)| *until <= now) {
            self.drop_parked(tally);
        }
    }

    /// Ends everything that waits, as `accepted`: the router is about to stop.
    pub fn handle_shutdown(&mut self, tally: &mut Tally) {
        while !self.expected_order.is_empty() {
            self.expire_oldest(tally);
        }
    }

    /// Segments whose receipt is awaited.
    pub fn waiting(&self) -> usize {
        self.expected.len()
    }

    fn note(&mut self, now: Duration, fate: FateId, state: MessageState, tally: &mut Tally) {
        let Some(known) = self.get(fate) else { return };
        known.missing = known.missing.saturating_sub(1);
        match outcome_of(state) {
            Some(Outcome::Delivered) | None => {}
            Some(bad) => known.bad = Some(bad),
        }
        self.settle_if_complete(now, fate, tally);
    }

    /// An event is delivered when all its segments are, and failed as soon as one is.
    fn settle_if_complete(&mut self, now: Duration, fate: FateId, tally: &mut Tally) {
        let Some(known) = self.get(fate) else { return };
        if known.events == 0 || (known.missing > 0 && known.bad.is_none()) {
            return;
        }
        tally.settle(known.bad.unwrap_or(Outcome::Delivered), known.events);
        tally.time(Stage::Receipt, now.saturating_sub(known.accepted_at), known.events);
        self.close(fate);
    }

    fn expire_oldest(&mut self, tally: &mut Tally) {
        let Some((until, id)) = self.expected_order.pop_front() else { return };
        let Some(fate) = self.expected.get(&id).filter(|expected| expected.until == until).map(|e| e.fate) else {
            return; // answered meanwhile, or the id was used again
        };
        self.expected.remove(&id);
        if let Some(events) = self.get(fate).map(|known| known.events) {
            if events > 0 {
                tally.settle(Outcome::Accepted, events);
            }
            self.close(fate);
        }
    }

    fn drop_parked(&mut self, tally: &mut Tally) {
        let Some((_, id)) = self.parked_order.pop_front() else { return };
        tally.stray_receipts += u64::from(self.parked.remove(&id).is_some());
    }

    fn get(&mut self, id: FateId) -> Option<&mut Fate> {
        self.fates.get_mut(id.index as usize).filter(|fate| fate.serial == id.serial)
    }

    fn close(&mut self, id: FateId) {
        let fate = &mut self.fates[id.index as usize];
        fate.serial = fate.serial.wrapping_add(1);
        self.free.push(id.index);
    }
}

/// How a message ends by its state (SMPP v3.4 §5.2.28), `None` while it is on its way.
fn outcome_of(state: MessageState) -> Option<Outcome> {
    match state {
        MessageState::DELIVERED => Some(Outcome::Delivered),
        MessageState::EXPIRED | MessageState::DELETED | MessageState::UNDELIVERABLE | MessageState::REJECTED => {
            Some(Outcome::Failed)
        }
        MessageState::UNKNOWN => Some(Outcome::Unknown),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Duration = Duration::ZERO;
    const HOUR: Duration = Duration::from_secs(3600);

    fn table() -> (Receipts, Tally) {
        (Receipts::new(HOUR, 1000), Tally::default())
    }

    fn count(tally: &Tally, outcome: Outcome) -> u64 {
        tally.settled[outcome.index()]
    }

    #[test]
    fn a_receipt_that_overtakes_its_response_is_parked_for_it() {
        let (mut receipts, mut tally) = table();
        let fate = receipts.open(1);
        receipts.handle_receipt(T0, b"42", MessageState::DELIVERED, &mut tally);
        receipts.handle_accepted(T0, fate, b"42", &mut tally);
        receipts.handle_released(T0, fate, 3, &mut tally);
        assert_eq!(count(&tally, Outcome::Delivered), 3);
        assert_eq!(receipts.waiting(), 0);
        receipts.handle_timeout(HOUR, &mut tally);
        assert_eq!(tally.stray_receipts, 0, "it was not stray");
    }

    #[test]
    fn a_push_is_delivered_with_its_last_segment_and_failed_with_its_first_bad_one() {
        let (mut receipts, mut tally) = table();
        for last in [MessageState::DELIVERED, MessageState::UNDELIVERABLE] {
            let fate = receipts.open(2);
            receipts.handle_accepted(T0, fate, b"a", &mut tally);
            receipts.handle_accepted(T0, fate, b"b", &mut tally);
            receipts.handle_receipt(T0, b"b", MessageState::DELIVERED, &mut tally);
            receipts.handle_receipt(T0, b"a", MessageState::ENROUTE, &mut tally);
            receipts.handle_released(T0, fate, 5, &mut tally);
            receipts.handle_receipt(T0, b"a", last, &mut tally);
        }
        assert_eq!((count(&tally, Outcome::Delivered), count(&tally, Outcome::Failed)), (5, 5));
    }

    #[test]
    fn without_a_receipt_an_event_ends_accepted_once() {
        let (mut receipts, mut tally) = table();
        let fate = receipts.open(2);
        receipts.handle_accepted(T0, fate, b"a", &mut tally);
        receipts.handle_accepted(T0, fate, b"b", &mut tally);
        receipts.handle_released(T0, fate, 4, &mut tally);
        receipts.handle_timeout(HOUR, &mut tally);
        receipts.handle_receipt(HOUR, b"a", MessageState::DELIVERED, &mut tally);
        assert_eq!(tally.settled.iter().sum::<u64>(), 4);
        assert_eq!(count(&tally, Outcome::Accepted), 4);
    }

    #[test]
    fn the_table_is_bounded_and_what_falls_out_is_still_counted() {
        let mut receipts = Receipts::new(HOUR, 10);
        let mut tally = Tally::default();
        for n in 0..100u32 {
            let fate = receipts.open(1);
            receipts.handle_accepted(T0, fate, &n.to_be_bytes(), &mut tally);
            receipts.handle_released(T0, fate, 1, &mut tally);
        }
        assert_eq!((receipts.waiting(), count(&tally, Outcome::Accepted)), (10, 90));
        assert!(receipts.fates.len() <= 11, "places are used again");
        receipts.handle_shutdown(&mut tally);
        assert_eq!(count(&tally, Outcome::Accepted), 100);
    }

    #[test]
    fn a_receipt_that_runs_out_before_the_push_is_released_loses_no_event() {
        let (mut receipts, mut tally) = table();
        let fate = receipts.open(2);
        receipts.handle_accepted(T0, fate, b"a", &mut tally);
        receipts.handle_timeout(HOUR, &mut tally);
        receipts.handle_accepted(HOUR, fate, b"b", &mut tally);
        receipts.handle_released(HOUR, fate, 2, &mut tally);
        receipts.handle_timeout(HOUR * 3, &mut tally);
        assert_eq!(tally.settled.iter().sum::<u64>(), 2);
    }

    #[test]
    fn an_id_of_any_length_finds_its_push() {
        let (mut receipts, mut tally) = table();
        for length in [0, 1, INLINE_OCTETS, INLINE_OCTETS + 1, 64] {
            let id = vec![b'7'; length];
            let fate = receipts.open(1);
            receipts.handle_accepted(T0, fate, &id, &mut tally);
            receipts.handle_released(T0, fate, 1, &mut tally);
            receipts.handle_receipt(T0, &id, MessageState::DELIVERED, &mut tally);
        }
        assert_eq!((count(&tally, Outcome::Delivered), receipts.waiting()), (5, 0));
    }

    #[test]
    fn receipts_nobody_waits_for_are_counted_after_a_minute() {
        let (mut receipts, mut tally) = table();
        receipts.handle_receipt(T0, b"x", MessageState::DELIVERED, &mut tally);
        receipts.handle_timeout(PARKING_TIME, &mut tally);
        assert_eq!(tally.stray_receipts, 1);
    }
}
