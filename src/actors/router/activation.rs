//! Subscriptions come and go, and with them the sources and handsets that they need.

use super::message::{ActivateError, Activated, Activation, Change, Status, View};
use super::state::{SourceEntry, State};
use super::trouble::Failures;
use crate::actors::handset::HandsetCell;
use crate::actors::port::Port;
use crate::actors::reach::Reach;
use crate::actors::router::RouterMessage;
use crate::actors::seat::{Seat, SharedSeat, Start};
use crate::actors::source::{self, Position, Published, Source, SourceMessage, SourceRecord};
use crate::actors::terms::Terms;
use crate::engine::envelope::Envelopes;
use crate::engine::handset::Memo;
use crate::model::{
    ApplicationId, DropReason, HandsetId, Msisdn, OwnId, Policy, SourceId, StreamKey, SubscriptionId, TenantId,
};
use crate::store::Table;
use crate::store::row::{self, SubscriptionRow, TermsRow};
use bytes::Bytes;
use ractor::{Actor, ActorRef, SpawnErr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tracing::info;

/// A subscription that is active now.
pub(super) struct Admitted {
    pub seat: SharedSeat,
    /// It was not active before.
    pub created: bool,
    /// Its watchers have something to hear.
    pub changed: bool,
}

impl State {
    pub(super) async fn activate(&mut self, activation: Activation) -> Result<Activated, ActivateError> {
        let Admitted { seat, created, changed } = self.admit(activation).await?;
        let view = self.view_of(&seat);
        if created {
            info!(subscription = %view.id, source = view.source.logged(), "subscription activated");
        }
        if changed {
            self.tell(Change::Activated(view.clone()));
        }
        Ok(Activated { view, created })
    }

    /// Activates without showing it to anybody.
    pub(super) async fn admit(&mut self, activation: Activation) -> Result<Admitted, ActivateError> {
        if self.stopping {
            return Err(ActivateError::Stopping);
        }
        if self.arguments.journal.is_failing() {
            return Err(ActivateError::Store);
        }
        self.refuse_suppressed(&activation.number)?;
        let (id, handset, application) = self.identify(&activation);
        let Activation { tenant, number, source, policy, last_event_id, .. } = activation;
        if let Some(admitted) = self.renew(id, number, &policy).await? {
            return Ok(admitted);
        }
        let terms = self.agree(tenant, source.clone(), application, policy)?;
        let cell = self.handset(&terms.tenant, handset, number).inspect_err(|_| self.release(&terms))?;
        let key = self.keys.next(handset, cell.subscriptions());
        let room = self.check(&terms.envelopes, key, &terms.policy, cell.reach());
        let record = match room {
            Ok(()) => self.source(&source, &last_event_id).await,
            Err(error) => Err(error),
        };
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                self.release(&terms);
                self.let_leave(&cell);
                return Err(error);
            }
        };
        let key = self.keys.take(handset, cell.subscriptions());
        cell.add_subscription();
        let seat = SharedSeat::new(Seat::new(id, key, cell, terms, self.arguments.clock.now().unix_ms));
        self.subscriptions.insert(SharedSeat::clone(&seat));
        self.arguments.telemetry.subscriptions_dormant.increment(1);
        self.keep(&seat, &record);
        if let Some(streams) = self.streams.get(&id) {
            streams.arm(&seat);
        }
        let start = match last_event_id.is_empty() {
            // Where streams have left off, or with whatever comes from now on, also if its source has not heard of it
            // yet.
            true => {
                let brought = self.streams.get(&id).and_then(|streams| streams.brought());
                let from = brought.map_or(record.next(), |from| from.min(record.next()));
                seat.place_at(from);
                Start::At(from)
            }
            false => Start::After(last_event_id),
        };
        self.attach(&source, SharedSeat::clone(&seat), start);
        Ok(Admitted { seat, created: true, changed: true })
    }

    /// Whether something may be sent to this number.
    pub(super) fn refuse_suppressed(&self, number: &Msisdn) -> Result<(), ActivateError> {
        if self.arguments.suppressed.contains(number) { Err(ActivateError::Suppressed) } else { Ok(()) }
    }

    /// Which subscription is asked for, of which handset, for which application.
    pub(super) fn identify(&self, asked: &Activation) -> (SubscriptionId, HandsetId, ApplicationId) {
        let handset = asked.handset.unwrap_or_else(|| HandsetId::from_first_number(&asked.tenant, &asked.number));
        let application = asked.application.as_ref().unwrap_or(&self.arguments.push.application);
        let id = SubscriptionId::derive(&asked.tenant, &handset, &asked.source, application);
        (id, handset, application.clone())
    }

    /// Activating what is active changes its policy, opens its upstream again if that has ended, and nothing else.
    async fn renew(
        &mut self,
        id: SubscriptionId,
        number: Msisdn,
        policy: &Policy,
    ) -> Result<Option<Admitted>, ActivateError> {
        let Some(seat) = self.subscriptions.get(&id).cloned() else { return Ok(None) };
        if self.is_quarantined(id) {
            self.forget(id, DropReason::Quarantined);
            return Ok(None);
        }
        if seat.handset().number() != number {
            return Err(ActivateError::OtherNumber);
        }
        // Who is asked for again lasts; a handset that asks by itself is given its time anew.
        if self.expiries.remove(&id).is_some() {
            self.arguments.journal.change(|batch| batch.remove(Table::Expiries, *id.octets()));
        }
        let old = seat.terms();
        let changed = old.policy != *policy;
        if changed {
            self.check(&old.envelopes, seat.stream(), policy, seat.handset().reach())?;
            let terms = self.agree(old.tenant.clone(), old.source.clone(), old.application.clone(), policy.clone())?;
            let before = seat.set_terms(self.arguments.clock.now(), terms);
            if let Some(record) = self.sources.get(&old.source).map(|entry| Arc::clone(&entry.record)) {
                self.keep(&seat, &record);
            }
            self.release(&before);
        }
        if !self.streams.get(&id).is_some_and(|streams| streams.is_open()) {
            seat.close_streams(self.arguments.clock.now(), Duration::ZERO); // what a lost stream has left waits no longer
        }
        self.reopen(&old.source).await;
        Ok(Some(Admitted { seat, created: false, changed }))
    }

    /// Whether pushes can be made as they are asked for.
    pub(super) fn check(
        &self,
        envelopes: &Envelopes,
        key: StreamKey,
        policy: &Policy,
        reach: &Reach,
    ) -> Result<(), ActivateError> {
        envelopes.check(key, policy, reach.home().addressing().cut).map_err(unencodable)
    }

    /// Opens the upstream of a source again if it has ended.
    pub(super) async fn reopen(&mut self, source: &SourceId) {
        let gone = self.sources.get(source).is_some_and(|one| one.actor.cast(SourceMessage::Reopen).is_err());
        if gone {
            self.restart_source(source).await;
        }
    }

    fn agree(
        &mut self,
        tenant: TenantId,
        source: SourceId,
        application: ApplicationId,
        policy: Policy,
    ) -> Result<Arc<Terms>, ActivateError> {
        let envelopes = Envelopes::new(&self.arguments.push, &application, &source).map_err(unencodable)?;
        let number = self.numbers.terms;
        let shares = self.arguments.budgets.shares(&self.arguments.clock, &source);
        let terms = self.terms.keep(Terms { number, tenant, source, application, policy, envelopes, shares });
        self.numbers.terms += u32::from(terms.number == number);
        Ok(terms)
    }

    /// A subscription needs these terms no more.
    pub(super) fn release(&mut self, terms: &Terms) {
        if self.terms.release(terms) {
            self.arguments.journal.change(|batch| batch.remove(Table::Terms, row::number_key(terms.number)));
        }
    }

    /// Has the store keep a subscription, and its terms.
    fn keep(&self, seat: &Seat, record: &SourceRecord) {
        self.arguments.journal.change(|batch| {
            let terms = seat.terms();
            let Terms { number, tenant, application, policy, .. } = &*terms;
            let (tenant, application, policy) = (tenant.clone(), application.clone(), policy.clone());
            let row = TermsRow { tenant, source: record.number(), application, policy };
            batch.put(Table::Terms, row::number_key(*number), row.encode());
            let from = if seat.is_new() { record.next() } else { seat.figures().released };
            let row = SubscriptionRow {
                terms: *number,
                handset: seat.handset().id(),
                number: seat.handset().number(),
                activated_unix_ms: seat.activated_unix_ms(),
                from,
                stream: seat.stream(),
            };
            batch.put(Table::Subscriptions, *seat.id().octets(), row.encode());
        });
    }

    pub(super) fn handset(
        &mut self,
        tenant: &TenantId,
        id: HandsetId,
        number: Msisdn,
    ) -> Result<Arc<HandsetCell>, ActivateError> {
        if let Some(cell) = self.known(id, &number, 0)? {
            return Ok(Arc::clone(cell));
        }
        let reach = self.reach(tenant, id, &number)?;
        let cell = Arc::new(HandsetCell::new(id, &number, reach, Memo::new(self.seed(id))));
        self.handsets.insert(Arc::clone(&cell));
        Ok(cell)
    }

    /// The handset, if it is known under this number and may have another subscription; `leaving` of those it has are
    /// about to end.
    pub(super) fn known(
        &self,
        id: HandsetId,
        number: &Msisdn,
        leaving: u16,
    ) -> Result<Option<&Arc<HandsetCell>>, ActivateError> {
        let Some(cell) = self.handsets.get(&id) else { return Ok(None) };
        let subscriptions = cell.subscriptions().saturating_sub(leaving);
        match cell.number() == *number {
            true if subscriptions == u16::MAX => Err(ActivateError::TooMany),
            true => Ok(Some(cell)),
            false if subscriptions > 0 => Err(ActivateError::OtherNumber),
            false => Ok(None),
        }
    }

    pub(super) fn reach(
        &self,
        tenant: &TenantId,
        handset: HandsetId,
        number: &Msisdn,
    ) -> Result<Arc<Reach>, ActivateError> {
        self.arguments.reaches.find(tenant, handset, number).ok_or(ActivateError::NoRoute)
    }

    /// Where the numbers of a handset begin. Any start will do as long as two processes hardly ever share it: the
    /// clock's low digits.
    pub(super) fn seed(&self, handset: HandsetId) -> u16 {
        (self.arguments.clock.now().unix_ms ^ handset.half()) as u16
    }

    pub(super) async fn source(
        &mut self,
        id: &SourceId,
        last_event_id: &Bytes,
    ) -> Result<Arc<SourceRecord>, ActivateError> {
        if let Some(entry) = self.sources.get(id) {
            return Ok(Arc::clone(&entry.record));
        }
        let number = self.numbers.source;
        let position = Position::behind(asked_for(last_event_id), self.arguments.clock.now().unix_ms);
        let record = Arc::new(SourceRecord::new(id.clone(), number, position, Published::default()));
        self.start_source(Arc::clone(&record), Duration::ZERO).await.map_err(unencodable)?;
        self.numbers.source += 1;
        let next = self.numbers.source;
        self.arguments.journal.change(|batch| batch.put(Table::Node, row::NEXT_SOURCE_KEY, row::encode(&next)));
        record.keep(&self.arguments.journal);
        Ok(record)
    }

    /// Starts the actor of a source that has none.
    pub(super) async fn start_source(&mut self, record: Arc<SourceRecord>, delay: Duration) -> Result<(), SpawnErr> {
        let (id, status) = (record.id().clone(), Status::Connecting);
        let actor = self.spawn_source(Arc::clone(&record), delay).await?;
        self.count_source(None, Some(&status));
        let (status, failures) = (watch::Sender::new(status), Failures::default());
        let entry = SourceEntry { actor, record, subscriptions: 0, streams: 0, lingering: None, status, failures };
        self.sources.insert(id, entry);
        Ok(())
    }

    pub(super) async fn spawn_source(
        &mut self,
        record: Arc<SourceRecord>,
        delay: Duration,
    ) -> Result<ActorRef<SourceMessage>, SpawnErr> {
        let (router, source) = (self.myself.clone(), record.id().clone());
        let id = source.clone();
        let facts = Port::new(move |fact| {
            let _ = router.cast(RouterMessage::Source(source.clone(), fact));
        });
        let surroundings = Arc::clone(&self.surroundings);
        let arguments = source::Arguments { record, delay, surroundings, facts };
        let (actor, _) = Source::spawn_linked(None, Source, arguments, self.supervisor.get_cell()).await?;
        self.actors.insert(actor.get_id(), id);
        Ok(actor)
    }

    fn attach(&mut self, source: &SourceId, seat: SharedSeat, start: Start) {
        if let Some(entry) = self.sources.get_mut(source) {
            entry.subscriptions += 1;
            entry.record.join(&seat);
            // One that has failed lets in whom it has not yet when it is started again.
            let _ = entry.actor.cast(SourceMessage::Attach(seat, start));
        }
    }

    pub(super) fn deactivate(&mut self, tenant: &TenantId, id: SubscriptionId) -> Option<View> {
        let view = self.end_subscription(tenant, id, DropReason::Deactivated)?;
        info!(subscription = %id, "subscription deactivated");
        Some(view)
    }

    /// Ends a subscription of a tenant for `reason`; as it was, if there was one.
    pub(super) fn end_subscription(
        &mut self,
        tenant: &TenantId,
        id: SubscriptionId,
        reason: DropReason,
    ) -> Option<View> {
        let view = self.get(tenant, id)?;
        self.forget(id, reason);
        self.tell(Change::Deactivated(view.clone()));
        Some(view)
    }

    /// Ends a subscription; its source and its handset go with the last that needs them.
    fn forget(&mut self, id: SubscriptionId, reason: DropReason) {
        let Some(seat) = self.subscriptions.remove(&id) else { return };
        let (terms, cell, key) = (seat.terms(), Arc::clone(seat.handset()), seat.stream());
        let quarantined = self.troubles.remove(&id).is_some_and(|trouble| trouble.quarantined.is_some());
        if !quarantined {
            self.detach(&terms.source, seat, reason);
        }
        if let Some(streams) = self.streams.get(&id) {
            streams.disarm();
        }
        let expires = self.expiries.remove(&id).is_some();
        self.release(&terms);
        self.arguments.journal.change(|batch| {
            batch.remove(Table::Subscriptions, *id.octets());
            batch.remove(Table::Progress, *id.octets());
            if expires {
                batch.remove(Table::Expiries, *id.octets());
            }
        });
        self.arguments.telemetry.subscriptions_dormant.decrement(1);
        self.keys.release(cell.id(), cell.subscriptions(), key);
        cell.remove_subscription();
        self.let_leave(&cell);
    }

    /// Forgets a handset if it has no subscription and nothing on its way, or as soon as that is so.
    pub(super) fn let_leave(&mut self, cell: &HandsetCell) {
        if cell.subscriptions() == 0 {
            self.leaving.push_back(cell.id());
        }
        self.let_go();
    }

    /// Ends a source that nobody wants any more.
    pub(super) fn end_source(&mut self, source: &SourceId) {
        let Some(gone) = self.sources.remove(source) else { return };
        gone.record.end(&self.arguments.journal);
        self.actors.remove(&gone.actor.get_id());
        // It ends when it has handled what it was told.
        let _ = gone.actor.drain();
        self.count_source(Some(&gone.status.borrow()), None);
    }

    pub(super) fn detach(&mut self, source: &SourceId, seat: SharedSeat, reason: DropReason) {
        let Some(entry) = self.sources.get_mut(source) else { return };
        entry.subscriptions -= 1;
        let last = entry.subscriptions == 0 && entry.streams == 0 && entry.lingering.is_none();
        let next = entry.record.next();
        let told = entry.actor.cast(SourceMessage::Detach(SharedSeat::clone(&seat), reason));
        if last {
            self.end_source(source);
        }
        if told.is_err() {
            // Its source has failed, or was stopped.
            let now = self.arguments.clock.now();
            self.arguments.ledger.record(|tally| seat.close(now, reason, next, tally));
        }
    }
}

/// Ids of our own mean nothing to an origin.
fn asked_for(last_event_id: &Bytes) -> Bytes {
    if OwnId::read(last_event_id).is_some() { Bytes::new() } else { last_event_id.clone() }
}

pub(super) fn unencodable(error: impl std::fmt::Display) -> ActivateError {
    ActivateError::Unencodable(error.to_string())
}
