//! Activates the subscriptions of a load test, many calls at a time.

use super::options::Options;
use crate::cli::server::{ServerError, answer};
use crate::control::proto::control_client::ControlClient;
use crate::control::proto::source::Origin;
use crate::control::proto::{self, ActivateRequest, Source};
use crate::model::{Order, Receipts};
use crate::sim::load::number;
use futures_util::{StreamExt, TryStreamExt, stream};
use tonic::transport::Channel;

/// Calls that wait for their answer.
const AT_ONCE: usize = 64;

/// Activates every subscription; `origin` names a source. Handset numbers are made up from the place alone.
///
/// # Errors
/// When one is refused.
pub(super) async fn activate(
    control: &ControlClient<Channel>,
    options: &Options,
    origin: impl Fn(u32) -> Origin,
) -> Result<(), ServerError> {
    let handsets = 0..options.sources * options.subscriptions;
    let calls = handsets.map(|handset| {
        let request = ActivateRequest {
            to: number(handset),
            source: Some(source(origin(handset / options.subscriptions))),
            policy: Some(policy(options)),
            ..ActivateRequest::default()
        };
        let mut control = control.clone();
        async move { answer(control.activate(request)).await.map(drop) }
    });
    stream::iter(calls).buffer_unordered(AT_ONCE).try_collect().await
}

/// A source as a request says it.
pub(super) fn source(origin: Origin) -> Source {
    Source { origin: Some(origin), credential: String::new() }
}

/// Said whole, for a running router has defaults of its own.
fn policy(options: &Options) -> proto::Policy {
    let order = match options.order {
        Order::Strict => proto::Order::Strict,
        Order::Pipelined => proto::Order::Pipelined,
    };
    let receipts = match options.receipts {
        Receipts::All => proto::Receipts::All,
        Receipts::None => proto::Receipts::None,
    };
    proto::Policy {
        max_events: Some(options.max_events),
        max_segments: Some(options.max_segments()),
        order: order.into(),
        receipts: receipts.into(),
        ..proto::Policy::default()
    }
}
