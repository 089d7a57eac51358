//! What is known of a source beyond the life of its actor: how far it has numbered, and its subscriptions in groups.

use crate::actors::group::{self, GroupMessage, Roll};
use crate::actors::seat::SharedSeat;
use crate::engine::chunk::Chunk;
use bytes::Bytes;
use parking_lot::Mutex;
use ractor::{ActorId, ActorRef};
use std::sync::Arc;

/// So many subscriptions of a source have an actor of their own.
const LONE: usize = 64;
/// So many of the others share one.
const GROUP_SEATS: usize = 1024;

type GroupActor = Option<ActorRef<GroupMessage>>;

/// What a source's actor finds when it starts, and leaves when it fails.
#[derive(Default)]
pub struct SourceRecord(Mutex<Fields>);

#[derive(Default)]
struct Fields {
    next: u64,
    last_event_id: Bytes,
    groups: Vec<Entry>,
    seats: usize,
    /// Groups before this one are full.
    roomy: usize,
}

/// A group, and its actor while one of its subscriptions is awake.
#[derive(Default)]
struct Entry {
    roll: Arc<Roll>,
    actor: GroupActor,
    /// Messages to the actor.
    sent: u64,
}

impl SourceRecord {
    /// One past the number of the last event taken, and that event's id.
    pub fn position(&self) -> (u64, Bytes) {
        let fields = self.0.lock();
        (fields.next, fields.last_event_id.clone())
    }

    pub(super) fn set_position(&self, next: u64, last_event_id: &Bytes) {
        let mut fields = self.0.lock();
        fields.next = next;
        if fields.last_event_id != *last_event_id {
            fields.last_event_id = last_event_id.clone();
        }
    }

    /// Subscriptions.
    pub fn seats(&self) -> usize {
        self.0.lock().seats
    }

    /// Every subscription.
    pub fn roll_call(&self) -> Vec<SharedSeat> {
        let fields = self.0.lock();
        fields.groups.iter().flat_map(|entry| entry.roll.lock().clone()).collect()
    }

    /// Gives a subscription a place in a group.
    pub fn join(&self, seat: &SharedSeat) {
        let fields = &mut *self.0.lock();
        let Fields { groups, roomy, .. } = fields;
        while groups.get(*roomy).is_some_and(|entry| entry.roll.lock().len() >= room(*roomy)) {
            *roomy += 1;
        }
        if *roomy == groups.len() {
            groups.push(Entry::default());
        }
        groups[*roomy].roll.lock().push(SharedSeat::clone(seat));
        seat.set_group(*roomy);
        fields.seats += 1;
    }

    /// One subscription is over; whether it was taken off the roll, which an awake group does itself.
    pub(super) fn leave(&self, seat: &SharedSeat) -> bool {
        let group = seat.group();
        let fields = &mut *self.0.lock();
        fields.seats = fields.seats.saturating_sub(1);
        fields.roomy = fields.roomy.min(group);
        match fields.groups.get(group) {
            Some(entry) if entry.actor.is_none() => {
                group::remove(&entry.roll, seat);
                true
            }
            _ => false,
        }
    }

    /// Whether any group has an actor.
    pub(super) fn is_awake(&self) -> bool {
        self.0.lock().groups.iter().any(|entry| entry.actor.is_some())
    }

    /// Gives events to every group that has a subscription, starting those that sleep; whether there was one.
    pub(super) fn give(&self, chunk: &Arc<Chunk>, start: impl Fn(usize, Arc<Roll>) -> GroupActor) -> bool {
        let mut given = false;
        for (group, entry) in self.0.lock().groups.iter_mut().enumerate() {
            if entry.actor.is_some() || !entry.roll.lock().is_empty() {
                entry.tell(GroupMessage::Events(Arc::clone(chunk)), |roll| start(group, roll));
                given = true;
            }
        }
        given
    }

    /// Tells a group something, starting it if it sleeps.
    pub(super) fn tell(&self, group: usize, message: GroupMessage, start: impl FnOnce(Arc<Roll>) -> GroupActor) {
        if let Some(entry) = self.0.lock().groups.get_mut(group) {
            entry.tell(message, start);
        }
    }

    /// Lets every group put to sleep whom it can.
    pub(super) fn sweep(&self) {
        for entry in self.0.lock().groups.iter_mut().filter(|entry| entry.actor.is_some()) {
            entry.tell(GroupMessage::Sweep, |_| None);
        }
    }

    /// A group that has handled so many messages has nobody awake: its actor ends unless there are more on their way.
    pub(super) fn put_to_sleep(&self, group: usize, handled: u64) {
        let mut fields = self.0.lock();
        if let Some(entry) = fields.groups.get_mut(group).filter(|entry| entry.sent == handled)
            && let Some(actor) = entry.actor.take()
        {
            actor.stop(None);
        }
    }

    /// Lets the actors of all groups end when they have handled what they were told.
    pub(super) fn drain(&self) {
        for entry in &mut self.0.lock().groups {
            if let Some(actor) = entry.actor.take() {
                let _ = actor.drain();
            }
        }
    }

    /// The subscriptions of the group whose actor died; the group sleeps until it is told something.
    pub fn bury(&self, actor: ActorId) -> Option<Vec<SharedSeat>> {
        let mut fields = self.0.lock();
        let dead = |entry: &&mut Entry| entry.actor.as_ref().is_some_and(|one| one.get_id() == actor);
        let entry = fields.groups.iter_mut().find(dead)?;
        entry.actor = None;
        let seats = entry.roll.lock().clone();
        Some(seats)
    }
}

impl Entry {
    fn tell(&mut self, message: GroupMessage, start: impl FnOnce(Arc<Roll>) -> GroupActor) {
        if self.actor.is_none() {
            (self.actor, self.sent) = (start(Arc::clone(&self.roll)), 0);
        }
        if let Some(actor) = &self.actor {
            self.sent += 1;
            // One that has failed is started again by whoever hears of it, and its subscriptions go on from where
            // they were.
            let _ = actor.cast(message);
        }
    }
}

fn room(group: usize) -> usize {
    if group < LONE { 1 } else { GROUP_SEATS }
}
