//! Subscriptions as the API shows them.

use crate::actors::router::{Status, View};
use crate::control::proto::{self, source::Origin, subscription::Budget, subscription::Status as Shown};
use crate::engine::budget::Scope;
use crate::model::{Policy, SourceId, SourceOrigin};
use prost_types::{Duration, Timestamp};

impl From<View> for proto::Subscription {
    fn from(view: View) -> Self {
        let (status, status_reason) = status(view.status);
        Self {
            id: view.id.to_string(),
            tenant: view.tenant.to_string(),
            handset: view.handset.to_string(),
            to: format!("+{}", view.number.digits()),
            source: Some(proto::Source::from(&view.source)),
            application: view.application.to_string(),
            policy: Some(proto::Policy::from(&view.policy)),
            smsc: view.smsc,
            status: status.into(),
            status_reason,
            activate_time: Some(timestamp(view.activated_unix_ms)),
            released: view.released,
            pending: view.pending,
            outstanding: view.outstanding,
            stream_key: view.stream.to_string(),
            held_by: view.held_by.map_or(Budget::Unspecified, |(scope, _)| scope.into()).into(),
            held_until: view.held_by.map(|(_, until)| timestamp(until)),
        }
    }
}

impl From<Scope> for Budget {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Handset => Self::Handset,
            Scope::Source => Self::Source,
            Scope::Tenant => Self::Tenant,
        }
    }
}

impl From<&SourceId> for proto::Source {
    fn from(source: &SourceId) -> Self {
        let origin = match source.origin() {
            SourceOrigin::Url(url) => Origin::Url(url.to_string()),
            SourceOrigin::Feed(name) => Origin::Feed(name.to_string()),
        };
        let credential = source.credential().map(ToString::to_string).unwrap_or_default();
        Self { origin: Some(origin), credential }
    }
}

impl From<&Policy> for proto::Policy {
    fn from(policy: &Policy) -> Self {
        let mut shown = Self {
            batch_window: Duration::try_from(policy.batch_window).ok(),
            max_events: Some(policy.max_events),
            max_segments: Some(policy.max_segments.get().into()),
            order: proto::Order::from(policy.order).into(),
            ttl: Duration::try_from(policy.ttl).ok(),
            overflow: proto::Overflow::from(policy.overflow).into(),
            receipts: proto::Receipts::from(policy.receipts).into(),
            content: proto::Content::from(policy.content).into(),
            ids: proto::Ids::from(policy.ids).into(),
            priority: proto::Priority::from(policy.priority).into(),
            at_limit: proto::AtLimit::from(policy.at_limit).into(),
            types: Some((&policy.types).into()),
            ..Self::default()
        };
        shown.set_coalescing(&policy.coalesce);
        shown
    }
}

fn status(status: Status) -> (Shown, String) {
    match status {
        Status::Connecting => (Shown::Connecting, String::new()),
        Status::Active => (Shown::Active, String::new()),
        Status::Waiting(outage) => (Shown::Waiting, outage.reason),
        Status::Ended(outage) => (Shown::Ended, outage.reason),
        Status::Quarantined(reason) => (Shown::Quarantined, reason),
    }
}

fn timestamp(unix_ms: u64) -> Timestamp {
    Timestamp { seconds: (unix_ms / 1000) as i64, nanos: (unix_ms % 1000) as i32 * 1_000_000 }
}
