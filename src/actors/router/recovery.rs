//! What follows when an actor or an engine fails: it starts again from its record, or is taken out of service.

use super::message::Change;
use super::state::{Owner, State};
use crate::actors::handset::HandsetCell;
use crate::actors::source::{SourceFact, SourceMessage, Start};
use crate::actors::supervisor::Failure;
use crate::engine::clock::Now;
use crate::engine::subscription::{Settlement, Subscription as Engine};
use crate::model::{DropReason, HandsetId, Outcome, SourceId, SubscriptionId};
use std::sync::Arc;
use tracing::warn;

impl State {
    pub(super) async fn handle_failure(&mut self, failure: &Failure) {
        match self.actors.remove(&failure.actor) {
            Some(Owner::Subscription(id)) => self.restart(id, &failure.reason).await,
            Some(Owner::Source(id)) => self.handle_source_failure(&id, &failure.reason).await,
            None => {}
        }
    }

    /// Every subscription of the handset starts again, in a new engine.
    pub(super) async fn handle_broken(&mut self, handset: HandsetId) {
        let broken = self.handsets.get(&handset).filter(|entry| entry.cell.is_broken());
        let Some(number) = broken.map(|entry| entry.number) else { return }; // told twice
        let Ok(cell) = self.build_handset(handset, number) else { return };
        if let Some(entry) = self.handsets.get_mut(&handset) {
            entry.cell = cell;
        }
        let of_it = self.records.iter().filter(|(_, record)| record.handset.id() == handset);
        for id in of_it.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.restart(id, "its handset's engine panicked").await;
        }
    }

    /// Starts a subscription again from its record: events that are not released come again from the source.
    async fn restart(&mut self, id: SubscriptionId, reason: &str) {
        let now = self.arguments.clock.now();
        let Some(record) = self.records.get_mut(&id).filter(|record| record.quarantined.is_none()) else { return };
        let (source, policy, application) = (record.source.clone(), record.policy.clone(), record.application.clone());
        // Without sources nothing comes again.
        let quarantine = record.failures.note(now.monotonic) || self.stopping;
        self.actors.remove(&record.actor.get_id());
        record.actor.stop(None);
        warn!(subscription = %id, reason, quarantine, "subscription failed");
        if quarantine {
            self.quarantine(now, id, reason);
            return;
        }
        let place = record.place;
        let old = record.handset.look(|engine| engine.take(place));
        let again = old.as_ref().map_or(0, Engine::awaited);
        self.arguments.ledger.record(|tally| tally.resent += again);
        let old = old.filter(Engine::is_attached);
        let Some(cell) = self.handsets.get(&record.handset.id()).map(|entry| Arc::clone(&entry.cell)) else { return };
        let Ok((place, actor)) = self.spawn(id, &cell, &policy, &application, old.as_ref()).await else { return };
        if let Some(record) = self.records.get_mut(&id) {
            (record.place, record.handset, record.actor) = (place, cell, actor.clone());
        }
        if let Some(entry) = self.sources.get(&source) {
            let from = old.map_or(Start::Again, |old| Start::At(old.released()));
            let _ = entry.actor.cast(SourceMessage::Attach { id, subscriber: actor, from });
        }
    }

    /// Takes a subscription out of service. Every event that its source has taken for it ends here, also those that
    /// its actor died with.
    fn quarantine(&mut self, now: Now, id: SubscriptionId, reason: &str) {
        let Some(record) = self.records.get_mut(&id) else { return };
        record.quarantined = Some(reason.to_owned());
        let (source, place, handset) = (record.source.clone(), record.place, Arc::clone(&record.handset));
        let next = self.sources.get(&source).map_or(0, |entry| entry.next);
        self.arguments.ledger.record(|tally| {
            let mut receipts = handset.smsc().receipts().lock();
            let closed = HandsetCell::serve(&handset, now, |engine| {
                let end = engine.get(place).filter(|one| one.is_attached()).map_or(next, |one| one.end());
                let mut settlement = Settlement { tally, receipts: &mut receipts };
                engine.close(now, place, DropReason::Quarantined, &mut settlement);
                end
            });
            // An engine that has panicked is not asked how far it came.
            let taken_out = || handset.look(|engine| engine.take(place)).map_or(next, |old| old.released());
            let lost = next.saturating_sub(closed.unwrap_or_else(taken_out));
            tally.settle(Outcome::Dropped(DropReason::Quarantined), lost);
        });
        self.detach(&source, id);
        if let Some(view) = self.view(id) {
            self.tell(Change::Status(view));
        }
    }

    /// A source that failed begins a new log; what its subscriptions have not had of the old one is lost, and told. One
    /// that fails again and again is given up until somebody activates one of its subscriptions.
    async fn handle_source_failure(&mut self, id: &SourceId, reason: &str) {
        let now = self.arguments.clock.now();
        let Some(entry) = self.sources.get_mut(id) else { return };
        let give_up = entry.failures.note(now.monotonic) || self.stopping;
        warn!(source = id.logged(), reason, give_up, "source failed");
        match give_up {
            true => self.handle_source(id, SourceFact::Ended(format!("the source failed too often: {reason}"))),
            false => self.restart_source(id).await,
        }
    }

    /// Starts a source's actor anew, from the event that its last one took.
    pub(super) async fn restart_source(&mut self, id: &SourceId) {
        let Some(entry) = self.sources.get(id) else { return };
        let (next, last_event_id) = (entry.next, entry.last_event_id.clone());
        let actor = match self.spawn_source(id, last_event_id, next).await {
            Ok(actor) => actor,
            Err(error) => {
                return self.handle_source(id, SourceFact::Ended(format!("the source does not start: {error}")));
            }
        };
        if let Some(entry) = self.sources.get_mut(id) {
            entry.actor = actor.clone();
        }
        for (subscription, record) in self.records.iter().filter(|(_, record)| record.source == *id) {
            let subscriber = record.actor.clone();
            let _ = actor.cast(SourceMessage::Attach { id: *subscription, subscriber, from: Start::Live });
        }
    }
}
