//! `[policy]`: a subscription's defaults. The type and its ranges belong to the model.

use super::explain::Explained;
use super::section::{Section, text};
use crate::model::Policy;
use std::num::NonZeroU8;
use std::time::Duration;

pub(super) fn read(mut section: Section<'_>) -> Policy {
    let default = Policy::default();
    let batch_window = checked(&mut section, "batch_window", default.batch_window, "0s to 24h", |batch_window| {
        Policy { batch_window, ..Policy::default() }
    });
    let ttl = checked(&mut section, "ttl", default.ttl, "0s for no limit, or 1s to 28days", |ttl| Policy {
        ttl,
        ..Policy::default()
    });
    let max_segments = section.integer("max_segments", default.max_segments.get(), 1..=u8::MAX);
    let policy = Policy {
        batch_window,
        max_events: section.integer("max_events", default.max_events, 0..=u32::MAX),
        max_segments: NonZeroU8::new(max_segments).unwrap_or(default.max_segments),
        order: section.word("order", default.order, "one of strict, pipelined"),
        ttl,
        overflow: section.word("overflow", default.overflow, "one of notify, drop, split"),
        content: section.word("content", default.content, "one of all, wake"),
        ids: section.word("ids", default.ids, "one of origin, all"),
        receipts: section.word("receipts", default.receipts, "one of all, none"),
    };
    section.finish();
    policy
}

/// A duration that the model's own check has to take, in a policy that is otherwise the default.
fn checked(
    section: &mut Section<'_>,
    key: &'static str,
    default: Duration,
    allowed: &str,
    policy: impl FnOnce(Duration) -> Policy,
) -> Duration {
    section.read(key, default, format!(r#"a duration such as "30s", {allowed}"#), |value| {
        let duration = humantime::parse_duration(text(value)?).ok()?;
        policy(duration).check().is_ok().then_some(duration)
    })
}

pub(super) fn explain(policy: &Policy, explained: &mut Explained) {
    explained
        .section("[policy]")
        .duration("batch_window", policy.batch_window)
        .plain("max_events", policy.max_events)
        .plain("max_segments", policy.max_segments)
        .text("order", policy.order.as_str())
        .duration("ttl", policy.ttl)
        .text("overflow", policy.overflow.as_str())
        .text("content", policy.content.as_str())
        .text("ids", policy.ids.as_str())
        .text("receipts", policy.receipts.as_str());
}
