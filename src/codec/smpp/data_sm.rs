//! `data_sm`, SMPP v3.4 §4.7.1: a message either way whose text is the optional parameter `message_payload`.

use bytes::{BufMut, BytesMut};

use super::address::Address;
use super::codes::{DataCoding, EsmClass, RegisteredDelivery};
use super::command_status::CommandStatus;
use super::deliver_sm::DeliverSm;
use super::encode::Encode;
use super::fields::{
    DATA_CODING, ESM_CLASS, EncodeError, FieldError, LONG_DESTINATION_ADDR, LONG_SOURCE_ADDR, REGISTERED_DELIVERY,
    Reader, SERVICE_TYPE, put_c_octets,
};
use super::header::CommandId;
use super::submit_sm::user_data;
use super::tlv::Tlvs;

/// `data_sm`. Its addresses may have 64 octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct DataSm<'a> {
    /// Mostly empty; at most 5 octets.
    pub service_type: &'a [u8],
    /// The sender.
    pub source: Address<'a>,
    /// The receiver.
    pub destination: Address<'a>,
    /// Mode, type and features.
    pub esm_class: EsmClass,
    /// Which receipts are asked for.
    pub registered_delivery: RegisteredDelivery,
    /// Alphabet and class.
    pub data_coding: DataCoding,
    /// Optional parameters, the text among them.
    pub tlvs: Tlvs<'a>,
}

impl<'a> DataSm<'a> {
    /// The text: `message_payload`, empty if there is none.
    pub fn user_data(&self) -> &'a [u8] {
        user_data(b"", &self.tlvs)
    }

    /// The same from an SMSC as `deliver_sm`, so that whoever reads receipts there reads them here. It is for reading:
    /// addresses of more than 20 octets cannot be written so.
    pub const fn as_deliver_sm(&self) -> DeliverSm<'a> {
        DeliverSm {
            service_type: self.service_type,
            source: self.source,
            destination: self.destination,
            esm_class: self.esm_class,
            protocol_id: 0,
            priority_flag: 0,
            registered_delivery: self.registered_delivery,
            data_coding: self.data_coding,
            short_message: b"",
            tlvs: self.tlvs,
        }
    }

    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, FieldError> {
        Ok(Self {
            service_type: reader.c_octets(&SERVICE_TYPE)?,
            source: Address::decode(reader, &LONG_SOURCE_ADDR)?,
            destination: Address::decode(reader, &LONG_DESTINATION_ADDR)?,
            esm_class: EsmClass(reader.u8(&ESM_CLASS)?),
            registered_delivery: RegisteredDelivery(reader.u8(&REGISTERED_DELIVERY)?),
            data_coding: DataCoding(reader.u8(&DATA_CODING)?),
            tlvs: Tlvs::decode(reader.rest())?,
        })
    }
}

impl Encode for DataSm<'_> {
    fn command_id(&self) -> CommandId {
        CommandId::DATA_SM
    }

    fn put_body(&self, _: CommandStatus, out: &mut BytesMut) -> Result<(), EncodeError> {
        put_c_octets(&SERVICE_TYPE, self.service_type, out)?;
        self.source.put(&LONG_SOURCE_ADDR, out)?;
        self.destination.put(&LONG_DESTINATION_ADDR, out)?;
        out.put_slice(&[self.esm_class.0, self.registered_delivery.0, self.data_coding.0]);
        out.put_slice(self.tlvs.as_octets());
        Ok(())
    }
}
