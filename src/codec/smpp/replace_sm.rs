//! `replace_sm` and its response, SMPP v3.4 §4.10: another text for a message that was not delivered yet.

use std::fmt;

use bytes::{BufMut, BytesMut};

use super::address::Address;
use super::codes::RegisteredDelivery;
use super::command_status::CommandStatus;
use super::encode::Encode;
use super::fields::{
    EncodeError, FieldError, MESSAGE_ID, REGISTERED_DELIVERY, Reader, SCHEDULE_DELIVERY_TIME, SM_DEFAULT_MSG_ID,
    SOURCE_ADDR, VALIDITY_PERIOD, put_c_octets, put_short_message,
};
use super::header::CommandId;
use super::submit_sm::user_data;
use super::tlv::Tlvs;

/// `replace_sm`. `esm_class` and `data_coding` stay as they were submitted. `Debug` masks the address and shows no text.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct ReplaceSm<'a> {
    /// The message by the name that the SMSC gave it; at most 64 octets.
    pub message_id: &'a [u8],
    /// The sender, as it was submitted: the SMSC compares.
    pub source: Address<'a>,
    /// Empty to leave it as it is, else 16 octets as [`Time`](super::Time) reads them.
    pub schedule_delivery_time: &'a [u8],
    /// Empty to leave it as it is, else 16 octets such as those of [`ValidityPeriod`](super::ValidityPeriod).
    pub validity_period: &'a [u8],
    /// Which receipts are asked for.
    pub registered_delivery: RegisteredDelivery,
    /// A message that the SMSC keeps; 0 is none.
    pub sm_default_msg_id: u8,
    /// The new text: at most 254 octets, 255 in v5.0; empty when `message_payload` holds it.
    pub short_message: &'a [u8],
    /// Optional parameters: in v5.0 `message_payload`, in v3.4 none.
    pub tlvs: Tlvs<'a>,
}

impl<'a> ReplaceSm<'a> {
    /// The new text: `short_message` or, when that is empty, `message_payload`.
    pub fn user_data(&self) -> &'a [u8] {
        user_data(self.short_message, &self.tlvs)
    }

    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, FieldError> {
        Ok(Self {
            message_id: reader.c_octets(&MESSAGE_ID)?,
            source: Address::decode(reader, &SOURCE_ADDR)?,
            schedule_delivery_time: reader.c_octets(&SCHEDULE_DELIVERY_TIME)?,
            validity_period: reader.c_octets(&VALIDITY_PERIOD)?,
            registered_delivery: RegisteredDelivery(reader.u8(&REGISTERED_DELIVERY)?),
            sm_default_msg_id: reader.u8(&SM_DEFAULT_MSG_ID)?,
            short_message: reader.short_message()?,
            tlvs: Tlvs::decode(reader.rest())?,
        })
    }
}

impl Encode for ReplaceSm<'_> {
    fn command_id(&self) -> CommandId {
        CommandId::REPLACE_SM
    }

    fn put_body(&self, _: CommandStatus, out: &mut BytesMut) -> Result<(), EncodeError> {
        put_c_octets(&MESSAGE_ID, self.message_id, out)?;
        self.source.put(&SOURCE_ADDR, out)?;
        put_c_octets(&SCHEDULE_DELIVERY_TIME, self.schedule_delivery_time, out)?;
        put_c_octets(&VALIDITY_PERIOD, self.validity_period, out)?;
        out.put_slice(&[self.registered_delivery.0, self.sm_default_msg_id]);
        put_short_message(self.short_message, out)?;
        out.put_slice(self.tlvs.as_octets());
        Ok(())
    }
}

impl fmt::Debug for ReplaceSm<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplaceSm")
            .field("message_id", &format_args!("{}", self.message_id.escape_ascii()))
            .field("source", &self.source)
            .field("registered_delivery", &self.registered_delivery)
            .field("sm_length", &self.short_message.len())
            .field("tlvs", &self.tlvs)
            .finish_non_exhaustive()
    }
}

/// `replace_sm_resp`: its status says it all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ReplaceSmResp<'a> {
    /// Optional parameters; v3.4 has none here.
    pub tlvs: Tlvs<'a>,
}

impl Encode for ReplaceSmResp<'_> {
    fn command_id(&self) -> CommandId {
        CommandId::REPLACE_SM_RESP
    }

    fn put_body(&self, _: CommandStatus, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_slice(self.tlvs.as_octets());
        Ok(())
    }
}
