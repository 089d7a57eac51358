//! `cancel_sm` and its response, SMPP v3.4 §4.9: the ESME takes back what was not delivered yet.

use bytes::{BufMut, BytesMut};

use super::address::Address;
use super::command_status::CommandStatus;
use super::encode::Encode;
use super::fields::{
    DESTINATION_ADDR, EncodeError, FieldError, MESSAGE_ID, Reader, SERVICE_TYPE, SOURCE_ADDR, put_c_octets,
};
use super::header::CommandId;
use super::tlv::Tlvs;

/// `cancel_sm`: one message by its name or, with an empty name, all between two addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct CancelSm<'a> {
    /// Which of the messages between the addresses; of no meaning with a name. At most 5 octets.
    pub service_type: &'a [u8],
    /// The message by the name that the SMSC gave it, at most 64 octets; empty for all between the addresses.
    pub message_id: &'a [u8],
    /// The sender, as it was submitted: the SMSC compares.
    pub source: Address<'a>,
    /// The handset; may be left out when there is a name.
    pub destination: Address<'a>,
}

impl<'a> CancelSm<'a> {
    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, FieldError> {
        Ok(Self {
            service_type: reader.c_octets(&SERVICE_TYPE)?,
            message_id: reader.c_octets(&MESSAGE_ID)?,
            source: Address::decode(reader, &SOURCE_ADDR)?,
            destination: Address::decode(reader, &DESTINATION_ADDR)?,
        })
    }
}

impl Encode for CancelSm<'_> {
    fn command_id(&self) -> CommandId {
        CommandId::CANCEL_SM
    }

    fn put_body(&self, _: CommandStatus, out: &mut BytesMut) -> Result<(), EncodeError> {
        put_c_octets(&SERVICE_TYPE, self.service_type, out)?;
        put_c_octets(&MESSAGE_ID, self.message_id, out)?;
        self.source.put(&SOURCE_ADDR, out)?;
        self.destination.put(&DESTINATION_ADDR, out)
    }
}

/// `cancel_sm_resp`: its status says it all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct CancelSmResp<'a> {
    /// Optional parameters; v3.4 has none here.
    pub tlvs: Tlvs<'a>,
}

impl Encode for CancelSmResp<'_> {
    fn command_id(&self) -> CommandId {
        CommandId::CANCEL_SM_RESP
    }

    fn put_body(&self, _: CommandStatus, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_slice(self.tlvs.as_octets());
        Ok(())
    }
}
