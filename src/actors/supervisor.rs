//! Watches over the actors and says who has failed; what follows is decided elsewhere.

use super::port::Port;
use ractor::{Actor, ActorId, ActorProcessingErr, ActorRef, SupervisionEvent};

/// Behaviour of the supervisor.
pub struct Supervisor;

/// The supervisor is told nothing: it only watches.
#[derive(Debug)]
pub enum SupervisorMessage {}

/// An actor that failed.
#[derive(Debug)]
pub struct Failure {
    /// Which one.
    pub actor: ActorId,
    /// What it died of.
    pub reason: String,
}

impl Actor for Supervisor {
    type Msg = SupervisorMessage;
    type State = Port<Failure>;
    type Arguments = Port<Failure>;

    async fn pre_start(
        &self,
        _: ActorRef<SupervisorMessage>,
        failures: Port<Failure>,
    ) -> Result<Port<Failure>, ActorProcessingErr> {
        Ok(failures)
    }

    /// ractor's own answer to the end of a child is to end the supervisor as well.
    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<SupervisorMessage>,
        event: SupervisionEvent,
        failures: &mut Port<Failure>,
    ) -> Result<(), ActorProcessingErr> {
        if let SupervisionEvent::ActorFailed(actor, reason) = event {
            failures.send(Failure { actor: actor.get_id(), reason: reason.to_string() });
        }
        Ok(())
    }
}
