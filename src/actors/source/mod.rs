//! The actor of one source: one upstream, one numbering, one log, however many subscriptions.

mod log;
mod message;
mod published;
mod record;

pub use message::{PublishError, SourceFact, SourceMessage, Taken};
pub use record::SourceRecord;

use super::admission::{Admission, Door};
use super::clock::Clock;
use super::group::{self, Group, GroupMessage, Roll};
use super::ledger::Ledger;
use super::port::Port;
use super::seat::{SharedSeat, Start};
use super::upstream::{UpstreamFact, UpstreamHandle, Upstreams};
use crate::codec::sse::Events;
use crate::engine::chunk::{self, Chunk, Watch};
use crate::model::{DropReason, HandsetId, SourceId, SourceOrigin};
use crate::telemetry::Telemetry;
use bytes::Bytes;
use log::Log;
use published::Published;
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, ActorRuntime};
use std::sync::Arc;
use std::time::Duration;

/// A subscription of which nothing was on its way for this long, or up to twice as long, goes to sleep.
const SWEEP_INTERVAL: Duration = Duration::from_secs(30);

/// Behaviour of a source's actor.
pub struct Source;

/// What a source is made of.
pub struct Arguments {
    /// Which one.
    pub id: SourceId,
    /// What its last actor left.
    pub record: Arc<SourceRecord>,
    /// After which event of the origin to start; empty for wherever it starts.
    pub last_event_id: Bytes,
    /// What all sources share.
    pub surroundings: Arc<Surroundings>,
    /// Told what happens.
    pub facts: Port<SourceFact>,
}

/// What all sources share.
pub struct Surroundings {
    /// Opens upstreams.
    pub upstreams: Arc<dyn Upstreams>,
    /// The door of the house.
    pub admission: Admission,
    /// Octets of events that each source keeps.
    pub log_octets: usize,
    /// Where counts go.
    pub ledger: Arc<Ledger>,
    /// Metrics.
    pub telemetry: Telemetry,
    /// Who watches over the actors of groups.
    pub supervisor: ActorCell,
    /// Told of handsets whose engine has failed.
    pub broken: Port<HandsetId>,
    /// What time it is.
    pub clock: Clock,
}

/// A source's state.
pub struct State {
    arguments: Arguments,
    myself: ActorRef<SourceMessage>,
    door: Door,
    upstream: Option<UpstreamHandle>,
    log: Log,
    next: u64,
    last_event_id: Bytes,
    published: Published,
    /// A sweep is to come.
    sweeping: bool,
}

impl Actor for Source {
    type Msg = SourceMessage;
    type State = State;
    type Arguments = Arguments;

    async fn pre_start(
        &self,
        myself: ActorRef<SourceMessage>,
        arguments: Arguments,
    ) -> Result<State, ActorProcessingErr> {
        let Surroundings { admission, log_octets, .. } = &*arguments.surroundings;
        let mut state = State {
            // Half of what the log keeps, so that no event falls out of it before one subscription has had it.
            door: admission.door(log_octets / 2),
            log: Log::new(*log_octets),
            next: arguments.record.position().0,
            last_event_id: arguments.last_event_id.clone(),
            arguments,
            myself,
            upstream: None,
            published: Published::default(),
            sweeping: false,
        };
        state.open();
        if state.arguments.record.is_awake() {
            state.sweep_later();
        }
        Ok(state)
    }

    async fn handle(
        &self,
        _: ActorRef<SourceMessage>,
        message: SourceMessage,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            SourceMessage::Upstream(fact) => state.handle_upstream(fact),
            SourceMessage::Attach(seat, start) => state.attach(&seat, &start),
            SourceMessage::Detach(seat, reason) => state.detach(&seat, reason),
            SourceMessage::Reopen => {
                if state.upstream.is_none() {
                    state.open();
                }
            }
            SourceMessage::Publish { events, publish_id, watch, reply } => {
                // Whoever asked may have gone; the events are taken all the same.
                let _ = reply.send(state.publish(events, publish_id, watch));
            }
            SourceMessage::Sweep => state.sweep(),
            SourceMessage::Asleep(group, handled) => state.arguments.record.put_to_sleep(group, handled),
        }
        Ok(())
    }

    async fn post_stop(&self, _: ActorRef<SourceMessage>, state: &mut State) -> Result<(), ActorProcessingErr> {
        state.arguments.record.drain();
        Ok(())
    }
}

impl State {
    fn open(&mut self) {
        let Arguments { id, facts, surroundings, .. } = &self.arguments;
        if !matches!(id.origin(), SourceOrigin::Url(_)) {
            facts.send(SourceFact::Open);
            return;
        }
        facts.send(SourceFact::Connecting);
        let myself = self.myself.clone();
        let facts = Port::new(move |fact| {
            // A source that has stopped has dropped its upstream; what was on its way is no longer wanted.
            let _ = myself.cast(SourceMessage::Upstream(fact));
        });
        self.upstream = Some(surroundings.upstreams.open(id, self.last_event_id.clone(), self.door.clone(), facts));
    }

    fn handle_upstream(&mut self, fact: UpstreamFact) {
        let facts = &self.arguments.facts;
        match fact {
            UpstreamFact::Opened { .. } => facts.send(SourceFact::Open),
            UpstreamFact::Lost { reason, retry_in } => {
                facts.send(SourceFact::Waiting(format!("{reason}; again in {retry_in:.1?}")));
            }
            UpstreamFact::Ended { reason } => {
                self.upstream = None;
                facts.send(SourceFact::Ended(reason));
            }
            UpstreamFact::Events { events, credit, read_at } => {
                let last = events.len().checked_sub(1).and_then(|last| events.get(last));
                if let Some(last) = last.filter(|last| self.last_event_id != last.id) {
                    self.last_event_id = Bytes::copy_from_slice(last.id);
                }
                let telemetry = &self.arguments.surroundings.telemetry;
                telemetry.received_sse.increment(events.len() as u64);
                self.count(&events);
                if !events.is_empty() {
                    self.take(Chunk::new(events, self.next, read_at, Some(Box::new(credit)), None));
                }
            }
        }
    }

    fn publish(&mut self, events: Events, publish_id: String, watch: Watch) -> Result<Taken, PublishError> {
        let Arguments { record, surroundings, .. } = &self.arguments;
        let Surroundings { telemetry, clock, .. } = &**surroundings;
        let subscriptions = record.seats();
        if let Some(first) = self.published.get(&publish_id) {
            return Ok(Taken { first, subscriptions, repeated: true });
        }
        let Some(credit) = self.door.try_admit(chunk::octets(&events)) else {
            telemetry.dropped_no_credit.increment(events.len() as u64);
            return Err(PublishError::Full);
        };
        telemetry.received_grpc.increment(events.len() as u64);
        self.count(&events);
        let first = self.next;
        let now = clock.now();
        self.take(Chunk::new(events, first, now, Some(Box::new(credit)), Some(watch)));
        self.published.remember(publish_id, first);
        Ok(Taken { first, subscriptions, repeated: false })
    }

    fn count(&self, events: &Events) {
        let Surroundings { telemetry, admission, .. } = &*self.arguments.surroundings;
        if events.repaired() > 0 || events.oversize() > 0 {
            telemetry.utf8_repaired.increment(events.repaired().into());
            telemetry.dropped_oversize_line.increment(events.oversize().into());
        }
        telemetry.credits_available.set(admission.available() as f64);
        self.arguments.record.set_position(self.next + events.len() as u64, &self.last_event_id);
    }

    /// Numbers a chunk, logs it and gives it to every group.
    fn take(&mut self, chunk: Chunk) {
        self.next = chunk.range().end;
        let chunk = Arc::new(chunk);
        match self.arguments.record.give(&chunk, |group, roll| self.start(group, roll)) {
            true => self.sweep_later(),
            false => chunk.release(),
        }
        self.log.push(chunk);
    }

    /// Lets a subscription in, with what the log has of the events it wants.
    fn attach(&mut self, seat: &SharedSeat, start: &Start) {
        let from = match start {
            Start::Live => self.next,
            Start::At(seq) => *seq,
            Start::After(last_event_id) => self.log.after(last_event_id).unwrap_or(self.next),
        };
        seat.place_at(from);
        match self.log.from(from) {
            // What its group has not handled yet is older than what it wants.
            nothing if nothing.is_empty() => seat.attach(),
            chunks => self.tell(seat.group(), GroupMessage::Attach(SharedSeat::clone(seat), chunks)),
        }
    }

    fn detach(&mut self, seat: &SharedSeat, reason: DropReason) {
        let Arguments { record, surroundings, .. } = &self.arguments;
        match record.leave(seat) {
            true => surroundings.ledger.record(|tally| seat.close(surroundings.clock.now(), reason, tally)),
            false => self.tell(seat.group(), GroupMessage::Close(SharedSeat::clone(seat), reason)),
        }
    }

    fn sweep(&mut self) {
        self.sweeping = false;
        if self.arguments.record.is_awake() {
            self.arguments.record.sweep();
            self.sweep_later();
        }
    }

    /// Somebody is awake, and may be put to sleep some time.
    fn sweep_later(&mut self) {
        if !self.sweeping {
            self.sweeping = true;
            let _detached = self.myself.send_after(SWEEP_INTERVAL, || SourceMessage::Sweep);
        }
    }

    fn tell(&mut self, group: usize, message: GroupMessage) {
        self.arguments.record.tell(group, message, |roll| self.start(group, roll));
        self.sweep_later();
    }

    fn start(&self, group: usize, roll: Arc<Roll>) -> Option<ActorRef<GroupMessage>> {
        let Surroundings { log_octets, ledger, clock, broken, supervisor, .. } = &*self.arguments.surroundings;
        let myself = self.myself.clone();
        let arguments = group::Arguments {
            roll,
            backlog_limit: *log_octets,
            ledger: Arc::clone(ledger),
            clock: clock.clone(),
            asleep: Port::new(move |handled| {
                // Without its source it is not needed for long.
                let _ = myself.cast(SourceMessage::Asleep(group, handled));
            }),
            broken: broken.clone(),
        };
        // It has a mailbox from the start. Only a name that is taken could make it fail, and it has none.
        let spawned = ActorRuntime::spawn_linked_instant(None, Group, arguments, supervisor.clone());
        spawned.ok().map(|(actor, _)| actor)
    }
}
