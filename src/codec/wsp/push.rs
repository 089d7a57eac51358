//! The Push PDU (WAP-230 §8.2.4), with the transaction identifier that connectionless mode puts before it (§8.2.1).
//!
//! ```text
//! TID | type | HeadersLen (uintvar) | content type, headers | data to the end of the datagram
//! ```

use std::ops::Range;

use bytes::{BufMut, Bytes, BytesMut};

use super::WspError;
use super::content_type::{self, ContentType, ContentTypeRef};
use super::header::{ApplicationRef, Fields, Header};
use super::primitives::{Reader, put_length};

const PUSH: u8 = 0x06;
const CONFIRMED_PUSH: u8 = 0x07;

/// What a push says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushHeader {
    /// What the body is.
    pub content_type: ContentType,
    /// The headers, in the order they are sent.
    pub headers: Vec<Header>,
}

impl PushHeader {
    /// Writes everything between transaction identifier and body: type, HeadersLen, content type and headers.
    pub fn encode(&self, out: &mut BytesMut) {
        let mut block = BytesMut::new();
        self.content_type.encode(&mut block);
        for header in &self.headers {
            header.encode(&mut block);
        }
        out.put_u8(PUSH);
        put_length(out, block.len());
        out.put_slice(&block);
    }
}

/// A [`PushHeader`] as octets. Cheap to clone; writing it is a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushTemplate {
    block: Bytes,
}

impl PushTemplate {
    /// Encodes `header` once for many pushes.
    pub fn new(header: &PushHeader) -> Self {
        let mut block = BytesMut::new();
        header.encode(&mut block);
        Self { block: block.freeze() }
    }

    /// Octets of a push that are not body, transaction identifier included.
    pub fn octets(&self) -> usize {
        1 + self.block.len()
    }

    /// Writes all that stands before a body; allocates only if `out` has no room.
    pub fn write(&self, tid: u8, out: &mut BytesMut) {
        out.put_u8(tid);
        out.put_slice(&self.block);
    }

    /// Writes the octets of `range` of the push with this `body`, as if it lay there in one piece; what is behind its
    /// end is left out. So a segment goes to the wire without the push ever being joined.
    pub fn write_range(&self, tid: u8, body: &[u8], range: Range<usize>, out: &mut BytesMut) {
        let mut start = 0;
        for piece in [&[tid], &self.block[..], body] {
            let from = range.start.saturating_sub(start).min(piece.len());
            let to = range.end.saturating_sub(start).min(piece.len());
            out.put_slice(piece.get(from..to).unwrap_or_default());
            start += piece.len();
        }
    }
}

/// Which of the two pushes a PDU is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushType {
    /// Push, 0x06.
    Push,
    /// ConfirmedPush, 0x07: belongs to a session, but some senders use it without one.
    ConfirmedPush,
}

/// A push as received; everything is borrowed from the datagram.
#[derive(Clone, Copy, Debug)]
pub struct Push<'a> {
    /// Transaction identifier: lets a receiver drop a second copy.
    pub tid: u8,
    /// Push or ConfirmedPush.
    pub pdu_type: PushType,
    /// What the body is.
    pub content_type: ContentTypeRef<'a>,
    /// The application it is for: the first X-Wap-Application-Id.
    pub application: ApplicationRef<'a>,
    /// The data.
    pub body: &'a [u8],
    fields: Fields<'a>,
}

impl<'a> Push<'a> {
    /// What it is about: the first X-Wap-Content-URI, if it is text.
    pub fn content_uri(&self) -> Option<&'a str> {
        self.headers().find_map(|field| field.content_uri())
    }

    /// The headers in their order, known or not.
    pub fn headers(&self) -> Fields<'a> {
        self.fields
    }
}

/// Reads one datagram as a push.
///
/// Unknown headers are kept as they are: each value tells its own length.
///
/// # Errors
/// [`WspError::NotAPush`] for any other PDU type, else what is wrong with the header block; never panics on any input.
pub fn decode(pdu: &[u8]) -> Result<Push<'_>, WspError> {
    let mut reader = Reader::new(pdu);
    let tid = reader.octet("transaction identifier")?;
    let pdu_type = match reader.octet("pdu type")? {
        PUSH => PushType::Push,
        CONFIRMED_PUSH => PushType::ConfirmedPush,
        found => return Err(WspError::NotAPush { found }),
    };
    let headers_octets = reader.uintvar("headers length")?;
    // HeadersLen counts ContentType and Headers together; the data has no length of its own.
    let mut block = Reader::new(reader.take(headers_octets as usize, "header block")?);
    let content_type = content_type::decode(&mut block)?;
    let fields = Fields::new(block);
    Ok(Push { tid, pdu_type, content_type, application: application(fields)?, body: reader.rest(), fields })
}

/// Walks all headers, so that a fault anywhere is found here and not by whoever looks at them later.
fn application(mut fields: Fields<'_>) -> Result<ApplicationRef<'_>, WspError> {
    let mut application = ApplicationRef::Absent;
    while let Some(field) = fields.read()? {
        if application == ApplicationRef::Absent {
            application = field.application_ref().unwrap_or_default();
        }
    }
    Ok(application)
}
