//! `alert_notification`, SMPP v3.4 §4.12.1: a handset that could not be reached is there again.

use bytes::{BufMut, BytesMut};

use super::address::Address;
use super::codes::MsAvailability;
use super::command_status::CommandStatus;
use super::encode::Encode;
use super::fields::{ESME_ADDR, EncodeError, FieldError, LONG_SOURCE_ADDR, Reader};
use super::header::CommandId;
use super::tlv::{TlvTag, Tlvs};

/// `alert_notification`. It has no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct AlertNotification<'a> {
    /// The handset.
    pub source: Address<'a>,
    /// The ESME whose message asked for the alert.
    pub esme: Address<'a>,
    /// Optional parameters: `ms_availability_status` or nothing.
    pub tlvs: Tlvs<'a>,
}

impl<'a> AlertNotification<'a> {
    /// Whether the handset can be reached; `None` if the SMSC does not say, which means that it can.
    ///
    /// # Errors
    /// When the parameter has not one octet.
    pub fn ms_availability_status(&self) -> Result<Option<MsAvailability>, FieldError> {
        Ok(self.tlvs.u8(TlvTag::MS_AVAILABILITY_STATUS)?.map(MsAvailability))
    }

    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, FieldError> {
        Ok(Self {
            source: Address::decode(reader, &LONG_SOURCE_ADDR)?,
            esme: Address::decode(reader, &ESME_ADDR)?,
            tlvs: Tlvs::decode(reader.rest())?,
        })
    }
}

impl Encode for AlertNotification<'_> {
    fn command_id(&self) -> CommandId {
        CommandId::ALERT_NOTIFICATION
    }

    fn put_body(&self, _: CommandStatus, out: &mut BytesMut) -> Result<(), EncodeError> {
        self.source.put(&LONG_SOURCE_ADDR, out)?;
        self.esme.put(&ESME_ADDR, out)?;
        out.put_slice(self.tlvs.as_octets());
        Ok(())
    }
}
