//! `[http]`: the push proxy's listener.

use super::explain::Explained;
use super::section::{Section, text};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// The push proxy's listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpConfig {
    /// Where it listens; nowhere if there is no proxy.
    pub listen: Option<SocketAddr>,
    /// Certificate chain and private key, PEM files. With them it speaks TLS, and HTTP/2 to whoever asks for it (ALPN).
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Connections at once; more are closed as they come.
    pub max_connections: u32,
    /// Streams at once for one client, which is a handset if it says who it is, else an address. Browsers open six at
    /// most to one host by HTTP/1.1.
    pub streams_per_client: u32,
    /// Requests that one client may make in a minute: some 30 of each stream are acknowledgements.
    pub requests_per_minute: u32,
}

impl HttpConfig {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let default = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080));
        let allowed = r#"an IP address and a port such as "127.0.0.1:8080", or empty for no proxy"#;
        let listen = section.read("listen", Some(default), allowed, |value| match text(value)? {
            "" => Some(None),
            address => address.parse().ok().map(Some),
        });
        let mut file = |key| {
            section.read(key, None, "a path, or empty", |value| {
                text(value).map(|path| (!path.is_empty()).then(|| PathBuf::from(path)))
            })
        };
        let tls = match (file("certificate"), file("private_key")) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            (Some(_), None) => {
                section.miss("private_key", "the file that goes with certificate");
                None
            }
            (None, Some(_)) => {
                section.miss("certificate", "the file that goes with private_key");
                None
            }
        };
        let config = Self {
            listen,
            tls,
            max_connections: section.integer("max_connections", 10_000, 1..=1_000_000),
            streams_per_client: section.integer("streams_per_client", 16, 1..=100_000),
            requests_per_minute: section.integer("requests_per_minute", 600, 1..=1_000_000),
        };
        section.finish();
        config
    }

    pub(super) fn explain(&self, explained: &mut Explained) {
        let listen = self.listen.map(|address| address.to_string()).unwrap_or_default();
        let path = |path: Option<&PathBuf>| path.map(|path| path.display().to_string()).unwrap_or_default();
        explained
            .section("[http]")
            .text("listen", listen)
            .text("certificate", path(self.tls.as_ref().map(|(certificate, _)| certificate)))
            .text("private_key", path(self.tls.as_ref().map(|(_, key)| key)))
            .plain("max_connections", self.max_connections)
            .plain("streams_per_client", self.streams_per_client)
            .plain("requests_per_minute", self.requests_per_minute);
    }
}
