//! What is wrong with a request, said as RFC 9457 says it.

use super::reply::{Reply, whole};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use std::time::Duration;

/// Why a request comes to nothing.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    /// The parameter to blame.
    field: Option<&'static str>,
    detail: String,
    retry_after: Option<Duration>,
    challenge: Option<HeaderValue>,
}

impl Problem {
    /// A problem, and what is wrong in words for whoever asked.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, field: None, detail: detail.into(), retry_after: None, challenge: None }
    }

    /// A parameter that cannot be.
    pub fn field(field: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail).of(field)
    }

    /// It lies with this parameter.
    #[must_use]
    pub fn of(self, field: &'static str) -> Self {
        Self { field: Some(field), ..self }
    }

    /// It is worth another try after so long.
    #[must_use]
    pub fn again_after(self, retry_after: Duration) -> Self {
        Self { retry_after: Some(retry_after), ..self }
    }

    /// Whoever asks has to say who he is.
    #[must_use]
    pub fn challenging(self, challenge: HeaderValue) -> Self {
        Self { challenge: Some(challenge), ..self }
    }

    /// As an answer.
    pub fn into_reply(self) -> Reply {
        let Self { status, field, detail, retry_after, challenge } = self;
        let title = status.canonical_reason().unwrap_or("Error");
        let mut body = serde_json::json!({
            "type": "about:blank", "title": title, "status": status.as_u16(), "detail": detail,
        });
        if let Some(field) = field {
            body["field"] = field.into();
        }
        // "A 204 response is terminated by the end of the header section" (RFC 9110 §15.3.5).
        let text = if status == StatusCode::NO_CONTENT { String::new() } else { body.to_string() };
        let mut reply = Response::new(whole(text));
        *reply.status_mut() = status;
        let headers = reply.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status != StatusCode::NO_CONTENT {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        }
        if let Some(wait) = retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        }
        if let Some(challenge) = challenge {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        reply
    }
}
