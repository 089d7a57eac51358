//! `deliver_sm`, SMPP v3.4 §4.6.1: a message or a delivery receipt from the SMSC to the ESME.

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
use super::submit_sm::user_data;
use super::tlv::Tlvs;

/// `deliver_sm`. Times, replacement and predefined message have no meaning in this direction (§4.6.1 wants
/// them NULL): they are skipped when decoding and zero when encoding. `Debug` masks the addresses and shows no text.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct DeliverSm<'a> {
    /// Mostly empty; at most 5 octets.
    pub service_type: &'a [u8],
    /// The handset; of a receipt, the destination of the message.
    pub source: Address<'a>,
    /// The ESME; of a receipt, the source of the message.
    pub destination: Address<'a>,
    /// Message type and features.
    pub esm_class: EsmClass,
    /// TP-PID in GSM.
    pub protocol_id: u8,
    /// 0 to 3.
    pub priority_flag: u8,
    /// Which acknowledgements are asked for.
    pub registered_delivery: RegisteredDelivery,
    /// Alphabet and class.
    pub data_coding: DataCoding,
    /// At most 254 octets, 255 in v5.0; empty when `message_payload` holds the text.
    pub short_message: &'a [u8],
    /// Optional parameters.
    pub tlvs: Tlvs<'a>,
}

impl<'a> DeliverSm<'a> {
    /// The text: `short_message` or, when that is empty, `message_payload`.
    pub fn user_data(&self) -> &'a [u8] {
        user_data(self.short_message, &self.tlvs)
    }

    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, FieldError> {
        let service_type = reader.c_octets(&SERVICE_TYPE)?;
        let source = Address::decode(reader, &SOURCE_ADDR)?;
        let destination = Address::decode(reader, &DESTINATION_ADDR)?;
        let esm_class = EsmClass(reader.u8(&ESM_CLASS)?);
        let protocol_id = reader.u8(&PROTOCOL_ID)?;
        let priority_flag = reader.u8(&PRIORITY_FLAG)?;
        reader.c_octets(&SCHEDULE_DELIVERY_TIME)?;
        reader.c_octets(&VALIDITY_PERIOD)?;
        let registered_delivery = RegisteredDelivery(reader.u8(&REGISTERED_DELIVERY)?);
        reader.u8(&REPLACE_IF_PRESENT_FLAG)?;
        let data_coding = DataCoding(reader.u8(&DATA_CODING)?);
        reader.u8(&SM_DEFAULT_MSG_ID)?;
        Ok(Self {
            service_type,
            source,
            destination,
            esm_class,
            protocol_id,
            priority_flag,
            registered_delivery,
            data_coding,
            short_message: reader.short_message()?,
            tlvs: Tlvs::decode(reader.rest())?,
        })
    }
}

impl Encode for DeliverSm<'_> {
    fn command_id(&self) -> CommandId {
        CommandId::DELIVER_SM
    }

    fn put_body(&self, _: CommandStatus, out: &mut BytesMut) -> Result<(), EncodeError> {
        put_c_octets(&SERVICE_TYPE, self.service_type, out)?;
        self.source.put(&SOURCE_ADDR, out)?;
        self.destination.put(&DESTINATION_ADDR, out)?;
        out.put_slice(&[self.esm_class.0, self.protocol_id, self.priority_flag]);
        put_c_octets(&SCHEDULE_DELIVERY_TIME, b"", out)?;
        put_c_octets(&VALIDITY_PERIOD, b"", out)?;
        out.put_slice(&[self.registered_delivery.0, 0, self.data_coding.0, 0]);
        put_short_message(self.short_message, out)?;
        out.put_slice(self.tlvs.as_octets());
        Ok(())
    }
}

impl fmt::Debug for DeliverSm<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeliverSm")
            .field("source", &self.source)
            .field("destination", &self.destination)
            .field("esm_class", &self.esm_class)
            .field("data_coding", &self.data_coding)
            .field("sm_length", &self.short_message.len())
            .field("tlvs", &self.tlvs)
            .finish_non_exhaustive()
    }
}
