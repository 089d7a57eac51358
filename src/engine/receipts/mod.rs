//! Delivery receipts: which push a message id belongs to, and what became of it.
//!
//! One table for the node, for a receipt may come on any link, often comes before the response that gives its id, and one
//! push may be accepted by two SMSCs. An id is what its SMSC says it is: a number of the SMSC is part of every name here.
//! Bounded in number and in time: an entry that runs out ends its events as `accepted`.
//!
//! `desk` has what is known of one SMSC, `spelling` how its receipts write ids, `ending` the final states, `fates` what the
//! segments of one push have in common, `changes` what has to be saved; `asking` and `errands` are about what is asked of
//! SMSCs that hold a message.

mod asking;
mod changes;
mod desk;
mod ending;
mod errands;
mod fates;
mod spelling;
mod told;

pub use asking::ErrandAnswer;
pub use changes::{AwaitedReceipt, PushOf};
pub use errands::{Errand, ErrandSettings};
pub use fates::FateId;
pub use spelling::{MessageIds, Spelling};
pub use told::{Tidings, Told};

use super::clock::{Now, Stamp};
use super::tally::{ReceiptKind, Stage, Tally};
use super::waiting::MessageId;
use crate::codec::smpp::{MessageState, Receipt};
use crate::model::{Outcome, SubscriptionId};
use changes::Changes;
use desk::Desk;
use ending::{Ended, Ending};
use errands::Errands;
use fates::{Fate, Fates};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use told::Watches;

/// How long a receipt that overtook its response waits for it.
const PARKING_TIME: Duration = Duration::from_secs(60);
/// Receipts of one SMSC parked at most.
const MAX_PARKED: usize = 10_000;

/// Receipts awaited and receipts that came too early, of all SMSCs.
pub struct Receipts {
    /// By the number of the SMSC.
    desks: Vec<Desk>,
    fates: Fates,
    errands: Errands,
    ended: Ended,
    /// For SMSCs that have no other.
    timeout: Duration,
    limit: usize,
    /// Of all desks.
    awaited: usize,
    is_recorded: bool,
    /// By the place of its fate: the ids of a push that waits for several receipts. One that comes may end it.
    siblings: HashMap<u32, Vec<(u8, MessageId)>>,
    watches: Watches,
}

impl Receipts {
    /// Waits for at most `limit` receipts at a time; `timeout` for each of an SMSC that is not set up otherwise.
    pub fn new(timeout: Duration, limit: usize) -> Self {
        Self {
            desks: Vec::new(),
            fates: Fates::default(),
            errands: Errands::default(),
            ended: Ended::default(),
            timeout,
            limit: limit.max(1),
            awaited: 0,
            is_recorded: false,
            siblings: HashMap::new(),
            watches: Watches::default(),
        }
    }

    /// Waits `timeout` for each receipt of this SMSC, whose receipts name messages as `ids` says. To be called before
    /// anything is awaited of it.
    pub fn set_up(&mut self, smsc: u8, timeout: Duration, ids: MessageIds) {
        self.desk(smsc);
        let desk = Desk::new(timeout, ids, self.changes());
        self.desks[usize::from(smsc)] = desk;
    }

    /// What changes from now on has to be saved.
    pub fn record(&mut self) {
        self.is_recorded = true;
        self.desks.iter_mut().filter(|desk| !desk.changes.is_on()).for_each(|desk| desk.changes = Changes::recorded());
    }

    /// Shows `visit` which receipts of this SMSC are awaited, and which ids are not any more, since it was called last.
    /// What came and went in between is neither.
    pub fn save(&mut self, smsc: u8, now: Now, visit: &mut dyn FnMut(&[u8], Option<AwaitedReceipt>)) {
        self.desk(smsc).changes.save(now, visit);
    }

    /// What an earlier process awaited, by SMSC and id. Receipts of a push that is open are to be left out: it is sent
    /// again.
    pub fn restore(&mut self, now: Now, mut awaited: Vec<(u8, Vec<u8>, AwaitedReceipt)>) {
        awaited.sort_by_key(|(_, _, one)| one.until_unix_ms);
        let mut fates: HashMap<([u8; 16], u64), FateId> = HashMap::new();
        let mut ids: HashMap<u32, Vec<(u8, MessageId)>> = HashMap::new();
        for (smsc, id, AwaitedReceipt { subscription, first, events, until_unix_ms }) in awaited {
            let fate = *fates.entry((subscription, first)).or_insert_with(|| self.fates.open(0));
            if let Some(known) = self.fates.get(fate) {
                (known.events, known.accepted_at) = (events, now.monotonic.into());
                known.missing = known.missing.saturating_add(1);
            }
            // A clock that was set back must not make it longer than it ever is.
            let timeout = self.desk(smsc).timeout;
            let left = Duration::from_millis(until_unix_ms.saturating_sub(now.unix_ms)).min(timeout);
            self.await_one(smsc, &id, now.monotonic + left, fate);
            if self.errands.is_withdrawing() {
                self.errands.hold(smsc, &id, fate, SubscriptionId::from_octets(subscription));
            }
            ids.entry(fate.index).or_default().push((smsc, MessageId::new(&id)));
        }
        ids.retain(|_, of_one| of_one.len() > 1);
        self.siblings.extend(ids);
    }

    /// A place to collect so many receipts of a push.
    pub fn open(&mut self, segments: u8) -> FateId {
        self.fates.open(segments)
    }

    /// A segment of `fate`, which is that of the push `of`, was accepted by this SMSC as `message_id`.
    pub fn handle_accepted(
        &mut self,
        now: Duration,
        fate: FateId,
        (smsc, message_id): (u8, &[u8]),
        of: &PushOf,
        tally: &mut Tally,
    ) {
        if self.awaited >= self.limit {
            self.expire_oldest(tally);
        }
        let desk = self.desk(smsc);
        if desk.parked.len() > 0
            && let Some((named, ending)) = desk.unpark(message_id)
        {
            let name = desk.expected.hash(named.octets());
            self.finish(now, fate, (smsc, name), ending, ReceiptKind::Parked, tally);
            return;
        }
        let Desk { expected, changes, timeout, .. } = desk;
        let until = (now + *timeout).into();
        let earlier = expected.insert(message_id, until, fate, |other| changes.note_gone(other));
        changes.note_awaited(message_id, of, until);
        match earlier {
            None => self.awaited += 1,
            // A receipt for an id that was used again is taken for the later one.
            Some(earlier) => self.expire(earlier, tally),
        }
        if self.errands.is_withdrawing() {
            self.errands.hold(smsc, message_id, fate, of.subscription);
        }
        if self.is_recorded && self.fates.get(fate).is_some_and(|known| known.missing > 1) {
            self.siblings.entry(fate.index).or_default().push((smsc, MessageId::new(message_id)));
        }
    }

    /// Every segment of `fate` was accepted: its `events` end when the last receipt does.
    pub fn handle_released(&mut self, now: Duration, fate: FateId, events: u64, tally: &mut Tally) {
        match self.fates.get(fate) {
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
        if self.fates.get(fate).is_some() {
            self.close(fate);
        }
    }

    /// This SMSC sent a receipt. Each is counted once, as what it turns out to be. One that is not final changes nothing,
    /// and nothing changes what was.
    pub fn handle_receipt(&mut self, now: Duration, smsc: u8, receipt: &Receipt<'_>, tally: &mut Tally) {
        let (Some(id), Some(state)) = (receipt.message_id, receipt.state) else {
            tally.receipt(ReceiptKind::Unreadable);
            return;
        };
        let Some(ending) = Ending::of(state).filter(|_| !receipt.is_intermediate) else {
            tally.receipt(ReceiptKind::Intermediate);
            return;
        };
        let desk = self.desk(smsc);
        let name = desk.expected.hash(id);
        if desk.is_literal_first()
            && let Some(fate) = desk.expected.take_hashed(name, id)
        {
            desk.changes.note_gone(id);
            desk.note_same(id);
            self.awaited -= 1;
            self.finish(now, fate, (smsc, name), ending, ReceiptKind::Matched, tally);
            return;
        }
        self.handle_other(now, (smsc, name), id, ending, tally);
    }

    /// A receipt whose id is none that is awaited, or has to be converted before it can be.
    #[cold]
    fn handle_other(&mut self, now: Duration, (smsc, name): (u8, u64), id: &[u8], ending: Ending, tally: &mut Tally) {
        let known = self.ended.find(now, (smsc, name)).or_else(|| self.desk(smsc).parked.find(id));
        if let Some(known) = known {
            tally.receipt(if known == ending { ReceiptKind::Duplicate } else { ReceiptKind::Contradicting });
        } else if let Some((kind, own)) = self.desk(smsc).find(id, false) {
            if let Some(fate) = self.take(smsc, own.octets()) {
                self.finish(now, fate, (smsc, name), ending, kind, tally);
            }
        } else {
            self.park(now, smsc, id, ending, tally);
        }
        for id in self.desk(smsc).take_doubted() {
            if let Some(ending) = self.desk(smsc).parked.take(id.octets()) {
                self.handle_last(now, smsc, id.octets(), ending, tally);
            }
        }
    }

    fn park(&mut self, now: Duration, smsc: u8, id: &[u8], ending: Ending, tally: &mut Tally) {
        let parked = &mut self.desk(smsc).parked;
        if parked.len() >= MAX_PARKED && parked.take_oldest(|_| {}).is_some() {
            tally.receipt(ReceiptKind::Stray);
        }
        if parked.insert(id, (now + PARKING_TIME).into(), ending, |_| {}).is_some() {
            tally.receipt(ReceiptKind::Stray);
        }
    }

    /// A receipt that has waited long enough for a message of its name. If there is one of which it may be, it is.
    fn handle_last(&mut self, now: Duration, smsc: u8, id: &[u8], ending: Ending, tally: &mut Tally) {
        let found = self.desk(smsc).find(id, true);
        match found.and_then(|(kind, own)| Some((kind, self.take(smsc, own.octets())?))) {
            Some((kind, fate)) => {
                let name = self.desk(smsc).expected.hash(id);
                self.finish(now, fate, (smsc, name), ending, kind, tally);
            }
            None => tally.receipt(ReceiptKind::Stray),
        }
    }

    /// Ends what has waited long enough for this SMSC. To be called now and then.
    pub fn handle_timeout(&mut self, now: Duration, smsc: u8, tally: &mut Tally) {
        let mut named = None;
        while let Some(ending) = self.desk(smsc).parked.take_due(now.into(), |id| named = Some(MessageId::new(id))) {
            if let Some(id) = named.take() {
                self.handle_last(now, smsc, id.octets(), ending, tally);
            }
        }
        loop {
            let Desk { expected, changes, .. } = self.desk(smsc);
            let Some(fate) = expected.take_due(now.into(), |id| changes.note_gone(id)) else { break };
            self.awaited -= 1;
            self.expire(fate, tally);
        }
        self.query_late(now, smsc, tally);
    }

    /// Ends everything that waits, as `accepted`: the router is about to stop.
    pub fn handle_shutdown(&mut self, tally: &mut Tally) {
        for at in 0..self.desks.len() {
            while let Some(fate) = self.desks.get_mut(at).and_then(|desk| desk.expected.take_oldest(|_| {})) {
                self.awaited -= 1;
                self.expire(fate, tally);
            }
        }
    }

    /// Whether a push's receipts are awaited.
    pub fn is_open(&self, fate: FateId) -> bool {
        self.fates.is_open(fate)
    }

    /// Whether this SMSC sends no receipts at all, whoever asks for them.
    pub fn is_silent(&self, now: Duration, smsc: u8) -> bool {
        self.watches.is_silent(now, smsc)
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
        self.awaited
    }

    /// How this SMSC's receipts spell ids, if that was learned since it was asked last.
    pub fn take_news(&mut self, smsc: u8) -> Option<Spelling> {
        self.desk(smsc).take_news()
    }

    #[inline]
    fn desk(&mut self, smsc: u8) -> &mut Desk {
        let at = usize::from(smsc);
        if at >= self.desks.len() {
            self.add_desks(at + 1);
        }
        &mut self.desks[at]
    }

    #[cold]
    fn add_desks(&mut self, count: usize) {
        while self.desks.len() < count {
            let desk = Desk::new(self.timeout, MessageIds::Auto, self.changes());
            self.desks.push(desk);
        }
    }

    fn changes(&self) -> Changes {
        if self.is_recorded { Changes::recorded() } else { Changes::default() }
    }

    fn await_one(&mut self, smsc: u8, id: &[u8], until: Duration, fate: FateId) -> Option<FateId> {
        let Desk { expected, changes, .. } = self.desk(smsc);
        let earlier = expected.insert(id, until.into(), fate, |other| changes.note_gone(other));
        self.awaited += usize::from(earlier.is_none());
        earlier
    }

    fn take(&mut self, smsc: u8, id: &[u8]) -> Option<FateId> {
        let Desk { expected, changes, .. } = self.desk(smsc);
        let fate = expected.take(id)?;
        changes.note_gone(id);
        self.awaited -= 1;
        Some(fate)
    }

    /// The receipt of a segment is here; `named` is its SMSC, and what the id hashes to as the receipt has it.
    fn finish(
        &mut self,
        now: Duration,
        fate: FateId,
        named: (u8, u64),
        ending: Ending,
        kind: ReceiptKind,
        tally: &mut Tally,
    ) {
        tally.receipt(kind);
        self.watches.note_heard(now, named.0);
        self.ended.note(now, named, ending);
        self.end_segment(now, fate, ending, tally);
    }

    #[inline]
    fn end_segment(&mut self, now: Duration, fate: FateId, ending: Ending, tally: &mut Tally) {
        let Some(known) = self.fates.get(fate) else { return };
        known.missing = known.missing.saturating_sub(1);
        known.worst = known.worst.max(ending);
        self.settle_if_complete(now, fate, tally);
    }

    /// An event is delivered when all its segments are, and failed as soon as one is.
    #[inline]
    fn settle_if_complete(&mut self, now: Duration, fate: FateId, tally: &mut Tally) {
        let Some(&mut Fate { events, missing, worst, accepted_at, .. }) = self.fates.get(fate) else { return };
        if events == 0 || (missing > 0 && worst == Ending::Delivered) {
            return;
        }
        tally.settle(worst.outcome(), events);
        tally.time(Stage::Receipt, Stamp::from(now).since(accepted_at), events);
        self.close(fate);
    }

    /// Makes room: of whatever SMSC, what was accepted first.
    fn expire_oldest(&mut self, tally: &mut Tally) {
        let accepted_at =
            |desk: &Desk| Some(Duration::from(desk.expected.oldest_until()?).saturating_sub(desk.timeout));
        let oldest = self.desks.iter_mut().filter_map(|desk| Some((accepted_at(desk)?, desk)));
        let Some((_, Desk { expected, changes, .. })) = oldest.min_by_key(|(at, _)| *at) else { return };
        if let Some(fate) = expected.take_oldest(|id| changes.note_gone(id)) {
            self.awaited -= 1;
            self.expire(fate, tally);
        }
    }

    /// No receipt will come any more.
    fn expire(&mut self, fate: FateId, tally: &mut Tally) {
        if let Some(events) = self.fates.get(fate).map(|known| known.events) {
            if events > 0 {
                tally.settle(Outcome::Accepted, events);
            }
            self.close(fate);
        }
    }

    #[inline]
    fn close(&mut self, id: FateId) {
        self.fates.close(id);
        self.watches.note_closed(id);
        if self.errands.len() > 0 {
            self.errands.forget(id);
        }
        if !self.siblings.is_empty() {
            self.forget_others(id);
        }
    }

    /// Nothing that comes for the other segments says more: another process must not count its events again.
    fn forget_others(&mut self, id: FateId) {
        for (smsc, other) in self.siblings.remove(&id.index).into_iter().flatten() {
            let Desk { expected, changes, .. } = self.desk(smsc);
            if expected.find(other.octets()) == Some(id) {
                changes.note_gone(other.octets());
            }
        }
    }
}

/// Whether a message in this state is not on its way any more.
pub fn is_final(state: MessageState) -> bool {
    Ending::of(state).is_some()
}

#[cfg(test)]
mod tests;
