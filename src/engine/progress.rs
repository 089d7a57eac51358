//! What of a subscription and a handset has to outlive the process, so that another one goes on as if it were the same.

use serde::{Deserialize, Serialize};
use std::ops::Range;

/// How far a subscription is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Every event before this number has ended or was accepted.
    pub released: u64,
    /// Events behind it that have ended too, in order.
    pub ended: Vec<Range<u64>>,
    /// Pushes whose outcome is open, in order: to be formed again as they were.
    pub pushes: Vec<OpenPush>,
    /// Events lost that no push has told of.
    pub gap: u64,
}

/// A push that was formed and has not ended. What is here determines its octets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenPush {
    /// Its events.
    pub events: Range<u64>,
    /// Segments it is sent in.
    pub segments: u8,
    /// Concatenation reference.
    pub reference: u16,
    /// WSP transaction id.
    pub transaction: u8,
    /// Events lost before it that its body tells of.
    pub gap: u64,
    /// If any of its events goes as a notice: those that need more octets than this.
    pub notice_above: Option<u16>,
    /// Until when it is worth sending, in milliseconds since 1970; none for ever.
    pub expires_unix_ms: Option<u64>,
    /// Whether any of it was written to a link.
    pub sent: bool,
}

/// What a handset remembers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandsetProgress {
    /// The concatenation reference given last.
    pub reference: u16,
    /// The WSP transaction id given last.
    pub transaction: u8,
    /// References that rest, and until when, in milliseconds since 1970.
    pub quarantined: Vec<(u16, u64)>,
}
