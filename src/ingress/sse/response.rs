//! What the head of a response means for the stream (HTML §9.2.2 step 15).

use http::header::{CONTENT_ENCODING, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use std::time::Duration;

/// What to do after a response head.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// The body is an event stream.
    Stream,
    /// The resource is elsewhere: the Location as it stands there.
    Redirect(String),
    /// Come back later, and not before the time given.
    Later { status: StatusCode, at_least: Duration },
    /// Do not come back.
    Never(Futile),
}

/// Why a response ends a stream for good.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(super) enum Futile {
    /// Neither 200 nor anything that could become it.
    #[error("status {0}")]
    Status(StatusCode),
    /// A redirect without a usable Location.
    #[error("status {0} without a Location")]
    NoLocation(StatusCode),
    /// 200, but something else than an event stream.
    #[error("content type {0:?} is not text/event-stream")]
    ContentType(String),
    /// Encoded, though none of it was asked for.
    #[error("content encoding {0:?} was not asked for")]
    ContentEncoding(String),
}

/// Judges a response head.
pub(super) fn judge(status: StatusCode, headers: &HeaderMap) -> Judgement {
    match status.as_u16() {
        200 => judge_content(headers),
        301 | 302 | 303 | 307 | 308 => match headers.get(LOCATION).map(|location| location.to_str()) {
            Some(Ok(location)) => Judgement::Redirect(location.to_owned()),
            _ => Judgement::Never(Futile::NoLocation(status)),
        },
        // The standard would fail the connection here too. It speaks to a page whose reload tries again; nobody reloads
        // a proxy, so what an origin says while it is overloaded or restarted is no last word.
        429 | 500 | 502 | 503 | 504 => Judgement::Later { status, at_least: retry_after(headers) },
        // "a client can be told to stop reconnecting using the HTTP 204 No Content response code" (HTML §9.2.1), and
        // any other status fails the connection.
        _ => Judgement::Never(Futile::Status(status)),
    }
}

/// "if res's status is not 200, or if res's `Content-Type` is not `text/event-stream`, then fail the connection".
fn judge_content(headers: &HeaderMap) -> Judgement {
    let content_type = headers.get(CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
    let essence = content_type.split(|octet| *octet == b';').next().unwrap_or_default().trim_ascii();
    if !essence.eq_ignore_ascii_case(b"text/event-stream") {
        return Judgement::Never(Futile::ContentType(shown(content_type)));
    }
    match headers.get(CONTENT_ENCODING).map(|value| value.as_bytes().trim_ascii()) {
        Some(encoding) if !encoding.is_empty() && !encoding.eq_ignore_ascii_case(b"identity") => {
            Judgement::Never(Futile::ContentEncoding(shown(encoding)))
        }
        _ => Judgement::Stream,
    }
}

/// Retry-After in seconds (RFC 9110 §10.2.3); zero when it is missing or a date.
fn retry_after(headers: &HeaderMap) -> Duration {
    let text = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Duration::from_secs(text.trim().parse().unwrap_or(0))
}

/// At most 80 characters of what a peer sent.
fn shown(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;

    fn judged(status: u16, headers: &[(HeaderName, &str)]) -> Judgement {
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        judge(StatusCode::from_u16(status).unwrap(), &headers)
    }

    #[test]
    fn the_essence_of_the_type_decides_and_its_parameters_do_not() {
        for good in
            ["text/event-stream", "Text/EVENT-Stream", "text/event-stream;charset=utf-8", "text/event-stream ; x"]
        {
            assert_eq!(judged(200, &[(CONTENT_TYPE, good)]), Judgement::Stream, "{good}");
        }
        for bad in ["", "text/plain", "text/event-stream2", "text/event-streams; a", "application/json"] {
            let expected = Judgement::Never(Futile::ContentType(bad.to_owned()));
            assert_eq!(judged(200, &[(CONTENT_TYPE, bad)]), expected, "{bad}");
        }
        assert!(matches!(judged(200, &[]), Judgement::Never(Futile::ContentType(_))));
    }

    #[test]
    fn an_encoded_stream_cannot_be_read() {
        let stream = (CONTENT_TYPE, "text/event-stream");
        assert_eq!(judged(200, &[stream.clone(), (CONTENT_ENCODING, "identity")]), Judgement::Stream);
        let futile = Judgement::Never(Futile::ContentEncoding("gzip".into()));
        assert_eq!(judged(200, &[stream, (CONTENT_ENCODING, "gzip")]), futile);
    }

    #[test]
    fn overload_comes_back_and_everything_else_ends() {
        for status in [429, 500, 502, 503, 504] {
            assert!(matches!(judged(status, &[]), Judgement::Later { at_least: Duration::ZERO, .. }), "{status}");
        }
        for status in [201, 204, 206, 304, 400, 401, 403, 404, 408, 410, 451, 501, 505] {
            let headers = &[(CONTENT_TYPE, "text/event-stream")];
            assert!(matches!(judged(status, headers), Judgement::Never(Futile::Status(_))), "{status}");
        }
    }

    #[test]
    fn retry_after_counts_in_seconds_and_nothing_else() {
        let after = |value: &str| match judged(503, &[(RETRY_AFTER, value)]) {
            Judgement::Later { at_least, .. } => at_least.as_secs(),
            other => panic!("{other:?}"),
        };
        assert_eq!((after("120"), after(" 7 "), after("0")), (120, 7, 0));
        assert_eq!((after("-1"), after("soon"), after("Wed, 21 Oct 2026 07:28:00 GMT")), (0, 0, 0));
    }

    #[test]
    fn a_redirect_needs_a_location() {
        for status in [301, 302, 303, 307, 308] {
            assert_eq!(judged(status, &[(LOCATION, "../b")]), Judgement::Redirect("../b".into()), "{status}");
            assert!(matches!(judged(status, &[]), Judgement::Never(Futile::NoLocation(_))), "{status}");
        }
    }
}
