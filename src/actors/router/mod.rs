//! The router: which subscriptions there are, which sources they need, and which handset each belongs to.
//!
//! Events do not pass through here: a source gives them to its subscriptions directly. The router starts and stops
//! actors, starts failed ones again, and answers whoever asks.

mod activation;
mod arming;
mod expiry;
mod import;
mod keys;
mod listing;
mod message;
mod notice;
mod recovery;
mod registry;
mod restore;
mod state;
mod streaming;
mod trouble;
mod view;

pub use message::{
    ActivateError, Activated, Activation, Armed, Arming, Change, Condition, Filter, Follower, Listing, Load, Page,
    Publication, RouterMessage, Status, StreamOpened, StreamWanted, View,
};
pub use restore::{Before, RestoreError, Restored};
pub use state::{Arguments, RelaySettings};

use ractor::{Actor, ActorProcessingErr, ActorRef};
use state::State;

/// Behaviour of the router.
pub struct Router;

impl Actor for Router {
    type Msg = RouterMessage;
    type State = State;
    type Arguments = Arguments;

    async fn pre_start(
        &self,
        myself: ActorRef<RouterMessage>,
        arguments: Arguments,
    ) -> Result<State, ActorProcessingErr> {
        State::start(myself, arguments).await
    }

    /// Replies go to whoever still waits; one that has given up misses nothing that it could not ask again.
    async fn handle(
        &self,
        _: ActorRef<RouterMessage>,
        message: RouterMessage,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            RouterMessage::Activate(activation, reply) => match state.activate(*activation).await {
                Ok(activated) => state.answer(reply, Ok(activated)),
                refused => drop(reply.send(refused)),
            },
            RouterMessage::Import(activations, reply) => {
                let results = state.import(activations).await;
                state.answer(reply, results);
            }
            RouterMessage::Validate(activations, reply) => {
                let _ = reply.send(state.validate(&activations));
            }
            RouterMessage::Arm(arming, reply) => match state.arm(*arming).await {
                Ok(armed) => state.answer(reply, Ok(armed)),
                refused => drop(reply.send(refused)),
            },
            RouterMessage::Confirm(nonce, reply) => {
                let confirmed = state.confirm(&nonce).await;
                state.answer(reply, confirmed);
            }
            RouterMessage::Expiries => state.handle_expiries(),
            RouterMessage::ProbeOver => state.forget_old_probes(),
            RouterMessage::OpenStream(wanted, reply) => {
                // A stream that nobody waits for any more is closed by this.
                let _ = reply.send(state.open_stream(*wanted).await);
            }
            RouterMessage::Acknowledge(source, follower, id) => state.acknowledge(&source, &follower, id),
            RouterMessage::StreamClosed(source, id) => state.stream_closed(&source, id),
            RouterMessage::LingerOver(source, id, times) => state.linger_over(&source, id, times),
            RouterMessage::Deactivate(tenant, id, reply) => {
                let gone = state.deactivate(&tenant, id).map(Box::new);
                state.answer(reply, gone);
            }
            RouterMessage::Get(tenant, id, reply) => {
                let _ = reply.send(state.get(&tenant, id).map(Box::new));
            }
            RouterMessage::List(page, reply) => {
                let _ = reply.send(state.list(&page));
            }
            RouterMessage::Watch(reply) => {
                let _ = reply.send(state.watch());
            }
            RouterMessage::Publish(publication, reply) => state.publish(*publication, reply),
            RouterMessage::Source(source, fact) => state.handle_source(&source, fact),
            RouterMessage::Failed(failure) => state.handle_failure(&failure).await,
            RouterMessage::Broken(handset) => state.handle_broken(handset),
            RouterMessage::StopIngress(reply) => {
                state.stop_ingress();
                let _ = reply.send(());
            }
            RouterMessage::Load(reply) => {
                let _ = reply.send(state.load());
            }
            RouterMessage::Abandon(reply) => {
                let _ = reply.send(state.abandon());
            }
        }
        Ok(())
    }
}
