//! Who may read answers in a browser (Fetch §3.2, the CORS protocol).
//!
//! An EventSource without credentials may be opened by any page; what a token in the URL or a header allows is the
//! token's matter. Cookies go with the allowed origins only.

use super::identity::Identities;
use super::reply::{Reply, whole};
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

/// The answer to a question before a request: every method and header that the proxy knows.
pub(super) fn preflight() -> Reply {
    let mut reply = Response::new(whole(""));
    *reply.status_mut() = StatusCode::NO_CONTENT;
    let headers = reply.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, OPTIONS"));
    let allowed = "authorization, cache-control, content-type, last-event-id";
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(allowed));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    reply
}

/// Says who may read `reply`.
pub(super) fn allow(identities: &Identities, asked: &HeaderMap, reply: &mut Reply) {
    let Some(origin) = asked.get(ORIGIN) else { return };
    let headers = reply.headers_mut();
    headers.append(VARY, HeaderValue::from_static("Origin"));
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("retry-after, www-authenticate"));
    if identities.is_allowed_origin(asked) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    } else {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    }
}
