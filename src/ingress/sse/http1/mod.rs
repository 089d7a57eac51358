//! HTTP/1.1 (RFC 9112) without TLS, for one request and a response that does not end: straight from the socket.
//!
//! An idle stream holds no buffer, and what a read brought is handed out as it came. The connection is not used twice,
//! so where its message ends matters to nobody behind it. Left out: requests with a body, upgrades, HTTP/0.9.

mod framing;
mod head;
mod scratch;
mod stream;

pub(super) use head::HeadError;
pub(super) use stream::{Broken, Stream};

use bytes::{Bytes, BytesMut};
use framing::Framing;
use head::{Head, MAX_HEAD_OCTETS};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::Empty;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What a head is read into; most are shorter.
const HEAD_READ_OCTETS: usize = 2 * 1024;

/// The response to a request.
pub(super) struct Response {
    /// Its status.
    pub status: StatusCode,
    /// Its header fields.
    pub headers: HeaderMap,
    /// Its body.
    pub stream: Stream,
}

/// Sends `request` over `tcp` and reads up to the end of the final response's head.
///
/// # Errors
/// [`HeadError`]: the socket fails, or what comes is no HTTP/1 response.
pub(super) async fn exchange(mut tcp: TcpStream, request: &Request<Empty<Bytes>>) -> Result<Response, HeadError> {
    tcp.write_all(&written(request)).await?;
    let mut octets = BytesMut::with_capacity(HEAD_READ_OCTETS);
    let mut interim_octets = 0;
    let head = loop {
        let head = read_head(&mut tcp, &mut octets, MAX_HEAD_OCTETS - interim_octets).await?;
        // "A client MUST be able to parse one or more 1xx responses received prior to a final response, even if the client
        // does not expect one" (RFC 9110 §15.2).
        if !head.is_interim() {
            break head;
        }
        interim_octets += head.octets;
    };
    let framing = Framing::of(head.version, &head.headers)?;
    Ok(Response { status: head.status, headers: head.headers, stream: Stream::new(tcp, framing, octets) })
}

/// Reads a head, and leaves in `octets` what lies behind it.
async fn read_head(tcp: &mut TcpStream, octets: &mut BytesMut, limit: usize) -> Result<Head, HeadError> {
    let mut fresh = 0;
    loop {
        // A head can only be whole with a line; so that one sent octet by octet is not parsed as often.
        if octets.get(fresh..).is_some_and(|octets| octets.contains(&b'\n'))
            && let Some(head) = Head::parse(octets)?
        {
            if head.octets > limit {
                return Err(HeadError::TooLong);
            }
            drop(octets.split_to(head.octets));
            return Ok(head);
        }
        if octets.len() >= limit {
            return Err(HeadError::TooLong);
        }
        fresh = octets.len();
        octets.reserve(HEAD_READ_OCTETS);
        if tcp.read_buf(octets).await? == 0 {
            return Err(HeadError::Closed { octets: octets.len() });
        }
    }
}

/// "request-line = method SP request-target SP HTTP-version" and the header section (RFC 9112 §3).
fn written(request: &Request<Empty<Bytes>>) -> Vec<u8> {
    let mut octets = Vec::with_capacity(512);
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    for part in [request.method().as_str(), " ", target, " HTTP/1.1\r\n"] {
        octets.extend_from_slice(part.as_bytes());
    }
    for (name, value) in request.headers() {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            octets.extend_from_slice(part);
        }
    }
    octets.extend_from_slice(b"\r\n");
    octets
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::{ACCEPT, HOST};

    #[test]
    fn a_request_is_written_as_the_grammar_has_it() {
        let request = Request::get("/a%20b?c=d").header(HOST, "a.example:81").header(ACCEPT, "text/event-stream");
        let octets = written(&request.body(Empty::new()).unwrap());
        let expected = "GET /a%20b?c=d HTTP/1.1\r\nhost: a.example:81\r\naccept: text/event-stream\r\n\r\n";
        assert_eq!(String::from_utf8(octets).unwrap(), expected);
    }
}
