//! The head of a response: status line and header section (RFC 9112 §4, §5).

use super::framing::FramingError;
use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode, Version};
use httparse::{EMPTY_HEADER, Status};
use std::io;

/// The longest head, the interim ones before it included.
pub(super) const MAX_HEAD_OCTETS: usize = 64 * 1024;
/// The most header fields in a head.
const MAX_FIELDS: usize = 100;

/// A response head.
#[derive(Debug)]
pub(super) struct Head {
    /// 1.0 or 1.1.
    pub version: Version,
    /// Its status.
    pub status: StatusCode,
    /// Its header fields.
    pub headers: HeaderMap,
    /// How long it was, the empty line included.
    pub octets: usize,
}

impl Head {
    /// The head that `octets` begin with; none if it is not whole.
    ///
    /// # Errors
    /// When they begin with no head. "No whitespace is allowed between the field name and colon" (RFC 9112 §5.1); and "a
    /// sender MUST NOT generate a message that includes line folding" (§5.2), which is refused rather than undone.
    pub(super) fn parse(octets: &[u8]) -> Result<Option<Self>, HeadError> {
        // The parser would skip empty lines, and be asked about them again with every octet.
        if matches!(octets.first(), Some(b'\r' | b'\n')) {
            return Err(HeadError::Malformed(httparse::Error::Version));
        }
        let mut fields = [EMPTY_HEADER; MAX_FIELDS];
        let mut response = httparse::Response::new(&mut fields);
        let Status::Complete(length) = response.parse(octets)? else { return Ok(None) };
        let version = if response.version == Some(0) { Version::HTTP_10 } else { Version::HTTP_11 };
        let status = StatusCode::from_u16(response.code.unwrap_or(0));
        let status = status.map_err(|_| HeadError::Malformed(httparse::Error::Status))?;
        let mut headers = HeaderMap::with_capacity(response.headers.len());
        for field in &*response.headers {
            let (Ok(name), Ok(value)) =
                (HeaderName::from_bytes(field.name.as_bytes()), HeaderValue::from_bytes(field.value))
            else {
                return Err(HeadError::Field { name: field.name.chars().take(80).collect() });
            };
            headers.append(name, value);
        }
        Ok(Some(Self { version, status, headers, octets: length }))
    }

    /// Whether another head follows. 101 is the last: nobody asked for another protocol.
    pub(super) fn is_interim(&self) -> bool {
        self.status.is_informational() && self.status != StatusCode::SWITCHING_PROTOCOLS
    }
}

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(in super::super) enum HeadError {
    /// The socket failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The peer closed first.
    #[error("closed after {octets} octets of the head")]
    Closed { octets: usize },
    /// The head does not end.
    #[error("a head of more than {MAX_HEAD_OCTETS} octets")]
    TooLong,
    /// No HTTP/1 response.
    #[error("malformed head")]
    Malformed(#[from] httparse::Error),
    /// A header field that cannot be one.
    #[error("malformed header field {name:?}")]
    Field { name: String },
    /// Nobody can say where the body ends.
    #[error(transparent)]
    Framing(#[from] FramingError),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Head {
        for cut in 0..text.len() {
            let begun = Head::parse(&text.as_bytes()[..cut]);
            assert!(matches!(begun, Ok(None)), "{cut} of {text:?}: {begun:?}");
        }
        Head::parse(format!("{text}behind").as_bytes()).unwrap().unwrap()
    }

    #[test]
    fn a_head_is_whole_with_its_empty_line() {
        let text = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX: \r\nx:  a b \t\r\n\r\n";
        let found = head(text);
        assert_eq!((found.version, found.status, found.octets), (Version::HTTP_11, StatusCode::OK, text.len()));
        assert_eq!(found.headers["content-type"], "text/event-stream");
        assert_eq!(found.headers.get_all("x").iter().collect::<Vec<_>>(), ["", "a b"]);
        let bare = head("HTTP/1.0 503\r\n\r\n");
        assert_eq!((bare.version, bare.status.as_u16()), (Version::HTTP_10, 503));
    }

    #[test]
    fn what_is_no_head_is_refused() {
        for text in [
            "SMTP? no\r\n\r\n",
            "HTTP/2.0 200 OK\r\n\r\n",
            "HTTP/1.1 20 OK\r\n\r\n",
            "HTTP/1.1 099 Odd\r\n\r\n",
            "\r\nHTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
            "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA: \0\r\n\r\n",
            "HTTP/1.1 200 OK\r\n: nameless\r\n\r\n",
        ] {
            assert!(Head::parse(text.as_bytes()).is_err(), "{text:?}");
        }
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(MAX_FIELDS + 1));
        assert!(matches!(Head::parse(many.as_bytes()), Err(HeadError::Malformed(httparse::Error::TooManyHeaders))));
    }

    #[test]
    fn interim_heads_are_those_before_another() {
        for (status, interim) in [(100, true), (103, true), (199, true), (101, false), (200, false), (404, false)] {
            assert_eq!(head(&format!("HTTP/1.1 {status} X\r\n\r\n")).is_interim(), interim, "{status}");
        }
    }
}
