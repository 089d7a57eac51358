//! What the pool of SMPP links is told and asked. Its actor lives with the sockets, in `egress`.

use ractor::RpcReplyPort;

/// What the pool is told and asked.
pub enum PoolMessage {
    /// Shows every link.
    List(RpcReplyPort<Vec<LinkView>>),
    /// Lets a link finish what it has begun and take nothing new, until it is resumed.
    Drain(LinkName, RpcReplyPort<Result<LinkView, NoSuchLink>>),
    /// Lets a drained link work again, and one that was refused try again now.
    Resume(LinkName, RpcReplyPort<Result<LinkView, NoSuchLink>>),
    /// A link has come to another state.
    Changed,
    /// Lets every link finish what it has begun, unbinds and closes them all; answers when that is done.
    Stop(RpcReplyPort<()>),
}

/// A link: the SMSC's configured name, and its number there from 0.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LinkName {
    /// The SMSC.
    pub smsc: String,
    /// Which of its links.
    pub index: u32,
}

/// A link as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkView {
    /// Which one.
    pub name: LinkName,
    /// Where it leads.
    pub address: String,
    /// transceiver, transmitter or receiver.
    pub mode: &'static str,
    /// How it is.
    pub state: LinkState,
    /// Submits awaiting their response.
    pub open: u64,
    /// Submits that may await theirs.
    pub window: u64,
    /// Why it was last lost, if it was.
    pub last_error: Option<String>,
}

/// How a link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// Not connected; tried again later.
    Closed,
    /// Connected, and not bound yet.
    Open,
    /// Bound.
    Bound,
    /// Bound, and takes nothing new.
    Draining,
    /// Not connected: its binds were refused. Tried again much later, or when it is resumed.
    Refused,
}

/// The SMSC or its link is not configured.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("there is no link {} of an SMSC {:?}", .0.index, .0.smsc)]
pub struct NoSuchLink(pub LinkName);
