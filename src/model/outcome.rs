//! How an event ends, per subscription.

/// Exactly one of these ends each event of each subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The SMSC accepted every segment; no receipt was asked for, or none came in time.
    Accepted,
    /// Every segment has a receipt that says the handset has it.
    Delivered,
    /// A segment was refused for good, or a receipt says it will not arrive.
    Failed,
    /// It reached the handset by a stream.
    Relayed,
    /// Its time to live ended before it was sent.
    Expired,
    /// Its type is none of those that the policy wants.
    Filtered,
    /// While it waited, a later event made it needless.
    Coalesced,
    /// Left out, with a reason.
    Dropped(DropReason),
    /// A link died with it outstanding and it must not be sent again, or was sent twice without an answer.
    Unknown,
}

impl Outcome {
    /// Every outcome, in the order of [`Outcome::index`]; the drop reasons share one.
    pub const LABELS: [&'static str; 9] =
        ["accepted", "delivered", "failed", "relayed", "expired", "filtered", "coalesced", "dropped", "unknown"];

    /// A dense index for counters.
    pub fn index(self) -> usize {
        match self {
            Self::Accepted => 0,
            Self::Delivered => 1,
            Self::Failed => 2,
            Self::Relayed => 3,
            Self::Expired => 4,
            Self::Filtered => 5,
            Self::Coalesced => 6,
            Self::Dropped(_) => 7,
            Self::Unknown => 8,
        }
    }
}

/// Why an event was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DropReason {
    /// The subscription fell behind what the source log keeps.
    Lagged,
    /// Alone it needs more segments than the policy allows.
    Oversize,
    /// Its type holds a NUL, which no stream of ours carries (CWE-93).
    Unencodable,
    /// The subscription was deactivated while the event waited.
    Deactivated,
    /// The activation's time was over while the event waited.
    Lapsed,
    /// Nothing is sent to the number any more.
    Suppressed,
    /// A budget was used up, and the policy says not to wait.
    Budget,
    /// The subscription failed three times within a minute and was taken out of service.
    Quarantined,
    /// The router stopped before the event could be sent.
    Shutdown,
    /// It was accepted, and taken back before it was delivered: its subscription had ended.
    Withdrawn,
}

impl DropReason {
    /// Every reason, in the order of [`DropReason::index`].
    pub const LABELS: [&'static str; 10] = [
        "lagged",
        "oversize",
        "unencodable",
        "deactivated",
        "lapsed",
        "suppressed",
        "budget",
        "quarantined",
        "shutdown",
        "withdrawn",
    ];

    /// Whether somebody wants nothing to arrive any more, not even what is on its way.
    pub fn takes_back(self) -> bool {
        matches!(self, Self::Deactivated | Self::Lapsed | Self::Suppressed)
    }

    /// A dense index for counters.
    pub fn index(self) -> usize {
        self as usize
    }
}
