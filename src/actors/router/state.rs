//! What the router knows, and what it does about it.

use super::failures::Failures;
use super::message::{Change, Load, Page, Publication, RouterMessage, Status, View};
use super::record::Record;
use crate::actors::admission::Admission;
use crate::actors::clock::Clock;
use crate::actors::handset::HandsetCell;
use crate::actors::ledger::Ledger;
use crate::actors::port::Port;
use crate::actors::smsc::Smsc;
use crate::actors::source::{PublishError, SourceFact, SourceMessage, Taken};
use crate::actors::supervisor::{Supervisor, SupervisorMessage};
use crate::actors::upstream::Upstreams;
use crate::engine::envelope::SenderSettings;
use crate::engine::routing::Routes;
use crate::engine::subscription::Settlement;
use crate::model::{DropReason, HandsetId, Msisdn, PushSettings, SourceId, SubscriptionId, TenantId};
use crate::telemetry::Telemetry;
use bytes::Bytes;
use ractor::{Actor, ActorId, ActorProcessingErr, ActorRef, RpcReplyPort};
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;
use tokio::sync::broadcast;

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
pub(super) enum Owner {
    Subscription(SubscriptionId),
    Source(SourceId),
}

pub(super) struct SourceEntry {
    pub(super) actor: ActorRef<SourceMessage>,
    pub(super) subscriptions: usize,
    pub(super) status: Status,
    /// One past the number of the last event it took.
    pub(super) next: u64,
    /// The id of that event.
    pub(super) last_event_id: Bytes,
    pub(super) failures: Failures,
}

pub(super) struct HandsetEntry {
    pub(super) number: Msisdn,
    pub(super) cell: Arc<HandsetCell>,
    pub(super) subscriptions: usize,
}

/// What the router knows.
pub struct State {
    pub(super) myself: ActorRef<RouterMessage>,
    pub(super) arguments: Arguments,
    pub(super) supervisor: ActorRef<SupervisorMessage>,
    pub(super) records: BTreeMap<SubscriptionId, Record>,
    pub(super) handsets: HashMap<HandsetId, HandsetEntry>,
    /// Handsets without subscriptions that have pushes outstanding, the oldest first.
    pub(super) leaving: VecDeque<HandsetId>,
    pub(super) sources: HashMap<SourceId, SourceEntry>,
    pub(super) actors: HashMap<ActorId, Owner>,
    pub(super) changes: broadcast::Sender<Change>,
    pub(super) handset_serial: u64,
    pub(super) stopping: bool,
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

    /// Forgets handsets that have left: until their last push is answered they have an order to keep, and are counted.
    pub(super) fn let_go(&mut self) {
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

    pub(super) fn view(&self, id: SubscriptionId) -> Option<View> {
        let record = self.records.get(&id)?;
        let status = self.sources.get(&record.source).map_or(&Status::Connecting, |source| &source.status);
        Some(record.view(id, status))
    }

    pub(super) fn tell(&self, change: Change) {
        // Nobody may be watching.
        let _ = self.changes.send(change);
    }

    pub(super) fn show_counts(&self) {
        let telemetry = &self.arguments.telemetry;
        telemetry.subscriptions_active.set(self.records.len() as f64);
        let count =
            |wanted: fn(&Status) -> bool| self.sources.values().filter(|one| wanted(&one.status)).count() as f64;
        telemetry.sources_connecting.set(count(|status| matches!(status, Status::Connecting)));
        telemetry.sources_open.set(count(|status| matches!(status, Status::Active)));
        telemetry.sources_waiting.set(count(|status| matches!(status, Status::Waiting(_))));
        telemetry.sources_closed.set(count(|status| matches!(status, Status::Ended(_))));
    }

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
                    (entry.next, entry.last_event_id) = (received.next, received.last_event_id);
                }
                return;
            }
            SourceFact::Refused(events) => {
                telemetry.dropped_no_credit.increment(events);
                return;
            }
            SourceFact::Connecting => Status::Connecting,
            SourceFact::Open => Status::Active,
            SourceFact::Waiting(reason) => {
                telemetry.upstream_reconnects.increment(1);
                Status::Waiting(reason)
            }
            SourceFact::Ended(reason) => Status::Ended(reason),
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
