//! From what was asked for to the parts that do it.

use super::{StartError, identities};
use crate::actors::admission::Admission;
use crate::actors::budgets::Budgets;
use crate::actors::journal::Journal;
use crate::actors::ledger::Ledger;
use crate::actors::router::{RelaySettings, RouterMessage};
use crate::actors::smsc::{SharedReceipts, Smsc};
use crate::actors::upstream::Upstreams;
use crate::codec::segments::Payload;
use crate::codec::smpp::{BindMode as SessionMode, EncodeError, InterfaceVersion};
use crate::codec::sse::Limits;
use crate::codec::udh::{Ports, ReferenceWidth as Width};
use crate::config::{
    BindMode, BudgetsConfig, Config, ConnectionConfig, CrowdingConfig, ErrandConfig, OutbindConfig, ReferenceWidth,
    RelayConfig, ResendUnknown, RoutingConfig, SmscConfig, TlsConfig, Version, Withdraw,
};
use crate::egress::smpp::{LinkSettings, OutbindListener, SmscLinks, Tls, TlsError, TlsSettings};
use crate::engine::availability::Patience;
use crate::engine::binding::BindingSettings;
use crate::engine::budget::Scope;
use crate::engine::crowding::Crowding;
use crate::engine::envelope::{self, SenderSettings};
use crate::engine::pacing::PacingSettings;
use crate::engine::receipts::{ErrandSettings, Receipts};
use crate::engine::references::References;
use crate::engine::routing::{Route, Routes};
use crate::engine::session::SessionSettings;
use crate::engine::tally::{Answered, ErrandKind, ErrandResult, ReceiptKind, Stage};
use crate::engine::verdict::Judge;
use crate::ingress::sse::{BearerToken, SettingsError, SseSettings};
use crate::model::{DropReason, Ids, Outcome, Overflow, Policy, PushSettings, TenantId};
use crate::proxy::identity::Identities;
use crate::proxy::{self, Certificate, Page};
use crate::telemetry::{Labels, Telemetry};
use parking_lot::Mutex;
use ractor::ActorRef;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// Receipts awaited at most, which take some 150 MB; beyond it the oldest end as accepted.
const MAX_RECEIPTS: usize = 900_000;
/// How long a receipt is awaited from an SMSC of which nothing else is said.
const RECEIPT_TIMEOUT: Duration = Duration::from_secs(3600);
/// First and longest wait before a link is tried again.
const LINK_BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// The labels under which the engine counts.
pub(super) const LABELS: Labels = Labels {
    outcomes: &Outcome::LABELS,
    reasons: &DropReason::LABELS,
    rules: Overflow::WORDS,
    scopes: &Scope::LABELS,
    stages: &Stage::LABELS,
    verdicts: &Answered::LABELS,
    receipts: &ReceiptKind::LABELS,
    errands: (&ErrandKind::LABELS, &ErrandResult::LABELS),
};

/// Which SMSCs reach which number.
pub(super) fn routes(smscs: &[SmscConfig]) -> Routes {
    Routes::new(smscs.iter().map(|smsc| {
        let RoutingConfig { prefixes, priority, cost, .. } = smsc.routing.clone();
        Route { prefixes, priority, cost }
    }))
}

/// Every SMSC, in the order of the configuration.
///
/// # Errors
/// When one cannot be made, or cannot be listened for.
pub(super) async fn smscs(
    config: &Config,
    routes: &Routes,
    journal: &Journal,
) -> Result<(Vec<Arc<Smsc>>, Vec<SmscLinks>), StartError> {
    let receipts = Arc::new(Mutex::new(Receipts::new(RECEIPT_TIMEOUT, MAX_RECEIPTS)));
    let (mut smscs, mut all) = (Vec::new(), Vec::new());
    for (number, one) in (0..).zip(&config.smsc) {
        let has_stand_ins = routes.has_stand_ins(usize::from(number));
        let (made, links) = smsc((number, one), &receipts, &config.push, config.node.grace, journal, has_stand_ins)?;
        smscs.push(made);
        all.push(SmscLinks { outbind: outbind(one).await?, ..links });
    }
    Ok((smscs, all))
}

/// An SMSC as the router and as the pool see it; `number` is its own among those that share the receipts.
///
/// # Errors
/// When a setting does not fit its field of a submit_sm.
fn smsc(
    (number, config): (u8, &SmscConfig),
    receipts: &SharedReceipts,
    push: &PushSettings,
    grace: Duration,
    journal: &Journal,
    has_stand_ins: bool,
) -> Result<(Arc<Smsc>, SmscLinks), PartError> {
    let links = usize::from(config.links.get());
    set_up(&mut receipts.lock(), number, config);
    let ports = Ports { destination: push.destination_port, source: push.source_port };
    let addressing = envelope::addressing(&sender(config), ports)
        .map_err(|error| PartError::Smsc { name: config.name.clone(), error })?;
    let resend = config.resend_unknown == ResendUnknown::Once;
    let smsc = Smsc::new(number, config.name.clone(), addressing, links, Arc::clone(receipts));
    let smsc = smsc.with_journal(journal.clone(), resend);
    let CrowdingConfig { handsets, within } = config.crowding;
    let smsc = smsc.with_unreceipted(push.unreceipted_per_handset).with_crowding(Crowding { handsets, within });
    let RoutingConfig { failover_after, return_after, .. } = config.routing;
    let patience = Patience { failover_after, return_after };
    let smsc = Arc::new(if has_stand_ins { smsc.with_stand_ins(patience) } else { smsc });
    let modes: &[SessionMode] = match config.bind {
        BindMode::Transceiver => &[SessionMode::Transceiver],
        BindMode::Split => &[SessionMode::Transmitter, SessionMode::Receiver],
    };
    let ConnectionConfig { bind_attempts, bind_retry, bind_spread, .. } = config.connection;
    let binding = BindingSettings { attempts: bind_attempts, retry: bind_retry, spread: bind_spread };
    let tls = config.connection.tls.as_ref().map(|tls| load_tls(&config.name, tls)).transpose()?;
    let settings = |mode| LinkSettings {
        address: match &config.connection.outbind {
            Some(outbind) if mode != SessionMode::Transmitter => format!("outbind {}", outbind.listen),
            _ => config.address.to_string(),
        },
        tls: tls.clone(),
        session: session(config, mode),
        connect_timeout: config.bind_timeout,
        backoff_base: LINK_BACKOFF.0,
        backoff_max: LINK_BACKOFF.1,
        drain_timeout: grace,
    };
    // Those that send come first, as the lanes count them.
    let links = modes.iter().flat_map(|mode| (0..links).map(|_| settings(*mode))).collect();
    Ok((Arc::clone(&smsc), SmscLinks { smsc, links, binding, outbind: None }))
}

/// Where an SMSC connects to us, if it does.
///
/// # Errors
/// When it cannot be listened there.
async fn outbind(config: &SmscConfig) -> Result<Option<OutbindListener>, StartError> {
    let Some(OutbindConfig { listen, system_id, password }) = &config.connection.outbind else { return Ok(None) };
    Ok(Some(OutbindListener {
        listener: super::listen("smsc.outbind", *listen).await?,
        system_id: system_id.clone(),
        password: password.reveal().to_owned(),
        time: config.bind_timeout,
    }))
}

fn load_tls(name: &str, config: &TlsConfig) -> Result<Tls, PartError> {
    let TlsConfig { ca_file, client, server_name } = config.clone();
    let tls = Tls::load(&TlsSettings { ca_file, client, server_name });
    tls.map_err(|error| PartError::Tls { name: name.to_owned(), error })
}

fn set_up(receipts: &mut Receipts, number: u8, config: &SmscConfig) {
    receipts.set_up(number, config.receipt_timeout, config.receipts.message_ids);
    let ErrandConfig { withdraw, query_after } = config.errands;
    let query_after = (!query_after.is_zero()).then_some(query_after);
    receipts.set_up_errands(number, ErrandSettings { withdraws: withdraw == Withdraw::Cancel, query_after });
}

fn session(config: &SmscConfig, mode: SessionMode) -> SessionSettings {
    let exceptions = config.pacing.statuses.iter();
    let exceptions = exceptions.map(|one| (*one.statuses.start(), *one.statuses.end(), one.verdict));
    SessionSettings {
        needs_tlvs: config.payload.mode != Payload::Udh,
        mode,
        system_id: config.system_id.clone(),
        password: config.password.reveal().to_owned(),
        system_type: config.system_type.clone(),
        version: match config.connection.version {
            Version::Auto | Version::V3_4 => InterfaceVersion::V3_4,
            Version::V3_3 => InterfaceVersion::V3_3,
            Version::V5_0 => InterfaceVersion::V5_0,
        },
        window: usize::from(config.pacing.window.get()),
        pacing: PacingSettings {
            rate: config.pacing.rate.map_or(0, |rate| rate.get()),
            rate_min: config.pacing.rate_min.get(),
            adapts: config.pacing.rate_adapts,
        },
        judge: Judge::new(exceptions.collect()),
        enquire_link: config.enquire_link,
        response_timeout: config.response_timeout,
        bind_timeout: config.bind_timeout,
        resend_unknown: config.resend_unknown == ResendUnknown::Once,
    }
}

fn sender(config: &SmscConfig) -> SenderSettings {
    SenderSettings {
        service_type: config.service_type.clone(),
        source_address: config.source.digits.clone(),
        source_ton: config.source.ton,
        source_npi: config.source.npi,
        dest_ton: config.dest_ton,
        dest_npi: config.dest_npi,
        data_coding: config.data_coding,
        payload: config.payload.mode,
        references: config.payload.references.and_then(|(first, last)| References::new(first, last)),
        reference_width: match config.payload.reference_width {
            ReferenceWidth::Eight => Width::Bits8,
            ReferenceWidth::Sixteen => Width::Bits16,
        },
    }
}

/// How streams give way to pushes.
pub(super) fn relay(config: &RelayConfig) -> RelaySettings {
    // Longer than any stream is lost: then only its handset can say that it wants pushes.
    let push_after = if config.push_on_loss { config.push_after } else { Duration::MAX };
    RelaySettings {
        linger: config.linger,
        push_after,
        lifetime: config.lifetime,
        subscriptions_per_handset: config.subscriptions_per_handset,
        probe_within: config.probe_within,
    }
}

/// The push proxy, about to be served.
pub(super) struct Proxy {
    listener: TcpListener,
    address: SocketAddr,
    certificate: Option<Certificate>,
    settings: proxy::Settings,
    identities: Identities,
}

impl Proxy {
    /// Opens its listener, if there is to be one.
    ///
    /// # Errors
    /// When it cannot be opened, or who may ask cannot be told.
    pub async fn open(config: &Config) -> Result<Option<Self>, StartError> {
        let Some(listen) = config.http.listen else { return Ok(None) };
        let identities = identities(&config.access)?;
        let files = config.http.tls.as_ref();
        let certificate = files.map(|(chain, key)| Certificate::load(chain, key)).transpose()?;
        let listener = super::listen("http.listen", listen).await?;
        let address = super::local(&listener, listen);
        Ok(Some(Self { listener, address, certificate, settings: proxy_settings(config), identities }))
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` is done.
    #[allow(clippy::too_many_arguments, reason = "each is a part of the house of its own")]
    pub async fn serve(
        self,
        router: ActorRef<RouterMessage>,
        upstreams: Arc<dyn Upstreams>,
        admission: Admission,
        ledger: Arc<Ledger>,
        telemetry: Telemetry,
        pages: Vec<Page>,
        shutdown: impl Future<Output = ()>,
    ) {
        let Self { listener, certificate, settings, identities, .. } = self;
        let parts = proxy::Parts { router, upstreams, admission, ledger, telemetry, identities, pages };
        proxy::serve(listener, certificate, settings, parts, shutdown).await;
    }
}

fn proxy_settings(config: &Config) -> proxy::Settings {
    let Config { http, relay, access, .. } = config;
    proxy::Settings {
        tenant: TenantId::default(),
        // A handset that has both bearers tells copies by their ids.
        policy: Policy { ids: Ids::All, ..config.policy.clone() },
        push: config.push.clone(),
        anonymous_relay: access.anonymous_relay,
        probe: relay.probe,
        trusted: access.trusted_tenants.clone(),
        suppressed: access.suppressed.clone(),
        prefixes: access.prefixes.clone(),
        sources: access.sources.clone(),
        heartbeat: relay.heartbeat,
        tail: (relay.tail_events, relay.tail_age),
        ack_window: relay.ack_window,
        open_timeout: relay.open_timeout,
        catch_up_timeout: relay.catch_up_timeout,
        send_timeout: relay.send_timeout,
        streams_per_client: http.streams_per_client,
        requests_per_minute: http.requests_per_minute,
        max_connections: http.max_connections as usize,
    }
}

/// How many segments may go.
pub(super) fn budgets(config: &BudgetsConfig, telemetry: &Telemetry, journal: &Journal) -> Arc<Budgets> {
    Arc::new(Budgets::new(config.all, config.tenants.clone(), telemetry.clone(), journal.is_on()))
}

/// How upstreams are read.
///
/// # Errors
/// When the file of certificates cannot be read, or a credential fits no header.
pub(super) fn upstreams(config: &Config) -> Result<SseSettings, PartError> {
    let upstream = &config.upstream;
    let ca = match &upstream.ca_file {
        Some(path) => {
            std::fs::read(path).map_err(|error| PartError::Certificates { path: path.display().to_string(), error })?
        }
        None => Vec::new(),
    };
    let credentials = config.access.credentials.iter();
    let credentials = credentials.map(|one| (one.name.clone(), BearerToken::new(one.bearer.reveal())));
    Ok(SseSettings {
        connect_timeout: upstream.connect_timeout,
        idle_timeout: upstream.idle_timeout,
        limits: Limits { max_line_octets: upstream.max_line, max_event_octets: upstream.max_event },
        max_redirects: u32::from(upstream.max_redirects),
        threads: usize::from(upstream.threads),
        allow_private: config.access.allow_private_sources,
        ca,
        credentials: credentials.collect(),
        ..SseSettings::default()
    })
}

/// Why a part cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PartError {
    /// The file of certificates cannot be read.
    #[error("upstream.ca_file: cannot read {path}: {error}")]
    Certificates {
        /// Which file.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// A setting of an SMSC fits no message.
    #[error("smsc {name:?}: {error}")]
    Smsc {
        /// Which.
        name: String,
        /// Why.
        error: EncodeError,
    },
    /// TLS to an SMSC cannot be spoken as asked for.
    #[error("smsc.{name}.{error}")]
    Tls {
        /// Which SMSC.
        name: String,
        /// Why.
        error: TlsError,
    },
    /// A setting of the upstreams does not work.
    #[error("upstream: {0}")]
    Upstream(#[from] SettingsError),
}
