//! One request: read whole, its caller known, then answered.

use super::clients::Client;
use super::identity::{Asked, CHALLENGE, Identity};
use super::problem::Problem;
use super::query::{Action, QUERY_MAX_OCTETS, Query, event_id};
use super::reply::Reply;
use super::{Proxy, assets, cors, push, stream};
use crate::actors::clock;
use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use tracing::debug;

/// How long the body of a request may take.
const FORM_TIMEOUT: Duration = Duration::from_secs(10);

/// Who asks.
pub(super) struct Caller {
    pub peer: IpAddr,
    pub identity: Option<Identity>,
    /// What its `Last-Event-ID` says.
    pub last_event_id: Bytes,
}

impl Caller {
    /// As whom it is counted.
    pub fn client(&self) -> Client {
        self.identity.as_ref().map_or(Client::Address(self.peer), |identity| Client::Handset(identity.number))
    }

    /// It has to say who it is.
    pub fn challenge(&self, detail: &str) -> Problem {
        Problem::new(StatusCode::UNAUTHORIZED, detail).challenging(CHALLENGE)
    }
}

/// Answers whatever was asked.
pub(super) async fn answer(proxy: Arc<Proxy>, peer: IpAddr, request: Request<Incoming>) -> Result<Reply, Infallible> {
    let (head, body) = request.into_parts();
    let result = match (&head.method, head.uri.path()) {
        (&Method::OPTIONS, _) => Ok(cors::preflight()),
        (&Method::GET | &Method::POST, "/") => {
            let mut query = Query::default();
            let form = form(&head.method, &head.headers, body).await;
            let read = form.and_then(|form| {
                query.read(head.uri.query().unwrap_or_default())?;
                query.read(&form)
            });
            match read {
                Ok(()) => act(&proxy, peer, &head.headers, &query).await,
                Err(problem) => Err(problem),
            }
        }
        (&Method::GET, path) => assets::at(&proxy, path).ok_or_else(nothing_here),
        (_, "/") => Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "only GET, POST and OPTIONS are understood")),
        _ => Err(nothing_here()),
    };
    let mut reply = result.unwrap_or_else(Problem::into_reply);
    let status = reply.status();
    if status.is_client_error() || status.is_server_error() {
        debug!(%peer, status = status.as_u16(), "request refused");
        proxy.telemetry.proxy_refused[usize::from(status.is_server_error())].increment(1);
    }
    if status == StatusCode::METHOD_NOT_ALLOWED {
        reply.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, POST, OPTIONS"));
    }
    // A page of the demo is nobody else's to read.
    if assets::is_public(head.uri.path()) {
        cors::allow(&proxy.identities, &head.headers, &mut reply);
    }
    Ok(reply)
}

fn nothing_here() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "there is nothing here: the proxy is at /")
}

/// The parameters in the body of a POST.
async fn form(method: &Method, headers: &HeaderMap, body: Incoming) -> Result<String, Problem> {
    if method != Method::POST {
        return Ok(String::new());
    }
    let body = timeout(FORM_TIMEOUT, Limited::new(body, QUERY_MAX_OCTETS).collect()).await;
    let body = body.map_err(|_| Problem::new(StatusCode::REQUEST_TIMEOUT, "the form did not come in time"))?;
    let body = body.map_err(|_| Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "a form has at most 16384 octets"))?;
    let octets = body.to_bytes();
    let is_form =
        headers.get(CONTENT_TYPE).is_some_and(|of| of.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    if octets.is_empty() {
        return Ok(String::new());
    }
    if !is_form {
        let detail = "a body has to be application/x-www-form-urlencoded";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    String::from_utf8(octets.into()).map_err(|_| Problem::field("query", "the form is no UTF-8"))
}

async fn act(proxy: &Arc<Proxy>, peer: IpAddr, headers: &HeaderMap, query: &Query) -> Result<Reply, Problem> {
    let action = query.action()?;
    let caller = caller(proxy, peer, headers, query)?;
    // That for a stream too: each may have the log searched, and the origin asked once more.
    proxy.clients.request(clock::now().monotonic, caller.client())?;
    match action {
        Action::Relay => stream::relay(proxy, &caller, query).await,
        Action::Activate { now } => push::activate(proxy, &caller, query, now).await,
        Action::Deactivate => push::deactivate(proxy, &caller, query).await,
        Action::Acknowledge { id } => push::acknowledge(proxy, &caller, query, id),
        Action::Confirm { nonce } => push::confirm(proxy, nonce).await,
    }
}

fn caller(proxy: &Proxy, peer: IpAddr, headers: &HeaderMap, query: &Query) -> Result<Caller, Problem> {
    let unix_seconds = clock::now().unix_ms / 1000;
    let asked = Asked { peer, headers, query_token: query.token(), unix_seconds };
    if proxy.identities.spoofed(&asked).is_some() {
        proxy.telemetry.spoofed_headers.increment(1);
        debug!(%peer, "header of a gateway that no gateway wrote: ignored");
    }
    let identity = proxy
        .identities
        .identify(&asked)
        .map_err(|error| Problem::new(error.status(), error.to_string()).challenging(error.challenge()))?;
    let id = headers.get("last-event-id").map(|id| String::from_utf8_lossy(id.as_bytes()));
    let last_event_id = event_id("Last-Event-ID", id.as_deref())?;
    Ok(Caller { peer, identity, last_event_id })
}
