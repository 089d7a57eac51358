//! What the reader of event streams can be told.

use super::address::Guard;
use crate::codec::sse::Limits;
use crate::model::CredentialRef;
use http::HeaderValue;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// Settings of all upstreams of a process.
#[derive(Clone, Debug)]
pub struct SseSettings {
    /// Time for name resolution, TCP and TLS together; all addresses of a host share it.
    pub connect_timeout: Duration,
    /// Time from the request to the head of its response.
    pub head_timeout: Duration,
    /// Silence after which a stream is taken for dead. Origins should send a comment every 15 s or so (HTML §9.2.7).
    pub idle_timeout: Duration,
    /// Bounds of a line and of an event.
    pub limits: Limits,
    /// Redirects followed in a row.
    pub max_redirects: u32,
    /// Whether upstreams may have addresses that are not public.
    pub allow_private: bool,
    /// Single addresses let through although they are not public.
    pub allowed_addresses: HashSet<IpAddr>,
    /// Root certificates trusted besides those of the web, in PEM; empty for none.
    pub ca: Vec<u8>,
    /// What the names of credentials stand for.
    pub credentials: HashMap<CredentialRef, BearerToken>,
    /// The User-Agent sent.
    pub user_agent: String,
    /// Ceiling of the wait after the first failure.
    pub backoff_base: Duration,
    /// Ceiling of the wait after many failures; a stream's own `retry` may exceed it.
    pub backoff_max: Duration,
    /// Reconnection time of a stream that names none (HTML §9.2.2: "probably in the region of a few seconds").
    pub reconnection_time: Duration,
    /// Shortest reconnection time, whatever a stream asks for: it protects the origin from itself.
    pub min_reconnection_time: Duration,
    /// Longest reconnection time and longest Retry-After honoured.
    pub max_reconnection_time: Duration,
    /// How long a stream has to stay open to count as sound without having sent an event.
    pub proven_after: Duration,
    /// Threads that read and parse; with none, whoever opens an upstream reads it.
    pub threads: usize,
    /// Seed of the jitter; none for one of its own.
    pub seed: Option<u64>,
}

impl Default for SseSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(5 * 60),
            limits: Limits::default(),
            max_redirects: 5,
            allow_private: false,
            allowed_addresses: HashSet::new(),
            ca: Vec::new(),
            credentials: HashMap::new(),
            user_agent: concat!("bellwire/", env!("CARGO_PKG_VERSION")).to_owned(),
            backoff_base: Duration::from_secs(1),
            backoff_max: Duration::from_secs(60),
            reconnection_time: Duration::from_secs(3),
            min_reconnection_time: Duration::from_millis(100),
            max_reconnection_time: Duration::from_secs(3600),
            proven_after: Duration::from_secs(30),
            threads: 0,
            seed: None,
        }
    }
}

impl SseSettings {
    /// What the guard lets through.
    pub(super) fn guard(&self) -> Guard {
        let allowed = self.allowed_addresses.iter().map(IpAddr::to_canonical).collect();
        Guard { allow_private: self.allow_private, allowed }
    }

    /// The extra root certificates.
    ///
    /// # Errors
    /// [`SettingsError::Ca`] when the PEM does not hold at least one certificate, or holds a broken one.
    pub(super) fn extra_roots(&self) -> Result<Vec<CertificateDer<'static>>, SettingsError> {
        if self.ca.is_empty() {
            return Ok(Vec::new());
        }
        let roots: Vec<_> = CertificateDer::pem_slice_iter(&self.ca)
            .collect::<Result<_, _>>()
            .map_err(|error| SettingsError::Ca { reason: error.to_string() })?;
        if roots.is_empty() {
            return Err(SettingsError::Ca { reason: "no certificate in it".to_owned() });
        }
        Ok(roots)
    }

    /// The User-Agent as a header.
    ///
    /// # Errors
    /// [`SettingsError::UserAgent`] when it cannot stand in one.
    pub(super) fn user_agent_header(&self) -> Result<HeaderValue, SettingsError> {
        HeaderValue::from_str(&self.user_agent).map_err(|_| SettingsError::UserAgent(self.user_agent.clone()))
    }

    /// The Authorization header of every credential.
    ///
    /// # Errors
    /// [`SettingsError::Credential`] when a token cannot stand in one.
    pub(super) fn authorizations(&self) -> Result<HashMap<CredentialRef, HeaderValue>, SettingsError> {
        let authorization = |(name, token): (&CredentialRef, &BearerToken)| {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", token.0))
                .map_err(|_| SettingsError::Credential(name.clone()))?;
            value.set_sensitive(true);
            Ok((name.clone(), value))
        };
        self.credentials.iter().map(authorization).collect()
    }
}

/// A bearer token (RFC 6750); never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct BearerToken(String);

impl BearerToken {
    /// Takes a token as it stands behind `Bearer `.
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken(…)")
    }
}

/// Settings that cannot be meant.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SettingsError {
    /// The extra root certificates cannot be read.
    #[error("extra root certificates: {reason}")]
    Ca {
        /// What is wrong with them.
        reason: String,
    },
    /// The User-Agent cannot be sent.
    #[error("user agent {0:?} cannot stand in a header")]
    UserAgent(String),
    /// A bearer token cannot be sent; the token itself is not shown.
    #[error("the token of credential {0} cannot stand in a header")]
    Credential(CredentialRef),
    /// The system gives no threads.
    #[error("threads: {reason}")]
    Threads {
        /// What it says.
        reason: String,
    },
    /// The TLS library refuses its own defaults.
    #[error("TLS: {reason}")]
    Tls {
        /// What it says.
        reason: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_never_shown() {
        let mut settings = SseSettings::default();
        settings.credentials.insert(CredentialRef::new("feed"), BearerToken::new("s3cret"));
        assert!(!format!("{settings:?} {:?}", settings.authorizations()).contains("s3cret"));
        settings.credentials.insert(CredentialRef::new("feed"), BearerToken::new("s3cret\n"));
        let error = settings.authorizations().unwrap_err();
        assert_eq!(error, SettingsError::Credential(CredentialRef::new("feed")));
        assert!(!error.to_string().contains("s3cret"));
    }

    #[test]
    fn roots_that_hold_no_certificate_are_refused() {
        let with_ca = |ca: &[u8]| SseSettings { ca: ca.to_vec(), ..SseSettings::default() }.extra_roots();
        assert_eq!(with_ca(b""), Ok(Vec::new()));
        assert!(matches!(with_ca(b"no PEM at all"), Err(SettingsError::Ca { .. })));
        let broken = b"-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n";
        assert!(matches!(with_ca(broken), Err(SettingsError::Ca { .. })));
    }
}
