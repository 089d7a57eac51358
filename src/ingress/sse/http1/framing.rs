//! Where the body of a response ends (RFC 9112 §6.3).

use super::stream::Broken;
use crate::codec::chunked::Decoder;
use crate::ingress::sse::body::End;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, Version};
use std::ops::Range;

/// How a body is delimited.
#[derive(Debug)]
pub(super) enum Framing {
    /// By itself.
    Chunked(Decoder),
    /// By a length, of which this is left.
    Length(u64),
    /// By the end of the connection.
    Close,
}

impl Framing {
    /// The framing that a head announces.
    ///
    /// # Errors
    /// When it announces none that can be relied on.
    pub(super) fn of(version: Version, headers: &HeaderMap) -> Result<Self, FramingError> {
        if headers.contains_key(TRANSFER_ENCODING) {
            return Self::of_codings(version, headers);
        }
        // "If a valid Content-Length header field is present without Transfer-Encoding, its decimal value defines the
        // expected message body length in octets" (§6.3).
        if headers.contains_key(CONTENT_LENGTH) {
            return Ok(Self::Length(length(headers)?));
        }
        // "Otherwise, this is a response message without a declared message body length, so the message body length is
        // determined by the number of octets received prior to the server closing the connection" (§6.3).
        Ok(Self::Close)
    }

    /// "If a message is received with both a Transfer-Encoding and a Content-Length header field, the Transfer-Encoding
    /// overrides the Content-Length" (§6.3). A response smuggled behind the body would have no reader here.
    fn of_codings(version: Version, headers: &HeaderMap) -> Result<Self, FramingError> {
        // "A server or client that receives an HTTP/1.0 message containing a Transfer-Encoding header field MUST treat the
        // message as if the framing is faulty, even if a Content-Length is present" (§6.1).
        if version == Version::HTTP_10 {
            return Err(FramingError::CodingInHttp10);
        }
        let values = headers.get_all(TRANSFER_ENCODING).iter();
        let codings: Vec<&[u8]> = values.flat_map(|value| members(value.as_bytes())).collect();
        // "A sender MUST NOT apply the chunked transfer coding more than once to a message body" (§6.1), and others were
        // not asked for: no TE was sent.
        match codings.as_slice() {
            [coding] if coding.eq_ignore_ascii_case(b"chunked") => Ok(Self::Chunked(Decoder::default())),
            // "If a Transfer-Encoding header field is present in a response and the chunked transfer coding is not the
            // final encoding, the message body length is determined by reading the connection until it is closed by the
            // server" (§6.3). `identity` is of RFC 2616 and changes nothing.
            [] => Ok(Self::Close),
            [coding] if coding.eq_ignore_ascii_case(b"identity") => Ok(Self::Close),
            _ => Err(FramingError::Coding { codings: shown(&codings.join(&b", "[..])) }),
        }
    }

    /// The data among `octets`, moved together there, and whether the body ends with them. What follows its end is left:
    /// "a user agent MAY discard the remaining data" (§6.3).
    pub(super) fn data(&mut self, octets: &mut [u8]) -> (Range<usize>, Option<End>) {
        match self {
            Self::Chunked(decoder) => {
                let decoded = decoder.decode(octets);
                let end = decoded
                    .end
                    .map(|end| end.map_or_else(|error| End::Broken(Broken::from(error).into()), |()| End::Complete));
                (decoded.data, end)
            }
            Self::Length(left) => {
                let count = usize::try_from(*left).map_or(octets.len(), |left| left.min(octets.len()));
                *left -= count as u64;
                (0..count, (*left == 0).then_some(End::Complete))
            }
            Self::Close => (0..octets.len(), None),
        }
    }

    /// What the end of the connection means for the body: "If the sender closes the connection or the recipient times out
    /// before the indicated number of octets are received, the recipient MUST consider the message to be incomplete"
    /// (§6.3), and "A message body that uses the chunked transfer coding is incomplete if the zero-sized chunk that
    /// terminates the encoding has not been received" (§8).
    pub(super) fn closed(&self) -> End {
        match self {
            Self::Chunked(_) => End::Broken(Broken::Unterminated.into()),
            Self::Length(left) => End::Broken(Broken::Short { left: *left }.into()),
            Self::Close => End::Complete,
        }
    }
}

/// The length that a Content-Length states. "If a message is received without Transfer-Encoding and with an invalid
/// Content-Length header field, then the message framing is invalid and the recipient MUST treat it as an unrecoverable
/// error, unless the field value can be successfully parsed as a comma-separated list, all values in the list are valid,
/// and all values in the list are the same" (§6.3).
fn length(headers: &HeaderMap) -> Result<u64, FramingError> {
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter().flat_map(|value| members_or_none(value.as_bytes()));
    let mut first = None;
    let same = lengths.all(|member| match (first, decimal(member)) {
        (_, None) => false,
        (None, some) => {
            first = some;
            true
        }
        (first, again) => first == again,
    });
    let invalid = || FramingError::Length {
        values: shown(
            &headers.get_all(CONTENT_LENGTH).iter().map(|value| value.as_bytes()).collect::<Vec<_>>().join(&b", "[..]),
        ),
    };
    first.filter(|_| same).ok_or_else(invalid)
}

/// The members of a list, without the empty ones (RFC 9110 §5.6.1.2).
fn members(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    members_or_none(list).filter(|member| !member.is_empty())
}

fn members_or_none(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|octet| *octet == b',').map(<[u8]>::trim_ascii)
}

/// "Content-Length = 1*DIGIT" (RFC 9110 §8.6), and no sign, which the parser of Rust would take.
fn decimal(octets: &[u8]) -> Option<u64> {
    let digits = octets.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(octets).ok().filter(|_| digits)?.parse().ok()
}

/// At most 80 characters of what a peer sent.
fn shown(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).chars().take(80).collect()
}

/// Why nobody can say where a body ends.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(in super::super) enum FramingError {
    /// No length, or several.
    #[error("content length {values:?}")]
    Length { values: String },
    /// A coding that is not known.
    #[error("transfer coding {codings:?} was not asked for")]
    Coding { codings: String },
    /// A coding where there are none.
    #[error("a transfer coding in HTTP/1.0")]
    CodingInHttp10,
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;

    fn framing(version: Version, headers: &[(HeaderName, &str)]) -> Result<Framing, FramingError> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name.clone(), value.parse().unwrap());
        }
        Framing::of(version, &map)
    }

    fn framing11(headers: &[(HeaderName, &str)]) -> Result<Framing, FramingError> {
        framing(Version::HTTP_11, headers)
    }

    #[test]
    fn a_length_is_digits_and_one_length() {
        for values in [&["42"][..], &["42", "42"], &["42, 42"], &["0042 "]] {
            let headers: Vec<_> = values.iter().map(|value| (CONTENT_LENGTH, *value)).collect();
            assert!(matches!(framing11(&headers), Ok(Framing::Length(42))), "{values:?}");
        }
        for values in [
            &[""][..],
            &["-1"],
            &["+1"],
            &["1", "2"],
            &["1, 2"],
            &["1,"],
            &["0x1"],
            &["18446744073709551616"],
            &["1 1"],
        ] {
            let headers: Vec<_> = values.iter().map(|value| (CONTENT_LENGTH, *value)).collect();
            assert_eq!(framing11(&headers).unwrap_err(), FramingError::Length { values: values.join(", ") });
        }
    }

    #[test]
    fn chunked_overrides_a_length_and_without_either_the_connection_decides() {
        let chunked = (TRANSFER_ENCODING, "Chunked");
        assert!(matches!(framing11(std::slice::from_ref(&chunked)), Ok(Framing::Chunked(_))));
        assert!(matches!(framing11(&[(CONTENT_LENGTH, "5"), chunked.clone()]), Ok(Framing::Chunked(_))));
        assert!(matches!(framing11(&[chunked.clone(), (CONTENT_LENGTH, "x")]), Ok(Framing::Chunked(_))));
        assert!(matches!(framing11(&[]), Ok(Framing::Close)));
        assert!(matches!(framing(Version::HTTP_10, &[]), Ok(Framing::Close)));
        assert!(matches!(framing11(&[(TRANSFER_ENCODING, "identity")]), Ok(Framing::Close)));
        assert_eq!(framing(Version::HTTP_10, &[chunked]).unwrap_err(), FramingError::CodingInHttp10);
    }

    #[test]
    fn a_coding_that_was_not_asked_for_is_refused() {
        for values in [&["gzip"][..], &["gzip, chunked"], &["chunked, chunked"], &["chunked", "chunked"], &["xchunked"]]
        {
            let headers: Vec<_> = values.iter().map(|value| (TRANSFER_ENCODING, *value)).collect();
            assert_eq!(framing11(&headers).unwrap_err(), FramingError::Coding { codings: values.join(", ") });
        }
    }

    #[test]
    fn a_body_ends_with_its_length_and_not_before() {
        let mut framing = Framing::Length(5);
        assert!(matches!(framing.data(&mut [0; 3]), (Range { start: 0, end: 3 }, None)));
        assert!(matches!(framing.closed(), End::Broken(_)));
        assert!(matches!(framing.data(&mut [0; 3]), (Range { start: 0, end: 2 }, Some(End::Complete))));
        assert!(matches!(Framing::Close.closed(), End::Complete));
        assert!(matches!(Framing::Chunked(Decoder::default()).closed(), End::Broken(_)));
    }
}
