//! How links to an SMSC are made: the version they offer, how they bind, TLS, and who connects to whom.

use super::super::explain::Explained;
use super::super::secret::Secret;
use super::super::section::{Section, text};
use super::{BindMode, PASSWORD_MAX_OCTETS, SYSTEM_ID_MAX_OCTETS, SmscAddress, word};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// How links to an SMSC are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionConfig {
    /// The version of SMPP that a bind offers.
    pub version: Version,
    /// Binds that are refused because of what is configured before a link waits: 1 to 100.
    pub bind_attempts: u32,
    /// How long it waits then: 10 s to a day.
    pub bind_retry: Duration,
    /// Time between two links that connect.
    pub bind_spread: Duration,
    /// TLS, if it is spoken.
    pub tls: Option<TlsConfig>,
    /// Where the SMSC connects to us, if it does.
    pub outbind: Option<OutbindConfig>,
}

/// TLS to an SMSC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsConfig {
    /// PEM file of who is trusted; none for the authorities of the web.
    pub ca_file: Option<PathBuf>,
    /// PEM files of our certificate chain and of its private key.
    pub client: Option<(PathBuf, PathBuf)>,
    /// The name that the SMSC's certificate is to be for.
    pub server_name: String,
}

/// A listener for an SMSC that connects to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutbindConfig {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Who the SMSC says it is.
    pub system_id: String,
    /// How it proves that.
    pub password: Secret,
}

/// The version of SMPP that a bind offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// 3.4: every SMSC in use takes it, those of v5.0 included, and it is what gateways offer. Of v5.0 it would buy nothing
    /// that is used here, and there are SMSCs that refuse what they do not know.
    Auto,
    /// 3.3: no optional parameters, no transceivers.
    V3_3,
    /// 3.4.
    V3_4,
    /// 5.0.
    V5_0,
}

impl Version {
    const WORDS: [(&str, Self); 4] =
        [("auto", Self::Auto), ("3.3", Self::V3_3), ("3.4", Self::V3_4), ("5.0", Self::V5_0)];
}

impl ConnectionConfig {
    pub(super) fn read(section: &mut Section<'_>, address: &SmscAddress, bind: BindMode) -> Self {
        let tls = TlsConfig::read(section, address);
        Self {
            version: version(section, bind),
            bind_attempts: section.integer("bind_attempts", 3, 1..=100),
            bind_retry: section.duration("bind_retry", "30m", ("10s", "1day")),
            bind_spread: section.duration("bind_spread", "200ms", ("0s", "1m")),
            outbind: OutbindConfig::read(section, tls.is_some()),
            tls,
        }
    }

    pub(super) fn explain(&self, explained: &mut Explained) {
        explained
            .text("version", word(&Version::WORDS, self.version))
            .plain("bind_attempts", self.bind_attempts)
            .duration("bind_retry", self.bind_retry)
            .duration("bind_spread", self.bind_spread)
            .plain("tls", self.tls.is_some());
        if let Some(TlsConfig { ca_file, client, server_name }) = &self.tls {
            let path = |path: Option<&PathBuf>| path.map(|path| path.display().to_string()).unwrap_or_default();
            explained
                .text("ca_file", path(ca_file.as_ref()))
                .text("client_certificate", path(client.as_ref().map(|(chain, _)| chain)))
                .text("client_key", path(client.as_ref().map(|(_, key)| key)))
                .text("server_name", server_name);
        }
        explained.text("outbind", self.outbind.as_ref().map(|one| one.listen.to_string()).unwrap_or_default());
        if let Some(OutbindConfig { system_id, password, .. }) = &self.outbind {
            explained.text("outbind_system_id", system_id).text("outbind_password", password.masked());
        }
    }
}

fn version(section: &mut Section<'_>, bind: BindMode) -> Version {
    let version = section.choice("version", Version::Auto, &Version::WORDS);
    if version == Version::V3_3
        && bind == BindMode::Transceiver
        && let Some(written) = section.written("version")
    {
        section.refuse("version", written, "\"3.3\"".to_owned(), "it has no transceivers, set bind = \"split\"");
    }
    version
}

impl TlsConfig {
    fn read(section: &mut Section<'_>, address: &SmscAddress) -> Option<Self> {
        let wanted = section.boolean("tls", false);
        let mut file = |key| {
            let path = section.read(key, None, "a path, or empty", |value| {
                text(value).map(|path| (!path.is_empty()).then(|| PathBuf::from(path)))
            });
            refuse_without(section, path.is_some() && !wanted, key, "tls = true");
            path
        };
        let (ca_file, chain, key) = (file("ca_file"), file("client_certificate"), file("client_key"));
        let client = match (chain, key) {
            (Some(chain), Some(key)) => Some((chain, key)),
            (None, None) => None,
            (Some(_), None) => {
                section.miss("client_key", "the file that goes with client_certificate");
                None
            }
            (None, Some(_)) => {
                section.miss("client_certificate", "the file that goes with client_key");
                None
            }
        };
        let name = section.ascii("server_name", "", 253);
        refuse_without(section, !name.is_empty() && !wanted, "server_name", "tls = true");
        let server_name = if name.is_empty() { address.host.clone() } else { name };
        wanted.then_some(Self { ca_file, client, server_name })
    }
}

impl OutbindConfig {
    fn read(section: &mut Section<'_>, tls: bool) -> Option<Self> {
        let allowed = r#"an IP address and a port such as "192.0.2.1:2776", or empty"#;
        let listen: Option<SocketAddr> = section.read("outbind", None, allowed, |value| match text(value)? {
            "" => Some(None),
            address => address.parse().ok().map(Some),
        });
        let system_id = section.ascii("outbind_system_id", "", SYSTEM_ID_MAX_OCTETS);
        let password = section.secret("outbind_password", PASSWORD_MAX_OCTETS);
        refuse_without(section, listen.is_none() && !system_id.is_empty(), "outbind_system_id", "outbind");
        refuse_without(section, listen.is_none() && !password.is_empty(), "outbind_password", "outbind");
        refuse_without(section, listen.is_some() && tls, "outbind", "tls = false: an SMSC connects in the clear");
        let listen = listen?;
        if password.is_empty() {
            section.miss("outbind_password", "what the SMSC proves itself by");
        }
        Some(Self { listen, system_id, password })
    }
}

/// Refuses what is of no use without something else.
fn refuse_without(section: &mut Section<'_>, useless: bool, key: &'static str, needed: &str) {
    if useless && let Some(written) = section.written(key) {
        let shown = if key == "outbind_password" { "(not shown)".to_owned() } else { written.value.shown() };
        section.refuse(key, written, shown, format_args!("it needs {needed}"));
    }
}
