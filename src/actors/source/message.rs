//! What a source is told, and what it tells.

use super::reading::{Found, Piece};
use crate::actors::seat::{SharedSeat, Start};
use crate::actors::streams::Streams;
use crate::actors::upstream::{Outage, UpstreamFact};
use crate::codec::sse::Events;
use crate::engine::chunk::{Chunk, Watch};
use crate::model::DropReason;
use bytes::Bytes;
use ractor::RpcReplyPort;
use std::sync::Arc;

/// What a source is told.
pub enum SourceMessage {
    /// A subscription wants its events, from there on.
    Attach(SharedSeat, Start),
    /// A subscription that was behind has room for more.
    Refill(SharedSeat),
    /// What the store's log has for a subscription that is behind.
    Logged(SharedSeat, Vec<Arc<Chunk>>),
    /// What the store's log has of the newest events, before the upstream is opened.
    Recent(Vec<Arc<Chunk>>),
    /// Finds the event with this id.
    Find(Bytes, RpcReplyPort<Found>),
    /// A handset says that it has the event with this id.
    Acknowledged(Arc<Streams>, Bytes),
    /// Asks for events from this number on, when there are some.
    Read(u64, RpcReplyPort<Piece>),
    /// Every event before this number is durable.
    Durable(u64),
    /// A subscription wants no more, for this reason.
    Detach(SharedSeat, DropReason),
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
    /// Events that may have been had before have waited long enough.
    TakeHeld,
    /// It is time to see whether events that no subscription had room for hold the source.
    LetGo,
    /// It is time to let subscriptions go to sleep.
    Sweep,
    /// Of this group nobody is awake after so many messages.
    Asleep(usize, u64),
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
    /// The store takes nothing.
    #[error("the store takes nothing at the moment: try again later")]
    Store,
}

/// What a source tells about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceFact {
    /// The upstream is being opened.
    Connecting,
    /// The upstream is open.
    Open,
    /// The upstream is lost and tried again later.
    Waiting(Outage),
    /// The upstream has ended for good.
    Ended(Outage),
}
