//! What the router knows, and what it does about it.

use super::arming::Probes;
use super::expiry::Expiries;
use super::keys::StreamKeys;
use super::message::{Change, Load, Publication, RouterMessage, Status, View};
use super::registry::{Handsets, Subscriptions};
use super::restore::Restored;
use super::trouble::{Failures, Trouble};
use crate::actors::admission::Admission;
use crate::actors::budgets::Budgets;
use crate::actors::clock::Clock;
use crate::actors::handset::HandsetCell;
use crate::actors::journal::Journal;
use crate::actors::ledger::Ledger;
use crate::actors::port::Port;
use crate::actors::reach::Reaches;
use crate::actors::source::{PublishError, SourceFact, SourceMessage, SourceRecord, Surroundings, Taken};
use crate::actors::streams::Streams;
use crate::actors::supervisor::{Supervisor, SupervisorMessage};
use crate::actors::terms::TermsInUse;
use crate::actors::upstream::Upstreams;
use crate::engine::subscription::Settlement;
use crate::model::{DropReason, HandsetId, Msisdn, PushSettings, SourceId, SubscriptionId, TenantId};
use crate::store::Table;
use crate::telemetry::Telemetry;
use ractor::{Actor, ActorId, ActorProcessingErr, ActorRef, RpcReplyPort};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{broadcast, watch};

/// Changes that a watcher may be behind before it is told to start over.
const CHANGES_KEPT: usize = 1024;

/// What the router is made of.
pub struct Arguments {
    /// How pushes are addressed on handsets.
    pub push: PushSettings,
    /// Which SMSCs reach which number.
    pub reaches: Reaches,
    /// Opens upstreams.
    pub upstreams: Arc<dyn Upstreams>,
    /// The door of the house.
    pub admission: Admission,
    /// Octets of events that a source keeps.
    pub log_octets: usize,
    /// How streams give way to pushes.
    pub relay: RelaySettings,
    /// Numbers that nothing is sent to.
    pub suppressed: Vec<Msisdn>,
    /// What is durable.
    pub journal: Journal,
    /// Where counts go.
    pub ledger: Arc<Ledger>,
    /// Metrics.
    pub telemetry: Telemetry,
    /// What time it is.
    pub clock: Clock,
    /// What pushes are charged to.
    pub budgets: Arc<Budgets>,
    /// What an earlier process has left.
    pub restored: Restored,
}

/// How streams give way to pushes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelaySettings {
    /// How long a source is kept that nobody wants any more, but wanted as a stream: radio loss is no goodbye.
    pub linger: Duration,
    /// How long after the loss of a stream its events are pushed.
    pub push_after: Duration,
    /// How long a subscription lasts that a handset asked for by itself.
    pub lifetime: Duration,
    /// Subscriptions that a handset may ask for by itself.
    pub subscriptions_per_handset: u16,
    /// How long a handset may take to prove that it is reached by push.
    pub probe_within: Duration,
}

/// The numbers that the store will call the next ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// The next source.
    pub source: u32,
    /// The next terms.
    pub terms: u32,
}

pub(super) struct SourceEntry {
    pub(super) actor: ActorRef<SourceMessage>,
    pub(super) record: Arc<SourceRecord>,
    pub(super) subscriptions: usize,
    /// Streams that are open.
    pub(super) streams: usize,
    /// The last stream was closed, and that is told when its reader has had time to come back.
    pub(super) lingering: Option<u64>,
    pub(super) status: watch::Sender<Status>,
    pub(super) failures: Failures,
}

/// What the router knows.
pub struct State {
    pub(super) myself: ActorRef<RouterMessage>,
    pub(super) arguments: Arguments,
    pub(super) supervisor: ActorRef<SupervisorMessage>,
    pub(super) surroundings: Arc<Surroundings>,
    pub(super) subscriptions: Subscriptions,
    pub(super) terms: TermsInUse,
    pub(super) numbers: Numbers,
    /// Subscriptions that have failed.
    pub(super) troubles: HashMap<SubscriptionId, Trouble>,
    pub(super) handsets: Handsets,
    pub(super) keys: StreamKeys,
    /// Handsets without subscriptions that have pushes outstanding, the oldest first.
    pub(super) leaving: VecDeque<HandsetId>,
    pub(super) sources: HashMap<SourceId, SourceEntry>,
    pub(super) actors: HashMap<ActorId, SourceId>,
    pub(super) changes: broadcast::Sender<Change>,
    /// By the subscription that they belong to, whether it is active or not.
    pub(super) streams: HashMap<SubscriptionId, Arc<Streams>>,
    /// Which activations end by themselves.
    pub(super) expiries: Expiries,
    /// A look at them is to come.
    pub(super) expiry_awaited: bool,
    /// Activations that wait for a proof.
    pub(super) probes: Probes,
    /// Streams that were closed.
    pub(super) lingered: u64,
    pub(super) stopping: bool,
}

impl State {
    pub(super) async fn start(
        myself: ActorRef<RouterMessage>,
        mut arguments: Arguments,
    ) -> Result<Self, ActorProcessingErr> {
        let router = myself.clone();
        let failures = Port::new(move |failure| {
            let _ = router.cast(RouterMessage::Failed(failure));
        });
        let (supervisor, _) = Supervisor::spawn_linked(None, Supervisor, failures, myself.get_cell()).await?;
        let router = myself.clone();
        let restored = std::mem::take(&mut arguments.restored);
        let Arguments { upstreams, admission, log_octets, journal, ledger, telemetry, clock, .. } = &arguments;
        let surroundings = Surroundings {
            upstreams: Arc::clone(upstreams),
            admission: admission.clone(),
            log_octets: *log_octets,
            journal: journal.clone(),
            ledger: Arc::clone(ledger),
            telemetry: telemetry.clone(),
            supervisor: supervisor.get_cell(),
            broken: Port::new(move |handset| {
                let _ = router.cast(RouterMessage::Broken(handset));
            }),
            clock: clock.clone(),
        };
        let mut state = Self {
            myself,
            arguments,
            supervisor,
            surroundings: Arc::new(surroundings),
            subscriptions: Subscriptions::default(),
            terms: TermsInUse::default(),
            numbers: Numbers::default(),
            troubles: HashMap::new(),
            handsets: Handsets::default(),
            keys: StreamKeys::default(),
            leaving: VecDeque::new(),
            sources: HashMap::new(),
            actors: HashMap::new(),
            changes: broadcast::channel(CHANGES_KEPT).0,
            streams: HashMap::new(),
            expiries: Expiries::default(),
            expiry_awaited: false,
            probes: Probes::default(),
            lingered: 0,
            stopping: false,
        };
        state.take_over(restored).await?;
        Ok(state)
    }

    /// Answers when what was done is durable.
    pub(super) fn answer<T: Send + 'static>(&self, reply: RpcReplyPort<T>, answer: T) {
        self.arguments.journal.when_durable(move || {
            // One that has given up misses nothing that it could not ask again.
            let _ = reply.send(answer);
        });
    }

    /// Forgets handsets that have left: until their last push is answered they have an order to keep, and are counted.
    pub(super) fn let_go(&mut self) {
        while let Some(id) = self.leaving.front() {
            if let Some(cell) = self.handsets.get(id)
                && cell.subscriptions() == 0
            {
                if !cell.is_idle() {
                    return;
                }
                self.handsets.remove(id);
                self.arguments.journal.change(|batch| batch.remove(Table::Handsets, *id.octets()));
            }
            self.leaving.pop_front();
        }
    }

    pub(super) fn get(&self, tenant: &TenantId, id: SubscriptionId) -> Option<View> {
        self.view(id).filter(|view| view.tenant == *tenant)
    }

    pub(super) fn watch(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    pub(super) fn tell(&self, change: Change) {
        // Nobody may be watching.
        let _ = self.changes.send(change);
    }

    /// A source came, went, or changed its status.
    pub(super) fn count_source(&self, before: Option<&Status>, after: Option<&Status>) {
        let telemetry = &self.arguments.telemetry;
        let gauge = |status: &Status| match status {
            Status::Connecting | Status::Quarantined(_) => &telemetry.sources_connecting,
            Status::Active => &telemetry.sources_open,
            Status::Waiting(_) => &telemetry.sources_waiting,
            Status::Ended(_) => &telemetry.sources_closed,
        };
        before.inspect(|status| gauge(status).decrement(1));
        after.inspect(|status| gauge(status).increment(1));
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
            SourceFact::Connecting => Status::Connecting,
            SourceFact::Open => Status::Active,
            SourceFact::Waiting(outage) => {
                telemetry.upstream_reconnects.increment(1);
                Status::Waiting(outage)
            }
            SourceFact::Ended(outage) => Status::Ended(outage),
        };
        let Some(entry) = self.sources.get_mut(source).filter(|entry| *entry.status.borrow() != status) else { return };
        let before = entry.status.send_replace(status.clone());
        self.count_source(Some(&before), Some(&status));
        if self.changes.receiver_count() > 0 {
            let concerned = self.sources.get(source).map(|entry| entry.record.roll_call());
            concerned.into_iter().flatten().for_each(|seat| self.tell(Change::Status(self.view_of(&seat))));
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
        self.handsets.iter().fold(Load::default(), |load, cell| {
            let (pending, outstanding) = cell.look(|engine| engine.load()).unwrap_or_default();
            Load { pending: load.pending + pending, outstanding: load.outstanding + outstanding as u64 }
        })
    }

    pub(super) fn abandon(&mut self) -> Load {
        let left = self.load();
        if self.arguments.journal.is_on() {
            return left; // it is in the store, and goes on after the next start
        }
        let now = self.arguments.clock.now();
        for cell in self.handsets.iter() {
            self.arguments.ledger.record(|tally| {
                HandsetCell::settle(cell, now, |engine, receipts| {
                    engine.abandon(
                        now,
                        DropReason::Shutdown,
                        &mut Settlement { tally, receipts, smsc: cell.smsc().number() },
                    );
                });
            });
        }
        if let Some(smsc) = self.arguments.reaches.smscs().first() {
            self.arguments.ledger.record(|tally| smsc.receipts().lock().handle_shutdown(tally));
        }
        left
    }
}
