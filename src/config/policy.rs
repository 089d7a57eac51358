//! `[policy]`: a subscription's defaults. The type and its ranges belong to the model.

use super::explain::Explained;
use super::section::{Section, text};
use crate::model::{EventTypes, Policy};
use std::num::NonZeroU8;
use std::time::Duration;

const TYPES: &str = "at most 32 types of events, each from 1 to 64 octets without CR, LF and NUL";
const COALESCE: &str = "one of none, latest, type, field:NAME with a NAME from 1 to 64 octets of printable ASCII";

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
        receipts: section.word("receipts", default.receipts, "one of all, last, sample, none"),
        priority: section.word("priority", default.priority, "one of low, normal, high, urgent"),
        at_limit: section.word("at_limit", default.at_limit, "one of hold, drop, notify"),
        types: types(&mut section),
        coalesce: section.word("coalesce", default.coalesce, COALESCE),
    };
    section.finish();
    policy
}

fn types(section: &mut Section<'_>) -> EventTypes {
    let list = section.list("types", TYPES, |text| EventTypes::new([text]).is_ok());
    match EventTypes::new(&list) {
        Ok(types) => types,
        Err(_) => {
            let count = format!("of {} types", list.len());
            if let Some(written) = section.written("types") {
                section.refuse("types", written, count, TYPES);
            }
            EventTypes::default()
        }
    }
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
        .text("receipts", policy.receipts.as_str())
        .text("priority", policy.priority.as_str())
        .text("at_limit", policy.at_limit.as_str())
        .list("types", &policy.types.iter().map(str::to_owned).collect::<Vec<_>>())
        .text("coalesce", &policy.coalesce);
}
