//! Delivery receipts: which push a message id belongs to, and what became of it.
//!
//! One table per SMSC, for a receipt may come on any of its links, and often comes before the response that gives its
//! id. Bounded in number and in time: an entry that runs out ends its events as `accepted`.

mod changes;
mod told;

pub use changes::{AwaitedReceipt, PushOf};
pub use told::{Tidings, Told};

use super::clock::{Now, Stamp};
use super::tally::{Stage, Tally};
use super::waiting::{MessageId, Waiting};
use crate::codec::smpp::MessageState;
use crate::model::Outcome;
use changes::Changes;
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use told::Watches;

/// How long a receipt that overtook its response waits for it.
const PARKING_TIME: Duration = Duration::from_secs(60);
/// Receipts parked at most.
const MAX_PARKED: usize = 10_000;

/// Where the receipts of one push are collected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FateId {
    index: u32,
    serial: NonZeroU32,
}

/// What is known of one push.
#[derive(Debug)]
struct Fate {
    serial: NonZeroU32,
    /// Events that end with it; 0 while the push is not released.
    events: u64,
    /// Segments without a final receipt.
    missing: u8,
    /// The worst final state so far, if not delivered.
    bad: Option<Outcome>,
    accepted_at: Stamp,
}

/// Receipts awaited and receipts that came too early.
pub struct Receipts {
    expected: Waiting<FateId>,
    parked: Waiting<MessageState>,
    fates: Vec<Fate>,
    free: Vec<u32>,
    timeout: Duration,
    limit: usize,
    /// What has to be saved, if anything has to outlive the process.
    changes: Changes,
    /// By the place of its fate: the ids of a push that waits for several receipts. One that comes may end it.
    siblings: HashMap<u32, Vec<MessageId>>,
    watches: Watches,
}

impl Receipts {
    /// Waits `timeout` for each receipt, and for at most `limit` of them at a time.
    pub fn new(timeout: Duration, limit: usize) -> Self {
        Self {
            expected: Waiting::new(),
            parked: Waiting::new(),
            fates: Vec::new(),
            free: Vec::new(),
            timeout,
            limit: limit.max(1),
            changes: Changes::default(),
            siblings: HashMap::new(),
            watches: Watches::default(),
        }
    }

    /// What changes has to be saved.
    #[must_use]
    pub fn recorded(self) -> Self {
        Self { changes: Changes::recorded(), ..self }
    }

    /// Shows `visit` which receipts are awaited, and which ids are not any more, since it was called last. What came
    /// and went in between is neither.
    pub fn save(&mut self, now: Now, visit: &mut dyn FnMut(&[u8], Option<AwaitedReceipt>)) {
        self.changes.save(now, visit);
    }

    /// What an earlier process awaited. Receipts of a push that is open are to be left out: it is sent again.
    pub fn restore(&mut self, now: Now, mut awaited: Vec<(Vec<u8>, AwaitedReceipt)>) {
        awaited.sort_by_key(|(_, one)| one.until_unix_ms);
        let mut fates: HashMap<([u8; 16], u64), FateId> = HashMap::new();
        let mut ids: HashMap<u32, Vec<MessageId>> = HashMap::new();
        for (id, AwaitedReceipt { subscription, first, events, until_unix_ms }) in awaited {
            let fate = *fates.entry((subscription, first)).or_insert_with(|| self.open(0));
            if let Some(known) = self.get(fate) {
                (known.events, known.accepted_at) = (events, now.monotonic.into());
                known.missing = known.missing.saturating_add(1);
            }
            // A clock that was set back must not make it longer than it ever is.
            let left = Duration::from_millis(until_unix_ms.saturating_sub(now.unix_ms)).min(self.timeout);
            self.expected.insert(&id, (now.monotonic + left).into(), fate);
            ids.entry(fate.index).or_default().push(MessageId::new(&id));
        }
        ids.retain(|_, of_one| of_one.len() > 1);
        self.siblings.extend(ids);
    }

    /// A place to collect the receipts of a push of `segments`.
    pub fn open(&mut self, segments: u8) -> FateId {
        let fresh =
            Fate { serial: NonZeroU32::MIN, events: 0, missing: segments, bad: None, accepted_at: Stamp::default() };
        let Some(index) = self.free.pop() else {
            self.fates.push(fresh);
            return FateId { index: self.fates.len() as u32 - 1, serial: NonZeroU32::MIN };
        };
        let fate = &mut self.fates[index as usize];
        *fate = Fate { serial: fate.serial, ..fresh };
        FateId { index, serial: fate.serial }
    }

    /// A segment of `fate`, which is that of the push `of`, was accepted as `message_id`.
    pub fn handle_accepted(&mut self, now: Duration, fate: FateId, message_id: &[u8], of: &PushOf, tally: &mut Tally) {
        if let Some(state) = self.parked.take(message_id) {
            self.watches.note_heard(now);
            self.note(now, fate, state, tally);
            return;
        }
        if self.expected.len() >= self.limit
            && let Some(oldest) = self.expected.take_oldest(|id| self.changes.note_gone(id))
        {
            self.expire(oldest, tally);
        }
        // A receipt for an id that was used again is taken for the later one.
        let until = (now + self.timeout).into();
        if let Some(earlier) = self.expected.insert(message_id, until, fate) {
            self.expire(earlier, tally);
        }
        if self.changes.is_on() && self.get(fate).is_some_and(|known| known.missing > 1) {
            self.siblings.entry(fate.index).or_default().push(MessageId::new(message_id));
        }
        self.changes.note_awaited(message_id, of, until);
    }

    /// Every segment of `fate` was accepted: its `events` end when the last receipt does.
    pub fn handle_released(&mut self, now: Duration, fate: FateId, events: u64, tally: &mut Tally) {
        match self.get(fate) {
            Some(known) => {
                (known.events, known.accepted_at) = (events, now.into());
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
        if let Some(fate) = self.expected.take(message_id) {
            self.watches.note_heard(now);
            self.changes.note_gone(message_id);
            self.note(now, fate, state, tally);
            return;
        }
        if self.parked.len() >= MAX_PARKED {
            tally.stray_receipts += u64::from(self.parked.take_oldest(|_| {}).is_some());
        }
        self.parked.insert(message_id, (now + PARKING_TIME).into(), state);
    }

    /// Ends what has waited long enough. To be called now and then.
    pub fn handle_timeout(&mut self, now: Duration, tally: &mut Tally) {
        while let Some(fate) = self.expected.take_due(now.into(), |id| self.changes.note_gone(id)) {
            self.expire(fate, tally);
        }
        while self.parked.take_due(now.into(), |_| {}).is_some() {
            tally.stray_receipts += 1;
        }
    }

    /// Ends everything that waits, as `accepted`: the router is about to stop.
    pub fn handle_shutdown(&mut self, tally: &mut Tally) {
        while let Some(fate) = self.expected.take_oldest(|_| {}) {
            self.expire(fate, tally);
        }
    }

    /// Whether a push's receipts are awaited.
    pub fn is_open(&self, fate: FateId) -> bool {
        self.fates.get(fate.index as usize).is_some_and(|known| known.serial == fate.serial)
    }

    /// Whether receipts do not come at all, whoever asks for them.
    pub fn is_silent(&self, now: Duration) -> bool {
        self.watches.is_silent(now)
    }

    /// Whom to tell when a push's receipts are in, or not awaited any more; at once if that is so already.
    pub fn watch(&mut self, fate: FateId, told: Arc<dyn Told>) {
        let is_open = self.is_open(fate);
        self.watches.watch(fate, is_open, told);
    }

    /// Who is to be told now, when the table is not locked any more.
    #[must_use]
    pub fn take_tidings(&mut self) -> Tidings {
        self.watches.take_tidings()
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
        tally.time(Stage::Receipt, Stamp::from(now).since(known.accepted_at), known.events);
        self.close(fate);
    }

    /// No receipt will come any more.
    fn expire(&mut self, fate: FateId, tally: &mut Tally) {
        if let Some(events) = self.get(fate).map(|known| known.events) {
            if events > 0 {
                tally.settle(Outcome::Accepted, events);
            }
            self.close(fate);
        }
    }

    fn get(&mut self, id: FateId) -> Option<&mut Fate> {
        self.fates.get_mut(id.index as usize).filter(|fate| fate.serial == id.serial)
    }

    fn close(&mut self, id: FateId) {
        let fate = &mut self.fates[id.index as usize];
        fate.serial = fate.serial.checked_add(1).unwrap_or(NonZeroU32::MIN);
        self.free.push(id.index);
        self.watches.note_closed(id);
        if !self.siblings.is_empty() {
            self.forget_others(id);
        }
    }

    /// Nothing that comes for the other segments says more: another process must not count its events again.
    fn forget_others(&mut self, id: FateId) {
        for other in self.siblings.remove(&id.index).into_iter().flatten() {
            if self.expected.find(other.octets()) == Some(id) {
                self.changes.note_gone(other.octets());
            }
        }
    }
}

/// Whether a message in this state is not on its way any more.
pub fn is_final(state: MessageState) -> bool {
    outcome_of(state).is_some()
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
    use crate::model::SubscriptionId;

    const T0: Duration = Duration::ZERO;
    const OF: &PushOf = &PushOf { subscription: SubscriptionId::from_octets([7; 16]), first: 10, events: 3 };
    const HOUR: Duration = Duration::from_secs(3600);

    fn table() -> (Receipts, Tally) {
        (Receipts::new(HOUR, 1000), Tally::default())
    }

    fn count(tally: &Tally, outcome: Outcome) -> u64 {
        tally.settled[outcome.index()]
    }

    /// What is kept of a table.
    fn keep(receipts: &mut Receipts, kept: &mut HashMap<Vec<u8>, AwaitedReceipt>) {
        receipts.save(Now::default(), &mut |id, awaited| match awaited {
            Some(awaited) => _ = kept.insert(id.to_vec(), awaited),
            None => _ = kept.remove(id),
        });
    }

    #[test]
    fn what_has_ended_is_awaited_by_nobody_else() {
        let mut tally = Tally::default();
        let mut receipts = Receipts::new(HOUR, 1000).recorded();
        let mut kept = HashMap::new();
        for (push, ids) in [[b"a", b"b"], [b"c", b"d"], [b"e", b"f"]].into_iter().enumerate() {
            let fate = receipts.open(2);
            let of = &PushOf { first: push as u64, ..*OF };
            ids.iter().for_each(|id| receipts.handle_accepted(T0, fate, *id, of, &mut tally));
            receipts.handle_released(T0, fate, 3, &mut tally);
        }
        let fate = receipts.open(2); // its second segment is refused for good
        receipts.handle_accepted(T0, fate, b"g", &PushOf { first: 9, ..*OF }, &mut tally);
        keep(&mut receipts, &mut kept);
        assert_eq!(kept.len(), 7);
        receipts.handle_receipt(T0, b"a", MessageState::UNDELIVERABLE, &mut tally);
        receipts.handle_receipt(T0, b"d", MessageState::DELIVERED, &mut tally);
        receipts.forget(fate);
        keep(&mut receipts, &mut kept);
        let mut ids: Vec<_> = kept.keys().cloned().collect();
        ids.sort();
        assert_eq!(ids, [b"c", b"e", b"f"]);

        let mut next = Receipts::new(HOUR, 1000).recorded();
        next.restore(Now::default(), kept.clone().into_iter().collect());
        next.handle_receipt(T0, b"f", MessageState::UNDELIVERABLE, &mut tally);
        next.handle_receipt(T0, b"c", MessageState::DELIVERED, &mut tally);
        keep(&mut next, &mut kept);
        assert!(kept.is_empty(), "{kept:?}");
        assert_eq!((count(&tally, Outcome::Failed), count(&tally, Outcome::Delivered)), (6, 3));
    }

    #[test]
    fn a_receipt_that_overtakes_its_response_is_parked_for_it() {
        let (mut receipts, mut tally) = table();
        let fate = receipts.open(1);
        receipts.handle_receipt(T0, b"42", MessageState::DELIVERED, &mut tally);
        receipts.handle_accepted(T0, fate, b"42", OF, &mut tally);
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
            receipts.handle_accepted(T0, fate, b"a", OF, &mut tally);
            receipts.handle_accepted(T0, fate, b"b", OF, &mut tally);
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
        receipts.handle_accepted(T0, fate, b"a", OF, &mut tally);
        receipts.handle_accepted(T0, fate, b"b", OF, &mut tally);
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
            receipts.handle_accepted(T0, fate, &n.to_be_bytes(), OF, &mut tally);
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
        receipts.handle_accepted(T0, fate, b"a", OF, &mut tally);
        receipts.handle_timeout(HOUR, &mut tally);
        receipts.handle_accepted(HOUR, fate, b"b", OF, &mut tally);
        receipts.handle_released(HOUR, fate, 2, &mut tally);
        receipts.handle_timeout(HOUR * 3, &mut tally);
        assert_eq!(tally.settled.iter().sum::<u64>(), 2);
    }

    #[test]
    fn an_id_that_is_used_again_ends_what_waited_under_it() {
        let (mut receipts, mut tally) = table();
        for events in [3, 4] {
            let fate = receipts.open(1);
            receipts.handle_accepted(T0, fate, b"", OF, &mut tally);
            receipts.handle_released(T0, fate, events, &mut tally);
        }
        receipts.handle_receipt(T0, b"", MessageState::DELIVERED, &mut tally);
        assert_eq!((count(&tally, Outcome::Accepted), count(&tally, Outcome::Delivered)), (3, 4));
        assert_eq!(receipts.waiting(), 0);
    }

    #[test]
    fn receipts_nobody_waits_for_are_counted_after_a_minute() {
        let (mut receipts, mut tally) = table();
        receipts.handle_receipt(T0, b"x", MessageState::DELIVERED, &mut tally);
        receipts.handle_timeout(PARKING_TIME, &mut tally);
        assert_eq!(tally.stray_receipts, 1);
    }

    fn saved(receipts: &mut Receipts, now: Now) -> Vec<(Vec<u8>, Option<AwaitedReceipt>)> {
        let mut saved = Vec::new();
        receipts.save(now, &mut |id, awaited| saved.push((id.to_vec(), awaited)));
        saved.sort_by(|a, b| a.0.cmp(&b.0));
        saved
    }

    #[test]
    fn another_process_goes_on_waiting() {
        let (receipts, mut tally) = table();
        let mut receipts = receipts.recorded();
        let now = Now { monotonic: T0, unix_ms: 1_000_000 };
        let fate = receipts.open(2);
        receipts.handle_accepted(T0, fate, b"a", OF, &mut tally);
        receipts.handle_accepted(T0, fate, b"b", OF, &mut tally);
        receipts.handle_released(T0, fate, 3, &mut tally);
        let awaited = saved(&mut receipts, now).into_iter().map(|(id, one)| (id, one.unwrap())).collect();

        let (mut next, mut tally) = table();
        let later = Now { monotonic: T0, unix_ms: 1_000_000 + 600_000 };
        next.restore(later, awaited);
        next.handle_receipt(T0, b"b", MessageState::DELIVERED, &mut tally);
        assert_eq!(tally.settled.iter().sum::<u64>(), 0, "one is missing");
        next.handle_receipt(T0, b"a", MessageState::DELIVERED, &mut tally);
        assert_eq!(count(&tally, Outcome::Delivered), 3);
    }

    #[test]
    fn another_process_gives_up_when_this_one_would_have() {
        let (receipts, mut tally) = table();
        let mut receipts = receipts.recorded();
        let fate = receipts.open(1);
        receipts.handle_accepted(T0, fate, b"a", OF, &mut tally);
        let awaited: Vec<_> =
            saved(&mut receipts, Now::default()).into_iter().map(|(id, one)| (id, one.unwrap())).collect();
        for (unix_ms, left) in [(3_000_000, HOUR - Duration::from_secs(3000)), (0, HOUR)] {
            let (mut next, mut tally) = table();
            next.restore(Now { monotonic: T0, unix_ms }, awaited.clone());
            next.handle_timeout(left - Duration::from_secs(1), &mut tally);
            assert_eq!(next.waiting(), 1);
            next.handle_timeout(left, &mut tally);
            assert_eq!((next.waiting(), count(&tally, Outcome::Accepted)), (0, 3));
        }
    }

    #[test]
    fn what_comes_and_goes_between_two_saves_is_never_saved() {
        let (receipts, mut tally) = table();
        let mut receipts = receipts.recorded();
        let fate = receipts.open(3);
        receipts.handle_accepted(T0, fate, b"a", OF, &mut tally);
        receipts.handle_accepted(T0, fate, b"b", OF, &mut tally);
        receipts.handle_receipt(T0, b"a", MessageState::DELIVERED, &mut tally);
        let first = saved(&mut receipts, Now::default());
        assert_eq!(
            first.iter().map(|(id, one)| (id.as_slice(), one.is_some())).collect::<Vec<_>>(),
            [(&b"b"[..], true)]
        );
        receipts.handle_receipt(T0, b"b", MessageState::DELIVERED, &mut tally);
        receipts.handle_accepted(T0, fate, b"b", OF, &mut tally);
        receipts.handle_receipt(T0, b"b", MessageState::DELIVERED, &mut tally);
        assert_eq!(saved(&mut receipts, Now::default()), [(b"b".to_vec(), None)], "the store knew it");
        assert_eq!(saved(&mut receipts, Now::default()), []);
    }
}
