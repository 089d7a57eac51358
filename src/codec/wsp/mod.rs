//! Connectionless WSP push: the datagram that an OMA Push-OTA receiver takes on port 2948 (WAP-230 §8.2.4).
//!
//! [`PushHeader`] describes what a push says about itself; [`PushTemplate`] is the same as octets, written before
//! every body; [`decode`] reads a push back. Left out: sessions, requests and replies, multipart bodies, content type
//! parameters other than `charset` (skipped), and code page shifts when sending.
//!
//! Decoding allocates nothing, copies nothing and reads every octet at most twice, so its cost is bounded by the length
//! of the datagram; nothing nests.

mod content_type;
mod header;
#[doc(hidden)]
pub mod invariants;
mod primitives;
mod push;
mod registry;
mod text;
#[cfg(test)]
mod vectors;

pub use content_type::{ContentType, ContentTypeRef, Media, MediaRef};
pub use header::{
    ApplicationId, ApplicationRef, CacheControl, ContentEncoding, EncodingVersion, Field, FieldName, Fields, Header,
    PushFlag,
};
pub use primitives::Value;
pub use push::{Push, PushHeader, PushTemplate, PushType, decode};
pub use registry::{application_name, content_type_name, header_name, pdu_type_name};
pub use text::{MediaType, TEXT_MAX_OCTETS, Text, TextError, Token};

/// Why octets are no push.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WspError {
    /// Something ends before its length is reached.
    #[error("{what} truncated: need {need} octets, have {have}")]
    Truncated {
        /// The part that is cut.
        what: &'static str,
        /// Octets it should have.
        need: usize,
        /// Octets there are.
        have: usize,
    },
    /// A PDU of another kind.
    #[error("pdu type 0x{found:02x} ({}) is no push", pdu_type_name(*.found))]
    NotAPush {
        /// The type octet.
        found: u8,
    },
    /// A uintvar with more than five octets, or above 2³²-1.
    #[error("uintvar does not fit in 5 octets and 32 bits")]
    UintvarTooLarge,
    /// A text without its NUL.
    #[error("{what} of {octets} octets has no closing NUL")]
    Unterminated {
        /// The text that is open.
        what: &'static str,
        /// Octets up to the end of the block.
        octets: usize,
    },
    /// A text that must be readable and is no UTF-8.
    #[error("{what} is not utf-8")]
    NotUtf8 {
        /// Which text.
        what: &'static str,
    },
    /// An integer with no octets, or above 2³²-1 where the value must be known.
    #[error("{what} of {octets} octets is no integer of 32 bits")]
    BadInteger {
        /// Which integer.
        what: &'static str,
        /// Its octets.
        octets: usize,
    },
    /// The content type has no media type.
    #[error("content type is empty")]
    NoMedia,
    /// A header name that starts with NUL.
    #[error("header name starts with 0x00")]
    NoName,
}
