//! What a source and whatever reads its upstream say to each other.

use super::admission::{Credit, Door};
use super::port::Port;
use crate::codec::sse::Events;
use crate::engine::clock::Now;
use crate::model::SourceId;
use bytes::Bytes;
use std::time::Duration;
use tokio::task::JoinHandle;

/// What the reader of an upstream tells its source, in order.
#[derive(Debug)]
pub enum UpstreamFact {
    /// The stream is open; `resumed` if a Last-Event-ID was sent for it.
    Opened {
        /// Whether the origin was told where to go on.
        resumed: bool,
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
    /// The stream is gone and will be opened again.
    Lost {
        /// Why, in words without secrets.
        reason: String,
        /// When it will be tried again.
        retry_in: Duration,
    },
    /// The stream has ended for good (HTML §9.2.2 "fail the connection").
    Ended {
        /// Why, in words without secrets.
        reason: String,
    },
}

/// Opens upstreams: the seam between a source and the edge that reads for it.
pub trait Upstreams: Send + Sync {
    /// Starts to read `source` after `last_event_id` (empty: from wherever the origin starts) and tells `facts` about
    /// it, taking a credit at `door` for whatever comes in. Reading ends when the handle is dropped.
    fn open(&self, source: &SourceId, last_event_id: Bytes, door: Door, facts: Port<UpstreamFact>) -> UpstreamHandle;
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
