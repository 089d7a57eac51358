//! Sources as feeds: events published by gRPC, on one stream.
//!
//! A source has one publication at a time that was neither taken nor rejected. One that is rejected because too much is in
//! flight is formed again once something was released, so that nothing is lost and nothing overtakes.

use super::subscriber::source;
use crate::cli::server::{ServerError, answer};
use crate::control::proto::control_client::ControlClient;
use crate::control::proto::publish_response::Answer;
use crate::control::proto::source::Origin;
use crate::control::proto::{Event, PublishRequest};
use crate::sim::load::{Schedule, pace};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;
use tonic::transport::Channel;

/// Publications formed ahead of the server.
const AHEAD: usize = 16;
/// Octets of one publication's events, about; a source takes some hundred KiB before it is full.
const OCTETS: usize = 16 * 1024;

/// Events on their way into feeds.
#[derive(Debug, Default)]
pub(super) struct Publisher {
    sent: AtomicU64,
    rejected: AtomicU64,
    feeds: Mutex<Feeds>,
}

#[derive(Debug, Default)]
struct Feeds {
    /// Of each source the event that comes next, and whether a publication of it is asked.
    next: Vec<(u64, bool)>,
    /// Publications that wait for their answer, which comes in this order: source, and the event after the last.
    asked: VecDeque<(u32, u64)>,
    /// Publications that were taken and not released.
    unreleased: u64,
    /// Whether one was rejected because too much is in flight, and nothing was released since.
    full: bool,
}

/// A source's feed.
pub(super) fn feed(source: u32) -> Origin {
    Origin::Feed(format!("load-{source}"))
}

impl Publisher {
    /// Begins to publish.
    ///
    /// # Errors
    /// When the server does not open the stream.
    pub async fn start(mut control: ControlClient<Channel>, schedule: Schedule) -> Result<Arc<Self>, ServerError> {
        let publisher = Arc::new(Self::default());
        publisher.feeds.lock().next = vec![(0, false); schedule.sources as usize];
        let (requests, taken) = mpsc::channel(AHEAD);
        let sender = publisher.clone();
        let thread = std::thread::spawn(move || sender.send(&schedule, &requests));
        let mut responses = answer(control.publish(ReceiverStream::new(taken))).await?;
        let reader = publisher.clone();
        tokio::spawn(async move {
            while let Ok(Some(response)) = responses.message().await {
                if response.answer.is_some_and(|answer| reader.handle_answer(&answer)) {
                    thread.thread().unpark();
                }
            }
        });
        Ok(publisher)
    }

    /// Events that the server has answered for: taken, or not wanted.
    pub fn sent(&self) -> u64 {
        self.sent.load(Relaxed)
    }

    /// Publications that the server did not want.
    pub fn rejected(&self) -> u64 {
        self.rejected.load(Relaxed)
    }

    /// Whether a publication waits for its answer.
    pub fn waits(&self) -> bool {
        !self.feeds.lock().asked.is_empty()
    }

    fn send(&self, schedule: &Schedule, requests: &mpsc::Sender<PublishRequest>) {
        let at_once = (OCTETS / schedule.octets.max(1)).max(1) as u64;
        pace(schedule, |source| {
            let now = Instant::now();
            let due = schedule.due(source, now).min(u64::from(u32::MAX));
            let mut feeds = self.feeds.lock();
            if feeds.full && feeds.unreleased > 0 {
                return Some(true);
            }
            let (next, asked) = feeds.next.get_mut(source as usize)?;
            if *asked || *next >= due {
                return Some(*asked);
            }
            let (first, until) = (*next, due.min(*next + at_once));
            *asked = true;
            feeds.asked.push_back((source, until));
            // The answer takes the lock, and this waits for the server.
            drop(feeds);
            let events = (first..until).map(|number| event(schedule, source, number as u32, now)).collect();
            requests.blocking_send(request(source, events)).ok()?;
            Some(true)
        });
    }

    /// Whether there may be something to send now.
    fn handle_answer(&self, answer: &Answer) -> bool {
        let mut guard = self.feeds.lock();
        let feeds = &mut *guard;
        if let Answer::Released(_) = answer {
            feeds.unreleased = feeds.unreleased.saturating_sub(1);
            return std::mem::take(&mut feeds.full);
        }
        let Some((source, until)) = feeds.asked.pop_front() else { return false };
        let Some((next, asked)) = feeds.next.get_mut(source as usize) else { return false };
        *asked = false;
        match answer {
            Answer::Rejected(rejected) if rejected.code == i32::from(Code::ResourceExhausted) => {
                feeds.full = true;
                return false;
            }
            Answer::Rejected(_) => _ = self.rejected.fetch_add(1, Relaxed),
            _ => feeds.unreleased += 1,
        }
        self.sent.fetch_add(until - *next, Relaxed);
        *next = until;
        true
    }
}

fn request(of: u32, events: Vec<Event>) -> PublishRequest {
    PublishRequest { source: Some(source(feed(of))), events, ..PublishRequest::default() }
}

fn event(schedule: &Schedule, source: u32, number: u32, now: Instant) -> Event {
    let mut data = Vec::with_capacity(schedule.octets);
    schedule.mark(source, number, now).write(schedule.octets, &mut data);
    // A mark is ASCII.
    let data = String::from_utf8(data).unwrap_or_default();
    Event { data, id: number.to_string(), ..Event::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::proto::{Rejected, Taken};

    #[test]
    fn what_is_refused_for_now_is_not_sent_and_what_is_not_wanted_is() {
        let publisher = Publisher::default();
        let rejected = |code: Code| Answer::Rejected(Rejected { code: code.into(), ..Rejected::default() });
        for (answer, figures) in [
            (rejected(Code::ResourceExhausted), (0, 0)),
            (Answer::Taken(Taken::default()), (5, 0)),
            (rejected(Code::NotFound), (5, 1)),
        ] {
            *publisher.feeds.lock() = Feeds { next: vec![(0, true)], asked: [(0, 5)].into(), ..Feeds::default() };
            publisher.sent.store(0, Relaxed);
            publisher.handle_answer(&answer);
            assert_eq!((publisher.sent(), publisher.rejected()), figures);
            assert!(!publisher.waits());
        }
    }
}
