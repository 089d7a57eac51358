//! The actor of one source: one upstream, one numbering, one log, however many subscriptions.
//!
//! The log is a ring in memory: what it holds can be given to a subscription that comes back; what fell out of it
//! cannot.

use super::admission::Door;
use super::clock::Clock;
use super::port::Port;
use super::subscription::SubscriptionMessage;
use super::upstream::{UpstreamFact, UpstreamHandle, Upstreams};
use crate::codec::sse::Events;
use crate::engine::chunk::{Chunk, Watch};
use crate::model::{SourceId, SourceOrigin, SubscriptionId};
use bytes::Bytes;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Identities of publications remembered, so that a retry publishes nothing twice.
const PUBLISH_IDS_REMEMBERED: usize = 10_000;

/// Behaviour of a source's actor.
pub struct Source;

/// What a source is told.
pub enum SourceMessage {
    /// A subscription wants its events.
    Attach {
        /// Which one.
        id: SubscriptionId,
        /// Where to send them.
        subscriber: ActorRef<SubscriptionMessage>,
        /// From which event on.
        from: Start,
    },
    /// A subscription wants no more.
    Detach(SubscriptionId),
    /// Something happened upstream.
    Upstream(UpstreamFact),
    /// Opens the upstream again if it has ended.
    Reopen,
    /// Events from a publisher.
    Publish {
        /// The events.
        events: Events,
        /// Names the publication, so that a retry is harmless; empty for none.
        publish_id: String,
        /// Told how they end.
        watch: Watch,
        /// Told whether they were taken.
        reply: RpcReplyPort<Result<Taken, PublishError>>,
    },
}

/// Where a subscription starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the next event that comes.
    Live,
    /// With the event of this number.
    At(u64),
    /// Where it was let in before, since it has not heard of that yet.
    Again,
    /// After the event with this id, if the log has it.
    After(Bytes),
}

/// Events that were taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The number of the first.
    pub first: u64,
    /// Subscriptions that they go to.
    pub subscriptions: usize,
    /// The publication was known, and nothing was done again.
    pub repeated: bool,
}

/// Why a publication was not taken.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublishError {
    /// No subscription has asked for such a source.
    #[error("no subscription is active for this source")]
    UnknownSource,
    /// Too much is in flight.
    #[error("too many octets in flight: try again later")]
    Full,
}

/// What a source tells about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceFact {
    /// The upstream is being opened.
    Connecting,
    /// The upstream is open.
    Open,
    /// The upstream is lost and tried again later.
    Waiting(String),
    /// The upstream has ended for good.
    Ended(String),
    /// So many events of a publisher were refused: too much is in flight.
    Refused(u64),
    /// Events came: how many, how many were repaired, how many were too long and left out.
    Received(Received),
}

/// Counts of what came in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// Events.
    pub events: u64,
    /// Events with octets that were no UTF-8.
    pub repaired: u64,
    /// Events left out because they were too long.
    pub oversize: u64,
    /// Whether a publisher sent them.
    pub published: bool,
    /// One past the number of the last.
    pub next: u64,
    /// The id of the last.
    pub last_event_id: Bytes,
}

/// What a source is made of.
pub struct Arguments {
    /// Which one.
    pub id: SourceId,
    /// After which event of the origin to start; empty for wherever it starts.
    pub last_event_id: Bytes,
    /// The number of its first event.
    pub first: u64,
    /// Opens upstreams.
    pub upstreams: Arc<dyn Upstreams>,
    /// Where its events come in.
    pub door: Door,
    /// Octets of events it keeps.
    pub log_octets: usize,
    /// Told what happens.
    pub facts: Port<SourceFact>,
    /// What time it is.
    pub clock: Clock,
}

struct Subscriber {
    id: SubscriptionId,
    actor: ActorRef<SubscriptionMessage>,
    /// The number of the first event it was to have.
    from: u64,
}

/// A source's state.
pub struct State {
    arguments: Arguments,
    upstream: Option<UpstreamHandle>,
    log: VecDeque<Arc<Chunk>>,
    log_octets: usize,
    next: u64,
    last_event_id: Bytes,
    subscribers: Vec<Subscriber>,
    published: HashMap<String, u64>,
    published_order: VecDeque<String>,
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
        let mut state = State {
            last_event_id: arguments.last_event_id.clone(),
            next: arguments.first,
            arguments,
            upstream: None,
            log: VecDeque::new(),
            log_octets: 0,
            subscribers: Vec::new(),
            published: HashMap::new(),
            published_order: VecDeque::new(),
        };
        state.open(&myself);
        Ok(state)
    }

    async fn handle(
        &self,
        myself: ActorRef<SourceMessage>,
        message: SourceMessage,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            SourceMessage::Upstream(fact) => state.handle_upstream(fact),
            SourceMessage::Attach { id, subscriber, from } => state.attach(id, subscriber, &from),
            SourceMessage::Detach(id) => state.subscribers.retain(|other| other.id != id),
            SourceMessage::Reopen => {
                if state.upstream.is_none() {
                    state.open(&myself);
                }
            }
            SourceMessage::Publish { events, publish_id, watch, reply } => {
                // Whoever asked may have gone; the events are taken all the same.
                let _ = reply.send(state.publish(events, publish_id, watch));
            }
        }
        Ok(())
    }
}

impl State {
    fn open(&mut self, myself: &ActorRef<SourceMessage>) {
        if !matches!(self.arguments.id.origin(), SourceOrigin::Url(_)) {
            self.arguments.facts.send(SourceFact::Open);
            return;
        }
        self.arguments.facts.send(SourceFact::Connecting);
        let myself = myself.clone();
        let facts = Port::new(move |fact| {
            // A source that has stopped has dropped its upstream; what was on its way is no longer wanted.
            let _ = myself.cast(SourceMessage::Upstream(fact));
        });
        let Arguments { id, upstreams, door, .. } = &self.arguments;
        self.upstream = Some(upstreams.open(id, self.last_event_id.clone(), door.clone(), facts));
    }

    fn handle_upstream(&mut self, fact: UpstreamFact) {
        match fact {
            UpstreamFact::Opened { .. } => self.arguments.facts.send(SourceFact::Open),
            UpstreamFact::Lost { reason, retry_in } => {
                let reason = format!("{reason}; again in {retry_in:.1?}");
                self.arguments.facts.send(SourceFact::Waiting(reason));
            }
            UpstreamFact::Ended { reason } => {
                self.upstream = None;
                self.arguments.facts.send(SourceFact::Ended(reason));
            }
            UpstreamFact::Events { events, credit, read_at } => {
                let last = events.len().checked_sub(1).and_then(|last| events.get(last));
                if let Some(last) = last.filter(|last| self.last_event_id != last.id) {
                    self.last_event_id = Bytes::copy_from_slice(last.id);
                }
                self.count(&events, false);
                if !events.is_empty() {
                    self.take(Chunk::new(events, self.next, read_at, Some(Box::new(credit)), None));
                }
            }
        }
    }

    fn publish(&mut self, events: Events, publish_id: String, watch: Watch) -> Result<Taken, PublishError> {
        let subscriptions = self.subscribers.len();
        if let Some(first) = self.published.get(&publish_id) {
            return Ok(Taken { first: *first, subscriptions, repeated: true });
        }
        let Some(credit) = self.arguments.door.try_admit(events.octets()) else {
            self.arguments.facts.send(SourceFact::Refused(events.len() as u64));
            return Err(PublishError::Full);
        };
        self.count(&events, true);
        let first = self.next;
        self.take(Chunk::new(events, first, self.arguments.clock.now(), Some(Box::new(credit)), Some(watch)));
        if !publish_id.is_empty() {
            if self.published_order.len() == PUBLISH_IDS_REMEMBERED
                && let Some(oldest) = self.published_order.pop_front()
            {
                self.published.remove(&oldest);
            }
            self.published_order.push_back(publish_id.clone());
            self.published.insert(publish_id, first);
        }
        Ok(Taken { first, subscriptions, repeated: false })
    }

    fn count(&self, events: &Events, published: bool) {
        self.arguments.facts.send(SourceFact::Received(Received {
            events: events.len() as u64,
            repaired: events.repaired().into(),
            oversize: events.oversize().into(),
            published,
            next: self.next + events.len() as u64,
            last_event_id: self.last_event_id.clone(),
        }));
    }

    /// Numbers a chunk, logs it and gives it to every subscription.
    fn take(&mut self, chunk: Chunk) {
        self.next = chunk.range().end;
        if self.subscribers.is_empty() {
            chunk.release();
        }
        let chunk = Arc::new(chunk);
        for subscriber in &self.subscribers {
            // One that has failed is restarted and attaches again from where it was.
            let _ = subscriber.actor.cast(SubscriptionMessage::Events(Arc::clone(&chunk)));
        }
        self.log_octets += chunk.octets();
        self.log.push_back(chunk);
        while self.log_octets > self.arguments.log_octets && self.log.len() > 1 {
            let Some(oldest) = self.log.pop_front() else { break };
            self.log_octets -= oldest.octets();
        }
    }

    /// Lets a subscription in, with what the log has of the events it wants.
    fn attach(&mut self, id: SubscriptionId, actor: ActorRef<SubscriptionMessage>, from: &Start) {
        let known = self.subscribers.iter().position(|other| other.id == id).map(|at| self.subscribers.remove(at));
        let from = match from {
            Start::Live => self.next,
            Start::At(seq) => *seq,
            Start::Again => known.map_or(self.next, |known| known.from),
            Start::After(last_event_id) => self.after(last_event_id).unwrap_or(self.next),
        };
        // One that is gone by now is detached by whoever stopped it.
        let _ = actor.cast(SubscriptionMessage::Attached(from));
        for chunk in self.log.iter().filter(|chunk| chunk.range().end > from) {
            let _ = actor.cast(SubscriptionMessage::Events(Arc::clone(chunk)));
        }
        self.subscribers.push(Subscriber { id, actor, from });
    }

    /// The number after the last event with this id in the log.
    fn after(&self, last_event_id: &[u8]) -> Option<u64> {
        self.log.iter().rev().find_map(|chunk| {
            let mut numbers = chunk.range().rev();
            numbers.find(|seq| chunk.get(*seq).is_some_and(|event| event.id == last_event_id)).map(|seq| seq + 1)
        })
    }
}
