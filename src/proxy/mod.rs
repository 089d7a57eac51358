//! The push proxy over HTTP (HTML §9.2.8, and the URLs of the W3C WebApps wiki's page on connectionless push).
//!
//! `GET /?eventsource=<url>` relays a stream; `?action=activatePush` and `?action=deactivatePush` choose the bearer that
//! takes its place. [`serve`] listens; a request is read (`query`, `request`), its caller known ([`identity`]) and
//! counted (`clients`), and answered by `stream` or `push`.

mod assets;
mod clients;
mod cors;
pub mod identity;
mod listener;
mod problem;
mod push;
mod query;
mod reply;
mod request;
mod rules;
mod stream;

pub use listener::{Certificate, CertificateError, serve};
pub use rules::{SourceRule, SourceRuleError};

use crate::actors::admission::Admission;
use crate::actors::ledger::Ledger;
use crate::actors::router::RouterMessage;
use crate::actors::upstream::Upstreams;
use crate::engine::tail::{Confirmation, Tail};
use crate::model::{Msisdn, Policy, PushSettings, SourceId, SourceOrigin, TenantId};
use crate::telemetry::Telemetry;
use clients::Clients;
use http::StatusCode;
use identity::Identities;
use problem::Problem;
use query::Query;
use ractor::ActorRef;
use request::Caller;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

/// How long the router may take to answer.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// What is allowed, and how patient the proxy is.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whose streams are that nobody is known to read.
    pub tenant: TenantId,
    /// What handsets that ask by themselves get.
    pub policy: Policy,
    /// How pushes are addressed on handsets, for telling them.
    pub push: PushSettings,
    /// Whether streams are relayed to whoever asks.
    pub anonymous_relay: bool,
    /// Whether a handset has to prove that it is reached by push.
    pub probe: bool,
    /// Whose handsets need not prove it.
    pub trusted: Vec<TenantId>,
    /// Numbers that nothing is sent to, to be refused before anything is opened for them.
    pub suppressed: Vec<Msisdn>,
    /// Prefixes of numbers that pushes may be asked for; without any, no pushes.
    pub prefixes: Vec<String>,
    /// Which sources may be asked for; none means all that have public addresses.
    pub sources: Vec<SourceRule>,
    /// A stream that was quiet for so long gets a comment.
    pub heartbeat: Duration,
    /// Events and time that a stream's end is in doubt.
    pub tail: (NonZeroU64, Duration),
    /// Events written ahead of a client that acknowledges.
    pub ack_window: NonZeroU64,
    /// How long the first answer of an origin is waited for.
    pub open_timeout: Duration,
    /// How long an origin may take to send what the log no longer has.
    pub catch_up_timeout: Duration,
    /// How long what was written may stay unacknowledged by TCP.
    pub send_timeout: Duration,
    /// Streams of one client.
    pub streams_per_client: u32,
    /// Requests of one client in a minute.
    pub requests_per_minute: u32,
    /// Connections at once.
    pub max_connections: usize,
}

/// What the proxy works with.
pub struct Parts {
    /// Has subscriptions and sources.
    pub router: ActorRef<RouterMessage>,
    /// Reads for one client what the log no longer has.
    pub upstreams: Arc<dyn Upstreams>,
    /// The door of the house.
    pub admission: Admission,
    /// Where times are counted.
    pub ledger: Arc<Ledger>,
    /// Metrics.
    pub telemetry: Telemetry,
    /// Tells who asks.
    pub identities: Identities,
    /// Pages of the demo, if it is one: what is answered at a path, and its type.
    pub pages: Vec<Page>,
}

/// Something that is always answered the same.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its path.
    pub path: &'static str,
    /// Its media type.
    pub content_type: &'static str,
    /// It.
    pub text: std::borrow::Cow<'static, str>,
}

/// The proxy, as every request sees it.
struct Proxy {
    settings: Settings,
    router: ActorRef<RouterMessage>,
    upstreams: Arc<dyn Upstreams>,
    admission: Admission,
    ledger: Arc<Ledger>,
    telemetry: Telemetry,
    identities: Identities,
    clients: Clients,
    pages: Vec<Page>,
}

impl Proxy {
    fn new(settings: Settings, parts: Parts) -> Self {
        let Parts { router, upstreams, admission, ledger, telemetry, identities, pages } = parts;
        let clients = Clients::new(settings.streams_per_client, settings.requests_per_minute);
        Self { settings, router, upstreams, admission, ledger, telemetry, identities, clients, pages }
    }

    /// Whose events are asked for.
    fn source(&self, caller: &Caller, query: &Query) -> Result<SourceId, Problem> {
        let url = query.eventsource()?;
        if !self.settings.sources.is_empty() && !self.settings.sources.iter().any(|rule| rule.allows(&url)) {
            let detail = "no rule of this proxy allows the source's scheme, host and port";
            return Err(Problem::new(StatusCode::FORBIDDEN, detail).of("eventsource"));
        }
        let tenant = caller.identity.as_ref().map_or(&self.settings.tenant, |identity| &identity.tenant);
        Ok(SourceId::new(tenant.clone(), SourceOrigin::Url(url), None))
    }
}

impl Settings {
    /// What is in doubt of a stream that begins with event number `from`.
    fn tail(&self, acknowledges: bool, from: u64) -> Tail {
        let confirmation = match acknowledges {
            true => Confirmation::Acknowledged { window: self.ack_window },
            false => Confirmation::Assumed { events: self.tail.0, age: self.tail.1 },
        };
        Tail::new(confirmation, from)
    }
}

fn unavailable() -> Problem {
    let detail = "the router does not answer at the moment";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).again_after(CALL_TIMEOUT)
}
