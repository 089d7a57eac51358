//! Pushes that were accepted are taken back from the SMSC, as far as it still holds them: when nobody wants them any more,
//! when a later push makes them needless, and when the others of their segments will not arrive.
//!
//! A later push makes an earlier one needless when it is formed, and only one that had been accepted whole by then: in strict
//! order that is every earlier one.

use super::keys::Key;
use super::{Settlement, Subscription};
use crate::engine::receipts::FateId;
use crate::model::{Coalesce, DropReason, Outcome};
use std::ops::Range;

impl Subscription {
    /// A push that was accepted is known as `fate`.
    #[cold]
    pub(super) fn note_withdrawable(&self, fate: FateId, events: &Range<u64>, settlement: &mut Settlement<'_>) {
        if self.closing.is_some_and(DropReason::takes_back) {
            settlement.receipts.withdraw(fate);
        } else if let Some(keys) = self.keys_of(events) {
            settlement.receipts.note_keys(fate, keys);
        }
    }

    /// A push did not end well: what of it was accepted is of no use, unless the rest may have arrived.
    #[cold]
    pub(super) fn recall(&self, fate: FateId, outcome: Outcome, settlement: &mut Settlement<'_>) {
        if outcome != Outcome::Unknown {
            settlement.receipts.recall(fate);
        }
    }

    /// A push was formed: what it says again, earlier ones need not.
    #[cold]
    pub(super) fn supersede(&self, settlement: &mut Settlement<'_>) {
        if let Some(push) = self.pushes.back()
            && let Some(keys) = self.keys_of(&push.events)
        {
            settlement.receipts.supersede(&self.id, &keys);
        }
    }

    /// What events are about, each once; none if that is not known of each.
    fn keys_of(&self, events: &Range<u64>) -> Option<Vec<u128>> {
        if self.policy.coalesce == Coalesce::None {
            return None;
        }
        let mut keys = Vec::new();
        for seq in self.ended.open(events).into_iter().flatten() {
            let chunk = self.chunks.get(self.chunk_index(seq))?;
            let key = Key::of(&chunk.get(seq)?, &self.policy.coalesce)?.number();
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        Some(keys)
    }
}
