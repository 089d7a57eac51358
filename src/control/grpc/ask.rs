//! Asking an actor, with a limit to the wait.

use crate::actors::CALL_TIMEOUT;
use ractor::rpc::CallResult;
use ractor::{ActorRef, Message, RpcReplyPort};
use tonic::Status;

/// What `actor` answers to `question`.
///
/// # Errors
/// DEADLINE_EXCEEDED when it does not answer in time, UNAVAILABLE when it is gone.
pub(super) async fn ask<M: Message, Answer: Send + 'static>(
    actor: &ActorRef<M>,
    question: impl FnOnce(RpcReplyPort<Answer>) -> M,
) -> Result<Answer, Status> {
    match actor.call(question, Some(CALL_TIMEOUT)).await {
        Ok(CallResult::Success(answer)) => Ok(answer),
        Ok(CallResult::Timeout) => {
            let message = format!("no answer within {CALL_TIMEOUT:?}; the call may still have an effect");
            Err(Status::deadline_exceeded(message))
        }
        Ok(CallResult::SenderError) | Err(_) => Err(stopping()),
    }
}

/// The router is on its way out; another one will be there soon.
pub(super) fn stopping() -> Status {
    Status::unavailable("the router is stopping")
}
