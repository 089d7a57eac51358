//! Subscriptions and links as they are printed: a line for people, or an object of one line.

use super::server::Output;
use crate::control::proto::source::Origin;
use crate::control::proto::subscription::Budget;
use crate::control::proto::{Link, Policy, Source, Subscription};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::time::{Duration, UNIX_EPOCH};

/// Prints a line, as text or as JSON.
///
/// # Errors
/// When standard output takes no more.
pub(super) fn print(output: Output, text: impl FnOnce() -> String, object: impl FnOnce() -> Value) -> io::Result<()> {
    let line = match output {
        Output::Text => text(),
        Output::Json => object().to_string(),
    };
    writeln!(io::stdout().lock(), "{line}")
}

/// A subscription in one line.
pub(super) fn subscription_line(one: &Subscription) -> String {
    let source = one.source.as_ref().map(source_text).unwrap_or_default();
    format!("{} {:<11} {:<16} {source}", one.id, status(one), one.to)
}

/// Everything about a subscription, a line each.
pub(super) fn subscription_text(one: &Subscription) -> String {
    let policy = one.policy.clone().unwrap_or_default();
    let source = one.source.as_ref().map(source_text).unwrap_or_default();
    let reason = if one.status_reason.is_empty() { String::new() } else { format!(" ({})", one.status_reason) };
    let lines = [
        ("id", one.id.clone()),
        ("tenant", one.tenant.clone()),
        ("handset", one.handset.clone()),
        ("to", one.to.clone()),
        ("source", source),
        ("application", one.application.clone()),
        ("stream_key", one.stream_key.clone()),
        ("smsc", one.smsc.clone()),
        ("status", status(one) + &reason),
        ("activated", activated(one)),
        ("released", one.released.to_string()),
        ("pending", one.pending.to_string()),
        ("outstanding", one.outstanding.to_string()),
        ("held_by", held_by(one)),
        ("held_until", time(one.held_until)),
        ("batch_window", duration(policy.batch_window)),
        ("max_events", policy.max_events().to_string()),
        ("max_segments", policy.max_segments().to_string()),
        ("order", word(policy.order().as_str_name(), "ORDER_")),
        ("ttl", duration(policy.ttl)),
        ("overflow", word(policy.overflow().as_str_name(), "OVERFLOW_")),
        ("content", word(policy.content().as_str_name(), "CONTENT_")),
        ("ids", word(policy.ids().as_str_name(), "IDS_")),
        ("receipts", word(policy.receipts().as_str_name(), "RECEIPTS_")),
        ("priority", word(policy.priority().as_str_name(), "PRIORITY_")),
        ("at_limit", word(policy.at_limit().as_str_name(), "AT_LIMIT_")),
        ("types", event_types(&policy).join(", ")),
        ("coalesce", policy.coalescing()),
    ];
    let lines = lines.iter().map(|(name, value)| format!("{name:<13}{value}").trim_end().to_owned());
    lines.collect::<Vec<_>>().join("\n")
}

/// A subscription as an object.
pub(super) fn subscription_json(one: &Subscription) -> Value {
    json!({
        "id": one.id,
        "tenant": one.tenant,
        "handset": one.handset,
        "to": one.to,
        "source": one.source.as_ref().map(source_json),
        "application": one.application,
        "policy": one.policy.as_ref().map(policy_json),
        "stream_key": one.stream_key,
        "smsc": one.smsc,
        "status": status(one),
        "status_reason": one.status_reason,
        "activated": activated(one),
        "released": one.released,
        "pending": one.pending,
        "outstanding": one.outstanding,
        "held_by": held_by(one),
        "held_until": time(one.held_until),
    })
}

/// A link in one line.
pub(super) fn link_line(link: &Link) -> String {
    let (state, mode) = link_words(link);
    let Link { smsc, index, open, window, address, last_error, .. } = link;
    let load = format!("{open}/{window}");
    format!("{smsc} {index} {state:<8} {load:<9} {mode} {address} {last_error}").trim_end().to_owned()
}

/// A link as an object.
pub(super) fn link_json(link: &Link) -> Value {
    let (state, mode) = link_words(link);
    json!({
        "smsc": link.smsc,
        "index": link.index,
        "address": link.address,
        "mode": mode,
        "state": state,
        "open": link.open,
        "window": link.window,
        "last_error": link.last_error,
    })
}

/// The configuration's word for an enum's value.
pub(super) fn word(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_ascii_lowercase()
}

fn link_words(link: &Link) -> (String, String) {
    (word(link.state().as_str_name(), "STATE_"), word(link.mode().as_str_name(), "MODE_"))
}

fn status(one: &Subscription) -> String {
    word(one.status().as_str_name(), "STATUS_")
}

fn source_text(source: &Source) -> String {
    let origin = match &source.origin {
        Some(Origin::Url(url)) => url.clone(),
        Some(Origin::Feed(name)) => format!("feed:{name}"),
        None => String::new(),
    };
    if source.credential.is_empty() { origin } else { format!("{origin} as {}", source.credential) }
}

fn source_json(source: &Source) -> Value {
    match &source.origin {
        Some(Origin::Url(url)) => json!({ "url": url, "credential": source.credential }),
        Some(Origin::Feed(name)) => json!({ "feed": name, "credential": source.credential }),
        None => Value::Null,
    }
}

fn policy_json(policy: &Policy) -> Value {
    json!({
        "batch_window": duration(policy.batch_window),
        "max_events": policy.max_events(),
        "max_segments": policy.max_segments(),
        "order": word(policy.order().as_str_name(), "ORDER_"),
        "ttl": duration(policy.ttl),
        "overflow": word(policy.overflow().as_str_name(), "OVERFLOW_"),
        "content": word(policy.content().as_str_name(), "CONTENT_"),
        "ids": word(policy.ids().as_str_name(), "IDS_"),
        "receipts": word(policy.receipts().as_str_name(), "RECEIPTS_"),
        "priority": word(policy.priority().as_str_name(), "PRIORITY_"),
        "at_limit": word(policy.at_limit().as_str_name(), "AT_LIMIT_"),
        "types": event_types(policy),
        "coalesce": policy.coalescing(),
    })
}

/// Types of events that are wanted; none for all.
fn event_types(policy: &Policy) -> &[String] {
    policy.types.as_ref().map_or(&[], |types| &types.types)
}

/// As the configuration writes it; a server's durations are never negative.
pub(super) fn duration(duration: Option<prost_types::Duration>) -> String {
    let duration = duration.unwrap_or_default();
    let seconds = Duration::from_secs(duration.seconds.try_into().unwrap_or_default());
    let nanos = Duration::from_nanos(duration.nanos.try_into().unwrap_or_default());
    humantime::format_duration(seconds.saturating_add(nanos)).to_string()
}

/// Whose budget it waits for; empty if it waits for none.
fn held_by(one: &Subscription) -> String {
    match one.held_by() {
        Budget::Unspecified => String::new(),
        scope => word(scope.as_str_name(), "BUDGET_"),
    }
}

fn activated(one: &Subscription) -> String {
    time(one.activate_time)
}

fn time(at: Option<prost_types::Timestamp>) -> String {
    let Some(at) = at else {
        return String::new();
    };
    let seconds = Duration::from_secs(at.seconds.try_into().unwrap_or_default());
    let nanos = Duration::from_nanos(at.nanos.try_into().unwrap_or_default());
    match UNIX_EPOCH.checked_add(seconds.saturating_add(nanos)) {
        Some(time) => humantime::format_rfc3339_millis(time).to_string(),
        None => String::new(),
    }
}
