//! `submit_sm`, SMPP v3.4 §4.4.1: a message from the ESME to one handset.

use std::fmt;

use bytes::{BufMut, BytesMut};

use super::address::Address;
use super::codes::{DataCoding, EsmClass, RegisteredDelivery};
use super::command_status::CommandStatus;
use super::encode::Encode;
use super::fields::{
    DATA_CODING, DESTINATION_ADDR, ESM_CLASS, EncodeError, FieldError, PRIORITY_FLAG, PROTOCOL_ID, REGISTERED_DELIVERY,
    REPLACE_IF_PRESENT_FLAG, Reader, SCHEDULE_DELIVERY_TIME, SERVICE_TYPE, SM_DEFAULT_MSG_ID, SOURCE_ADDR,
    VALIDITY_PERIOD, put_c_octets, put_short_message,
};
use super::header::CommandId;
use super::tlv::{TlvTag, Tlvs};

/// `submit_sm`. The default is an ordinary message without text to nobody, with every choice left to the SMSC.
/// `Debug` masks the addresses and shows no text.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct SubmitSm<'a> {
    /// Mostly empty; at most 5 octets.
    pub service_type: &'a [u8],
    /// The sender.
    pub source: Address<'a>,
    /// The handset.
    pub destination: Address<'a>,
    /// Mode, type and features.
    pub esm_class: EsmClass,
    /// TP-PID in GSM.
    pub protocol_id: u8,
    /// 0 to 3; 0 is none in GSM.
    pub priority_flag: u8,
    /// Empty for at once, else 16 octets as [`Time`](super::Time) reads them.
    pub schedule_delivery_time: &'a [u8],
    /// Empty for the SMSC's own, else 16 octets such as those of [`ValidityPeriod`](super::ValidityPeriod).
    pub validity_period: &'a [u8],
    /// Which receipts are asked for.
    pub registered_delivery: RegisteredDelivery,
    /// 1 replaces a stored message of the same source, destination and service type.
    pub replace_if_present_flag: u8,
    /// Alphabet and class.
    pub data_coding: DataCoding,
    /// A message that the SMSC keeps; 0 is none.
    pub sm_default_msg_id: u8,
    /// At most 254 octets, 255 in v5.0; empty when `message_payload` holds the text.
    pub short_message: &'a [u8],
    /// Optional parameters.
    pub tlvs: Tlvs<'a>,
}

impl<'a> SubmitSm<'a> {
    /// The text: `short_message` or, when that is empty, `message_payload`.
    pub fn user_data(&self) -> &'a [u8] {
        user_data(self.short_message, &self.tlvs)
    }

    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, FieldError> {
        Ok(Self {
            service_type: reader.c_octets(&SERVICE_TYPE)?,
            source: Address::decode(reader, &SOURCE_ADDR)?,
            destination: Address::decode(reader, &DESTINATION_ADDR)?,
            esm_class: EsmClass(reader.u8(&ESM_CLASS)?),
            protocol_id: reader.u8(&PROTOCOL_ID)?,
            priority_flag: reader.u8(&PRIORITY_FLAG)?,
            schedule_delivery_time: reader.c_octets(&SCHEDULE_DELIVERY_TIME)?,
            validity_period: reader.c_octets(&VALIDITY_PERIOD)?,
            registered_delivery: RegisteredDelivery(reader.u8(&REGISTERED_DELIVERY)?),
            replace_if_present_flag: reader.u8(&REPLACE_IF_PRESENT_FLAG)?,
            data_coding: DataCoding(reader.u8(&DATA_CODING)?),
            sm_default_msg_id: reader.u8(&SM_DEFAULT_MSG_ID)?,
            short_message: reader.short_message()?,
            tlvs: Tlvs::decode(reader.rest())?,
        })
    }

    /// What stands before `destination_addr`.
    pub(super) fn put_before_destination(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        put_c_octets(&SERVICE_TYPE, self.service_type, out)?;
        self.source.put(&SOURCE_ADDR, out)?;
        out.put_slice(&[self.destination.ton.0, self.destination.npi.0]);
        Ok(())
    }

    /// What stands between `destination_addr` and `validity_period`.
    pub(super) fn put_behind_destination(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_slice(&[self.esm_class.0, self.protocol_id, self.priority_flag]);
        put_c_octets(&SCHEDULE_DELIVERY_TIME, self.schedule_delivery_time, out)
    }
}

/// §4.4.1 and §5.3.2.32: the text stands in `short_message` or in `message_payload`, never in both.
pub(super) fn user_data<'a>(short_message: &'a [u8], tlvs: &Tlvs<'a>) -> &'a [u8] {
    if short_message.is_empty() { tlvs.octets(TlvTag::MESSAGE_PAYLOAD).unwrap_or(b"") } else { short_message }
}

impl Encode for SubmitSm<'_> {
    fn command_id(&self) -> CommandId {
        CommandId::SUBMIT_SM
    }

    fn put_body(&self, _: CommandStatus, out: &mut BytesMut) -> Result<(), EncodeError> {
        self.put_before_destination(out)?;
        put_c_octets(&DESTINATION_ADDR, self.destination.addr, out)?;
        self.put_behind_destination(out)?;
        put_c_octets(&VALIDITY_PERIOD, self.validity_period, out)?;
        out.put_slice(&[
            self.registered_delivery.0,
            self.replace_if_present_flag,
            self.data_coding.0,
            self.sm_default_msg_id,
        ]);
        put_short_message(self.short_message, out)?;
        out.put_slice(self.tlvs.as_octets());
        Ok(())
    }
}

impl fmt::Debug for SubmitSm<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubmitSm")
            .field("source", &self.source)
            .field("destination", &self.destination)
            .field("esm_class", &self.esm_class)
            .field("registered_delivery", &self.registered_delivery)
            .field("data_coding", &self.data_coding)
            .field("sm_length", &self.short_message.len())
            .field("tlvs", &self.tlvs)
            .finish_non_exhaustive()
    }
}
