//! What the router is told and asked.

use crate::actors::source::{PublishError, SourceFact, SourceMessage, Taken};
use crate::actors::streams::OpenStream;
use crate::actors::supervisor::Failure;
use crate::actors::upstream::Outage;
use crate::codec::sse::Events;
use crate::engine::budget::Scope;
use crate::engine::chunk::Watch;
use crate::model::{
    ApplicationId, CredentialRef, HandsetId, Msisdn, Policy, SourceId, SourceOrigin, StreamKey, SubscriptionId,
    TenantId,
};
use bytes::Bytes;
use ractor::{ActorRef, RpcReplyPort};
use std::time::Duration;
use tokio::sync::{broadcast, watch};

/// What the router is told and asked.
pub enum RouterMessage {
    /// Sends a source's events to a handset from now on.
    Activate(Box<Activation>, RpcReplyPort<Result<Activated, ActivateError>>),
    /// As many activations, one after the other: for each whether it was not active before. The router does nothing
    /// else meanwhile.
    Import(Vec<Activation>, RpcReplyPort<Vec<Result<bool, ActivateError>>>),
    /// What [`RouterMessage::Import`] would answer if only one of them were activated; nothing is changed.
    Validate(Vec<Activation>, RpcReplyPort<Vec<Result<bool, ActivateError>>>),
    /// Sends a source's events to a handset that asked for it by itself.
    Arm(Box<Arming>, RpcReplyPort<Result<Armed, ActivateError>>),
    /// A handset returns the nonce that a push has brought it; none if there is no such nonce.
    Confirm(String, RpcReplyPort<Option<Result<Armed, ActivateError>>>),
    /// Some activation may be about to end.
    Expiries,
    /// Some handset may have had its time to prove that it is reached.
    ProbeOver,
    /// Opens a stream of a source.
    OpenStream(Box<StreamWanted>, RpcReplyPort<Result<StreamOpened, ActivateError>>),
    /// The handset has the event of a source with this id.
    Acknowledge(SourceId, Box<Follower>, Bytes),
    /// A stream of a source is closed, and whose it was.
    StreamClosed(SourceId, Option<SubscriptionId>),
    /// Whoever closed a stream, so many others before it, has had time to come back.
    LingerOver(SourceId, Option<SubscriptionId>, u64),
    /// Ends a subscription of a tenant; whether there was one.
    Deactivate(TenantId, SubscriptionId, RpcReplyPort<Option<Box<View>>>),
    /// Shows a subscription of a tenant.
    Get(TenantId, SubscriptionId, RpcReplyPort<Option<Box<View>>>),
    /// Shows some of a tenant's subscriptions in the order of their ids; none is woken.
    List(Box<Page>, RpcReplyPort<Listing>),
    /// Lets somebody follow what happens to subscriptions from now on.
    Watch(RpcReplyPort<broadcast::Receiver<Change>>),
    /// Events from a publisher.
    Publish(Box<Publication>, RpcReplyPort<Result<Taken, PublishError>>),
    /// Something happened to a source.
    Source(SourceId, SourceFact),
    /// An actor died.
    Failed(Failure),
    /// A handset's engine panicked while its link worked with it.
    Broken(HandsetId),
    /// Closes every upstream; what is in the house goes on.
    StopIngress(RpcReplyPort<()>),
    /// How much is in the house.
    Load(RpcReplyPort<Load>),
    /// Ends whatever is left; the last thing asked.
    Abandon(RpcReplyPort<Load>),
}

/// A subscription that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activation {
    /// Whose it is.
    pub tenant: TenantId,
    /// The handset; without one its number names it.
    pub handset: Option<HandsetId>,
    /// Where the handset is reached.
    pub number: Msisdn,
    /// Whose events it wants.
    pub source: SourceId,
    /// For which application on the handset; without one for the configured one.
    pub application: Option<ApplicationId>,
    /// What is to be done with them.
    pub policy: Policy,
    /// The last event that it has.
    pub last_event_id: Bytes,
}

/// A subscription that is active.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activated {
    /// The subscription.
    pub view: View,
    /// Whether it was not active before.
    pub created: bool,
}

/// A subscription that a handset asks for by itself. It ends by itself, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arming {
    /// What is asked for.
    pub activation: Activation,
    /// The first event that it wants, if streams have brought none and it names none that it has.
    pub begin: u64,
    /// Every event before this one has arrived, as it says by the id that it names.
    pub has: Option<u64>,
    /// Its streams end, and what has not arrived is pushed at once.
    pub streams_end: bool,
    /// It has to prove that it is reached by push, unless that is known.
    pub probe: bool,
}

/// What came of that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Armed {
    /// It is active.
    Active {
        /// The subscription.
        view: Box<View>,
        /// Whether it was not active before.
        created: bool,
        /// When it ends unless it is asked for again, in milliseconds since 1970; none if somebody else has activated
        /// it for good.
        expires_unix_ms: Option<u64>,
    },
    /// It will be when the handset returns what a push brings it.
    Pending {
        /// The subscription.
        id: SubscriptionId,
        /// How long that may take.
        within: Duration,
    },
}

/// A stream that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamWanted {
    /// Whose events it brings.
    pub source: SourceId,
    /// The last event that its reader has; tells the origin where to begin if its stream is not open yet.
    pub last_event_id: Bytes,
    /// Who reads it, if that is known.
    pub follower: Option<Follower>,
}

/// A handset that reads streams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Follower {
    /// Whose it is.
    pub tenant: TenantId,
    /// Where it is reached.
    pub number: Msisdn,
    /// The application on it; without one the configured one.
    pub application: Option<ApplicationId>,
}

/// A stream that is open.
pub struct StreamOpened {
    /// Gives events to whoever asks.
    pub source: ActorRef<SourceMessage>,
    /// The number of the first event that comes from now on.
    pub next: u64,
    /// How the source's upstream is.
    pub status: watch::Receiver<Status>,
    /// Keeps it open.
    pub stream: OpenStream,
}

/// Why a subscription cannot be activated.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ActivateError {
    /// No SMSC reaches the number.
    #[error("no SMSC has a route for a number that starts like this one")]
    NoRoute,
    /// The number is on the list of those that nothing is sent to.
    #[error("nothing is sent to this number")]
    Suppressed,
    /// The handset is known under another number.
    #[error("the handset has other subscriptions under another number; deactivate them first")]
    OtherNumber,
    /// The handset has as many subscriptions as it may have.
    #[error("the handset has {} subscriptions, which is the most", u16::MAX)]
    TooMany,
    /// The handset may not ask for more by itself.
    #[error("the handset has {0} subscriptions, which is the most that it may ask for by itself")]
    Limit(u16),
    /// The number was asked to prove itself too often.
    #[error("too many proofs were asked of this number: again in {0:.0?}")]
    Probes(Duration),
    /// Something does not fit its field on the wire.
    #[error("{0}")]
    Unencodable(String),
    /// The router is stopping.
    #[error("the router is stopping")]
    Stopping,
    /// The store takes nothing.
    #[error("the store takes nothing at the moment: try again later")]
    Store,
}

/// Some of a tenant's subscriptions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Whose.
    pub tenant: TenantId,
    /// Those after this one.
    pub after: Option<SubscriptionId>,
    /// At most so many.
    pub limit: usize,
    /// Which of them.
    pub filter: Filter,
}

/// Which subscriptions are wanted: those that are all that is said here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Whose events they want.
    pub origin: Option<SourceOrigin>,
    /// With which credential that is opened.
    pub credential: Option<CredentialRef>,
    /// Where their handset is reached.
    pub number: Option<Msisdn>,
    /// Whose they are.
    pub handset: Option<HandsetId>,
    /// How they are.
    pub condition: Option<Condition>,
    /// Whether nothing of them waits or is outstanding, and they take a few octets only.
    pub asleep: Option<bool>,
}

/// What was found for a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The subscriptions; there may be fewer than the page has room for, or none, and more behind it all the same.
    pub views: Vec<View>,
    /// Where the next page begins: behind this one; none if there is nothing more.
    pub next: Option<SubscriptionId>,
}

/// A subscription as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Its identity.
    pub id: SubscriptionId,
    /// Whose it is.
    pub tenant: TenantId,
    /// The handset.
    pub handset: HandsetId,
    /// Where the handset is reached.
    pub number: Msisdn,
    /// Whose events it wants.
    pub source: SourceId,
    /// For which application.
    pub application: ApplicationId,
    /// What is done with them.
    pub policy: Policy,
    /// The SMSC that reaches it.
    pub smsc: String,
    /// How it is.
    pub status: Status,
    /// When it was activated, in milliseconds since 1970.
    pub activated_unix_ms: u64,
    /// When it ends by itself, in milliseconds since 1970; none if it does not.
    pub expires_unix_ms: Option<u64>,
    /// Every event before this number has ended or was accepted.
    pub released: u64,
    /// Events that wait.
    pub pending: u64,
    /// Pushes that are not settled.
    pub outstanding: u64,
    /// Which of its handset's subscriptions it is.
    pub stream: StreamKey,
    /// The budget that its events wait for, and until when, in milliseconds since 1970.
    pub held_by: Option<(Scope, u64)>,
}

/// How a subscription is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Its source's upstream is being opened.
    Connecting,
    /// Events come as they happen.
    Active,
    /// Its source's upstream is lost and will be tried again.
    Waiting(Outage),
    /// Its source's upstream has ended for good.
    Ended(Outage),
    /// It failed three times in a minute.
    Quarantined(String),
}

/// How a subscription is, without the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// [`Status::Connecting`].
    Connecting,
    /// [`Status::Active`].
    Active,
    /// [`Status::Waiting`].
    Waiting,
    /// [`Status::Ended`].
    Ended,
    /// [`Status::Quarantined`].
    Quarantined,
}

impl Status {
    /// Without the reason.
    pub fn condition(&self) -> Condition {
        match self {
            Self::Connecting => Condition::Connecting,
            Self::Active => Condition::Active,
            Self::Waiting(_) => Condition::Waiting,
            Self::Ended(_) => Condition::Ended,
            Self::Quarantined(_) => Condition::Quarantined,
        }
    }
}

/// Something that happened to a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was activated, or changed.
    Activated(View),
    /// Its status changed.
    Status(View),
    /// It was deactivated.
    Deactivated(View),
}

/// Events from a publisher.
pub struct Publication {
    /// The source they belong to.
    pub source: SourceId,
    /// The events.
    pub events: Events,
    /// Names the publication, so that a retry is harmless; empty for none.
    pub publish_id: String,
    /// Told how the events end.
    pub watch: Watch,
}

/// How much is in the house.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Events that wait for a push.
    pub pending: u64,
    /// Pushes that are not settled.
    pub outstanding: u64,
}
