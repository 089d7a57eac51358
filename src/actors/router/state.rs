//! What the router knows, and what it does about it.

use super::message::{
    ActivateError, Activated, Activation, Change, Load, Page, Publication, RouterMessage, Status, View,
};
use super::record::Record;
use crate::actors::admission::Admission;
use crate::actors::clock::Clock;
use crate::actors::handset::HandsetCell;
use crate::actors::ledger::Ledger;
use crate::actors::port::Port;
use crate::actors::smsc::Smsc;
use crate::actors::source::{self, PublishError, Source, SourceFact, SourceMessage, Start, Taken};
use crate::actors::subscription::{self, Subscription, SubscriptionMessage};
use crate::actors::supervisor::{Failure, Supervisor, SupervisorMessage};
use crate::actors::upstream::Upstreams;
use crate::codec::udh::Ports;
use crate::engine::clock::Now;
use crate::engine::envelope::{self, SenderSettings};
use crate::engine::handset::{Addressing, Handset, Place};
use crate::engine::routing::Routes;
use crate::engine::subscription::{Settlement, Subscription as Engine};
use crate::model::{
    ApplicationId, DropReason, HandsetId, Msisdn, Outcome, Policy, PushSettings, SourceId, SubscriptionId, TenantId,
};
use crate::telemetry::Telemetry;
use ractor::{Actor, ActorId, ActorProcessingErr, ActorRef, RpcReplyPort};
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;
use tokio::sync::broadcast;
use tracing::{info, warn};

/// Changes that a watcher may be behind before it is told to start over.
const CHANGES_KEPT: usize = 1024;

/// An SMSC and how messages to it look.
pub struct SmscRoute {
    /// The SMSC.
    pub smsc: Arc<Smsc>,
    /// How messages look.
    pub sender: SenderSettings,
}

/// What the router is made of.
pub struct Arguments {
    /// How pushes are addressed on handsets.
    pub push: PushSettings,
    /// Which SMSC reaches which number.
    pub routes: Routes,
    /// The SMSCs, as the routes count them.
    pub smscs: Vec<SmscRoute>,
    /// Opens upstreams.
    pub upstreams: Arc<dyn Upstreams>,
    /// The door of the house.
    pub admission: Admission,
    /// Octets of events that a source keeps.
    pub log_octets: usize,
    /// Where counts go.
    pub ledger: Arc<Ledger>,
    /// Metrics.
    pub telemetry: Telemetry,
    /// What time it is.
    pub clock: Clock,
}

/// Whose actor died.
enum Owner {
    Subscription(SubscriptionId),
    Source(SourceId),
}

struct SourceEntry {
    actor: ActorRef<SourceMessage>,
    subscriptions: usize,
    status: Status,
    /// One past the number of the last event it took.
    next: u64,
}

struct HandsetEntry {
    number: Msisdn,
    cell: Arc<HandsetCell>,
    subscriptions: usize,
}

/// What the router knows.
pub struct State {
    myself: ActorRef<RouterMessage>,
    arguments: Arguments,
    supervisor: ActorRef<SupervisorMessage>,
    records: BTreeMap<SubscriptionId, Record>,
    handsets: HashMap<HandsetId, HandsetEntry>,
    /// Handsets without subscriptions that have pushes outstanding, the oldest first.
    leaving: VecDeque<HandsetId>,
    sources: HashMap<SourceId, SourceEntry>,
    actors: HashMap<ActorId, Owner>,
    changes: broadcast::Sender<Change>,
    handset_serial: u64,
    stopping: bool,
}

impl State {
    pub(super) async fn start(
        myself: ActorRef<RouterMessage>,
        arguments: Arguments,
    ) -> Result<Self, ActorProcessingErr> {
        let router = myself.clone();
        let failures = Port::new(move |failure| {
            let _ = router.cast(RouterMessage::Failed(failure));
        });
        let (supervisor, _) = Supervisor::spawn_linked(None, Supervisor, failures, myself.get_cell()).await?;
        Ok(Self {
            myself,
            arguments,
            supervisor,
            records: BTreeMap::new(),
            handsets: HashMap::new(),
            leaving: VecDeque::new(),
            sources: HashMap::new(),
            actors: HashMap::new(),
            changes: broadcast::channel(CHANGES_KEPT).0,
            handset_serial: 0,
            stopping: false,
        })
    }

    // === activation ===

    pub(super) async fn activate(&mut self, activation: Activation) -> Result<Activated, ActivateError> {
        if self.stopping {
            return Err(ActivateError::Stopping);
        }
        let Activation { tenant, handset, number, source, application, policy, last_event_id } = activation;
        let handset = match handset {
            Some(name) => HandsetId::from_name(&tenant, &name),
            None => HandsetId::from_first_number(&tenant, &number),
        };
        let application = application.unwrap_or_else(|| self.arguments.push.application.clone());
        let id = SubscriptionId::derive(&tenant, &handset, &source, &application);
        if let Some(view) = self.renew(id, number, &policy)? {
            return Ok(Activated { view, created: false });
        }
        let cell = self.handset(handset, number)?;
        let start = if last_event_id.is_empty() { Start::Live } else { Start::After(last_event_id.clone()) };
        let now = self.arguments.clock.now();
        let spawned = match self.source(&source, last_event_id).await {
            Ok(()) => self.spawn(id, &cell, &policy, &application, None).await,
            Err(error) => Err(error),
        };
        let (place, actor) = spawned.inspect_err(|_| self.forget_unused(&handset, &source))?;
        let record = Record {
            tenant,
            number,
            source: source.clone(),
            application,
            policy,
            activated_unix_ms: now.unix_ms,
            handset: cell,
            place,
            actor: actor.clone(),
            failures: VecDeque::new(),
            quarantined: None,
        };
        if let Some(entry) = self.handsets.get_mut(&record.handset.id()) {
            entry.subscriptions += 1;
        }
        self.records.insert(id, record);
        self.attach(&source, id, actor, start);
        self.show_counts();
        info!(subscription = %id, source = %source, "subscription activated");
        let view = self.view(id).ok_or(ActivateError::Stopping)?;
        self.tell(Change::Activated(view.clone()));
        Ok(Activated { view, created: true })
    }

    /// Activating what is active changes its policy, opens its upstream again if that has ended, and nothing else.
    fn renew(&mut self, id: SubscriptionId, number: Msisdn, policy: &Policy) -> Result<Option<View>, ActivateError> {
        let Some(record) = self.records.get_mut(&id) else { return Ok(None) };
        if record.quarantined.is_some() {
            self.forget(id, DropReason::Quarantined);
            return Ok(None);
        }
        if record.number != number {
            return Err(ActivateError::OtherNumber);
        }
        if record.policy != *policy {
            record.policy = policy.clone();
            let _ = record.actor.cast(SubscriptionMessage::SetPolicy(policy.clone()));
        }
        if let Some(source) = self.sources.get(&record.source) {
            let _ = source.actor.cast(SourceMessage::Reopen);
        }
        Ok(self.view(id))
    }

    fn handset(&mut self, id: HandsetId, number: Msisdn) -> Result<Arc<HandsetCell>, ActivateError> {
        match self.handsets.get(&id) {
            Some(entry) if entry.number == number => return Ok(Arc::clone(&entry.cell)),
            Some(entry) if entry.subscriptions > 0 => return Err(ActivateError::OtherNumber),
            _ => {}
        }
        let cell = self.build_handset(id, number)?;
        self.handsets.insert(id, HandsetEntry { number, cell: Arc::clone(&cell), subscriptions: 0 });
        Ok(cell)
    }

    fn build_handset(&mut self, id: HandsetId, number: Msisdn) -> Result<Arc<HandsetCell>, ActivateError> {
        let route = self.arguments.routes.smsc(&number).and_then(|at| self.arguments.smscs.get(at));
        let SmscRoute { smsc, sender } = route.ok_or(ActivateError::NoRoute)?;
        let template = envelope::submit_template(sender, &number).map_err(unencodable)?;
        let PushSettings { destination_port, source_port, .. } = self.arguments.push;
        let ports = Ports { destination: destination_port, source: source_port };
        let addressing = Addressing { template, ports, width: sender.reference_width };
        self.handset_serial += 1;
        // Any start will do as long as two processes hardly ever share it: the clock's low digits.
        let seed = (self.arguments.clock.now().unix_ms ^ self.handset_serial) as u16;
        let engine = Handset::new(self.handset_serial, addressing, seed);
        Ok(Arc::new(HandsetCell::new(id, engine, Arc::clone(smsc), self.handset_serial as usize)))
    }

    async fn source(&mut self, id: &SourceId, last_event_id: bytes::Bytes) -> Result<(), ActivateError> {
        if !self.sources.contains_key(id) {
            let actor = self.spawn_source(id, last_event_id, 0).await.map_err(unencodable)?;
            let entry = SourceEntry { actor, subscriptions: 0, status: Status::Connecting, next: 0 };
            self.sources.insert(id.clone(), entry);
        }
        Ok(())
    }

    async fn spawn_source(
        &mut self,
        id: &SourceId,
        last_event_id: bytes::Bytes,
        first: u64,
    ) -> Result<ActorRef<SourceMessage>, ractor::SpawnErr> {
        let (router, source) = (self.myself.clone(), id.clone());
        let facts = Port::new(move |fact| {
            let _ = router.cast(RouterMessage::Source(source.clone(), fact));
        });
        let arguments = source::Arguments {
            id: id.clone(),
            last_event_id,
            first,
            upstreams: Arc::clone(&self.arguments.upstreams),
            // Half of what the log keeps, so that no event falls out of it before one subscription has had it.
            door: self.arguments.admission.door(self.arguments.log_octets / 2),
            log_octets: self.arguments.log_octets,
            facts,
            clock: self.arguments.clock.clone(),
        };
        let (actor, _) = Source::spawn_linked(None, Source, arguments, self.supervisor.get_cell()).await?;
        self.actors.insert(actor.get_id(), Owner::Source(id.clone()));
        Ok(actor)
    }

    /// Gives a subscription a place in its handset and an actor; it goes on where `old` stood, if there was one.
    async fn spawn(
        &mut self,
        id: SubscriptionId,
        handset: &Arc<HandsetCell>,
        policy: &Policy,
        application: &ApplicationId,
        old: Option<&Engine>,
    ) -> Result<(Place, ActorRef<SubscriptionMessage>), ActivateError> {
        let envelope = envelope::push_template(self.arguments.push.profile, application).map_err(unencodable)?;
        let place = handset.look(|engine| {
            let limit = self.arguments.log_octets;
            let mut subscription = Engine::new(policy.clone(), envelope, engine.width(), 0, limit);
            if let Some(old) = old {
                subscription.handle_restart(old);
            }
            engine.insert(subscription)
        });
        let arguments = subscription::Arguments {
            id,
            handset: Arc::clone(handset),
            place,
            ledger: Arc::clone(&self.arguments.ledger),
            clock: self.arguments.clock.clone(),
        };
        let spawned = Subscription::spawn_linked(None, Subscription, arguments, self.supervisor.get_cell()).await;
        let (actor, _) = spawned.map_err(unencodable)?;
        self.actors.insert(actor.get_id(), Owner::Subscription(id));
        Ok((place, actor))
    }

    fn attach(
        &mut self,
        source: &SourceId,
        id: SubscriptionId,
        subscriber: ActorRef<SubscriptionMessage>,
        from: Start,
    ) {
        if let Some(entry) = self.sources.get_mut(source) {
            entry.subscriptions += 1;
            let _ = entry.actor.cast(SourceMessage::Attach { id, subscriber, from });
        }
    }

    // === deactivation ===

    pub(super) fn deactivate(&mut self, tenant: &TenantId, id: SubscriptionId) -> Option<View> {
        let view = self.get(tenant, id)?;
        self.forget(id, DropReason::Deactivated);
        info!(subscription = %id, "subscription deactivated");
        self.tell(Change::Deactivated(view.clone()));
        Some(view)
    }

    /// Ends a subscription; its source and its handset go with the last that needs them.
    fn forget(&mut self, id: SubscriptionId, reason: DropReason) {
        let Some(record) = self.records.remove(&id) else { return };
        self.actors.remove(&record.actor.get_id());
        if record.quarantined.is_none() {
            self.detach(&record.source, id);
            let _ = record.actor.cast(SubscriptionMessage::Close(reason));
        }
        if let Entry::Occupied(mut entry) = self.handsets.entry(record.handset.id()) {
            entry.get_mut().subscriptions -= 1;
            if entry.get().subscriptions == 0 {
                self.leaving.push_back(record.handset.id());
            }
        }
        self.let_go();
        self.show_counts();
    }

    /// Forgets handsets that have left: until their last push is answered they have an order to keep, and are counted.
    fn let_go(&mut self) {
        while let Some(id) = self.leaving.front() {
            if let Entry::Occupied(entry) = self.handsets.entry(*id)
                && entry.get().subscriptions == 0
            {
                if !entry.get().cell.is_idle() {
                    return;
                }
                entry.remove();
            }
            self.leaving.pop_front();
        }
    }

    fn detach(&mut self, source: &SourceId, id: SubscriptionId) {
        let Entry::Occupied(mut entry) = self.sources.entry(source.clone()) else { return };
        entry.get_mut().subscriptions -= 1;
        if entry.get().subscriptions > 0 {
            let _ = entry.get().actor.cast(SourceMessage::Detach(id));
            return;
        }
        let gone = entry.remove();
        self.actors.remove(&gone.actor.get_id());
        gone.actor.stop(None);
    }

    /// Closes what was opened for a subscription that did not come about.
    fn forget_unused(&mut self, handset: &HandsetId, source: &SourceId) {
        if self.handsets.get(handset).is_some_and(|entry| entry.subscriptions == 0) {
            self.leaving.push_back(*handset);
            self.let_go();
        }
        if let Entry::Occupied(entry) = self.sources.entry(source.clone())
            && entry.get().subscriptions == 0
        {
            let unused = entry.remove();
            self.actors.remove(&unused.actor.get_id());
            unused.actor.stop(None);
        }
    }

    // === showing ===

    pub(super) fn get(&self, tenant: &TenantId, id: SubscriptionId) -> Option<View> {
        self.view(id).filter(|view| view.tenant == *tenant)
    }

    pub(super) fn list(&self, page: &Page) -> Vec<View> {
        let start = page.after.map_or(Bound::Unbounded, Bound::Excluded);
        let records = self.records.range((start, Bound::Unbounded));
        let own = records.filter(|(_, record)| record.tenant == page.tenant);
        own.take(page.limit).filter_map(|(id, _)| self.view(*id)).collect()
    }

    pub(super) fn watch(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    fn view(&self, id: SubscriptionId) -> Option<View> {
        let record = self.records.get(&id)?;
        let status = self.sources.get(&record.source).map_or(&Status::Connecting, |source| &source.status);
        Some(record.view(id, status))
    }

    fn tell(&self, change: Change) {
        // Nobody may be watching.
        let _ = self.changes.send(change);
    }

    fn show_counts(&self) {
        let telemetry = &self.arguments.telemetry;
        telemetry.subscriptions_active.set(self.records.len() as f64);
        let count =
            |wanted: fn(&Status) -> bool| self.sources.values().filter(|one| wanted(&one.status)).count() as f64;
        telemetry.sources_connecting.set(count(|status| matches!(status, Status::Connecting)));
        telemetry.sources_open.set(count(|status| matches!(status, Status::Active)));
        telemetry.sources_waiting.set(count(|status| matches!(status, Status::Waiting(_))));
        telemetry.sources_closed.set(count(|status| matches!(status, Status::Ended(_))));
    }

    // === events from publishers ===

    pub(super) fn publish(&self, publication: Publication, reply: RpcReplyPort<Result<Taken, PublishError>>) {
        let Publication { source, events, publish_id, watch } = publication;
        match self.sources.get(&source).filter(|_| !self.stopping) {
            Some(entry) => {
                let _ = entry.actor.cast(SourceMessage::Publish { events, publish_id, watch, reply });
            }
            None => {
                let _ = reply.send(Err(PublishError::UnknownSource));
            }
        }
    }

    // === what happens to sources and actors ===

    pub(super) fn handle_source(&mut self, source: &SourceId, fact: SourceFact) {
        let telemetry = &self.arguments.telemetry;
        let status = match fact {
            SourceFact::Received(received) => {
                let counter = if received.published { &telemetry.received_grpc } else { &telemetry.received_sse };
                counter.increment(received.events);
                telemetry.utf8_repaired.increment(received.repaired);
                telemetry.dropped_oversize_line.increment(received.oversize);
                telemetry.credits_available.set(self.arguments.admission.available() as f64);
                if let Some(entry) = self.sources.get_mut(source) {
                    entry.next = received.next;
                }
                return;
            }
            SourceFact::Connecting => Status::Connecting,
            SourceFact::Open => Status::Active,
            SourceFact::Waiting(reason) => {
                telemetry.upstream_reconnects.increment(1);
                Status::Waiting(reason)
            }
            SourceFact::Ended(reason) => {
                warn!(source = %source, reason, "upstream ended for good");
                Status::Ended(reason)
            }
        };
        let Some(entry) = self.sources.get_mut(source).filter(|entry| entry.status != status) else { return };
        entry.status = status;
        self.show_counts();
        if self.changes.receiver_count() > 0 {
            let concerned = self.records.iter().filter(|(_, record)| record.source == *source);
            let views: Vec<View> = concerned.filter_map(|(id, _)| self.view(*id)).collect();
            views.into_iter().for_each(|view| self.tell(Change::Status(view)));
        }
    }

    pub(super) async fn handle_failure(&mut self, failure: &Failure) {
        match self.actors.remove(&failure.actor) {
            Some(Owner::Subscription(id)) => self.restart(id, &failure.reason).await,
            Some(Owner::Source(id)) => self.restart_source(&id, &failure.reason).await,
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
        let quarantine = record.fail(now.monotonic) || self.stopping;
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

    /// A source that failed begins a new log; what its subscriptions have not had of the old one is lost, and told.
    async fn restart_source(&mut self, id: &SourceId, reason: &str) {
        warn!(source = %id, reason, "source failed");
        let next = self.sources.get(id).map_or(0, |entry| entry.next);
        let Ok(actor) = self.spawn_source(id, bytes::Bytes::new(), next).await else { return };
        if let Some(entry) = self.sources.get_mut(id) {
            entry.actor = actor.clone();
        }
        for (subscription, record) in self.records.iter().filter(|(_, record)| record.source == *id) {
            let subscriber = record.actor.clone();
            let _ = actor.cast(SourceMessage::Attach { id: *subscription, subscriber, from: Start::Live });
        }
    }

    // === the end ===

    pub(super) fn stop_ingress(&mut self) {
        self.stopping = true;
        for source in self.sources.values() {
            source.actor.stop(None);
        }
    }

    pub(super) fn load(&mut self) -> Load {
        self.let_go();
        self.handsets.values().fold(Load::default(), |load, entry| {
            let (pending, outstanding) = entry.cell.look(|engine| engine.load());
            Load { pending: load.pending + pending, outstanding: load.outstanding + outstanding as u64 }
        })
    }

    pub(super) fn abandon(&mut self) -> Load {
        let left = self.load();
        let now = self.arguments.clock.now();
        for entry in self.handsets.values() {
            self.arguments.ledger.record(|tally| {
                HandsetCell::settle(&entry.cell, now, |engine, receipts| {
                    engine.abandon(now, DropReason::Shutdown, &mut Settlement { tally, receipts });
                });
            });
        }
        for route in &self.arguments.smscs {
            self.arguments.ledger.record(|tally| route.smsc.receipts().lock().handle_shutdown(tally));
        }
        left
    }
}

fn unencodable(error: impl std::fmt::Display) -> ActivateError {
    ActivateError::Unencodable(error.to_string())
}
