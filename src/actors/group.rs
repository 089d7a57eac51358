//! The actor of some subscriptions of one source: the only way by which events reach them.
//!
//! A source gives each of its first subscriptions an actor of its own. When it has many, the others share one by the
//! thousand: what an event costs is then the work of their engines, not a message to each. The actor is there only
//! while one of its subscriptions is awake.

use super::clock::Clock;
use super::ledger::Ledger;
use super::port::Port;
use super::seat::{Broken, Seat, SharedSeat};
use crate::engine::chunk::Chunk;
use crate::engine::clock::Now;
use crate::engine::subscription::{Backlog, Taken};
use crate::engine::tally::Tally;
use crate::model::{DropReason, HandsetId};
use parking_lot::Mutex;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::sync::Arc;

/// The subscriptions of a group, in no order.
pub type Roll = Mutex<Vec<SharedSeat>>;

/// Behaviour of a group's actor.
pub struct Group;

/// What a group is told.
#[derive(Debug)]
pub enum GroupMessage {
    /// Events for every subscription.
    Events(Arc<Chunk>),
    /// One is to have these events first, and then what comes for all, unless there are more before that.
    Attach(SharedSeat, Vec<Arc<Chunk>>, bool),
    /// One is over; its source has taken every event before this number.
    Close(SharedSeat, DropReason, u64),
    /// Those of whom nothing is on its way may go to sleep.
    Sweep,
}

/// What a group is made of.
pub struct Arguments {
    /// Its subscriptions.
    pub roll: Arc<Roll>,
    /// What each keeps waiting.
    pub backlog: Backlog,
    /// Told of those that were behind and have room for more.
    pub roomy: Port<SharedSeat>,
    /// Where counts go.
    pub ledger: Arc<Ledger>,
    /// What time it is.
    pub clock: Clock,
    /// Told how many messages it has handled when all its subscriptions sleep.
    pub asleep: Port<u64>,
    /// Told of handsets whose engine has failed.
    pub broken: Port<HandsetId>,
}

/// A group's state.
pub struct State {
    arguments: Arguments,
    /// Messages.
    handled: u64,
}

impl Actor for Group {
    type Msg = GroupMessage;
    type State = State;
    type Arguments = Arguments;

    async fn pre_start(&self, _: ActorRef<GroupMessage>, arguments: Arguments) -> Result<State, ActorProcessingErr> {
        Ok(State { arguments, handled: 0 })
    }

    async fn handle(
        &self,
        _: ActorRef<GroupMessage>,
        message: GroupMessage,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        state.handled += 1;
        match message {
            GroupMessage::Events(chunk) => state.handle_events(&chunk),
            GroupMessage::Attach(seat, chunks, more) => state.attach(&seat, &chunks, more),
            GroupMessage::Close(seat, reason, next) => state.close(&seat, reason, next),
            GroupMessage::Sweep => state.sweep(),
        }
        Ok(())
    }
}

impl State {
    fn handle_events(&self, chunk: &Arc<Chunk>) {
        let Arguments { roll, ledger, clock, .. } = &self.arguments;
        let now = clock.now();
        ledger.record(|tally| {
            for seat in roll.lock().iter() {
                self.give(now, seat, chunk, tally);
            }
        });
    }

    /// Gives one its events; false if it wants no more of them now.
    fn give(&self, now: Now, seat: &SharedSeat, chunk: &Arc<Chunk>, tally: &mut Tally) -> bool {
        let Arguments { backlog, broken, roomy, .. } = &self.arguments;
        match seat.handle_events(now, chunk, *backlog, tally) {
            Ok(Taken::Whole) => return true,
            Ok(Taken::Full) => Seat::call_when_roomy(seat, roomy.clone()),
            Err(Broken) => broken.send(seat.handset().id()),
        }
        false
    }

    fn attach(&self, seat: &SharedSeat, chunks: &[Arc<Chunk>], more: bool) {
        let Arguments { ledger, clock, roomy, .. } = &self.arguments;
        let now = clock.now();
        seat.attach();
        let all = ledger.record(|tally| chunks.iter().all(|chunk| self.give(now, seat, chunk, tally)));
        if all && more {
            seat.fall_behind();
            Seat::call_when_roomy(seat, roomy.clone());
        }
    }

    fn close(&self, seat: &SharedSeat, reason: DropReason, next: u64) {
        let Arguments { roll, ledger, clock, .. } = &self.arguments;
        remove(roll, seat);
        ledger.record(|tally| seat.close(clock.now(), reason, next, tally));
    }

    fn sweep(&self) {
        let Arguments { roll, ledger, clock, asleep, .. } = &self.arguments;
        let now = clock.now();
        let awake = ledger.record(|tally| roll.lock().iter().filter(|seat| !seat.sweep(now, tally)).count());
        if awake == 0 {
            asleep.send(self.handled);
        }
    }
}

/// Takes a subscription off a roll.
pub(super) fn remove(roll: &Roll, seat: &SharedSeat) {
    let mut seats = roll.lock();
    if let Some(at) = seats.iter().position(|other| SharedSeat::ptr_eq(other, seat)) {
        seats.swap_remove(at);
    }
}
