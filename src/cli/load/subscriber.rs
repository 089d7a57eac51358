//! The subscriptions of a load test: activated and ended many calls at a time.

use super::options::Options;
use super::progress::{Progress, grouped};
use crate::cli::server::{ServerError, answer};
use crate::control::proto::control_client::ControlClient;
use crate::control::proto::source::Origin;
use crate::control::proto::{self, ActivateRequest, DeactivateRequest, Source};
use crate::sim::load::number;
use futures_util::{StreamExt, TryStreamExt, stream};
use std::time::{Duration, Instant};
use tonic::transport::Channel;

/// Calls that wait for their answer.
const AT_ONCE: usize = 64;

/// Subscriptions that are active.
#[derive(Debug)]
pub(super) struct Subscriptions {
    /// How long it took to activate them.
    pub took: Duration,
    /// Their ids, if they have to be ended.
    ids: Vec<String>,
}

impl Subscriptions {
    /// Activates every subscription; `origin` names a source. Handset numbers are made up from the place alone.
    ///
    /// # Errors
    /// When one is refused.
    pub async fn activate(
        control: &ControlClient<Channel>,
        options: &Options,
        origin: impl Fn(u32) -> Origin,
    ) -> Result<Self, ServerError> {
        let started = Instant::now();
        // A router of our own ends with them.
        let keep = options.server.is_some();
        let calls = (0..options.handsets() as u32).map(|handset| {
            let request = ActivateRequest {
                to: number(handset),
                source: Some(source(origin(handset / options.subscriptions))),
                policy: Some(policy(options)),
                ..ActivateRequest::default()
            };
            let mut control = control.clone();
            async move { answer(control.activate(request)).await }
        });
        let mut answers = stream::iter(calls).buffer_unordered(AT_ONCE);
        let (mut ids, mut active, mut progress) = (Vec::new(), 0, Progress::start());
        while let Some(response) = answers.try_next().await? {
            active += 1;
            progress.show(|_| format!("activated {} of {}", grouped(active), grouped(options.handsets())));
            ids.extend(response.subscription.filter(|_| keep).map(|subscription| subscription.id));
        }
        Ok(Self { took: started.elapsed(), ids })
    }

    /// Ends what would be left behind in a running router.
    ///
    /// # Errors
    /// When that is refused.
    pub async fn end(self, control: &ControlClient<Channel>) -> Result<(), ServerError> {
        let calls = self.ids.into_iter().map(|id| {
            let mut control = control.clone();
            let request = DeactivateRequest { id, ..DeactivateRequest::default() };
            async move { answer(control.deactivate(request)).await.map(drop) }
        });
        stream::iter(calls).buffer_unordered(AT_ONCE).try_collect().await
    }
}

/// A source as a request says it.
pub(super) fn source(origin: Origin) -> Source {
    Source { origin: Some(origin), credential: String::new() }
}

/// Said whole, for a running router has defaults of its own.
fn policy(options: &Options) -> proto::Policy {
    proto::Policy {
        max_events: Some(options.max_events),
        max_segments: Some(options.max_segments()),
        order: proto::Order::from(options.order).into(),
        receipts: proto::Receipts::from(options.receipts).into(),
        ..proto::Policy::default()
    }
}
