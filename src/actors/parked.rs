//! Handsets that an SMSC has no room for, to be found by their number when they are heard of.

use super::handset::HandsetCell;
use crate::model::PackedMsisdn;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Handsets that are found; beyond it only time wakes.
const MAX_FOUND: usize = 100_000;

/// Who is parked.
#[derive(Default)]
pub(super) struct Parked {
    count: AtomicUsize,
    /// By number, then by half of the id: the same number may be known to several tenants.
    found: Mutex<BTreeMap<(PackedMsisdn, u64), Arc<HandsetCell>>>,
}

impl Parked {
    /// How many there are, those that are not found included.
    pub fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// A handset is parked.
    pub fn insert(&self, handset: &Arc<HandsetCell>) {
        self.count.fetch_add(1, Ordering::Relaxed);
        let mut found = self.found.lock();
        if found.len() < MAX_FOUND {
            found.insert(key(handset), Arc::clone(handset));
        }
    }

    /// A handset is parked no longer.
    pub fn remove(&self, handset: &HandsetCell) {
        self.count.fetch_sub(1, Ordering::Relaxed);
        self.found.lock().remove(&key(handset));
    }

    /// Those with this number.
    pub fn find(&self, number: PackedMsisdn) -> Vec<Arc<HandsetCell>> {
        let found = self.found.lock();
        found.range((number, 0)..=(number, u64::MAX)).map(|(_, handset)| Arc::clone(handset)).collect()
    }
}

fn key(handset: &HandsetCell) -> (PackedMsisdn, u64) {
    (handset.packed_number(), handset.id.half())
}
