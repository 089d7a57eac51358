//! What is known of a source beyond the life of its actor: how far it is, and its subscriptions in groups.

use super::position::Position;
use super::published::Published;
use crate::actors::group::{self, GroupMessage, Roll};
use crate::actors::journal::{Journal, Save};
use crate::actors::seat::SharedSeat;
use crate::actors::upstream::{Resume, ResumePoint};
use crate::codec::sse::Events;
use crate::engine::chunk::Chunk;
use crate::engine::clock::Now;
use crate::model::SourceId;
use crate::store::row;
use crate::store::{Batch, SourceNumber, Table};
use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};
use ractor::{ActorId, ActorRef};
use std::sync::Arc;

/// So many subscriptions of a source have an actor of their own.
const LONE: usize = 64;
/// So many of the others share one.
const GROUP_SEATS: usize = 1024;

type GroupActor = Option<ActorRef<GroupMessage>>;

/// What a source's actor finds when it starts, and leaves when it fails.
pub struct SourceRecord {
    id: SourceId,
    number: SourceNumber,
    /// The id behind which its first event came.
    behind: Bytes,
    /// Where its upstream goes on: never ahead of what is durable.
    resume: ResumePoint,
    published: Mutex<Published>,
    fields: Mutex<Fields>,
}

struct Fields {
    position: Position,
    /// The resume point as the commit under way has it.
    saving: Option<Resume>,
    /// The journal was told that something changed.
    noted: bool,
    /// Nobody wants it any more: nothing of it is kept.
    ended: bool,
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
    /// The record of `id`, which the store calls `number`, at `position`.
    pub fn new(id: SourceId, number: SourceNumber, position: Position, published: Published) -> Self {
        let resume = ResumePoint::new(position.resume());
        let behind = if position.next() == 0 { position.resume().id } else { Bytes::new() };
        let fields =
            Fields { position, saving: None, noted: false, ended: false, groups: Vec::new(), seats: 0, roomy: 0 };
        Self { id, number, behind, resume, published: Mutex::new(published), fields: Mutex::new(fields) }
    }

    /// Which source.
    pub fn id(&self) -> &SourceId {
        &self.id
    }

    /// What the store calls it.
    pub fn number(&self) -> SourceNumber {
        self.number
    }

    /// One past the number of the last event taken.
    pub fn next(&self) -> u64 {
        self.fields.lock().position.next()
    }

    /// The id behind which its first event came, as its origin was told; empty if nobody knows.
    pub(super) fn behind(&self) -> &Bytes {
        &self.behind
    }

    /// Where its upstream goes on.
    pub(super) fn resume(&self) -> &ResumePoint {
        &self.resume
    }

    /// Its upstream goes on behind the last event, though there may be more with the same id: what comes again would not
    /// be known.
    pub(super) fn resume_at_last(&self) {
        self.resume.set(self.fields.lock().position.last());
    }

    /// Publications that were taken.
    pub(super) fn published(&self) -> MutexGuard<'_, Published> {
        self.published.lock()
    }

    /// A publication begins with the event of number `first`. One without a name is not remembered.
    pub(super) fn remember(&self, publish_id: String, first: u64, journal: &Journal) {
        if publish_id.is_empty() {
            return;
        }
        let key = row::publication_key(self.number, &publish_id);
        let forgotten = self.published.lock().remember(publish_id, first);
        journal.change(|batch| {
            batch.put(Table::Publications, key, row::encode(&first));
            if let Some(forgotten) = forgotten {
                batch.remove(Table::Publications, row::publication_key(self.number, &forgotten));
            }
        });
    }

    /// Moves on over `events`, and returns the epoch that they belong to. The resume point follows when they are durable.
    pub(super) fn advance(self: &Arc<Self>, events: &Events, journal: &Journal) -> u32 {
        let mut fields = self.fields.lock();
        fields.position.advance(events);
        self.changed(&mut fields, journal);
        fields.position.epoch()
    }

    /// Has the store keep it as it is.
    pub fn keep(self: &Arc<Self>, journal: &Journal) {
        self.changed(&mut self.fields.lock(), journal);
    }

    /// Has the store forget it, and its publications; its log goes with time.
    pub fn end(&self, journal: &Journal) {
        self.fields.lock().ended = true;
        journal.change(|batch| {
            batch.remove(Table::Sources, row::number_key(self.number));
            for publish_id in self.published.lock().names() {
                batch.remove(Table::Publications, row::publication_key(self.number, publish_id));
            }
        });
    }

    /// Some events may be missing between the last one and the next; returns the epoch that begins.
    pub(super) fn begin_epoch(self: &Arc<Self>, journal: &Journal) -> u32 {
        let mut fields = self.fields.lock();
        let epoch = fields.position.begin_epoch();
        self.changed(&mut fields, journal);
        epoch
    }

    fn changed(self: &Arc<Self>, fields: &mut Fields, journal: &Journal) {
        if !journal.is_on() {
            self.resume.set(fields.position.resume());
        } else if !std::mem::replace(&mut fields.noted, true) {
            journal.note(Arc::clone(self) as Arc<dyn Save>);
        }
    }

    /// Subscriptions.
    pub fn seats(&self) -> usize {
        self.fields.lock().seats
    }

    /// Every subscription.
    pub fn roll_call(&self) -> Vec<SharedSeat> {
        let fields = self.fields.lock();
        fields.groups.iter().flat_map(|entry| entry.roll.lock().clone()).collect()
    }

    /// Gives a subscription a place in a group.
    pub fn join(&self, seat: &SharedSeat) {
        let fields = &mut *self.fields.lock();
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
        let fields = &mut *self.fields.lock();
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
        self.fields.lock().groups.iter().any(|entry| entry.actor.is_some())
    }

    /// Gives events to every group that has a subscription, starting those that sleep; whether there was one.
    pub(super) fn give(&self, chunk: &Arc<Chunk>, start: impl Fn(usize, Arc<Roll>) -> GroupActor) -> bool {
        let mut given = false;
        for (group, entry) in self.fields.lock().groups.iter_mut().enumerate() {
            if entry.actor.is_some() || !entry.roll.lock().is_empty() {
                entry.tell(GroupMessage::Events(Arc::clone(chunk)), |roll| start(group, roll));
                given = true;
            }
        }
        given
    }

    /// Tells a group something, starting it if it sleeps.
    pub(super) fn tell(&self, group: usize, message: GroupMessage, start: impl FnOnce(Arc<Roll>) -> GroupActor) {
        if let Some(entry) = self.fields.lock().groups.get_mut(group) {
            entry.tell(message, start);
        }
    }

    /// Lets every group put to sleep whom it can.
    pub(super) fn sweep(&self) {
        for entry in self.fields.lock().groups.iter_mut().filter(|entry| entry.actor.is_some()) {
            entry.tell(GroupMessage::Sweep, |_| None);
        }
    }

    /// A group that has handled so many messages has nobody awake: its actor ends unless there are more on their way.
    pub(super) fn put_to_sleep(&self, group: usize, handled: u64) {
        let mut fields = self.fields.lock();
        if let Some(entry) = fields.groups.get_mut(group).filter(|entry| entry.sent == handled)
            && let Some(actor) = entry.actor.take()
        {
            actor.stop(None);
        }
    }

    /// Lets the actors of all groups end when they have handled what they were told.
    pub(super) fn drain(&self) {
        for entry in &mut self.fields.lock().groups {
            if let Some(actor) = entry.actor.take() {
                let _ = actor.drain();
            }
        }
    }

    /// The subscriptions of the group whose actor died; the group sleeps until it is told something.
    pub fn bury(&self, actor: ActorId) -> Option<Vec<SharedSeat>> {
        let mut fields = self.fields.lock();
        let dead = |entry: &&mut Entry| entry.actor.as_ref().is_some_and(|one| one.get_id() == actor);
        let entry = fields.groups.iter_mut().find(dead)?;
        entry.actor = None;
        let seats = entry.roll.lock().clone();
        Some(seats)
    }
}

impl Save for SourceRecord {
    fn save(&self, _: Now, batch: &mut Batch) {
        let mut fields = self.fields.lock();
        fields.noted = false;
        if fields.ended {
            return;
        }
        fields.saving = Some(fields.position.resume());
        let row = fields.position.row(self.id.clone());
        batch.put(Table::Sources, row::number_key(self.number), row.encode());
    }

    fn saved(&self) {
        if let Some(resume) = self.fields.lock().saving.take() {
            self.resume.set(resume);
        }
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
