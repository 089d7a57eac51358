//! Activations that end by themselves, unless they are renewed.

use crate::model::SubscriptionId;
use std::collections::{BTreeSet, HashMap};

/// When which subscription ends. Most never do, and are not in here.
#[derive(Debug, Default)]
pub(super) struct Expiries {
    by_id: HashMap<SubscriptionId, Expiry>,
    by_time: BTreeSet<(u64, SubscriptionId)>,
}

#[derive(Clone, Copy, Debug)]
struct Expiry {
    /// In milliseconds since 1970.
    at: u64,
    /// When its handset is told, or was.
    notice: u64,
    told: bool,
}

/// What time brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// The handset is to be told that it ends.
    Notice(SubscriptionId, u64),
    /// It ends.
    End(SubscriptionId),
}

impl Expiries {
    /// It ends at `at`, and its handset is told at `notice`; both in milliseconds since 1970.
    pub fn set(&mut self, id: SubscriptionId, at: u64, notice: u64) {
        self.remove(&id);
        self.by_id.insert(id, Expiry { at, notice, told: false });
        self.by_time.insert((notice.min(at), id));
    }

    /// It does not end by itself; when it would have.
    pub fn remove(&mut self, id: &SubscriptionId) -> Option<u64> {
        let Expiry { at, notice, told } = self.by_id.remove(id)?;
        self.by_time.remove(&(if told { at } else { notice.min(at) }, *id));
        Some(at)
    }

    /// When it ends.
    pub fn get(&self, id: &SubscriptionId) -> Option<u64> {
        self.by_id.get(id).map(|expiry| expiry.at)
    }

    /// When [`Expiries::poll`] has something.
    pub fn next(&self) -> Option<u64> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// What is due at `now`; to be called until there is nothing.
    pub fn poll(&mut self, now: u64) -> Option<Due> {
        let (_, id) = self.by_time.first().copied().filter(|(at, _)| *at <= now)?;
        self.by_time.pop_first();
        let expiry = self.by_id.get_mut(&id)?;
        if expiry.at <= now {
            self.by_id.remove(&id);
            return Some(Due::End(id));
        }
        expiry.told = true;
        let at = expiry.at;
        self.by_time.insert((at, id));
        Some(Due::Notice(id, at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(octet: u8) -> SubscriptionId {
        SubscriptionId::from_octets([octet; 16])
    }

    #[test]
    fn a_handset_is_told_once_and_then_it_ends() {
        let mut expiries = Expiries::default();
        expiries.set(id(1), 100, 90);
        expiries.set(id(2), 95, 200);
        assert_eq!((expiries.poll(89), expiries.next()), (None, Some(90)));
        assert_eq!(expiries.poll(92), Some(Due::Notice(id(1), 100)));
        assert_eq!(expiries.poll(92), None);
        assert_eq!(expiries.poll(100), Some(Due::End(id(2))));
        assert_eq!(expiries.poll(100), Some(Due::End(id(1))));
        assert_eq!((expiries.poll(1000), expiries.next()), (None, None));
    }

    #[test]
    fn what_is_renewed_begins_anew_and_what_is_removed_never_ends() {
        let mut expiries = Expiries::default();
        expiries.set(id(1), 100, 90);
        assert_eq!(expiries.poll(90), Some(Due::Notice(id(1), 100)));
        expiries.set(id(1), 200, 190);
        assert_eq!((expiries.poll(100), expiries.get(&id(1))), (None, Some(200)));
        assert_eq!(expiries.poll(190), Some(Due::Notice(id(1), 200)));
        assert_eq!(expiries.remove(&id(1)), Some(200));
        assert_eq!(expiries.poll(1000), None);
    }
}
