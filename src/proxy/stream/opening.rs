//! A stream begins when its origin has answered: what the origin says is what the client hears (HTML §9.2.2 step 15).

use super::super::problem::Problem;
use super::super::push::refusal;
use super::super::{CALL_TIMEOUT, Proxy, unavailable};
use crate::actors::router::{Follower, RouterMessage, Status, StreamOpened, StreamWanted};
use crate::actors::source::{Found, Piece, SourceMessage};
use crate::actors::streams::OpenStream;
use crate::actors::upstream::{Cause, Outage};
use crate::model::SourceId;
use bytes::Bytes;
use http::StatusCode;
use ractor::ActorRef;
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

/// How long an event may take that is at hand.
const AT_HAND: Duration = Duration::from_millis(200);

/// A stream that may begin.
pub(in super::super) struct Opened {
    pub source: ActorRef<SourceMessage>,
    /// The number of the first event that came since.
    pub next: u64,
    pub status: watch::Receiver<Status>,
    pub stream: OpenStream,
}

/// Opens a stream of `source`, and waits for the first answer of its origin if that is to come.
pub(in super::super) async fn open(
    proxy: &Proxy,
    source: SourceId,
    follower: Option<Follower>,
    last_event_id: Bytes,
) -> Result<Opened, Problem> {
    let wanted = Box::new(StreamWanted { source, last_event_id, follower });
    let millis = CALL_TIMEOUT.as_millis() as u64;
    let opened = ractor::call_t!(proxy.router, |reply| RouterMessage::OpenStream(wanted, reply), millis);
    let StreamOpened { source, next, mut status, stream } =
        opened.map_err(|_| unavailable())?.map_err(|error| refusal(&error))?;
    let answered = |status: &Status| match status {
        Status::Active | Status::Ended(_) | Status::Quarantined(_) => true,
        Status::Waiting(Outage { cause, .. }) => *cause != Cause::Connection,
        Status::Connecting => false,
    };
    // An origin that cannot be reached is tried again and again: a user agent would do so too ("reestablish the
    // connection"), so its stream begins without.
    let answer = timeout(proxy.settings.open_timeout, status.wait_for(answered)).await;
    let answer = answer.ok().and_then(Result::ok).map(|status| status.clone());
    match answer {
        Some(Status::Ended(outage) | Status::Waiting(outage)) => Err(failure(&outage)),
        _ => Ok(Opened { source, next, status, stream }),
    }
}

impl Opened {
    /// Where whoever has the event with this id goes on.
    pub async fn find(&self, id: Bytes) -> Result<Found, Problem> {
        let millis = CALL_TIMEOUT.as_millis() as u64;
        ractor::call_t!(self.source, |reply| SourceMessage::Find(id, reply), millis).map_err(|_| unavailable())
    }

    /// Asks for events from number `from` on; they come when there are some.
    pub fn read(&self, from: u64) -> oneshot::Receiver<Piece> {
        let (sender, receiver) = oneshot::channel();
        // A source that is no more drops what it was told, which is its answer.
        let _ = self.source.cast(SourceMessage::Read(from, sender.into()));
        receiver
    }

    /// The id of event number `seq`, or one of ours if it has none; nothing if it is not at hand.
    pub async fn id_of(&self, seq: u64) -> Option<Bytes> {
        let piece = timeout(AT_HAND, self.read(seq)).await.ok()?.ok()?;
        let (chunk, event) = piece.chunks.iter().find_map(|chunk| Some((chunk, chunk.get(seq)?)))?;
        Some(match event.id {
            [] => chunk.own_id(seq).to_string().into(),
            id => Bytes::copy_from_slice(id),
        })
    }
}

/// "If res's status is not 200, or if res's `Content-Type` is not `text/event-stream`, then fail the connection": so does
/// the client whose stream is answered so. "204 No Content" tells it not to come again.
pub(in super::super) fn failure(outage: &Outage) -> Problem {
    let Outage { cause, reason } = outage;
    match cause {
        Cause::Status(204) => Problem::new(StatusCode::NO_CONTENT, ""),
        Cause::Forbidden => Problem::new(StatusCode::FORBIDDEN, reason.clone()).of("eventsource"),
        Cause::House => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, reason.clone()),
        Cause::Status(_) | Cause::Content | Cause::Connection => {
            Problem::new(StatusCode::BAD_GATEWAY, format!("the origin gives no event stream: {reason}"))
                .of("eventsource")
        }
    }
}
