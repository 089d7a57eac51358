//! The actor of one source: one upstream, one numbering, one log, however many subscriptions.

mod intake;
mod known;
mod log;
mod message;
mod position;
mod published;
mod reading;
mod record;

pub use message::{PublishError, SourceFact, SourceMessage, Taken};
pub use position::Position;
pub use published::Published;
pub use reading::{Found, Piece};
pub use record::SourceRecord;

use super::admission::{Admission, Door};
use super::clock::Clock;
use super::group::{self, Group, GroupMessage, Roll};
use super::journal::{self, Journal};
use super::ledger::Ledger;
use super::port::Port;
use super::seat::{SharedSeat, Start};
use super::upstream::{UpstreamHandle, Upstreams};
use crate::engine::chunk::Chunk;
use crate::engine::progress::Progress;
use crate::model::{DropReason, HandsetId, SourceOrigin};
use crate::store::row;
use crate::store::{StoreError, Table};
use crate::telemetry::Telemetry;
use known::Known;
use log::Log;
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, ActorRuntime, ActorStatus};
use reading::Readers;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tracing::{debug, warn};

/// A subscription of which nothing was on its way for this long, or up to twice as long, goes to sleep.
const SWEEP_INTERVAL: Duration = Duration::from_secs(30);

/// How long the fastest subscription may hold its source, as long as it moves on; and how long if it does not, and what
/// it leaves is in the store's log.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_millis(10));
/// How long events wait for others to say whether they were had before.
const HELD_FOR: Duration = Duration::from_secs(2);
/// How long the store is left alone when its log could not be read.
const READ_AGAIN: Duration = Duration::from_millis(200);
/// Octets of the store's log that a subscription is given at a time.
const FEED_OCTETS: usize = 64 * 1024;

/// Behaviour of a source's actor.
pub struct Source;

/// What a source is made of.
pub struct Arguments {
    /// What its last actor left.
    pub record: Arc<SourceRecord>,
    /// How long it waits before it opens its upstream: when many start at once, they do not open them at once.
    pub delay: Duration,
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
    /// What is durable.
    pub journal: Journal,
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
    /// Events that are given on when they are durable.
    held: VecDeque<Arc<Chunk>>,
    /// How long the origin says that user agents should wait before they come again.
    retry: Option<Duration>,
    /// Who waits for events without a subscription.
    readers: Readers,
    /// Events that may come again.
    known: Known,
    /// The upstream was open.
    was_open: bool,
    /// How long the next events hold the source, at most.
    patience: Duration,
    /// A look at what holds it is to come.
    looking: bool,
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
        let next = arguments.record.next();
        let mut state = State {
            // Half of what the log keeps, so that no event falls out of it before one subscription has had it.
            door: admission.door(log_octets / 2),
            log: Log::new(*log_octets),
            next,
            held: VecDeque::new(),
            retry: None,
            readers: Readers::new(),
            known: Known::default(),
            was_open: next > 0,
            arguments,
            myself,
            upstream: None,
            patience: PATIENCE.0,
            looking: false,
            sweeping: false,
        };
        state.begin();
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
            SourceMessage::Refill(seat) => state.feed(&seat, seat.end()),
            SourceMessage::Logged(seat, chunks) => state.give_logged(&seat, chunks),
            SourceMessage::Recent(chunks) => state.begin_behind(chunks),
            SourceMessage::Find(id, reply) => state.find(id, |found| {
                // Whoever asked may have gone.
                let _ = reply.send(found);
            }),
            SourceMessage::Acknowledged(streams, id) => state.acknowledge(&streams, &id),
            SourceMessage::Read(from, reply) => state.read(from, reply),
            SourceMessage::Durable(end) => state.give_held(end),
            SourceMessage::Detach(seat, reason) => state.detach(&seat, reason),
            SourceMessage::Reopen => {
                if state.upstream.is_none() {
                    state.open();
                }
            }
            SourceMessage::Publish { events, publish_id, watch, reply } => {
                let result = state.publish(events, publish_id, watch);
                state.answer(result, reply);
            }
            SourceMessage::TakeHeld => state.take_held(),
            SourceMessage::LetGo => state.let_go(),
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
    /// Opens the upstream: first of all what may come again has to be at hand, and not everybody is first.
    fn begin(&mut self) {
        let (myself, Arguments { record, surroundings, delay, .. }) = (self.myself.clone(), &self.arguments);
        if !surroundings.journal.is_on() {
            record.resume_at_last(); // nothing is at hand
        }
        let nothing_before = self.next == 0 || !surroundings.journal.is_on();
        if !matches!(record.id().origin(), SourceOrigin::Url(_)) || (delay.is_zero() && nothing_before) {
            return self.open();
        }
        let (journal, record, clock) = (surroundings.journal.clone(), Arc::clone(record), surroundings.clock.clone());
        let (from, octets, delay) = (record.resume().get().from, surroundings.log_octets, *delay);
        self.arguments.facts.send(SourceFact::Connecting);
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            let recent = match journal.read(record.number(), from, octets).await {
                Ok(recent) => recent,
                Err(error) => {
                    warn!(source = record.id().logged(), %error, "events that come again will be sent again");
                    Vec::new()
                }
            };
            let now = clock.now();
            let chunks = recent.into_iter().map(|logged| journal::chunk(now, logged)).collect();
            // It may have stopped.
            let _ = myself.cast(SourceMessage::Recent(chunks));
        });
    }

    /// What the store's log has of the newest events is at hand.
    fn begin_behind(&mut self, chunks: Vec<Arc<Chunk>>) {
        let newest = chunks.last().map(|chunk| chunk.range().end);
        if newest == Some(self.next) && self.log.start().is_none() {
            chunks.into_iter().for_each(|chunk| self.log.push(chunk));
        }
        if self.upstream.is_none() {
            self.open();
        }
    }

    fn open(&mut self) {
        let Arguments { record, facts, surroundings, .. } = &self.arguments;
        if !matches!(record.id().origin(), SourceOrigin::Url(_)) {
            facts.send(SourceFact::Open);
            return;
        }
        facts.send(SourceFact::Connecting);
        let myself = self.myself.clone();
        let facts = Port::new(move |fact| {
            // A source that has stopped has dropped its upstream; what was on its way is no longer wanted.
            let _ = myself.cast(SourceMessage::Upstream(fact));
        });
        let (resume, door) = (record.resume().clone(), self.door.clone());
        self.upstream = Some(surroundings.upstreams.open(record.id(), resume, door, facts));
    }

    /// Lets a subscription in, with what there is of the events it wants.
    fn attach(&mut self, seat: &SharedSeat, start: &Start) {
        match start {
            Start::At(from) => self.attach_at(seat, *from, 0),
            Start::Behind { next } => self.attach_at(seat, *next, 1),
            Start::After(last_event_id) => {
                let (seat, myself) = (SharedSeat::clone(seat), self.myself.clone());
                self.find(last_event_id.clone(), move |found| {
                    let start = match found {
                        Found::At(from) => Start::At(from),
                        Found::Nowhere { next } => Start::Behind { next },
                    };
                    // It may have stopped.
                    let _ = myself.cast(SourceMessage::Attach(seat, start));
                });
            }
        }
    }

    /// Lets a subscription in with event number `from`, before which so many were lost that nobody has counted.
    fn attach_at(&mut self, seat: &SharedSeat, from: u64, gap: u64) {
        let Surroundings { journal, clock, log_octets, ledger, .. } = &*self.arguments.surroundings;
        let progress = Progress { released: from, gap, ..Progress::default() };
        if seat.is_new() {
            match gap {
                0 => seat.place_at(from),
                _ => {
                    let woken = seat.resume(clock.now(), &progress, journal.backlog(*log_octets));
                    ledger.record(|tally| tally.woken += u64::from(woken));
                }
            }
            journal.change(|batch| batch.put(Table::Progress, *seat.id().octets(), row::encode(&progress)));
        }
        self.feed(seat, from);
    }

    /// Gives a subscription what there is from number `from` on: from the ring if that has it, else some of the
    /// store's log.
    fn feed(&mut self, seat: &SharedSeat, from: u64) {
        let Surroundings { journal, clock, .. } = &*self.arguments.surroundings;
        if from >= self.log.start().unwrap_or(self.next) || !journal.is_on() {
            return self.give_recent(seat, from);
        }
        let (myself, seat) = (self.myself.clone(), SharedSeat::clone(seat));
        let (journal, clock, record) = (journal.clone(), clock.clone(), Arc::clone(&self.arguments.record));
        tokio::spawn(async move {
            let logged = loop {
                match journal.read(record.number(), from, FEED_OCTETS).await {
                    Ok(logged) => break logged,
                    Err(error @ StoreError::Damaged { .. }) => {
                        warn!(source = record.id().logged(), %error, "events are lost");
                        break Vec::new();
                    }
                    // They are there, and will be read when the store has recovered.
                    Err(error) => debug!(source = record.id().logged(), %error, "the log cannot be read now"),
                }
                tokio::time::sleep(READ_AGAIN).await;
                if myself.get_status() >= ActorStatus::Stopping {
                    return;
                }
            };
            let now = clock.now();
            let chunks = logged.into_iter().map(|one| journal::chunk(now, one)).collect();
            // It may have stopped; whoever starts it again feeds its subscriptions again.
            let _ = myself.cast(SourceMessage::Logged(seat, chunks));
        });
    }

    /// What the ring has is all there is.
    fn give_recent(&mut self, seat: &SharedSeat, from: u64) {
        match self.log.from(from) {
            // What its group has not handled yet is older than what it wants.
            nothing if nothing.is_empty() => seat.attach(),
            chunks => self.tell(seat.group(), GroupMessage::Attach(SharedSeat::clone(seat), chunks, false)),
        }
    }

    /// Gives a subscription what was read from the store's log. What that no longer has is lost.
    fn give_logged(&mut self, seat: &SharedSeat, chunks: Vec<Arc<Chunk>>) {
        let start = self.log.start().unwrap_or(self.next);
        match chunks.last() {
            Some(last) if last.range().end < self.next => {
                self.tell(seat.group(), GroupMessage::Attach(SharedSeat::clone(seat), chunks, true));
            }
            Some(_) => self.tell(seat.group(), GroupMessage::Attach(SharedSeat::clone(seat), chunks, false)),
            None => self.give_recent(seat, start),
        }
    }

    fn detach(&mut self, seat: &SharedSeat, reason: DropReason) {
        let Arguments { record, surroundings, .. } = &self.arguments;
        match record.leave(seat) {
            true => surroundings.ledger.record(|tally| seat.close(surroundings.clock.now(), reason, self.next, tally)),
            false => self.tell(seat.group(), GroupMessage::Close(SharedSeat::clone(seat), reason, self.next)),
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
        let Surroundings { log_octets, ledger, clock, broken, supervisor, journal, .. } = &*self.arguments.surroundings;
        let (myself, source) = (self.myself.clone(), self.myself.clone());
        let arguments = group::Arguments {
            roll,
            backlog: journal.backlog(*log_octets),
            roomy: Port::new(move |seat| {
                let _ = source.cast(SourceMessage::Refill(seat));
            }),
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
