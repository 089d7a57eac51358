//! Upstreams without sockets: the test says what comes in.

use bellwire::actors::admission::Door;
use bellwire::actors::port::Port;
use bellwire::actors::upstream::{ResumePoint, UpstreamFact, UpstreamHandle, Upstreams};
use bellwire::codec::sse::{Events, EventsBuilder};
use bellwire::engine::chunk;
use bellwire::engine::clock::Now;
use bellwire::model::SourceId;
use bytes::Bytes;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Every upstream that was ever opened, in order.
#[derive(Default)]
pub struct FakeUpstreams {
    opened: Mutex<Vec<Arc<Opened>>>,
    /// The next one that is opened panics.
    pub fails: AtomicBool,
}

pub struct Opened {
    pub source: SourceId,
    /// Where it was to go on when it was opened.
    pub last_event_id: Bytes,
    /// Where it is to go on now.
    pub resume: ResumePoint,
    pub door: Door,
    pub facts: Port<UpstreamFact>,
    closed: Arc<AtomicBool>,
}

struct Closes(Arc<AtomicBool>);

impl Drop for Closes {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Upstreams for FakeUpstreams {
    fn open(&self, source: &SourceId, resume: ResumePoint, door: Door, facts: Port<UpstreamFact>) -> UpstreamHandle {
        assert!(!self.fails.swap(false, Ordering::Relaxed), "told to fail");
        let closed: Arc<AtomicBool> = Arc::default();
        let closes = Closes(Arc::clone(&closed));
        let last_event_id = resume.get().id;
        let opened = Opened { source: source.clone(), last_event_id, resume, door, facts, closed };
        self.opened.lock().push(Arc::new(opened));
        UpstreamHandle::new(tokio::spawn(async move {
            let _closes = closes;
            std::future::pending::<()>().await;
        }))
    }
}

impl FakeUpstreams {
    pub fn count(&self) -> usize {
        self.opened.lock().len()
    }

    pub fn get(&self, index: usize) -> Arc<Opened> {
        Arc::clone(&self.opened.lock()[index])
    }

    pub fn last(&self) -> Arc<Opened> {
        self.get(self.count() - 1)
    }
}

impl Opened {
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Events of this data, whose id is the data; false if the door is full.
    pub fn feed(&self, read_at: Now, data: &[&str]) -> bool {
        let events = events(data);
        let Some(credit) = self.door.try_admit(chunk::octets(&events)) else {
            return false;
        };
        self.facts.send(UpstreamFact::Events { events, credit, read_at });
        true
    }
}

pub fn events(data: &[&str]) -> Events {
    let mut builder = EventsBuilder::new();
    for text in data {
        builder.push(b"message", text.as_bytes(), text.as_bytes()).unwrap();
    }
    builder.finish().compacted()
}
