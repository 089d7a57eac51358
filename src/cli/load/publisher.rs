//! Sources as feeds: events published by gRPC, on one stream.

use super::subscriber::source;
use crate::cli::server::{ServerError, answer};
use crate::control::proto::control_client::ControlClient;
use crate::control::proto::publish_response::Answer;
use crate::control::proto::source::Origin;
use crate::control::proto::{Event, PublishRequest};
use crate::sim::load::{Schedule, pace};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;

/// Publications formed ahead of the server.
const AHEAD: usize = 16;
/// Events of one publication.
const EVENTS: u64 = 64;

/// Events on their way into feeds.
#[derive(Debug, Default)]
pub(super) struct Publisher {
    sent: AtomicU64,
    rejected: AtomicU64,
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
        let (requests, taken) = mpsc::channel(AHEAD);
        let sender = publisher.clone();
        std::thread::spawn(move || sender.send(&schedule, &requests));
        let mut responses = answer(control.publish(ReceiverStream::new(taken))).await?;
        let reader = publisher.clone();
        tokio::spawn(async move {
            while let Ok(Some(response)) = responses.message().await {
                if let Some(Answer::Rejected(_)) = response.answer {
                    reader.rejected.fetch_add(1, Relaxed);
                }
            }
        });
        Ok(publisher)
    }

    /// Events published over all sources.
    pub fn sent(&self) -> u64 {
        self.sent.load(Relaxed)
    }

    /// Publications that the server did not take.
    pub fn rejected(&self) -> u64 {
        self.rejected.load(Relaxed)
    }

    fn send(&self, schedule: &Schedule, requests: &mpsc::Sender<PublishRequest>) {
        let mut next = vec![0_u64; schedule.sources as usize];
        pace(schedule, |source| {
            let next = next.get_mut(source as usize)?;
            let now = Instant::now();
            let due = schedule.due(source, now).min(u64::from(u32::MAX));
            let until = due.min(*next + EVENTS);
            if *next < until {
                let events = (*next..until).map(|number| event(schedule, source, number as u32, now)).collect();
                requests.blocking_send(request(source, events)).ok()?;
                self.sent.fetch_add(until - *next, Relaxed);
            }
            *next = until;
            Some(until < due)
        });
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
