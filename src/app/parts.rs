//! From what was asked for to the parts that do it.

use crate::actors::journal::Journal;
use crate::actors::router::RelaySettings;
use crate::actors::smsc::Smsc;
use crate::codec::smpp::{BindMode as SessionMode, EncodeError};
use crate::codec::sse::Limits;
use crate::codec::udh::{Ports, ReferenceWidth as Width};
use crate::config::{BindMode, Config, ReferenceWidth, RelayConfig, ResendUnknown, SmscConfig};
use crate::egress::smpp::{LinkSettings, SmscLinks};
use crate::engine::envelope::{self, SenderSettings};
use crate::engine::receipts::Receipts;
use crate::engine::session::SessionSettings;
use crate::engine::tally::{Answered, Stage};
use crate::ingress::sse::{BearerToken, SettingsError, SseSettings};
use crate::model::{DropReason, Outcome, PushSettings};
use crate::telemetry::Labels;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// Receipts awaited per SMSC at most, which take some 150 MB; beyond it the oldest end as accepted.
const MAX_RECEIPTS: usize = 900_000;
/// First and longest wait before a link is tried again.
const LINK_BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// The labels under which the engine counts.
pub(super) const LABELS: Labels = Labels {
    outcomes: &Outcome::LABELS,
    reasons: &DropReason::LABELS,
    stages: &Stage::LABELS,
    verdicts: &Answered::LABELS,
};

/// An SMSC as the router and as the pool see it.
///
/// # Errors
/// When a setting does not fit its field of a submit_sm.
pub(super) fn smsc(
    config: &SmscConfig,
    push: &PushSettings,
    grace: Duration,
    journal: &Journal,
) -> Result<(Arc<Smsc>, SmscLinks), PartError> {
    let links = usize::from(config.links.get());
    let receipts = Receipts::new(config.receipt_timeout, MAX_RECEIPTS);
    let ports = Ports { destination: push.destination_port, source: push.source_port };
    let addressing = envelope::addressing(&sender(config), ports)
        .map_err(|error| PartError::Smsc { name: config.name.clone(), error })?;
    let resend = config.resend_unknown == ResendUnknown::Once;
    let smsc = Smsc::new(config.name.clone(), addressing, links, receipts);
    let smsc = Arc::new(smsc.with_journal(journal.clone(), resend));
    let modes: &[SessionMode] = match config.bind {
        BindMode::Transceiver => &[SessionMode::Transceiver],
        BindMode::Split => &[SessionMode::Transmitter, SessionMode::Receiver],
    };
    let settings = |mode| LinkSettings {
        address: config.address.to_string(),
        session: session(config, mode),
        connect_timeout: config.bind_timeout,
        backoff_base: LINK_BACKOFF.0,
        backoff_max: LINK_BACKOFF.1,
        drain_timeout: grace,
    };
    // Those that send come first, as the lanes count them.
    let links = modes.iter().flat_map(|mode| (0..links).map(|_| settings(*mode))).collect();
    Ok((Arc::clone(&smsc), SmscLinks { smsc, links }))
}

fn session(config: &SmscConfig, mode: SessionMode) -> SessionSettings {
    SessionSettings {
        mode,
        system_id: config.system_id.clone(),
        password: config.password.reveal().to_owned(),
        system_type: config.system_type.clone(),
        window: usize::from(config.window.get()),
        rate: config.rate.map_or(0, |rate| rate.get()),
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
        reference_width: match config.reference_width {
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
    /// A setting of the upstreams does not work.
    #[error("upstream: {0}")]
    Upstream(#[from] SettingsError),
}
