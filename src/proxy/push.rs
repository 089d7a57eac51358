//! `?action=activatePush`, `deactivatePush`, `ack` and `confirm`: what a handset asks for by itself.
//!
//! They are the same calls to the router as the control plane's; what is different is who may make them.

use super::identity::Identity;
use super::problem::Problem;
use super::query::Query;
use super::reply::{Reply, json};
use super::request::Caller;
use super::stream::{last_id, open};
use super::{CALL_TIMEOUT, Proxy, unavailable};
use crate::actors::router::{ActivateError, Activation, Armed, Arming, Follower, RouterMessage, View};
use crate::actors::source::Found;
use crate::model::{ApplicationId, HandsetId, SourceId, SourceUrl, SubscriptionId};
use bytes::Bytes;
use http::StatusCode;
use serde_json::json;
use std::time::{Duration, UNIX_EPOCH};

const MILLIS: u64 = CALL_TIMEOUT.as_millis() as u64;

/// Pushes take the place of the caller's streams, once it has none.
pub(super) async fn activate(proxy: &Proxy, caller: &Caller, query: &Query, now: bool) -> Result<Reply, Problem> {
    let Identity { tenant, number, .. } = known(caller)?;
    let (source, application) = (proxy.source(caller, query)?, query.application()?);
    let digits = number.digits();
    if proxy.settings.suppressed.contains(number) {
        return Err(refusal(&ActivateError::Suppressed));
    }
    // Every push costs somebody, so no number is served that nobody has thought of.
    if !proxy.settings.prefixes.iter().any(|one| digits.starts_with(one)) {
        let detail = "numbers that begin like this one get no pushes here: [access] prefixes does not list them";
        return Err(Problem::new(StatusCode::FORBIDDEN, detail));
    }
    let last_event_id = query.last_event_id()?;
    // What the origin says is said before anything is promised; the stream is let go of when push is active.
    let opened = open(proxy, source.clone(), None, last_event_id.clone()).await?;
    let has = match last_event_id.is_empty() {
        true => None,
        false => match opened.find(last_event_id.clone()).await? {
            Found::At(next) => Some(next),
            Found::Nowhere { .. } => None,
        },
    };
    let activation = Activation {
        tenant: tenant.clone(),
        handset: None,
        number: *number,
        source,
        application,
        policy: proxy.settings.policy.clone(),
        last_event_id: last_event_id.clone(),
    };
    let arming = Box::new(Arming {
        activation,
        begin: opened.next,
        has,
        streams_end: now,
        probe: proxy.settings.probe && !proxy.settings.trusted.contains(tenant),
    });
    let armed = ractor::call_t!(proxy.router, |reply| RouterMessage::Arm(arming, reply), MILLIS);
    let armed = armed.map_err(|_| unavailable())?.map_err(|error| refusal(&error))?;
    let last = match &armed {
        Armed::Active { view, .. } if last_event_id.is_empty() => last_id(&opened, view.released).await,
        _ => last_event_id,
    };
    Ok(armed_reply(proxy, &armed, &last))
}

/// No more pushes. Asking for that twice is no mistake.
pub(super) async fn deactivate(proxy: &Proxy, caller: &Caller, query: &Query) -> Result<Reply, Problem> {
    let Identity { tenant, .. } = known(caller)?;
    let source = proxy.source(caller, query)?;
    let id = subscription(proxy, caller, &source, query.application()?)?;
    let gone = ractor::call_t!(proxy.router, |reply| RouterMessage::Deactivate(tenant.clone(), id, reply), MILLIS);
    let was_active = gone.map_err(|_| unavailable())?.is_some();
    Ok(json(StatusCode::OK, &json!({ "state": "inactive", "subscription": id.to_string(), "wasActive": was_active })))
}

/// The caller has an event, and what came before it.
pub(super) fn acknowledge(proxy: &Proxy, caller: &Caller, query: &Query, id: Bytes) -> Result<Reply, Problem> {
    let source = proxy.source(caller, query)?;
    let follower = Box::new(follower(known(caller)?, query.application()?));
    proxy.router.cast(RouterMessage::Acknowledge(source, follower, id)).map_err(|_| unavailable())?;
    Ok(Problem::new(StatusCode::NO_CONTENT, "").into_reply())
}

/// The caller has what a push brought: that is proof enough, whoever it is.
pub(super) async fn confirm(proxy: &Proxy, nonce: String) -> Result<Reply, Problem> {
    let confirmed = ractor::call_t!(proxy.router, |reply| RouterMessage::Confirm(nonce, reply), MILLIS);
    let confirmed = confirmed.map_err(|_| unavailable())?;
    let Some(armed) = confirmed else {
        let detail = "no activation waits for this nonce: it was returned before, or too late";
        return Err(Problem::new(StatusCode::NOT_FOUND, detail).of("nonce"));
    };
    Ok(armed_reply(proxy, &armed.map_err(|error| refusal(&error))?, b""))
}

/// What a refusal of the router's is to a handset.
pub(super) fn refusal(error: &ActivateError) -> Problem {
    let detail = error.to_string();
    match error {
        ActivateError::NoRoute | ActivateError::Suppressed => Problem::new(StatusCode::FORBIDDEN, detail),
        ActivateError::OtherNumber => Problem::new(StatusCode::CONFLICT, detail),
        ActivateError::Unencodable(_) => Problem::new(StatusCode::BAD_REQUEST, detail).of("application"),
        ActivateError::TooMany | ActivateError::Limit(_) => {
            Problem::new(StatusCode::TOO_MANY_REQUESTS, detail).again_after(Duration::from_secs(3600))
        }
        ActivateError::Probes(wait) => Problem::new(StatusCode::TOO_MANY_REQUESTS, detail).again_after(*wait),
        ActivateError::Stopping | ActivateError::Store => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).again_after(CALL_TIMEOUT)
        }
    }
}

fn known(caller: &Caller) -> Result<&Identity, Problem> {
    let detail = "only a known handset may ask for pushes: give a token, or come through the network's gateway";
    caller.identity.as_ref().ok_or_else(|| caller.challenge(detail))
}

fn follower(identity: &Identity, application: Option<ApplicationId>) -> Follower {
    Follower { tenant: identity.tenant.clone(), number: identity.number, application }
}

fn subscription(
    proxy: &Proxy,
    caller: &Caller,
    source: &SourceId,
    application: Option<ApplicationId>,
) -> Result<SubscriptionId, Problem> {
    let Identity { tenant, number, .. } = known(caller)?;
    let handset = HandsetId::from_first_number(tenant, number);
    let application = application.unwrap_or_else(|| proxy.settings.push.application.clone());
    Ok(SubscriptionId::derive(tenant, &handset, source, &application))
}

fn armed_reply(proxy: &Proxy, armed: &Armed, last_event_id: &[u8]) -> Reply {
    match armed {
        Armed::Pending { id, within } => json(
            StatusCode::ACCEPTED,
            &json!({ "state": "pending", "subscription": id.to_string(), "confirmWithin": within.as_secs() }),
        ),
        Armed::Active { view, created, expires_unix_ms } => {
            let View { id, application, source, stream, .. } = &**view;
            let push = &proxy.settings.push;
            let at = |unix_ms: u64| humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_millis(unix_ms));
            json(
                StatusCode::OK,
                &json!({
                    "state": "active",
                    "created": created,
                    "subscription": id.to_string(),
                    "application": application.to_string(),
                    "profile": push.profile.as_str(),
                    "stream": stream.to_string(),
                    "port": push.port(),
                    "sourcePort": push.source_port_of(*stream),
                    "contentUri": push.content_uri(*stream, source).map(SourceUrl::as_str),
                    "lastEventId": String::from_utf8_lossy(last_event_id),
                    "expires": expires_unix_ms.map(|unix_ms| at(unix_ms).to_string()),
                }),
            )
        }
    }
}
