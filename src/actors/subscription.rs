//! The actor of one active subscription: the only way by which events and changes reach its part of a handset's engine.

use super::clock::Clock;
use super::handset::HandsetCell;
use super::ledger::Ledger;
use crate::engine::chunk::Chunk;
use crate::engine::handset::Place;
use crate::engine::subscription::Settlement;
use crate::model::{DropReason, Policy, SubscriptionId};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::sync::Arc;

/// Behaviour of a subscription's actor.
pub struct Subscription;

/// What a subscription is told.
#[derive(Debug)]
pub enum SubscriptionMessage {
    /// The source has let it in: its first event will have this number.
    Attached(u64),
    /// Events of its source.
    Events(Arc<Chunk>),
    /// Its policy was changed.
    SetPolicy(Policy),
    /// It is over; the actor stops.
    Close(DropReason),
}

/// What a subscription is made of.
pub struct Arguments {
    /// Which one.
    pub id: SubscriptionId,
    /// Where its engine is.
    pub handset: Arc<HandsetCell>,
    /// Its place there.
    pub place: Place,
    /// Where its counts go.
    pub ledger: Arc<Ledger>,
    /// What time it is.
    pub clock: Clock,
}

impl Actor for Subscription {
    type Msg = SubscriptionMessage;
    type State = Arguments;
    type Arguments = Arguments;

    async fn pre_start(
        &self,
        _: ActorRef<SubscriptionMessage>,
        arguments: Arguments,
    ) -> Result<Arguments, ActorProcessingErr> {
        Ok(arguments)
    }

    async fn handle(
        &self,
        myself: ActorRef<SubscriptionMessage>,
        message: SubscriptionMessage,
        state: &mut Arguments,
    ) -> Result<(), ActorProcessingErr> {
        let (now, place) = (state.clock.now(), state.place);
        match message {
            SubscriptionMessage::Events(chunk) => state.ledger.record(|tally| {
                HandsetCell::change(&state.handset, now, |engine| engine.handle_chunk(now, place, &chunk, tally));
            }),
            SubscriptionMessage::Attached(from) => {
                state.handset.look(|engine| engine.get(place).map(|one| one.handle_attached(from)));
            }
            SubscriptionMessage::SetPolicy(policy) => {
                HandsetCell::change(&state.handset, now, |engine| engine.get(place).map(|one| one.set_policy(policy)));
            }
            SubscriptionMessage::Close(reason) => {
                state.ledger.record(|tally| {
                    HandsetCell::settle(&state.handset, now, |engine, receipts| {
                        engine.close(now, place, reason, &mut Settlement { tally, receipts });
                    });
                });
                myself.stop(None);
            }
        }
        Ok(())
    }
}
