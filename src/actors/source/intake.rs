//! What comes in: told apart from what was had, numbered, logged, and given to every group.

use super::known::{Arrived, Known};
use super::{Arguments, HELD_FOR, PATIENCE, PublishError, SourceFact, SourceMessage, State, Surroundings, Taken};
use crate::actors::admission::Credit;
use crate::actors::upstream::{Outage, Resume, UpstreamFact};
use crate::codec::sse::Events;
use crate::engine::chunk::{self, Chunk, Hold, Watch};
use crate::engine::clock::Now;
use ractor::RpcReplyPort;
use std::sync::Arc;
use tracing::debug;

impl State {
    pub(super) fn handle_upstream(&mut self, fact: UpstreamFact) {
        let facts = &self.arguments.facts;
        match fact {
            UpstreamFact::Opened { resumed } => {
                facts.send(SourceFact::Open);
                self.go_on(resumed);
            }
            UpstreamFact::Retry(time) => self.retry = Some(time),
            UpstreamFact::Lost { outage: Outage { cause, reason }, retry_in } => {
                let reason = format!("{reason}; again in {retry_in:.1?}");
                facts.send(SourceFact::Waiting(Outage { cause, reason }));
                self.take_held();
            }
            UpstreamFact::Ended { outage } => {
                self.upstream = None;
                facts.send(SourceFact::Ended(outage));
                self.take_held();
            }
            UpstreamFact::Events { events, credit, read_at } => {
                self.count(&events);
                let arrived = Arrived { events, credit, read_at };
                match self.known.is_empty() {
                    true => self.take_arrived(arrived),
                    false => self.sift(arrived),
                }
            }
        }
    }

    fn take_arrived(&mut self, Arrived { events, credit, read_at }: Arrived) {
        self.arguments.surroundings.telemetry.received_sse.increment(events.len() as u64);
        self.take(events, Some(read_at), credit, None);
    }

    /// Leaves out what was taken before the upstream was lost.
    fn sift(&mut self, arrived: Arrived) {
        let (new, again) = self.known.sift(arrived, &self.log);
        self.arguments.surroundings.telemetry.known_again.increment(again);
        new.into_iter().for_each(|arrived| self.take_arrived(arrived));
        if self.known.holds() {
            let _detached = self.myself.send_after(HELD_FOR, || SourceMessage::TakeHeld);
        }
    }

    /// Nothing has come that says what was held.
    pub(super) fn take_held(&mut self) {
        self.known.give_up().into_iter().for_each(|arrived| self.take_arrived(arrived));
    }

    /// The upstream is open. Where it was open before and was not told where to go on, events may be missing.
    fn go_on(&mut self, resumed: Option<Resume>) {
        let Arguments { record, surroundings, .. } = &self.arguments;
        match resumed {
            Some(resume) => self.known = Known::new(resume, self.next),
            None if self.was_open => {
                let epoch = record.begin_epoch(&surroundings.journal);
                surroundings.telemetry.gaps.increment(1);
                debug!(source = record.id().logged(), epoch, "events may be missing: the origin gives no ids");
            }
            None => {}
        }
        self.was_open = true;
    }

    pub(super) fn publish(&mut self, events: Events, publish_id: String, watch: Watch) -> Result<Taken, PublishError> {
        let Arguments { record, surroundings, .. } = &self.arguments;
        let Surroundings { telemetry, journal, .. } = &**surroundings;
        let subscriptions = record.seats();
        if let Some(first) = record.published().get(&publish_id) {
            return Ok(Taken { first, subscriptions, repeated: true });
        }
        if journal.is_failing() {
            return Err(PublishError::Store);
        }
        let Some(credit) = self.door.try_admit(chunk::octets(&events)) else {
            telemetry.dropped_no_credit.increment(events.len() as u64);
            return Err(PublishError::Full);
        };
        telemetry.received_grpc.increment(events.len() as u64);
        record.remember(publish_id, self.next, journal);
        self.count(&events);
        let first = self.next;
        self.take(events, None, credit, Some(watch));
        Ok(Taken { first, subscriptions, repeated: false })
    }

    /// Events are *taken* when they are durable, and not before.
    pub(super) fn answer(&self, result: Result<Taken, PublishError>, reply: RpcReplyPort<Result<Taken, PublishError>>) {
        // Whoever asked may have gone; the events are taken all the same.
        match result {
            Ok(taken) => self.arguments.surroundings.journal.when_durable(move || {
                let _ = reply.send(Ok(taken));
            }),
            Err(error) => {
                let _ = reply.send(Err(error));
            }
        }
    }

    fn count(&self, events: &Events) {
        let Surroundings { telemetry, admission, .. } = &*self.arguments.surroundings;
        if events.repaired() > 0 || events.oversize() > 0 {
            telemetry.utf8_repaired.increment(events.repaired().into());
            telemetry.dropped_oversize_line.increment(events.oversize().into());
        }
        telemetry.credits_available.set(admission.available() as f64);
    }

    /// Numbers events, logs them and gives them to every group. They come now unless they were read before.
    fn take(&mut self, events: Events, read_at: Option<Now>, credit: Credit, watch: Option<Watch>) {
        if events.is_empty() {
            return;
        }
        let Arguments { record, surroundings, .. } = &self.arguments;
        let journal = &surroundings.journal;
        let epoch = record.advance(&events, journal);
        let (hold, until_durable): (Hold, Option<Hold>) = match journal.is_on() {
            true => {
                let credit = Arc::new(credit);
                (Box::new(Arc::clone(&credit)), Some(Box::new(credit)))
            }
            false => (Box::new(credit), None),
        };
        let read_at = read_at.unwrap_or_else(|| surroundings.clock.now());
        let chunk = Arc::new(Chunk::new(events, self.next, read_at, Some(hold), watch).in_epoch(epoch));
        self.next = chunk.range().end;
        journal.append(record.number(), &chunk, until_durable);
        if journal.is_before() {
            let (myself, end) = (self.myself.clone(), self.next);
            self.held.push_back(chunk);
            journal.when_durable(move || {
                let _ = myself.cast(SourceMessage::Durable(end));
            });
        } else {
            self.give(chunk);
        }
        if self.arguments.surroundings.journal.is_on() && self.door.is_pressed() {
            self.let_go_later();
        }
    }

    /// Who has no room for events has to leave them in the log, rather than let the origin wait for ever.
    pub(super) fn let_go(&mut self) {
        self.looking = false;
        let now = self.arguments.surroundings.clock.now();
        let waited = self.log.release_before(now.monotonic.saturating_sub(self.patience));
        self.patience = if waited { PATIENCE.1 } else { PATIENCE.0 };
        if self.door.is_pressed() {
            self.let_go_later();
        }
    }

    fn let_go_later(&mut self) {
        if !std::mem::replace(&mut self.looking, true) {
            let _detached = self.myself.send_after(self.patience, || SourceMessage::LetGo);
        }
    }

    pub(super) fn give_held(&mut self, end: u64) {
        while let Some(chunk) = self.held.pop_front_if(|chunk| chunk.range().end <= end) {
            self.give(chunk);
        }
    }

    fn give(&mut self, chunk: Arc<Chunk>) {
        match self.arguments.record.give(&chunk, |group, roll| self.start(group, roll)) {
            true => self.sweep_later(),
            false => drop(chunk.release()),
        }
        self.give_readers(&chunk);
        self.log.push(chunk);
    }
}
