//! Errands of the table: which are made of what is awaited, and what their answers mean.

use super::ending::Ending;
use super::errands::{Errand, ErrandSettings, Why};
use super::fates::FateId;
use super::{Desk, Receipts};
use crate::codec::smpp::MessageState;
use crate::engine::clock::Stamp;
use crate::engine::tally::{ErrandKind, ErrandResult, Tally};
use crate::engine::waiting::MessageId;
use crate::model::SubscriptionId;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

/// What came of an errand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrandAnswer {
    /// The SMSC did it; a query says in which state the message is.
    Done(MessageState),
    /// It did not.
    Refused,
    /// The link was lost, or no answer came in time.
    Lost,
}

impl Receipts {
    /// What may be asked of this SMSC. To be called before anything is awaited of it.
    pub fn set_up_errands(&mut self, smsc: u8, settings: ErrandSettings) {
        self.errands.set_up(smsc, settings);
    }

    /// How many errands wait for this SMSC, whenever it is looked at.
    pub fn errands_waiting(&mut self, smsc: u8) -> Arc<AtomicUsize> {
        self.errands.waiting(smsc)
    }

    /// Whether messages are taken back that nobody wants any more.
    #[inline]
    pub fn is_withdrawing(&self) -> bool {
        self.errands.is_withdrawing()
    }

    /// The next errand for this SMSC.
    pub fn take_errand(&mut self, smsc: u8) -> Option<Errand> {
        self.errands.take(smsc)
    }

    /// The subscription ended: what SMSCs hold of it is taken back.
    pub fn withdraw_all(&mut self, subscription: &SubscriptionId) {
        for fate in self.errands.of(subscription) {
            self.withdraw(fate);
        }
    }

    /// Takes a push back whose subscription ended, if it was accepted.
    pub fn withdraw(&mut self, fate: FateId) {
        self.withdraw_for(fate, Why::Withdrawn);
    }

    /// A push ended otherwise than well: what an SMSC holds of it is of no use to a handset.
    pub fn recall(&mut self, fate: FateId) {
        self.errands.withdraw(fate, None);
    }

    /// A push that was accepted is about these keys, and needless when later ones are about all of them.
    pub fn note_keys(&mut self, fate: FateId, keys: Vec<u128>) {
        self.errands.note_keys(fate, keys);
    }

    /// A later push of the subscription is about these keys.
    pub fn supersede(&mut self, subscription: &SubscriptionId, keys: &[u128]) {
        for fate in self.errands.of(subscription) {
            if self.errands.supersede(fate, keys) {
                self.withdraw_for(fate, Why::Superseded);
            }
        }
    }

    fn withdraw_for(&mut self, fate: FateId, why: Why) {
        // What is not accepted whole has not ended: its subscription sees to that.
        if self.fates.get(fate).is_some_and(|known| known.events > 0) {
            self.errands.withdraw(fate, Some(why));
        }
    }

    /// Asks for receipts that should have come; each once, and no more than may wait.
    pub(super) fn query_late(&mut self, now: Duration, smsc: u8, tally: &mut Tally) {
        self.errands.count_dropped(smsc, tally);
        let Some(after) = self.errands.query_after(smsc) else { return };
        let room = self.errands.room(smsc);
        let Desk { expected, timeout, .. } = self.desk(smsc);
        // They are awaited since `timeout` before their time is over.
        let Some(until) = (now + *timeout).checked_sub(after) else { return };
        let mut late = Vec::new();
        expected.ask_until(Stamp::from(until), room, |id, fate| late.push((MessageId::new(id), fate)));
        for (id, fate) in late {
            self.errands.put(smsc, Errand { kind: ErrandKind::Query, id, fate });
        }
    }

    /// This SMSC answered an errand, or will not.
    pub fn handle_errand(&mut self, now: Duration, smsc: u8, errand: Errand, answer: ErrandAnswer, tally: &mut Tally) {
        let Errand { kind, id, fate } = errand;
        let state = match answer {
            ErrandAnswer::Done(state) => state,
            ErrandAnswer::Refused => return tally.errand(kind, ErrandResult::Refused),
            ErrandAnswer::Lost => return tally.errand(kind, ErrandResult::Lost),
        };
        tally.errand(kind, ErrandResult::Done);
        let ending = match kind {
            ErrandKind::Query => Ending::of(state),
            ErrandKind::Cancel => Ending::of(MessageState::DELETED),
        };
        let Some(ending) = ending else { return };
        // Its receipt may have come meanwhile.
        if self.desk(smsc).expected.find(id.octets()) == Some(fate) {
            self.take(smsc, id.octets());
            let name = self.desk(smsc).expected.hash(id.octets());
            self.ended.note(now, (smsc, name), ending);
            if kind == ErrandKind::Query {
                self.end_segment(now, fate, ending, tally);
            }
        }
        if kind == ErrandKind::Cancel
            && let Some(why) = self.errands.why(fate)
            && let Some(events) = self.fates.get(fate).map(|known| known.events)
        {
            tally.settle(why.outcome(), events);
            self.close(fate);
        }
    }
}
