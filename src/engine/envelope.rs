//! What is put around every push of a subscription: the WSP header block, ports, and the fields of submit_sm.

use super::references::References;
use crate::codec::segments::{self, Cut, Payload};
use crate::codec::smpp::{Address, DataCoding, Destination, EncodeError, EsmClass, Npi, SubmitSm, SubmitTemplate, Ton};
use crate::codec::udh::{Ports, ReferenceWidth};
use crate::codec::wsp::{self, ContentType, Header, PushHeader, PushTemplate, Text, TextError};
use crate::model::{ApplicationId, Msisdn, Overflow, Policy, Profile, PushSettings, SourceId, SourceUrl, StreamKey};
use bytes::BytesMut;

/// The least that pushes have for events: an event without data, and its id.
const LEAST_ROOM: usize = 32;

/// What is put around every push of one subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The WSP header block; none where a push is an event stream and nothing else.
    pub header: Option<PushTemplate>,
    /// UDH ports, where they are not those of its SMSC.
    pub ports: Option<Ports>,
    /// What all ids begin with, if they do.
    pub key: Option<StreamKey>,
}

impl Envelope {
    /// Octets of a push that are not its body.
    pub fn octets(&self) -> usize {
        self.header.as_ref().map_or(0, PushTemplate::octets)
    }

    /// Writes all that stands before a body.
    pub fn write(&self, transaction: u8, out: &mut BytesMut) {
        if let Some(header) = &self.header {
            header.write(transaction, out);
        }
    }
}

impl From<PushTemplate> for Envelope {
    /// A WSP header block and nothing else.
    fn from(header: PushTemplate) -> Self {
        Self { header: Some(header), ports: None, key: None }
    }
}

/// What is put around the pushes of subscriptions that differ in nothing but their handset and stream key.
#[derive(Clone, Debug)]
pub struct Envelopes {
    profile: Profile,
    /// Of a handset's first subscription; none for a profile without WSP.
    first: Option<PushTemplate>,
    /// Of its others.
    other: Option<PushTemplate>,
    /// Of the first, for a profile with ports of its own.
    ports: Ports,
}

impl Envelopes {
    /// For pushes of `source` to `application`.
    ///
    /// In the standard profile all but those of a handset's first subscription have X-Wap-Content-URI, the URL of the
    /// source, to be told apart by.
    ///
    /// # Errors
    /// When a name is no text that WSP can carry.
    pub fn new(push: &PushSettings, application: &ApplicationId, source: &SourceId) -> Result<Self, TextError> {
        let profile = push.profile;
        let ports = Ports { destination: push.data_port, source: push.data_source_port };
        let block = |key| {
            let uri = push.content_uri(StreamKey(key), source).map(SourceUrl::as_str);
            header(profile, application, uri).map(|header| PushTemplate::new(&header))
        };
        let (first, other) = match profile {
            Profile::Data => (None, None),
            Profile::Standard | Profile::Compact => (Some(block(0)?), Some(block(1)?)),
        };
        Ok(Self { profile, first, other, ports })
    }

    /// For the subscription with this key.
    pub fn of(&self, key: StreamKey) -> Envelope {
        let header = if key == StreamKey::default() { &self.first } else { &self.other };
        // It fits, or the configuration was changed since the activation.
        let source = self.ports.source.saturating_add(key.0);
        Envelope {
            header: header.clone(),
            ports: (self.profile == Profile::Data).then_some(Ports { source, ..self.ports }),
            key: (self.profile == Profile::Compact).then_some(key),
        }
    }

    /// Whether the subscription with this key can have pushes as `policy` wants them.
    ///
    /// # Errors
    /// When they have no room for an event, or there is no port for it.
    pub fn check(&self, key: StreamKey, policy: &Policy, cut: impl Into<Cut>) -> Result<(), EnvelopeError> {
        let width = cut.into().room_width();
        let (octets, room) = (self.of(key).octets(), segments::capacity(policy.max_segments.get(), width));
        if octets + LEAST_ROOM > room && policy.overflow != Overflow::Split {
            return Err(EnvelopeError::NoRoom { octets, room });
        }
        let first = self.ports.source;
        match self.profile {
            Profile::Data if first.checked_add(key.0).is_none() => Err(EnvelopeError::NoPort { key, first }),
            _ => Ok(()),
        }
    }
}

/// Why a subscription's pushes cannot be made.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// There is no room for an event.
    #[error(
        "the headers of its pushes take {octets} octets, and max_segments hold {room}: an event needs {LEAST_ROOM}"
    )]
    NoRoom {
        /// Octets of the headers.
        octets: usize,
        /// Octets of a push.
        room: usize,
    },
    /// There is no source port for it.
    #[error("there is no port {first} + {key} (base 36) for pushes to come from")]
    NoPort {
        /// Its key.
        key: StreamKey,
        /// The port of the first.
        first: u16,
    },
}

/// The WSP header block of pushes to `application`, without a URI of their source.
///
/// # Errors
/// When the application's name is no text that WSP can carry.
pub fn push_template(profile: Profile, application: &ApplicationId) -> Result<PushTemplate, TextError> {
    header(profile, application, None).map(|header| PushTemplate::new(&header))
}

/// The standard profile says the character set, though an event stream is always UTF-8 (HTML §9.2.5): it is three
/// octets that every receiver of WAP pushes understands. Others leave it out.
fn header(profile: Profile, application: &ApplicationId, uri: Option<&str>) -> Result<PushHeader, TextError> {
    let charset = (profile == Profile::Standard).then_some(ContentType::UTF_8);
    let application = match application {
        ApplicationId::Uri(uri) => Some(wsp::ApplicationId::Text(Text::new(uri.as_ref())?)),
        ApplicationId::Code(code) => Some(wsp::ApplicationId::Code(*code)),
        ApplicationId::Absent => None,
    };
    let uri = uri.map(Text::new).transpose()?;
    let headers = application.map(Header::ApplicationId).into_iter().chain(uri.map(Header::ContentUri)).collect();
    Ok(PushHeader { content_type: ContentType::event_stream(charset), headers })
}

/// How segments are addressed: what an SMSC asks for, the same for all its handsets.
pub struct Addressing {
    /// submit_sm up to the message.
    pub template: SubmitTemplate,
    /// The ports that pushes go by.
    pub ports: Ports,
    /// How pushes are cut.
    pub cut: Cut,
    /// The concatenation references that are ours.
    pub references: References,
    /// Who messages come from.
    pub sender: Sender,
}

/// Who messages come from: errands about a message name its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    ton: u8,
    npi: u8,
    address: Box<str>,
}

impl Sender {
    /// As the source address of a PDU.
    pub fn address(&self) -> Address<'_> {
        Address { ton: Ton(self.ton), npi: Npi(self.npi), addr: self.address.as_bytes() }
    }
}

impl From<&SenderSettings> for Sender {
    fn from(settings: &SenderSettings) -> Self {
        let SenderSettings { source_ton, source_npi, source_address, .. } = settings;
        Self { ton: *source_ton, npi: *source_npi, address: source_address.as_str().into() }
    }
}

/// How an SMSC wants messages to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SenderSettings {
    /// service_type, mostly empty.
    pub service_type: String,
    /// Who it comes from.
    pub source_address: String,
    /// Type of number of the source address.
    pub source_ton: u8,
    /// Numbering plan of the source address.
    pub source_npi: u8,
    /// Type of number of handsets.
    pub dest_ton: u8,
    /// Numbering plan of handsets.
    pub dest_npi: u8,
    /// 8-bit data as this SMSC calls it.
    pub data_coding: u8,
    /// Width of concatenation references.
    pub reference_width: ReferenceWidth,
    /// The concatenation references that are ours, if others use the same sender; else all of that width.
    pub references: Option<References>,
    /// How ports and parts are said.
    pub payload: Payload,
}

/// Everything of a submit_sm that is the same for each.
///
/// # Errors
/// When a setting is longer than its field.
pub fn submit_template(settings: &SenderSettings) -> Result<SubmitTemplate, EncodeError> {
    SubmitTemplate::new(&SubmitSm {
        service_type: settings.service_type.as_bytes(),
        source: Sender::from(settings).address(),
        destination: Address {
            ton: Ton(settings.dest_ton),
            npi: Npi(settings.dest_npi),
            addr: b"", // each message's own
        },
        esm_class: if settings.payload == Payload::Udh { EsmClass::UDHI } else { EsmClass::DEFAULT },
        data_coding: DataCoding(settings.data_coding),
        ..SubmitSm::default()
    })
}

/// How segments through an SMSC are addressed to `ports` of its handsets.
///
/// # Errors
/// When a setting is longer than its field.
pub fn addressing(settings: &SenderSettings, ports: Ports) -> Result<Addressing, EncodeError> {
    let (width, payload) = (settings.reference_width, settings.payload);
    let references = settings.references.unwrap_or_else(|| References::of(width));
    let (template, sender) = (submit_template(settings)?, Sender::from(settings));
    Ok(Addressing { template, ports, cut: Cut { width, payload }, references, sender })
}

/// `number` as the address of a submit_sm.
pub fn destination(number: &Msisdn) -> Destination {
    // It always fits: an E.164 number has at most 15 digits, and an address holds 20.
    Destination::new(number.digits().as_bytes()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FeedName, SourceOrigin, TenantId};

    fn envelopes(profile: Profile, origin: SourceOrigin) -> Envelopes {
        let push = PushSettings { profile, ..PushSettings::default() };
        let source = SourceId::new(TenantId::default(), origin, None);
        Envelopes::new(&push, &ApplicationId::Code(2), &source).unwrap()
    }

    fn url(text: &str) -> SourceOrigin {
        SourceOrigin::Url(text.parse().unwrap())
    }

    fn written(envelope: &Envelope) -> Vec<u8> {
        let mut out = BytesMut::new();
        envelope.write(7, &mut out);
        assert_eq!(out.len(), envelope.octets());
        out.to_vec()
    }

    #[test]
    fn a_standard_push_names_its_source_unless_it_is_of_the_first_stream() {
        let envelopes = envelopes(Profile::Standard, url("http://example.com/a"));
        let [first, other] = [0, 1].map(|key| written(&envelopes.of(StreamKey(key))));
        assert_eq!(first, b"\x07\x06\x17\x14text/event-stream\0\x81\xea\xaf\x82");
        assert_eq!(other, b"\x07\x06\x2d\x14text/event-stream\0\x81\xea\xaf\x82\xb0http://example.com/a\0");
        let push = wsp::decode(&other).unwrap();
        assert_eq!(push.content_uri(), Some("http://example.com/a"));
        let feed = SourceOrigin::Feed(FeedName::new("prices").unwrap());
        let feed = super::tests::envelopes(Profile::Standard, feed);
        assert_eq!(feed.of(StreamKey(0)), feed.of(StreamKey(1)), "a feed has no URL");
    }

    #[test]
    fn a_compact_push_has_its_key_and_a_data_push_its_port_and_nothing_else() {
        let compact = envelopes(Profile::Compact, url("http://example.com/a")).of(StreamKey(3));
        assert_eq!((compact.key, compact.ports), (Some(StreamKey(3)), None));
        assert_eq!(written(&compact), b"\x07\x06\x14text/event-stream\0\xaf\x82");
        let data = envelopes(Profile::Data, url("http://example.com/a")).of(StreamKey(3));
        assert_eq!(data.ports, Some(Ports { destination: 16_500, source: 16_503 }));
        assert_eq!((data.key, written(&data)), (None, Vec::new()));
    }

    #[test]
    fn a_subscription_without_room_or_port_is_refused() {
        let long = envelopes(Profile::Standard, url(&format!("http://example.com/{}", "a".repeat(400))));
        let check = |envelopes: &Envelopes, key, overflow| {
            let policy = Policy { overflow, ..Policy::default() };
            envelopes.check(StreamKey(key), &policy, ReferenceWidth::Bits8)
        };
        assert_eq!(check(&long, 0, Overflow::Notify), Ok(()));
        assert_eq!(check(&long, 1, Overflow::Notify), Err(EnvelopeError::NoRoom { octets: 448, room: 384 }));
        assert_eq!(check(&long, 1, Overflow::Split), Ok(()));
        let data = envelopes(Profile::Data, url("http://example.com/a"));
        assert_eq!(check(&data, 49_035, Overflow::Notify), Ok(()));
        let refused = check(&data, 49_036, Overflow::Notify).unwrap_err();
        assert_eq!(refused.to_string(), "there is no port 16500 + 11u4 (base 36) for pushes to come from");
    }
}
