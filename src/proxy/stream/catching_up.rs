//! What the log no longer has: asked of the origin once more, for one client alone, until it meets what the log has.

use super::running::{Over, Running};
use crate::actors::port::Port;
use crate::actors::source::Found;
use crate::actors::upstream::{Resume, ResumePoint, UpstreamFact};
use crate::codec::sse::Events;
use crate::engine::chunk::Chunk;
use crate::model::{OwnId, SourceId};
use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

/// Events that one client may be behind.
const MAX_EVENTS: usize = 10_000;
/// Octets in flight for that.
const DOOR_OCTETS: usize = 256 * 1024;

/// Facts on their way here: each chunk takes some of the door's octets, and there are few others.
const FACTS: usize = 1024;

/// A client whose last event is older than the log.
pub(super) struct CatchingUp {
    pub source: SourceId,
    pub last_event_id: Bytes,
}

impl CatchingUp {
    /// Writes what is missing, or tells that it is.
    pub async fn run(self, running: &mut Running) -> Result<(), Over> {
        let joined = match OwnId::read(&self.last_event_id).is_some() {
            true => None, // an id of ours means nothing to an origin
            false => self.read(running).await?,
        };
        match joined {
            Some(next) => running.next = next,
            None => {
                let mut out = BytesMut::new();
                running.gap("nobody has what follows the last event", &mut out);
                running.send(out).await?;
            }
        }
        Ok(())
    }

    /// Reads from the origin until an event comes that the log has; the number to go on with, or none if the origin
    /// does not help.
    async fn read(&self, running: &mut Running) -> Result<Option<u64>, Over> {
        let resume = Resume { id: self.last_event_id.clone(), from: 0, after: 0 };
        let (sender, mut facts) = mpsc::channel(FACTS);
        let port = Port::new(move |fact| {
            // The door holds the reader back long before there are so many.
            let _ = sender.try_send(fact);
        });
        let (proxy, door) = (std::sync::Arc::clone(&running.proxy), running.proxy.admission.door(DOOR_OCTETS));
        let _upstream = proxy.upstreams.open(&self.source, ResumePoint::new(resume), door, port);
        let until = Instant::now() + proxy.settings.catch_up_timeout;
        let (mut written, mut helped) = (0, false);
        loop {
            let fact = match timeout_at(until, facts.recv()).await {
                Ok(Some(fact)) => fact,
                // What came so far is all that was missing: nothing of it is in the log, so nothing of the log was left
                // out.
                Err(_) if helped => return Ok(Some(running.next)),
                Ok(None) | Err(_) => return Ok(None),
            };
            match fact {
                UpstreamFact::Opened { .. } | UpstreamFact::Retry(_) => {}
                UpstreamFact::Lost { .. } | UpstreamFact::Ended { .. } => return Ok(None),
                UpstreamFact::Events { events, read_at, .. } => {
                    helped = true;
                    written += events.len();
                    if written > MAX_EVENTS || events.oversize() > 0 {
                        return Ok(None);
                    }
                    let joined = joins(running, &events).await;
                    let count = events.len() as u64;
                    let chunk = Chunk::new(events, 0, read_at, None, None);
                    let mut out = BytesMut::new();
                    running.writer.write_foreign(&chunk, 0..count, &mut out);
                    running.send(out).await?;
                    if joined.is_some() {
                        return Ok(joined);
                    }
                }
            }
        }
    }
}

/// The number to go on with if the log has the last of these events.
async fn joins(running: &Running, events: &Events) -> Option<u64> {
    let last = events.iter().last().filter(|event| !event.id.is_empty())?;
    match running.opened().find(Bytes::copy_from_slice(last.id)).await {
        Ok(Found::At(next)) => Some(next),
        _ => None,
    }
}
