//! The subscriptions and handsets that there are. There may be millions of each: a set of what is there anyway, told
//! apart by the identity in it, takes a third of what a map would.

use crate::actors::handset::HandsetCell;
use crate::actors::seat::SharedSeat;
use crate::model::{HandsetId, SubscriptionId};
use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::{BTreeSet, HashSet};
use std::hash::{Hash, Hasher};
use std::ops::Bound;
use std::sync::Arc;

/// Subscriptions in the order of their ids.
#[derive(Default)]
pub(super) struct Subscriptions(BTreeSet<Subscription>);

/// Handsets.
#[derive(Default)]
pub(super) struct Handsets(HashSet<Handset>);

impl Subscriptions {
    pub fn get(&self, id: &SubscriptionId) -> Option<&SharedSeat> {
        self.0.get(id).map(|found| &found.0)
    }

    pub fn insert(&mut self, seat: SharedSeat) {
        self.0.insert(Subscription(seat));
    }

    pub fn remove(&mut self, id: &SubscriptionId) -> Option<SharedSeat> {
        self.0.take(id).map(|found| found.0)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &SharedSeat> {
        self.0.iter().map(|one| &one.0)
    }

    /// Those behind `after`, or all.
    pub fn behind(&self, after: Option<SubscriptionId>) -> impl Iterator<Item = &SharedSeat> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.0.range::<SubscriptionId, _>((start, Bound::Unbounded)).map(|one| &one.0)
    }
}

impl Handsets {
    pub fn get(&self, id: &HandsetId) -> Option<&Arc<HandsetCell>> {
        self.0.get(id).map(|found| &found.0)
    }

    pub fn insert(&mut self, cell: Arc<HandsetCell>) {
        self.0.replace(Handset(cell));
    }

    pub fn remove(&mut self, id: &HandsetId) {
        self.0.remove(id);
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<HandsetCell>> {
        self.0.iter().map(|one| &one.0)
    }
}

struct Subscription(SharedSeat);

impl Borrow<SubscriptionId> for Subscription {
    fn borrow(&self) -> &SubscriptionId {
        &self.0.id
    }
}

impl Ord for Subscription {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.id.cmp(&other.0.id)
    }
}

impl PartialOrd for Subscription {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Subscription {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for Subscription {}

struct Handset(Arc<HandsetCell>);

impl Borrow<HandsetId> for Handset {
    fn borrow(&self) -> &HandsetId {
        &self.0.id
    }
}

impl Hash for Handset {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id.hash(state);
    }
}

impl PartialEq for Handset {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for Handset {}
