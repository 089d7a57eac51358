//! What requests mean: every field is read and checked here, and all that is wrong is told at once.

use super::Settings;
use super::violations::Violations;
use crate::actors::router::{Activation, Condition, Filter, Page};
use crate::control::proto::{self, ActivateRequest, ListSubscriptionsRequest, source::Origin};
use crate::model::{
    ApplicationId, Coalesce, CredentialRef, EventTypes, FeedName, HandsetId, Msisdn, Policy, SourceId, SourceOrigin,
    SourceUrl, SubscriptionId, TenantId,
};
use bytes::Bytes;
use std::num::NonZeroU8;
use std::time::Duration;

/// Octets of the names that a client gives to handsets and publications.
pub(super) const NAME_MAX_OCTETS: usize = 255;
/// Octets of a last event id: what HTTP servers take in one header line.
const LAST_EVENT_ID_MAX_OCTETS: usize = 4096;
/// Subscriptions per page, when a request does not say so.
const PAGE_SIZE: u32 = 100;
/// Subscriptions per page at most.
pub(super) const PAGE_MAX_SIZE: u32 = 1000;

/// A subscription that is asked for.
pub(super) fn activation(settings: &Settings, request: ActivateRequest) -> Result<Activation, Violations> {
    let mut violations = Violations::default();
    let tenant = tenant(settings, &request.tenant, &mut violations);
    let handset = handset(tenant.as_ref(), &request.handset, &request.handset_id, &mut violations);
    let number = violations.take("to", request.to.parse::<Msisdn>());
    let source = source(settings, tenant.as_ref(), request.source, &mut violations);
    let application = request.application.map(|text| violations.take("application", text.parse::<ApplicationId>()));
    let policy = policy(&settings.policy, request.policy.unwrap_or_default(), &mut violations);
    let last_event_id = last_event_id(request.last_event_id, &mut violations);
    let read = tenant.zip(number).zip(source).map(|((tenant, number), source)| Activation {
        tenant,
        handset,
        number,
        source,
        application: application.flatten(),
        policy,
        last_event_id,
    });
    violations.finish(read)
}

/// A subscription that is referred to.
pub(super) fn reference(settings: &Settings, named: &str, id: &str) -> Result<(TenantId, SubscriptionId), Violations> {
    let mut violations = Violations::default();
    let tenant = tenant(settings, named, &mut violations);
    let id = violations.take("id", id.parse::<SubscriptionId>());
    violations.finish(tenant.zip(id))
}

/// Whose subscriptions are asked for.
pub(super) fn owner(settings: &Settings, named: &str) -> Result<TenantId, Violations> {
    let mut violations = Violations::default();
    let tenant = tenant(settings, named, &mut violations);
    violations.finish(tenant)
}

/// A page of subscriptions. Its token is the id of the last subscription before it.
pub(super) fn page(settings: &Settings, request: ListSubscriptionsRequest) -> Result<Page, Violations> {
    let mut violations = Violations::default();
    let tenant = tenant(settings, &request.tenant, &mut violations);
    let limit = match request.page_size {
        0 => PAGE_SIZE,
        size => size,
    };
    if limit > PAGE_MAX_SIZE {
        violations.add("page_size", format_args!("{limit} exceeds {PAGE_MAX_SIZE}"));
    }
    let after = match request.page_token.as_str() {
        "" => None,
        token => {
            let id = token.parse::<SubscriptionId>();
            violations.take("page_token", id.map_err(|_| "not a next_page_token of this call"))
        }
    };
    let filter = filter(tenant.as_ref(), request, &mut violations);
    violations.finish(tenant.map(|tenant| Page { tenant, after, limit: limit as usize, filter }))
}

/// Which subscriptions are wanted. A credential need not be configured any more.
fn filter(tenant: Option<&TenantId>, asked: ListSubscriptionsRequest, violations: &mut Violations) -> Filter {
    let (origin, credential) = match asked.source {
        None => (None, None),
        Some(source) => (origin(source.origin, violations), credential(&source.credential)),
    };
    let number = Some(asked.number).filter(|number| !number.is_empty());
    Filter {
        origin,
        credential,
        number: number.and_then(|number| violations.take("number", number.parse::<Msisdn>())),
        handset: handset(tenant, &asked.handset, &asked.handset_id, violations),
        condition: match choice("state", asked.state, violations) {
            None | Some(proto::subscription::Status::Unspecified) => None,
            Some(proto::subscription::Status::Connecting) => Some(Condition::Connecting),
            Some(proto::subscription::Status::Active) => Some(Condition::Active),
            Some(proto::subscription::Status::Waiting) => Some(Condition::Waiting),
            Some(proto::subscription::Status::Ended) => Some(Condition::Ended),
            Some(proto::subscription::Status::Quarantined) => Some(Condition::Quarantined),
        },
        asleep: asked.asleep,
    }
}

/// Whose it is; the server's default when the request does not say so.
pub(super) fn tenant(settings: &Settings, named: &str, violations: &mut Violations) -> Option<TenantId> {
    match named {
        "" => Some(settings.tenant.clone()),
        name => violations.take("tenant", TenantId::new(name)),
    }
}

/// The handset of `tenant` that goes by a name of its own, or by its identity; none if its number names it.
fn handset(tenant: Option<&TenantId>, name: &str, id: &str, violations: &mut Violations) -> Option<HandsetId> {
    if name.len() > NAME_MAX_OCTETS {
        violations.add("handset", format_args!("{} octets exceed {NAME_MAX_OCTETS}", name.len()));
        return None;
    }
    match (name, id) {
        ("", "") => None,
        ("", id) => violations.take("handset_id", id.parse::<HandsetId>()),
        (name, "") => tenant.map(|tenant| HandsetId::from_name(tenant, name)),
        _ => {
            violations.add("handset_id", "only one of handset and handset_id is allowed");
            None
        }
    }
}

/// The source of `tenant`; without a legal tenant only what is wrong with it.
pub(super) fn source(
    settings: &Settings,
    tenant: Option<&TenantId>,
    source: Option<proto::Source>,
    violations: &mut Violations,
) -> Option<SourceId> {
    let Some(source) = source else {
        violations.add("source", "a source is required");
        return None;
    };
    let origin = origin(source.origin, violations);
    let credential = credential(&source.credential);
    if let Some(unknown) = credential.as_ref().filter(|name| !settings.credentials.contains(name)) {
        let name: String = unknown.as_str().chars().take(80).collect();
        violations.add("source.credential", format_args!("no credential {name:?} is configured"));
    }
    Some(SourceId::new(tenant?.clone(), origin?, credential))
}

fn origin(origin: Option<Origin>, violations: &mut Violations) -> Option<SourceOrigin> {
    match origin {
        Some(Origin::Url(url)) => violations.take("source.url", url.parse::<SourceUrl>()).map(SourceOrigin::Url),
        Some(Origin::Feed(name)) => violations.take("source.feed", FeedName::new(&name)).map(SourceOrigin::Feed),
        None => {
            violations.add("source", "one of url and feed is required");
            None
        }
    }
}

fn credential(name: &str) -> Option<CredentialRef> {
    Some(name).filter(|name| !name.is_empty()).map(CredentialRef::new)
}

/// What is to be done with events; `default` where the request does not say so.
fn policy(default: &Policy, asked: proto::Policy, violations: &mut Violations) -> Policy {
    let mut policy = default.clone();
    if let Some(window) = asked.batch_window.and_then(|window| duration("policy.batch_window", window, violations)) {
        policy.batch_window = window;
        // The model checks one value at a time; the other is legal here.
        let checked = Policy { batch_window: window, ..Policy::default() }.check();
        violations.take("policy.batch_window", checked);
    }
    if let Some(ttl) = asked.ttl.and_then(|ttl| duration("policy.ttl", ttl, violations)) {
        policy.ttl = ttl;
        violations.take("policy.ttl", Policy { ttl, ..Policy::default() }.check());
    }
    policy.max_events = asked.max_events.unwrap_or(policy.max_events);
    if let Some(segments) = asked.max_segments {
        let checked = u8::try_from(segments).ok().and_then(NonZeroU8::new);
        let read = checked.ok_or_else(|| format!("{segments} is not from 1 to 255"));
        policy.max_segments = violations.take("policy.max_segments", read).unwrap_or(policy.max_segments);
    }
    let order = choice("policy.order", asked.order, violations);
    policy.order = order.and_then(proto::Order::meant).unwrap_or(policy.order);
    let overflow = choice("policy.overflow", asked.overflow, violations);
    policy.overflow = overflow.and_then(proto::Overflow::meant).unwrap_or(policy.overflow);
    let content = choice("policy.content", asked.content, violations);
    policy.content = content.and_then(proto::Content::meant).unwrap_or(policy.content);
    let ids = choice("policy.ids", asked.ids, violations);
    policy.ids = ids.and_then(proto::Ids::meant).unwrap_or(policy.ids);
    let receipts = choice("policy.receipts", asked.receipts, violations);
    policy.receipts = receipts.and_then(proto::Receipts::meant).unwrap_or(policy.receipts);
    let priority = choice("policy.priority", asked.priority, violations);
    policy.priority = priority.and_then(proto::Priority::meant).unwrap_or(policy.priority);
    let at_limit = choice("policy.at_limit", asked.at_limit, violations);
    policy.at_limit = at_limit.and_then(proto::AtLimit::meant).unwrap_or(policy.at_limit);
    if let Some(types) = asked.types {
        policy.types = violations.take("policy.types", EventTypes::new(types.types)).unwrap_or_default();
    }
    policy.coalesce = coalesce(policy.coalesce, asked.coalesce, &asked.coalesce_field, violations);
    policy
}

fn coalesce(default: Coalesce, asked: i32, field: &str, violations: &mut Violations) -> Coalesce {
    let Some(asked) = choice("policy.coalesce", asked, violations) else { return default };
    if asked != proto::Coalesce::Field && !field.is_empty() {
        violations.add("policy.coalesce_field", "only with COALESCE_FIELD");
    }
    match asked {
        proto::Coalesce::Unspecified => default,
        proto::Coalesce::None => Coalesce::None,
        proto::Coalesce::Latest => Coalesce::Latest,
        proto::Coalesce::Type => Coalesce::Type,
        proto::Coalesce::Field => {
            violations.take("policy.coalesce_field", field.parse()).map_or(default, Coalesce::Field)
        }
    }
}

/// google.protobuf.Duration is signed, and says that its two fields have the same sign.
fn duration(field: &str, asked: prost_types::Duration, violations: &mut Violations) -> Option<Duration> {
    let seconds = u64::try_from(asked.seconds).ok();
    let nanos = u32::try_from(asked.nanos).ok().filter(|nanos| *nanos < 1_000_000_000);
    let read = seconds.zip(nanos).map(|(seconds, nanos)| Duration::new(seconds, nanos));
    let wrong = || format!("{} s and {} ns are negative or no duration", asked.seconds, asked.nanos);
    violations.take(field, read.ok_or_else(wrong))
}

fn choice<T: TryFrom<i32>>(field: &str, number: i32, violations: &mut Violations) -> Option<T> {
    violations.take(field, T::try_from(number).map_err(|_| format!("{number} is no value of this enum")))
}

/// HTML §9.2.6 ignores an `id` with NUL, and CR or LF would end its line and that of the header.
fn last_event_id(id: String, violations: &mut Violations) -> Bytes {
    if id.len() > LAST_EVENT_ID_MAX_OCTETS {
        violations.add("last_event_id", format_args!("{} octets exceed {LAST_EVENT_ID_MAX_OCTETS}", id.len()));
    }
    if id.contains(['\r', '\n', '\0']) {
        violations.add("last_event_id", "an event id has neither CR nor LF nor NUL");
    }
    id.into()
}
