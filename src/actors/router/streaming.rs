//! Streams come and go, and with them the sources that they need.

use super::message::{ActivateError, Follower, RouterMessage, Status, StreamOpened, StreamWanted};
use super::state::State;
use crate::actors::port::Port;
use crate::actors::source::{SourceFact, SourceMessage};
use crate::actors::streams::{OpenStream, Streams};
use crate::model::{HandsetId, SourceId, SubscriptionId};
use bytes::Bytes;
use std::sync::Arc;
use tracing::debug;

impl State {
    /// Opens a stream of a source, whose upstream is opened if it is not.
    pub(super) async fn open_stream(&mut self, wanted: StreamWanted) -> Result<StreamOpened, ActivateError> {
        if self.stopping {
            return Err(ActivateError::Stopping);
        }
        let StreamWanted { source, last_event_id, follower } = wanted;
        let record = self.source(&source, &last_event_id).await?;
        let next = record.next();
        let id = follower.map(|follower| self.follower_id(&source, &follower));
        let streams = id.map(|id| self.streams_of(id));
        if let Some(entry) = self.sources.get_mut(&source) {
            entry.streams += 1;
            entry.lingering = None;
        }
        let (router, of) = (self.myself.clone(), source.clone());
        let closed = Port::new(move |()| {
            // One that has stopped has closed all of them.
            let _ = router.cast(RouterMessage::StreamClosed(of.clone(), id));
        });
        // From here on what was counted is given back, whatever happens.
        let stream = OpenStream::new(streams, self.arguments.relay.push_after, closed);
        let ended = |entry: &super::state::SourceEntry| matches!(*entry.status.borrow(), Status::Ended(_));
        if self.sources.get(&source).is_some_and(ended) {
            self.reopen(&source).await;
            // It is not as it was any more, also if the source has not heard of it yet.
            self.handle_source(&source, SourceFact::Connecting);
        }
        let entry = self.sources.get(&source).ok_or(ActivateError::Stopping)?;
        debug!(source = record.id().logged(), streams = entry.streams, "stream opened");
        Ok(StreamOpened { source: entry.actor.clone(), next, status: entry.status.subscribe(), stream })
    }

    /// The handset says what it has of a source; what is not known is no news.
    pub(super) fn acknowledge(&self, source: &SourceId, follower: &Follower, last_event_id: Bytes) {
        let streams = self.streams.get(&self.follower_id(source, follower));
        if let Some((streams, entry)) = streams.zip(self.sources.get(source)) {
            let _ = entry.actor.cast(SourceMessage::Acknowledged(Arc::clone(streams), last_event_id));
        }
    }

    pub(super) fn stream_closed(&mut self, source: &SourceId, id: Option<SubscriptionId>) {
        self.lingered += 1;
        let times = self.lingered;
        if let Some(entry) = self.sources.get_mut(source) {
            entry.streams = entry.streams.saturating_sub(1);
            if entry.streams == 0 {
                entry.lingering = Some(times);
            }
        }
        let source = source.clone();
        let over = move || RouterMessage::LingerOver(source, id, times);
        let _detached = self.myself.send_after(self.arguments.relay.linger, over);
    }

    /// Whoever closed a stream has had time to come back.
    pub(super) fn linger_over(&mut self, source: &SourceId, id: Option<SubscriptionId>, times: u64) {
        if let Some(id) = id.filter(|id| !self.probes.has(id)) {
            self.forget_streams(&id);
        }
        let Some(entry) = self.sources.get_mut(source).filter(|entry| entry.lingering == Some(times)) else { return };
        entry.lingering = None;
        if entry.subscriptions == 0 {
            self.end_source(source);
        }
    }

    /// Forgets what streams have brought, unless one is open or about to be.
    pub(super) fn forget_streams(&mut self, id: &SubscriptionId) {
        if self.streams.get(id).is_some_and(|streams| Arc::strong_count(streams) == 1) {
            self.streams.remove(id);
        }
    }

    /// The subscription that a handset's streams belong to, whether it is active or not.
    pub(super) fn follower_id(&self, source: &SourceId, follower: &Follower) -> SubscriptionId {
        let Follower { tenant, number, application } = follower;
        let handset = HandsetId::from_first_number(tenant, number);
        let application = application.as_ref().unwrap_or(&self.arguments.push.application);
        SubscriptionId::derive(tenant, &handset, source, application)
    }

    pub(super) fn streams_of(&mut self, id: SubscriptionId) -> Arc<Streams> {
        let (ledger, clock) = (&self.arguments.ledger, &self.arguments.clock);
        let streams = self.streams.entry(id).or_insert_with(|| {
            let streams = Streams::new(Arc::clone(ledger), clock.clone());
            if let Some(seat) = self.subscriptions.get(&id) {
                streams.arm(seat);
            }
            Arc::new(streams)
        });
        Arc::clone(streams)
    }
}
