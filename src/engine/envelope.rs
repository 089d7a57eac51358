//! What is put around every push of a subscription: the WSP header block, and the fields of submit_sm.

use crate::codec::smpp::{Address, DataCoding, Destination, EncodeError, EsmClass, Npi, SubmitSm, SubmitTemplate, Ton};
use crate::codec::udh::{Ports, ReferenceWidth};
use crate::codec::wsp::{self, ContentType, Header, PushHeader, PushTemplate, Text, TextError};
use crate::model::{ApplicationId, Msisdn, Profile};

/// The WSP header block of pushes to `application`.
///
/// The standard profile says the character set, though an event stream is always UTF-8 (HTML §9.2.5): it is three
/// octets that every receiver of WAP pushes understands. The compact profile leaves it out.
///
/// # Errors
/// When the application's name is no text that WSP can carry.
pub fn push_template(profile: Profile, application: &ApplicationId) -> Result<PushTemplate, TextError> {
    let charset = match profile {
        Profile::Standard => Some(ContentType::UTF_8),
        Profile::Compact => None,
    };
    let application = match application {
        ApplicationId::Uri(uri) => Some(wsp::ApplicationId::Text(Text::new(uri.as_ref())?)),
        ApplicationId::Code(code) => Some(wsp::ApplicationId::Code(*code)),
        ApplicationId::Absent => None,
    };
    let headers = application.map(Header::ApplicationId).into_iter().collect();
    Ok(PushTemplate::new(&PushHeader { content_type: ContentType::event_stream(charset), headers }))
}

/// How segments are addressed: what an SMSC asks for, the same for all its handsets.
pub struct Addressing {
    /// submit_sm up to the message.
    pub template: SubmitTemplate,
    /// UDH ports.
    pub ports: Ports,
    /// Width of concatenation references.
    pub width: ReferenceWidth,
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
}

/// Everything of a submit_sm that is the same for each.
///
/// # Errors
/// When a setting is longer than its field.
pub fn submit_template(settings: &SenderSettings) -> Result<SubmitTemplate, EncodeError> {
    SubmitTemplate::new(&SubmitSm {
        service_type: settings.service_type.as_bytes(),
        source: Address {
            ton: Ton(settings.source_ton),
            npi: Npi(settings.source_npi),
            addr: settings.source_address.as_bytes(),
        },
        destination: Address {
            ton: Ton(settings.dest_ton),
            npi: Npi(settings.dest_npi),
            addr: b"", // each message's own
        },
        esm_class: EsmClass::UDHI,
        data_coding: DataCoding(settings.data_coding),
        ..SubmitSm::default()
    })
}

/// How segments through an SMSC are addressed to `ports` of its handsets.
///
/// # Errors
/// When a setting is longer than its field.
pub fn addressing(settings: &SenderSettings, ports: Ports) -> Result<Addressing, EncodeError> {
    Ok(Addressing { template: submit_template(settings)?, ports, width: settings.reference_width })
}

/// `number` as the address of a submit_sm.
pub fn destination(number: &Msisdn) -> Destination {
    // It always fits: an E.164 number has at most 15 digits, and an address holds 20.
    Destination::new(number.digits().as_bytes()).unwrap_or_default()
}
