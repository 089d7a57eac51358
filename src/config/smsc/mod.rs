//! `[[smsc]]`: a short message centre and how we talk to it (SMPP v3.4).

mod connection;
mod crowding;
mod errands;
mod pacing;
mod payload;
mod receipts;
mod routing;

pub use connection::{ConnectionConfig, OutbindConfig, TlsConfig, Version};
pub use crowding::CrowdingConfig;
pub use errands::{ErrandConfig, Withdraw};
pub use pacing::{PacingConfig, StatusMeaning};
pub use payload::PayloadConfig;
pub use receipts::ReceiptConfig;
pub use routing::RoutingConfig;
pub(super) use routing::refuse_unlike_stand_ins;

use super::explain::Explained;
use super::secret::Secret;
use super::section::Section;
use std::fmt;
use std::num::NonZeroU8;
use std::str::FromStr;
use std::time::Duration;

/// Octets of a system_id without its NUL (SMPP v3.4 §5.2.1).
const SYSTEM_ID_MAX_OCTETS: usize = 15;
/// Octets of a password without its NUL (SMPP v3.4 §5.2.2).
const PASSWORD_MAX_OCTETS: usize = 8;
/// Octets of a system_type without its NUL (SMPP v3.4 §5.2.3).
const SYSTEM_TYPE_MAX_OCTETS: usize = 12;
/// Octets of a service_type without its NUL (SMPP v3.4 §5.2.11).
const SERVICE_TYPE_MAX_OCTETS: usize = 5;
/// Octets of a source_addr without its NUL (SMPP v3.4 §5.2.8).
const SOURCE_ADDRESS_MAX_OCTETS: usize = 20;
/// Characters of an alphanumeric sender: 7-bit characters in ten octets of address (TS 23.040 §9.1.2.5).
const ALPHANUMERIC_MAX_CHARACTERS: usize = 11;
/// Digits up to which a number is taken for a short code of the operator's network.
const SHORT_CODE_MAX_DIGITS: usize = 6;

/// A short message centre and how we talk to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmscConfig {
    /// Its name in metrics, logs and API: 1 to 32 of a-z, 0-9, '_', '-'; unique.
    pub name: String,
    /// Where it is; a host name is looked up at every connect.
    pub address: SmscAddress,
    /// Who we are to it.
    pub system_id: String,
    /// What proves that.
    pub password: Secret,
    /// What kind of client we are to it; mostly empty.
    pub system_type: String,
    /// How a link binds.
    pub bind: BindMode,
    /// Links held: 1 to 64.
    pub links: NonZeroU8,
    /// How fast it is sent to.
    pub pacing: PacingConfig,
    /// Who messages come from.
    pub source: SourceAddress,
    /// Type of number of handsets; 1 is international.
    pub dest_ton: u8,
    /// Numbering plan of handsets; 1 is E.164.
    pub dest_npi: u8,
    /// data_coding of a segment: 0x04, 0xF5 or 0x15, three ways to say 8-bit data (SMPP v3.4 §5.2.19, TS 23.038 §4).
    pub data_coding: u8,
    /// How a push is put into messages.
    pub payload: PayloadConfig,
    /// The SMSC's application service; mostly empty.
    pub service_type: String,
    /// How links are made.
    pub connection: ConnectionConfig,
    /// Which numbers it takes, and who stands in for it.
    pub routing: RoutingConfig,
    /// When it is taken to have no room for anybody.
    pub crowding: CrowdingConfig,
    /// How often an idle link is asked whether it is alive: 1 s to 10 min.
    pub enquire_link: Duration,
    /// How long a response may take before the link is given up: 1 s to 10 min.
    pub response_timeout: Duration,
    /// How long connect and bind may take: 1 s to 5 min.
    pub bind_timeout: Duration,
    /// What becomes of a segment whose link died before its response.
    pub resend_unknown: ResendUnknown,
    /// How long a receipt is awaited before an accepted event is final as accepted: 1 s to 28 days.
    pub receipt_timeout: Duration,
    /// How its receipts name messages.
    pub receipts: ReceiptConfig,
    /// What is asked about messages that it holds.
    pub errands: ErrandConfig,
}

impl SmscConfig {
    /// `names` are those of the entries before.
    pub(super) fn read(mut section: Section<'_>, names: &mut Vec<String>) -> Self {
        let name = section.unique_name(names);
        let address = address(&mut section);
        let bind = section.choice("bind", BindMode::Transceiver, &BindMode::WORDS);
        let config = Self {
            name,
            connection: ConnectionConfig::read(&mut section, &address, bind),
            address,
            system_id: section.ascii("system_id", "", SYSTEM_ID_MAX_OCTETS),
            password: section.secret("password", PASSWORD_MAX_OCTETS),
            system_type: section.ascii("system_type", "", SYSTEM_TYPE_MAX_OCTETS),
            bind,
            links: NonZeroU8::new(section.integer("links", 1, 1..=64)).unwrap_or(NonZeroU8::MIN),
            pacing: PacingConfig::read(&mut section),
            source: SourceAddress::read(&mut section),
            dest_ton: section.integer("dest_ton", 1, 0..=6),
            dest_npi: section.integer("dest_npi", 1, 0..=18),
            data_coding: section.choice_of_numbers("data_coding", 0x04, &[0x04, 0xF5, 0x15]),
            payload: PayloadConfig::read(&mut section),
            service_type: section.ascii("service_type", "", SERVICE_TYPE_MAX_OCTETS),
            routing: RoutingConfig::read(&mut section),
            crowding: CrowdingConfig::read(&mut section),
            enquire_link: section.duration("enquire_link", "30s", ("1s", "10m")),
            response_timeout: section.duration("response_timeout", "30s", ("1s", "10m")),
            bind_timeout: section.duration("bind_timeout", "10s", ("1s", "5m")),
            resend_unknown: section.choice("resend_unknown", ResendUnknown::Once, &ResendUnknown::WORDS),
            receipt_timeout: section.duration("receipt_timeout", "1h", ("1s", "28days")),
            receipts: ReceiptConfig::read(&mut section),
            errands: ErrandConfig::read(&mut section),
        };
        section.finish();
        config
    }

    pub(super) fn explain(&self, explained: &mut Explained) {
        explained
            .section("[[smsc]]")
            .text("name", &self.name)
            .text("address", &self.address)
            .text("system_id", &self.system_id)
            .text("password", self.password.masked())
            .text("system_type", &self.system_type)
            .text("bind", word(&BindMode::WORDS, self.bind))
            .plain("links", self.links);
        self.pacing.explain(explained);
        explained
            .text("source_address", &self.source.digits)
            .plain("source_ton", self.source.ton)
            .plain("source_npi", self.source.npi)
            .plain("dest_ton", self.dest_ton)
            .plain("dest_npi", self.dest_npi)
            .plain("data_coding", format_args!("{:#04x}", self.data_coding));
        self.payload.explain(explained);
        explained.text("service_type", &self.service_type);
        self.connection.explain(explained);
        self.routing.explain(explained);
        self.crowding.explain(explained);
        explained
            .duration("enquire_link", self.enquire_link)
            .duration("response_timeout", self.response_timeout)
            .duration("bind_timeout", self.bind_timeout)
            .text("resend_unknown", word(&ResendUnknown::WORDS, self.resend_unknown))
            .duration("receipt_timeout", self.receipt_timeout);
        self.receipts.explain(explained);
        self.errands.explain(explained);
    }
}

/// A host and a port, not looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmscAddress {
    /// Host name or IP address, without brackets.
    pub host: String,
    /// TCP port, 1 or more; 2775 is IANA's smpp.
    pub port: u16,
}

impl FromStr for SmscAddress {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (host, port) = text.rsplit_once(':').ok_or(())?;
        let port = port.parse().ok().filter(|port| *port > 0).ok_or(())?;
        let bare = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(address) => address.parse::<std::net::Ipv6Addr>().map_err(drop)?.to_string(),
            None => host.to_owned(),
        };
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let named = !host.is_empty() && host.len() <= 253 && host.chars().all(legal);
        match named || host.starts_with('[') {
            true => Ok(Self { host: bare, port }),
            false => Err(()),
        }
    }
}

impl fmt::Display for SmscAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

fn address(section: &mut Section<'_>) -> SmscAddress {
    const ALLOWED: &str = r#"host:port such as "smsc.example.net:2775", "192.0.2.1:2775" or "[2001:db8::1]:2775""#;
    let none = SmscAddress { host: String::new(), port: 0 };
    if section.written("address").is_none() {
        section.miss("address", ALLOWED);
        return none;
    }
    section.word("address", none, ALLOWED)
}

/// Who messages come from. Empty leaves it to the SMSC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceAddress {
    /// Digits without "+", or up to 11 characters of a name.
    pub digits: String,
    /// Type of number. By default 0 (unknown) for none, 5 (alphanumeric) for a name, 3 (network specific) for up to 6
    /// digits, which is how short codes are provisioned, and 1 (international) for more.
    pub ton: u8,
    /// Numbering plan. By default 1 (E.164) for digits and 0 (unknown) for the others.
    pub npi: u8,
}

impl SourceAddress {
    fn read(section: &mut Section<'_>) -> Self {
        let allowed = "up to 20 digits without \"+\", or up to 11 letters, digits, blanks, '.', '_', '-' or '&'";
        let digits = section.read("source_address", String::new(), allowed, |value| {
            super::section::text(value).filter(|text| is_source(text)).map(str::to_owned)
        });
        let (ton, npi) = Self::shape(&digits);
        let ton = section.integer("source_ton", ton, 0..=6);
        let npi = section.integer("source_npi", npi, 0..=18);
        Self { digits, ton, npi }
    }

    /// Type of number and numbering plan by the looks of an address.
    fn shape(address: &str) -> (u8, u8) {
        match address.len() {
            0 => (0, 0),
            _ if !all_digits(address) => (5, 0),
            1..=SHORT_CODE_MAX_DIGITS => (3, 1),
            _ => (1, 1),
        }
    }
}

fn is_source(text: &str) -> bool {
    if all_digits(text) {
        return text.len() <= SOURCE_ADDRESS_MAX_OCTETS;
    }
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '.' | '_' | '-' | '&');
    text.len() <= ALPHANUMERIC_MAX_CHARACTERS && text.chars().all(legal)
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|octet| octet.is_ascii_digit())
}

/// How a link binds (SMPP v3.4 §4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindMode {
    /// One connection for submits and receipts.
    Transceiver,
    /// A transmitter and a receiver, for an SMSC that has no transceivers.
    Split,
}

impl BindMode {
    const WORDS: [(&str, Self); 2] = [("transceiver", Self::Transceiver), ("split", Self::Split)];
}

/// Width of the concatenation reference (TS 23.040 §9.2.3.24.1 and §9.2.3.24.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferenceWidth {
    /// One octet: understood by every handset.
    Eight,
    /// Two octets.
    Sixteen,
}

impl ReferenceWidth {
    const WORDS: [(&str, Self); 2] = [("8bit", Self::Eight), ("16bit", Self::Sixteen)];
}

/// What becomes of a segment whose link died before its response: it may have arrived or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResendUnknown {
    /// It is sent once more: a repeat is better than a loss.
    Once,
    /// It is not: a loss is better than a repeat.
    Never,
}

impl ResendUnknown {
    const WORDS: [(&str, Self); 2] = [("once", Self::Once), ("never", Self::Never)];
}

fn word<T: PartialEq>(words: &[(&'static str, T)], meant: T) -> &'static str {
    words.iter().find(|(_, value)| *value == meant).map_or("", |(word, _)| word)
}
