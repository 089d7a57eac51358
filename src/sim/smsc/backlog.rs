//! What waits for an account of which no connection can take it now.

use super::receipts::{HandsetAlert, Receipt};
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};

/// Receipts and alerts that wait for one account; the oldest go beyond that.
const WAITING_MAX: usize = 1 << 16;
/// Accounts that something waits for; beyond that nothing is kept for others.
const ACCOUNTS_MAX: usize = 1 << 12;

/// What goes to an account.
#[derive(Clone, Debug)]
pub(super) enum Parcel {
    Receipt(Receipt),
    Alert(HandsetAlert),
}

/// Receipts and alerts, by system_id.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    waiting: Mutex<HashMap<Box<[u8]>, VecDeque<Parcel>>>,
}

impl Backlog {
    /// Keeps some; says how many had to go.
    pub(super) fn keep(&self, system_id: &[u8], parcels: impl IntoIterator<Item = Parcel>) -> u64 {
        let mut waiting = self.waiting.lock();
        if waiting.len() >= ACCOUNTS_MAX && !waiting.contains_key(system_id) {
            return parcels.into_iter().count() as u64;
        }
        let queue = waiting.entry(system_id.into()).or_default();
        queue.extend(parcels);
        let surplus = queue.len().saturating_sub(WAITING_MAX);
        queue.drain(..surplus);
        surplus as u64
    }

    /// At most `count` for an account.
    pub(super) fn take(&self, system_id: &[u8], count: usize) -> Vec<Parcel> {
        let mut waiting = self.waiting.lock();
        let Some(queue) = waiting.get_mut(system_id) else {
            return Vec::new();
        };
        let count = count.min(queue.len());
        let taken = queue.drain(..count).collect();
        if queue.is_empty() {
            waiting.remove(system_id);
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::smpp::{RegisteredDelivery, SubmitSm};

    #[test]
    fn receipts_wait_for_their_account_in_order() {
        let backlog = Backlog::default();
        let submit = SubmitSm { registered_delivery: RegisteredDelivery::FINAL, ..SubmitSm::default() };
        let receipt = |n| Parcel::Receipt(Receipt::for_submit(&submit, n, 0).unwrap());
        assert_eq!(backlog.keep(b"a", [1, 2, 3].map(receipt)), 0);
        assert!(backlog.take(b"b", 9).is_empty());
        let number = |parcel: &Parcel| match parcel {
            Parcel::Receipt(receipt) => receipt.message,
            Parcel::Alert(_) => 0,
        };
        let taken: Vec<u64> = backlog.take(b"a", 2).iter().map(number).collect();
        assert_eq!((taken.as_slice(), backlog.take(b"a", 9).len()), (&[1, 2][..], 1));
        assert_eq!(backlog.keep(b"a", (0..70_000).map(receipt)), 70_000 - WAITING_MAX as u64);
    }
}
