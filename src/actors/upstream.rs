//! What a source and whatever reads its upstream say to each other.

use super::admission::{Credit, Door};
use super::port::Port;
use crate::codec::sse::Events;
use crate::engine::clock::Now;
use crate::model::SourceId;
use bytes::Bytes;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// Where an upstream goes on when it is opened again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resume {
    /// The id to ask for what follows; empty if there is none.
    pub id: Bytes,
    /// Events from this number on share the id with the one before; the origin may take them for what follows.
    pub from: u64,
    /// The number of the first event with another id. What was taken from there on comes again.
    pub after: u64,
}

/// A source's resume point, for whoever reads its upstream: the source moves it as events become safe, the reader looks
/// when it opens the upstream again.
#[derive(Clone, Debug, Default)]
pub struct ResumePoint(Arc<Mutex<Resume>>);

impl ResumePoint {
    /// A point to begin with.
    pub fn new(resume: Resume) -> Self {
        Self(Arc::new(Mutex::new(resume)))
    }

    /// Where to go on now.
    pub fn get(&self) -> Resume {
        self.0.lock().clone()
    }

    /// Moves it.
    pub fn set(&self, resume: Resume) {
        *self.0.lock() = resume;
    }
}

/// What the reader of an upstream tells its source, in order.
#[derive(Debug)]
pub enum UpstreamFact {
    /// The stream is open.
    Opened {
        /// Where the origin was told to go on; nowhere if no id was sent to it.
        resumed: Option<Resume>,
    },
    /// Events, as many as one wake-up brought.
    Events {
        /// The events.
        events: Events,
        /// The right to have them in flight.
        credit: Credit,
        /// When they were read.
        read_at: Now,
    },
    /// The origin says how long a user agent should wait before it comes again (HTML §9.2.6, `retry`).
    Retry(Duration),
    /// The stream is gone and will be opened again.
    Lost {
        /// Why.
        outage: Outage,
        /// When it will be tried again.
        retry_in: Duration,
    },
    /// The stream has ended for good (HTML §9.2.2 "fail the connection").
    Ended {
        /// Why.
        outage: Outage,
    },
}

/// Why there is no stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    /// For whoever has to answer for it.
    pub cause: Cause,
    /// In words without secrets.
    pub reason: String,
}

/// What kind of reason there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The origin cannot be reached, does not answer, or has closed the stream.
    Connection,
    /// The origin answers with this status.
    Status(u16),
    /// The origin answers with something else than an event stream.
    Content,
    /// Its address, or one that it redirects to, is not allowed.
    Forbidden,
    /// Something in this house.
    House,
}

impl Outage {
    /// One with its reason in words.
    pub fn new(cause: Cause, reason: impl Into<String>) -> Self {
        Self { cause, reason: reason.into() }
    }
}

/// Opens upstreams: the seam between a source and the edge that reads for it.
pub trait Upstreams: Send + Sync {
    /// Starts to read `source` behind `resume`, now and whenever it is opened again, and tells `facts` about it, taking a
    /// credit at `door` for whatever comes in. Reading ends when the handle is dropped.
    fn open(&self, source: &SourceId, resume: ResumePoint, door: Door, facts: Port<UpstreamFact>) -> UpstreamHandle;
}

/// Keeps an upstream open; closes it when dropped.
#[derive(Debug)]
pub struct UpstreamHandle(JoinHandle<()>);

impl UpstreamHandle {
    /// Owns the task that reads.
    pub fn new(task: JoinHandle<()>) -> Self {
        Self(task)
    }
}

impl Drop for UpstreamHandle {
    fn drop(&mut self) {
        self.0.abort();
    }
}
