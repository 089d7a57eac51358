//! How a push is addressed on the handset.

use super::{SourceId, SourceOrigin, SourceUrl, StreamKey};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The application on the handset that a push is for: X-Wap-Application-Id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ApplicationId {
    /// A URI or other text, sent as text.
    Uri(Arc<str>),
    /// An OMNA or agreed number, sent as an integer.
    Code(u32),
    /// No header: by PPG Service §6.1.2.1 the push is then for the WML user agent.
    Absent,
}

impl Default for ApplicationId {
    /// The application of the W3C page: `urn:oma:xml:push`.
    fn default() -> Self {
        Self::Uri("urn:oma:xml:push".into())
    }
}

impl FromStr for ApplicationId {
    type Err = ApplicationIdError;

    /// Empty is no header; a number (decimal, or hexadecimal after `0x`) is a code; anything else is text.
    fn from_str(text: &str) -> Result<Self, ApplicationIdError> {
        let wrong = || ApplicationIdError(text.chars().take(80).collect());
        if text.is_empty() {
            return Ok(Self::Absent);
        }
        if text.starts_with(|c: char| c.is_ascii_digit()) {
            let code = match text.strip_prefix("0x") {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => text.parse(),
            };
            return code.map(Self::Code).map_err(|_| wrong());
        }
        if text.len() > 64 || !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(wrong());
        }
        Ok(Self::Uri(text.into()))
    }
}

impl fmt::Display for ApplicationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uri(uri) => f.write_str(uri),
            Self::Code(code) => write!(f, "0x{code:x}"),
            Self::Absent => Ok(()),
        }
    }
}

/// A text that names no application.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("application id {0:?} is neither a 32-bit number nor 1 to 64 printable ASCII characters")]
pub struct ApplicationIdError(String);

/// Which headers a push spends octets on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Textual content type in general form with its charset: any WAP push receiver understands it.
    Standard,
    /// The shortest legal headers; every event has an id, which begins with the key of its stream.
    Compact,
    /// None: the message is the event stream, and the key of its stream is in the source port.
    Data,
}

impl Profile {
    /// The word for it in configuration and API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Compact => "compact",
            Self::Data => "data",
        }
    }
}

/// How pushes are addressed on handsets, and how many may be on their way: the `[push]` section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushSettings {
    /// Which headers a push spends octets on.
    pub profile: Profile,
    /// The application on the handset.
    pub application: ApplicationId,
    /// UDH destination port; 2948 is IANA's wap-push.
    pub destination_port: u16,
    /// UDH source port; 9200 is IANA's wap-wsp.
    pub source_port: u16,
    /// UDH destination port of [`Profile::Data`]. TS 23.040 §9.2.3.24.4 leaves 16000 to 16999 to applications of short
    /// messages, and IANA has given 16500 to nobody.
    pub data_port: u16,
    /// UDH source port of [`Profile::Data`] for a handset's first subscription; the others count on.
    pub data_source_port: u16,
    /// Pushes that ask for a receipt and may be on their way to a handset, SMSC included, at most 1000; 0 for any number.
    /// What is more waits here, where it can be batched, replaced, or expire.
    pub unreceipted_per_handset: u16,
}

impl PushSettings {
    /// UDH destination port of pushes.
    pub fn port(&self) -> u16 {
        match self.profile {
            Profile::Standard | Profile::Compact => self.destination_port,
            Profile::Data => self.data_port,
        }
    }

    /// UDH source port of the pushes of the stream with this key.
    pub fn source_port_of(&self, key: StreamKey) -> u16 {
        match self.profile {
            Profile::Standard | Profile::Compact => self.source_port,
            Profile::Data => self.data_source_port.saturating_add(key.0),
        }
    }

    /// The URL that pushes of the stream with this key say they are about, if they do: a handset's first one looks as any
    /// WAP push receiver expects it.
    pub fn content_uri<'s>(&self, key: StreamKey, source: &'s SourceId) -> Option<&'s SourceUrl> {
        match source.origin() {
            SourceOrigin::Url(url) if self.profile == Profile::Standard && key > StreamKey::default() => Some(url),
            _ => None,
        }
    }
}

impl Default for PushSettings {
    fn default() -> Self {
        Self {
            profile: Profile::Standard,
            application: ApplicationId::default(),
            destination_port: 2948,
            source_port: 9200,
            data_port: 16_500,
            data_source_port: 16_500,
            unreceipted_per_handset: 8,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_is_read_back_as_it_is_printed() {
        for (text, application) in [
            ("urn:oma:xml:push", ApplicationId::default()),
            ("0x9065", ApplicationId::Code(0x9065)),
            ("2", ApplicationId::Code(2)),
            ("", ApplicationId::Absent),
        ] {
            let read: ApplicationId = text.parse().unwrap();
            assert_eq!(read, application);
            assert_eq!(read.to_string().parse::<ApplicationId>().unwrap(), application);
        }
        for wrong in ["0xfffffffff", "12ab", "a b", "größe"] {
            assert!(wrong.parse::<ApplicationId>().is_err(), "{wrong}");
        }
    }
}
