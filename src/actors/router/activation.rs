//! Subscriptions come and go, and with them the sources and handsets that they need.

use super::failures::Failures;
use super::message::{ActivateError, Activated, Activation, Change, View};
use super::record::Record;
use super::state::{HandsetEntry, Owner, SmscRoute, SourceEntry, State};
use crate::actors::handset::HandsetCell;
use crate::actors::port::Port;
use crate::actors::router::{RouterMessage, Status};
use crate::actors::source::{self, Source, SourceMessage, Start};
use crate::actors::subscription::{self, Subscription, SubscriptionMessage};
use crate::codec::udh::Ports;
use crate::engine::envelope;
use crate::engine::handset::{Addressing, Handset, Place};
use crate::engine::subscription::Subscription as Engine;
use crate::model::{
    ApplicationId, DropReason, HandsetId, Msisdn, Policy, PushSettings, SourceId, SubscriptionId, TenantId,
};
use bytes::Bytes;
use ractor::{Actor, ActorRef};
use std::collections::hash_map::Entry;
use std::sync::Arc;
use tracing::info;

impl State {
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
        if let Some(view) = self.renew(id, number, &policy).await? {
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
            failures: Failures::default(),
            quarantined: None,
        };
        if let Some(entry) = self.handsets.get_mut(&record.handset.id()) {
            entry.subscriptions += 1;
        }
        self.records.insert(id, record);
        self.attach(&source, id, actor, start);
        self.show_counts();
        info!(subscription = %id, source = source.logged(), "subscription activated");
        let view = self.view(id).ok_or(ActivateError::Stopping)?;
        self.tell(Change::Activated(view.clone()));
        Ok(Activated { view, created: true })
    }

    /// Activating what is active changes its policy, opens its upstream again if that has ended, and nothing else.
    async fn renew(
        &mut self,
        id: SubscriptionId,
        number: Msisdn,
        policy: &Policy,
    ) -> Result<Option<View>, ActivateError> {
        let Some(record) = self.records.get_mut(&id) else { return Ok(None) };
        if record.quarantined.is_some() {
            self.forget(id, DropReason::Quarantined);
            return Ok(None);
        }
        if record.number != number {
            return Err(ActivateError::OtherNumber);
        }
        let changes = record.policy != *policy;
        if changes {
            record.policy = policy.clone();
            let _ = record.actor.cast(SubscriptionMessage::SetPolicy(policy.clone()));
        }
        let source = record.source.clone();
        let gone = self.sources.get(&source).is_some_and(|one| one.actor.cast(SourceMessage::Reopen).is_err());
        if gone {
            self.restart_source(&source).await;
        }
        let view = self.view(id);
        if let Some(view) = view.clone().filter(|_| changes) {
            self.tell(Change::Activated(view));
        }
        Ok(view)
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

    pub(super) fn build_handset(&mut self, id: HandsetId, number: Msisdn) -> Result<Arc<HandsetCell>, ActivateError> {
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
            let entry = SourceEntry {
                actor,
                subscriptions: 0,
                status: Status::Connecting,
                next: 0,
                last_event_id: Bytes::new(),
                failures: Failures::default(),
            };
            self.sources.insert(id.clone(), entry);
        }
        Ok(())
    }

    pub(super) async fn spawn_source(
        &mut self,
        id: &SourceId,
        last_event_id: Bytes,
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
    pub(super) async fn spawn(
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

    pub(super) fn detach(&mut self, source: &SourceId, id: SubscriptionId) {
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
}

fn unencodable(error: impl std::fmt::Display) -> ActivateError {
    ActivateError::Unencodable(error.to_string())
}
