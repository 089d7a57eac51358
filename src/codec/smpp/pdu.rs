//! A whole PDU: header and typed body, as a view of the octets that were received.

use std::fmt;

use bytes::{BufMut, BytesMut};

use super::alert::AlertNotification;
use super::bind::{Bind, BindMode, BindResp, Outbind};
use super::broadcast::Broadcast;
use super::cancel_sm::{CancelSm, CancelSmResp};
use super::command_status::CommandStatus;
use super::data_sm::DataSm;
use super::deliver_sm::DeliverSm;
use super::encode::{Encode, put_pdu};
use super::fields::{EncodeError, FieldError, Reader};
use super::header::{CommandId, HEADER_OCTETS, Header};
use super::message_resp::{DataSmResp, DeliverSmResp, SubmitSmResp};
use super::query_sm::{QuerySm, QuerySmResp};
use super::replace_sm::{ReplaceSm, ReplaceSmResp};
use super::submit_multi::{SubmitMulti, SubmitMultiResp};
use super::submit_sm::SubmitSm;
use super::tlv::Tlvs;

/// A PDU that borrows from the receive buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pdu<'a> {
    /// The header as received.
    pub header: Header,
    /// The body, by `command_id`.
    pub body: Body<'a>,
}

impl<'a> Pdu<'a> {
    /// Views exactly one PDU, as [`frame`](super::frame) cuts it.
    ///
    /// Unknown commands and unknown optional parameters are no errors. Nor is whatever follows the header of a response
    /// with an error status: a body that cannot be read counts as none, since §4 leaves it out and peers differ.
    ///
    /// # Errors
    /// When the body is not what `command_id` says; the stream is in step all the same.
    #[inline]
    pub fn decode(octets: &'a [u8]) -> Result<Self, DecodeError> {
        let header = Header::decode(octets).ok_or(DecodeError::Header { have: octets.len() })?;
        if usize::try_from(header.command_length) != Ok(octets.len()) {
            return Err(DecodeError::Length { header, have: octets.len() });
        }
        let body = &octets[HEADER_OCTETS..];
        match Body::decode(header.command_id, body) {
            Ok(body) => Ok(Self { header, body }),
            Err(error) => Body::decode_refused(&header)
                .map(|body| Self { header, body })
                .ok_or(DecodeError::Body { header, error }),
        }
    }

    /// Appends the PDU with the status and sequence number of its header; returns the octets written.
    ///
    /// # Errors
    /// When a value breaks the limits of its parameter. Nothing is written then.
    pub fn encode(&self, out: &mut BytesMut) -> Result<usize, EncodeError> {
        let Header { command_id, command_status, sequence_number, .. } = self.header;
        put_pdu(command_id, command_status, sequence_number, out, |out| self.body.put(command_status, out))
    }
}

/// The body of a PDU.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "each variant is the PDU of its name")]
pub enum Body<'a> {
    Bind(Bind<'a>),
    BindResp(BindResp<'a>),
    Outbind(Outbind<'a>),
    SubmitSm(SubmitSm<'a>),
    SubmitSmResp(SubmitSmResp<'a>),
    DeliverSm(DeliverSm<'a>),
    DeliverSmResp(DeliverSmResp<'a>),
    DataSm(DataSm<'a>),
    DataSmResp(DataSmResp<'a>),
    QuerySm(QuerySm<'a>),
    QuerySmResp(QuerySmResp<'a>),
    CancelSm(CancelSm<'a>),
    CancelSmResp(CancelSmResp<'a>),
    ReplaceSm(ReplaceSm<'a>),
    ReplaceSmResp(ReplaceSmResp<'a>),
    SubmitMulti(SubmitMulti<'a>),
    SubmitMultiResp(SubmitMultiResp<'a>),
    EnquireLink,
    /// v5.0 peers say here how busy they are.
    EnquireLinkResp(Tlvs<'a>),
    Unbind,
    UnbindResp,
    GenericNack,
    AlertNotification(AlertNotification<'a>),
    /// Known by name alone. A request is answered with `generic_nack` [`CommandStatus::INVCMDID`].
    Broadcast(Broadcast<'a>),
    /// A command that we do not speak, with its raw body. A request is answered with `generic_nack`
    /// [`CommandStatus::INVCMDID`], a response is dropped.
    Unknown(&'a [u8]),
}

impl<'a> Body<'a> {
    /// What comes most is decoded in line, and the others away from it.
    #[inline]
    fn decode(command_id: CommandId, body: &'a [u8]) -> Result<Self, FieldError> {
        match command_id {
            CommandId::SUBMIT_SM_RESP => SubmitSmResp::decode(&mut Reader::new(body)).map(Self::SubmitSmResp),
            _ => Self::decode_other(command_id, body),
        }
    }

    #[inline(never)]
    fn decode_other(command_id: CommandId, body: &'a [u8]) -> Result<Self, FieldError> {
        let reader = &mut Reader::new(body);
        Ok(match command_id {
            CommandId::SUBMIT_SM => Self::SubmitSm(SubmitSm::decode(reader)?),
            CommandId::DELIVER_SM => Self::DeliverSm(DeliverSm::decode(reader)?),
            CommandId::DELIVER_SM_RESP => Self::DeliverSmResp(DeliverSmResp::decode(reader)?),
            CommandId::DATA_SM => Self::DataSm(DataSm::decode(reader)?),
            CommandId::DATA_SM_RESP => Self::DataSmResp(DataSmResp::decode(reader)?),
            CommandId::QUERY_SM => Self::QuerySm(QuerySm::decode(reader)?),
            CommandId::QUERY_SM_RESP => Self::QuerySmResp(QuerySmResp::decode(reader)?),
            CommandId::CANCEL_SM => Self::CancelSm(CancelSm::decode(reader)?),
            CommandId::REPLACE_SM => Self::ReplaceSm(ReplaceSm::decode(reader)?),
            CommandId::SUBMIT_MULTI => Self::SubmitMulti(SubmitMulti::decode(reader)?),
            CommandId::SUBMIT_MULTI_RESP => Self::SubmitMultiResp(SubmitMultiResp::decode(reader)?),
            CommandId::OUTBIND => Self::Outbind(Outbind::decode(reader)?),
            CommandId::ALERT_NOTIFICATION => Self::AlertNotification(AlertNotification::decode(reader)?),
            _ => match bind_mode(command_id) {
                Some(mode) if command_id.is_response() => Self::BindResp(BindResp::decode(mode, reader)?),
                Some(mode) => Self::Bind(Bind::decode(mode, reader)?),
                None => Self::bare(command_id, body)
                    .or_else(|| Broadcast::decode(command_id, body).map(Self::Broadcast))
                    .unwrap_or(Self::Unknown(body)),
            },
        })
    }

    /// PDUs that are a header and nothing more. What v5.0 peers put behind some of them is no reason to lose the
    /// answer: octets that are no optional parameters count as none.
    fn bare(command_id: CommandId, body: &'a [u8]) -> Option<Self> {
        let tlvs = || Tlvs::decode(body).unwrap_or_default();
        match command_id {
            CommandId::ENQUIRE_LINK => Some(Self::EnquireLink),
            CommandId::ENQUIRE_LINK_RESP => Some(Self::EnquireLinkResp(tlvs())),
            CommandId::UNBIND => Some(Self::Unbind),
            CommandId::UNBIND_RESP => Some(Self::UnbindResp),
            CommandId::GENERIC_NACK => Some(Self::GenericNack),
            CommandId::CANCEL_SM_RESP => Some(Self::CancelSmResp(CancelSmResp { tlvs: tlvs() })),
            CommandId::REPLACE_SM_RESP => Some(Self::ReplaceSmResp(ReplaceSmResp { tlvs: tlvs() })),
            _ => None,
        }
    }

    /// The body of an error response when what was sent cannot be read.
    fn decode_refused(header: &Header) -> Option<Self> {
        if header.command_status.is_ok() || !header.command_id.is_response() {
            return None;
        }
        match header.command_id {
            CommandId::QUERY_SM_RESP => Some(Self::QuerySmResp(QuerySmResp::REFUSED)),
            CommandId::SUBMIT_MULTI_RESP => Some(Self::SubmitMultiResp(SubmitMultiResp::default())),
            command_id => Self::decode(command_id, &[]).ok(),
        }
    }

    /// The body as what all typed bodies are; `None` for those that have no type.
    fn typed(&self) -> Option<&dyn Typed> {
        Some(match self {
            Self::Bind(body) => body,
            Self::BindResp(body) => body,
            Self::Outbind(body) => body,
            Self::SubmitSm(body) => body,
            Self::SubmitSmResp(body) => body,
            Self::DeliverSm(body) => body,
            Self::DeliverSmResp(body) => body,
            Self::DataSm(body) => body,
            Self::DataSmResp(body) => body,
            Self::QuerySm(body) => body,
            Self::QuerySmResp(body) => body,
            Self::CancelSm(body) => body,
            Self::CancelSmResp(body) => body,
            Self::ReplaceSm(body) => body,
            Self::ReplaceSmResp(body) => body,
            Self::SubmitMulti(body) => body,
            Self::SubmitMultiResp(body) => body,
            Self::AlertNotification(body) => body,
            Self::Broadcast(body) => body,
            Self::EnquireLink | Self::EnquireLinkResp(_) | Self::Unbind | Self::UnbindResp => return None,
            Self::GenericNack | Self::Unknown(_) => return None,
        })
    }

    fn put(&self, status: CommandStatus, out: &mut BytesMut) -> Result<(), EncodeError> {
        match (self.typed(), self) {
            (Some(body), _) => return body.put_body(status, out),
            (None, Self::EnquireLinkResp(tlvs)) => out.put_slice(tlvs.as_octets()),
            (None, Self::Unknown(octets)) => out.put_slice(octets),
            (None, _) => {}
        }
        Ok(())
    }
}

/// A body that writes itself to the wire and into a log.
trait Typed: Encode + fmt::Debug {}

impl<T: Encode + fmt::Debug> Typed for T {}

fn bind_mode(command_id: CommandId) -> Option<BindMode> {
    match command_id {
        CommandId::BIND_TRANSMITTER | CommandId::BIND_TRANSMITTER_RESP => Some(BindMode::Transmitter),
        CommandId::BIND_RECEIVER | CommandId::BIND_RECEIVER_RESP => Some(BindMode::Receiver),
        CommandId::BIND_TRANSCEIVER | CommandId::BIND_TRANSCEIVER_RESP => Some(BindMode::Transceiver),
        _ => None,
    }
}

impl fmt::Debug for Body<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.typed(), self) {
            (Some(body), _) => body.fmt(f),
            (None, Self::EnquireLink) => f.write_str("EnquireLink"),
            (None, Self::EnquireLinkResp(tlvs)) => f.debug_tuple("EnquireLinkResp").field(tlvs).finish(),
            (None, Self::Unbind) => f.write_str("Unbind"),
            (None, Self::UnbindResp) => f.write_str("UnbindResp"),
            (None, Self::Unknown(octets)) => write!(f, "Unknown({} octets)", octets.len()),
            (None, _) => f.write_str("GenericNack"),
        }
    }
}

/// Why octets are no PDU.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// Not even a header.
    #[error("a header has {HEADER_OCTETS} octets, {have} given")]
    Header {
        /// Octets that were given.
        have: usize,
    },
    /// Not as many octets as the PDU says.
    #[error("command_length is {}, {have} octets given", header.command_length)]
    Length {
        /// The header.
        header: Header,
        /// Octets that were given.
        have: usize,
    },
    /// A parameter is wrong.
    #[error("{}: {error}", header.command_id)]
    Body {
        /// The header, to answer with.
        header: Header,
        /// What is wrong.
        error: FieldError,
    },
}

impl DecodeError {
    /// What the peer is told.
    pub fn status(&self) -> CommandStatus {
        match self {
            Self::Header { .. } | Self::Length { .. } => CommandStatus::INVCMDLEN,
            Self::Body { error, .. } => error.status(),
        }
    }

    /// The header, unless it was not whole.
    pub const fn header(&self) -> Option<&Header> {
        match self {
            Self::Header { .. } => None,
            Self::Length { header, .. } | Self::Body { header, .. } => Some(header),
        }
    }

    /// The PDU that refuses the request; `None` if what was refused is a response or has none.
    pub fn answer(&self) -> Option<Header> {
        let header = self.header()?;
        header.command_id.wants_response().then(|| header.answer(self.status()))
    }
}
