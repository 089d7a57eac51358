//! `GET /?eventsource=<url>`: the stream of an origin, relayed to whoever opens it (HTML §9.2.8).
//!
//! One upstream serves all. A stream asks its source for events, and writes what it gets: nobody waits for a slow
//! client, whose events stay in the source's log until it has read that far.

mod catching_up;
mod opening;
mod running;
mod writer;

pub(super) use opening::{Opened, open};

use super::problem::Problem;
use super::reply::{Pieces, Reply};
use super::request::Caller;
use super::{Proxy, query::Query};
use crate::actors::router::Follower;
use crate::actors::source::Found;
use crate::actors::streams::OpenStream;
use bytes::Bytes;
use catching_up::CatchingUp;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use running::Running;
use std::sync::Arc;
use writer::Writer;

/// Opens a stream for `caller` and answers with it once the origin has.
pub(super) async fn relay(proxy: &Arc<Proxy>, caller: &Caller, query: &Query) -> Result<Reply, Problem> {
    let source = proxy.source(caller, query)?;
    if caller.identity.is_none() && !proxy.settings.anonymous_relay {
        return Err(caller.challenge("a stream is relayed to known handsets only"));
    }
    let place = proxy.clients.stream(caller.client())?;
    // "the Last-Event-ID header wins": a browser sends it when it comes back, and the URL stays as it was.
    let last_event_id = match &caller.last_event_id {
        id if id.is_empty() => query.last_event_id()?,
        id => id.clone(),
    };
    let application = query.application()?;
    let follower = caller.identity.as_ref().map(|identity| Follower {
        tenant: identity.tenant.clone(),
        number: identity.number,
        application,
    });
    let acknowledges = query.acknowledges() && follower.is_some();
    let mut opened = open(proxy, source.clone(), follower, last_event_id.clone()).await?;
    // Whoever does not say what he has, or not so that anybody knows, gets what comes, and what a push would have brought.
    let owed = |stream: &OpenStream, next: u64| stream.owed().map_or(next, |owed| owed.min(next));
    let (next, catching_up) = match last_event_id.is_empty() {
        true => (owed(&opened.stream, opened.next), None),
        false => match opened.find(last_event_id.clone()).await? {
            Found::At(next) => (next, None),
            Found::Nowhere { next } => {
                let catching_up = CatchingUp { source, last_event_id: last_event_id.clone() };
                (owed(&opened.stream, next), Some(catching_up))
            }
        },
    };
    opened.stream.begin(next);
    let (pieces, body) = Pieces::new();
    let tail = proxy.settings.tail(acknowledges, next);
    let running = Running::new(Arc::clone(proxy), opened, place, pieces, tail, next, Writer::new(last_event_id));
    tokio::spawn(running.run(catching_up));
    let mut reply = Response::new(body);
    *reply.status_mut() = StatusCode::OK;
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Reverse proxies of the nginx kind would keep events back.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(reply)
}

/// The id of the last event before number `next`, as a client would have it; empty if nobody can tell.
pub(super) async fn last_id(opened: &Opened, next: u64) -> Bytes {
    match next.checked_sub(1) {
        Some(seq) => opened.id_of(seq).await.unwrap_or_default(),
        None => Bytes::new(),
    }
}
