//! Which stream keys a handset has to give.

use crate::model::{HandsetId, StreamKey};
use std::collections::{BTreeSet, HashMap};

/// The keys that are free below the highest that a handset has given. Most handsets have none, for they have given the
/// lowest ones: of these nothing is kept, and there may be millions.
#[derive(Debug, Default)]
pub(super) struct StreamKeys(HashMap<HandsetId, BTreeSet<u16>>);

impl StreamKeys {
    /// Gives the lowest key that is free on a handset that has so many subscriptions.
    pub fn take(&mut self, handset: HandsetId, subscriptions: u16) -> StreamKey {
        let Some(free) = self.0.get_mut(&handset) else { return StreamKey(subscriptions) };
        let lowest = free.pop_first();
        if free.is_empty() {
            self.0.remove(&handset);
        }
        StreamKey(lowest.unwrap_or(subscriptions))
    }

    /// The key that [`StreamKeys::take`] would give.
    pub fn next(&self, handset: HandsetId, subscriptions: u16) -> StreamKey {
        let lowest = self.0.get(&handset).and_then(|free| free.first().copied());
        StreamKey(lowest.unwrap_or(subscriptions))
    }

    /// Takes a key back from a handset that has so many subscriptions, the one with this key included.
    pub fn release(&mut self, handset: HandsetId, subscriptions: u16, StreamKey(key): StreamKey) {
        let mut free = self.0.remove(&handset).unwrap_or_default();
        let mut end = usize::from(subscriptions) + free.len();
        free.insert(key);
        while end > 0 && free.last().is_some_and(|last| usize::from(*last) == end - 1) {
            free.pop_last();
            end -= 1;
        }
        if !free.is_empty() {
            self.0.insert(handset, free);
        }
    }

    /// A handset with so many subscriptions has given these keys, and perhaps the first.
    pub fn restore(&mut self, handset: HandsetId, subscriptions: u16, others: &[u16]) {
        let has_first = usize::from(subscriptions) > others.len();
        let given: BTreeSet<u16> = others.iter().copied().chain(has_first.then_some(0)).collect();
        let free: BTreeSet<u16> =
            (0..given.last().map_or(0, |last| *last)).filter(|key| !given.contains(key)).collect();
        if !free.is_empty() {
            self.0.insert(handset, free);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Msisdn, TenantId};
    use proptest::prelude::*;

    fn handset() -> HandsetId {
        let number: Msisdn = "15551234567".parse().unwrap();
        HandsetId::from_first_number(&TenantId::default(), &number)
    }

    proptest! {
        #[test]
        fn the_lowest_free_key_is_given_also_by_another_process(steps in prop::collection::vec(prop_oneof![
            3 => Just(None),
            2 => (0usize..20).prop_map(Some),
        ], 0..60)) {
            let (mut keys, mut given) = (StreamKeys::default(), BTreeSet::new());
            for step in steps {
                let count = given.len() as u16;
                match step {
                    None => {
                        let next = keys.next(handset(), count);
                        let StreamKey(key) = keys.take(handset(), count);
                        prop_assert_eq!(next, StreamKey(key));
                        prop_assert_eq!(Some(key), (0..).find(|key| !given.contains(key)));
                        given.insert(key);
                    }
                    Some(which) => {
                        let Some(key) = given.iter().nth(which).copied() else { continue };
                        keys.release(handset(), count, StreamKey(key));
                        given.remove(&key);
                    }
                }
                let others: Vec<u16> = given.iter().copied().filter(|key| *key > 0).collect();
                let mut restored = StreamKeys::default();
                restored.restore(handset(), given.len() as u16, &others);
                prop_assert_eq!(&restored.0, &keys.0);
                let dense = given.iter().copied().eq(0..given.len() as u16);
                prop_assert_eq!(keys.0.is_empty(), dense);
            }
        }
    }
}
