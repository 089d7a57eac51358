//! From a URL to a connected socket: resolve, judge, connect, TLS.

use super::address::{Guard, Refused, Resolve};
use super::settings::{SettingsError, SseSettings};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::{Host, Url};

/// Connects to upstreams.
pub(super) struct Connector {
    tls: TlsConnector,
    resolver: Arc<dyn Resolve>,
    guard: Guard,
    time: Duration,
}

/// A connected socket.
pub(super) enum Socket {
    /// Plain HTTP.
    Plain(TcpStream),
    /// HTTP over TLS; boxed, for a TLS session is a large thing.
    Tls(Tls),
}

/// A TLS session over a socket.
pub(super) type Tls = Box<TlsStream<TcpStream>>;

impl Connector {
    /// A connector that trusts the roots of the web and those of `settings`.
    ///
    /// # Errors
    /// When the extra roots cannot be read.
    pub(super) fn new(settings: &SseSettings, resolver: Arc<dyn Resolve>) -> Result<Self, SettingsError> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for certificate in settings.extra_roots()? {
            roots.add(certificate).map_err(|error| SettingsError::Ca { reason: error.to_string() })?;
        }
        // The provider is named here, so that a second one in the binary cannot make the choice ambiguous.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| SettingsError::Tls { reason: error.to_string() })?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let tls = TlsConnector::from(Arc::new(config));
        Ok(Self { tls, resolver, guard: settings.guard(), time: settings.connect_timeout })
    }

    /// Connects to the origin of `url`, within the time given for it.
    ///
    /// # Errors
    /// [`ConnectError`]: no address, none that may be used, none that answers, or no TLS with it.
    pub(super) async fn connect(&self, url: &Url) -> Result<Socket, ConnectError> {
        let deadline = Instant::now() + self.time;
        match timeout_at(deadline, self.connect_by(url, deadline)).await {
            Ok(connected) => connected,
            Err(_) => Err(ConnectError::Timeout { host: host_text(url), limit: self.time }),
        }
    }

    async fn connect_by(&self, url: &Url, deadline: Instant) -> Result<Socket, ConnectError> {
        let addresses = self.resolve(url).await?;
        let tcp = dial(url, &addresses, deadline).await?;
        // Nothing is ever written twice on such a connection; Nagle would only delay the handshake.
        tcp.set_nodelay(true).map_err(|source| ConnectError::Tcp { host: host_text(url), source })?;
        if url.scheme() != "https" {
            return Ok(Socket::Plain(tcp));
        }
        let name = server_name(url).ok_or_else(|| ConnectError::Name { host: host_text(url) })?;
        let session = self.tls.connect(name, tcp).await;
        Ok(Socket::Tls(Box::new(session.map_err(|source| ConnectError::Tls { host: host_text(url), source })?)))
    }

    /// The addresses of `url`'s host, all of them judged.
    async fn resolve(&self, url: &Url) -> Result<Vec<SocketAddr>, ConnectError> {
        let host = host_text(url);
        let port = url.port_or_known_default().unwrap_or(80);
        let addresses = match url.host() {
            Some(Host::Ipv4(ip)) => vec![SocketAddr::new(ip.into(), port)],
            Some(Host::Ipv6(ip)) => vec![SocketAddr::new(ip.into(), port)],
            Some(Host::Domain(name)) => {
                let resolved = self.resolver.resolve(name, port).await;
                resolved.map_err(|source| ConnectError::Resolve { host: host.clone(), source })?
            }
            None => Vec::new(),
        };
        if addresses.is_empty() {
            return Err(ConnectError::NoAddress { host });
        }
        self.guard.check(&host, &addresses)?;
        Ok(addresses)
    }
}

/// Connects to the first of `addresses` that answers; each gets an equal share of the time left, so that one which
/// swallows packets does not use up that of the next.
async fn dial(url: &Url, addresses: &[SocketAddr], deadline: Instant) -> Result<TcpStream, ConnectError> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for (tried, address) in addresses.iter().enumerate() {
        let left = deadline.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(tcp)) => return Ok(tcp),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(ConnectError::Tcp { host: host_text(url), source: last })
}

/// The name that the certificate has to be for; the dot that ends an absolute name is no part of it (RFC 6066 §3).
fn server_name(url: &Url) -> Option<ServerName<'static>> {
    match url.host()? {
        Host::Ipv4(ip) => Some(ServerName::IpAddress(ip.into())),
        Host::Ipv6(ip) => Some(ServerName::IpAddress(ip.into())),
        Host::Domain(name) => ServerName::try_from(name.trim_end_matches('.').to_owned()).ok(),
    }
}

fn host_text(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum ConnectError {
    /// The guard did not let an address through.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The name was not resolved.
    #[error("resolving {host:?}")]
    Resolve {
        host: String,
        #[source]
        source: io::Error,
    },
    /// The name has no address.
    #[error("host {host:?} has no address")]
    NoAddress { host: String },
    /// No address took the connection; the source is what the last one said.
    #[error("connecting to {host:?}")]
    Tcp {
        host: String,
        #[source]
        source: io::Error,
    },
    /// No certificate can be for such a name.
    #[error("host {host:?} is no name for a certificate")]
    Name { host: String },
    /// The TLS handshake failed.
    #[error("TLS with {host:?}")]
    Tls {
        host: String,
        #[source]
        source: io::Error,
    },
    /// All of it took too long.
    #[error("no connection to {host:?} within {limit:?}")]
    Timeout { host: String, limit: Duration },
}

impl ConnectError {
    /// Whether another try can help. Certificates are renewed and names come back; an address that is not allowed and a
    /// name that no certificate can bear stay so.
    pub(super) fn can_retry(&self) -> bool {
        !matches!(self, Self::Refused(_) | Self::Name { .. })
    }

    /// Whether it is not allowed.
    pub(super) fn is_forbidden(&self) -> bool {
        matches!(self, Self::Refused(_))
    }
}
