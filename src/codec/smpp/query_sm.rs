//! `query_sm` and its response, SMPP v3.4 §4.8: what became of a message, asked by the ESME.

use bytes::{BufMut, BytesMut};

use super::address::Address;
use super::codes::MessageState;
use super::command_status::CommandStatus;
use super::encode::Encode;
use super::fields::{
    ERROR_CODE, EncodeError, FINAL_DATE, FieldError, MESSAGE_ID, MESSAGE_STATE, Reader, SOURCE_ADDR, put_c_octets,
};
use super::header::CommandId;
use super::tlv::Tlvs;

/// `query_sm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct QuerySm<'a> {
    /// The message by the name that the SMSC gave it; at most 64 octets.
    pub message_id: &'a [u8],
    /// The sender, as it was submitted: the SMSC compares.
    pub source: Address<'a>,
}

impl<'a> QuerySm<'a> {
    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, FieldError> {
        Ok(Self { message_id: reader.c_octets(&MESSAGE_ID)?, source: Address::decode(reader, &SOURCE_ADDR)? })
    }
}

impl Encode for QuerySm<'_> {
    fn command_id(&self) -> CommandId {
        CommandId::QUERY_SM
    }

    fn put_body(&self, _: CommandStatus, out: &mut BytesMut) -> Result<(), EncodeError> {
        put_c_octets(&MESSAGE_ID, self.message_id, out)?;
        self.source.put(&SOURCE_ADDR, out)
    }
}

/// `query_sm_resp`. After an error it mostly has no body: then it is [`QuerySmResp::REFUSED`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuerySmResp<'a> {
    /// The message that was asked for; at most 64 octets.
    pub message_id: &'a [u8],
    /// When it came into its last state, 16 octets as [`Time`](super::Time) reads them; empty while it is on its way.
    pub final_date: &'a [u8],
    /// How far it came.
    pub message_state: MessageState,
    /// Why the network did not deliver it, in its own numbers; 0 for no error.
    pub error_code: u8,
    /// Optional parameters; v3.4 has none here.
    pub tlvs: Tlvs<'a>,
}

impl<'a> QuerySmResp<'a> {
    /// What an error response without a body says of the message: nothing.
    pub const REFUSED: Self = Self {
        message_id: b"",
        final_date: b"",
        message_state: MessageState::UNKNOWN,
        error_code: 0,
        tlvs: Tlvs::NONE,
    };

    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, FieldError> {
        Ok(Self {
            message_id: reader.c_octets(&MESSAGE_ID)?,
            final_date: reader.c_octets(&FINAL_DATE)?,
            message_state: MessageState(reader.u8(&MESSAGE_STATE)?),
            error_code: reader.u8(&ERROR_CODE)?,
            tlvs: Tlvs::decode(reader.rest())?,
        })
    }
}

impl Encode for QuerySmResp<'_> {
    fn command_id(&self) -> CommandId {
        CommandId::QUERY_SM_RESP
    }

    fn put_body(&self, status: CommandStatus, out: &mut BytesMut) -> Result<(), EncodeError> {
        if !status.is_ok() && *self == Self::REFUSED {
            return Ok(());
        }
        put_c_octets(&MESSAGE_ID, self.message_id, out)?;
        put_c_octets(&FINAL_DATE, self.final_date, out)?;
        out.put_slice(&[self.message_state.0, self.error_code]);
        out.put_slice(self.tlvs.as_octets());
        Ok(())
    }
}
