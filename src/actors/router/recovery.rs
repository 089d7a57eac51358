//! What follows when an actor or an engine fails: it starts again from its record, or is taken out of service.

use super::message::Change;
use super::state::State;
use crate::actors::seat::{SharedSeat, Start};
use crate::actors::source::{SourceFact, SourceMessage};
use crate::actors::supervisor::Failure;
use crate::actors::upstream::{Cause, Outage};
use crate::engine::handset::Handset;
use crate::model::{DropReason, HandsetId, SourceId, SubscriptionId};
use std::sync::Arc;
use std::time::Duration;
use tracing::warn;

impl State {
    pub(super) async fn handle_failure(&mut self, failure: &Failure) {
        if let Some(source) = self.actors.remove(&failure.actor) {
            return self.handle_source_failure(&source, &failure.reason).await;
        }
        let group = self.sources.values().find_map(|entry| entry.record.bury(failure.actor));
        for seat in group.into_iter().flatten() {
            self.restart(&seat, None, &failure.reason);
        }
    }

    /// Every subscription of the handset starts again, in a new engine.
    pub(super) fn handle_broken(&mut self, handset: HandsetId) {
        let broken = self.handsets.get(&handset).filter(|cell| cell.is_broken());
        let Some(engine) = broken.and_then(|cell| cell.mend(self.seed(handset))) else { return }; // told twice
        let mut engine = engine.lock();
        let of_it = |seat: &&SharedSeat| seat.handset().id() == handset;
        for seat in self.subscriptions.iter().filter(of_it).cloned().collect::<Vec<_>>() {
            self.restart(&seat, Some(&mut engine), "its handset's engine panicked");
        }
    }

    /// Starts a subscription again: events that are not released come again from the source. Its part of its handset's
    /// engine is in `broken` if that is out of service.
    fn restart(&mut self, seat: &SharedSeat, broken: Option<&mut Handset>, reason: &str) {
        let (id, terms, now) = (seat.id(), seat.terms(), self.arguments.clock.now());
        if self.is_quarantined(id) {
            return;
        }
        // Without sources nothing comes again.
        let quarantine = self.troubles.entry(id).or_default().failures.note(now.monotonic) || self.stopping;
        warn!(subscription = %id, reason, quarantine, "subscription failed");
        let ledger = Arc::clone(&self.arguments.ledger);
        let backlog = self.arguments.journal.backlog(self.arguments.log_octets);
        if quarantine {
            let next = self.sources.get(&terms.source).map_or(0, |entry| entry.record.next());
            ledger.record(|tally| seat.quarantine(now, broken, next, tally));
            self.troubles.entry(id).or_default().quarantined = Some(reason.to_owned());
            self.detach(&terms.source, SharedSeat::clone(seat), DropReason::Quarantined);
            self.tell(Change::Status(self.view_of(seat)));
        } else if let Some(from) = ledger.record(|tally| seat.restart(broken, backlog, tally))
            && let Some(entry) = self.sources.get(&terms.source)
        {
            let _ = entry.actor.cast(SourceMessage::Attach(SharedSeat::clone(seat), Start::At(from)));
        }
    }

    pub(super) fn is_quarantined(&self, id: SubscriptionId) -> bool {
        self.quarantined(id).is_some()
    }

    /// A source that failed begins a new log; what its subscriptions have not had of the old one is lost, and told. One
    /// that fails again and again is given up until somebody activates one of its subscriptions.
    async fn handle_source_failure(&mut self, id: &SourceId, reason: &str) {
        let now = self.arguments.clock.now();
        let Some(entry) = self.sources.get_mut(id) else { return };
        let give_up = entry.failures.note(now.monotonic) || self.stopping;
        warn!(source = id.logged(), reason, give_up, "source failed");
        match give_up {
            true => self.handle_source(
                id,
                SourceFact::Ended(Outage::new(Cause::House, format!("the source failed too often: {reason}"))),
            ),
            false => self.restart_source(id).await,
        }
    }

    /// Starts a source's actor anew, from the event that its last one took.
    pub(super) async fn restart_source(&mut self, id: &SourceId) {
        let Some(entry) = self.sources.get(id) else { return };
        let record = Arc::clone(&entry.record);
        let next = record.next();
        let actor = match self.spawn_source(record, Duration::ZERO).await {
            Ok(actor) => actor,
            Err(error) => {
                return self.handle_source(
                    id,
                    SourceFact::Ended(Outage::new(Cause::House, format!("the source does not start: {error}"))),
                );
            }
        };
        // The others are known to it.
        for seat in self.subscriptions.iter().filter(|seat| seat.terms().source == *id) {
            if let Some(start) = seat.missing(next) {
                let _ = actor.cast(SourceMessage::Attach(SharedSeat::clone(seat), start));
            }
        }
        if let Some(entry) = self.sources.get_mut(id) {
            entry.actor = actor;
        }
    }
}
