//! `submit_multi` and its response, SMPP v3.4 §4.5: one message to many handsets and distribution lists.
//!
//! The lists in both are checked when they are decoded and read one by one afterwards: nothing is copied.

use std::fmt;

use bytes::{BufMut, BytesMut};

use super::address::Address;
use super::codes::{DataCoding, EsmClass, RegisteredDelivery};
use super::command_status::CommandStatus;
use super::encode::Encode;
use super::fields::{
    DATA_CODING, DEST_FLAG, DESTINATION_ADDR, DL_NAME, ERROR_STATUS_CODE, ESM_CLASS, EncodeError, FieldError,
    MESSAGE_ID, NO_UNSUCCESS, NUMBER_OF_DESTS, PRIORITY_FLAG, PROTOCOL_ID, REGISTERED_DELIVERY,
    REPLACE_IF_PRESENT_FLAG, Reader, SCHEDULE_DELIVERY_TIME, SERVICE_TYPE, SM_DEFAULT_MSG_ID, SOURCE_ADDR,
    VALIDITY_PERIOD, put_c_octets, put_short_message,
};
use super::header::CommandId;
use super::submit_sm::user_data;
use super::tlv::Tlvs;

/// Entries of a list that is written: §4.5.1 stops at 254 destinations. v5.0 has one more, which is read.
const LIST_MAX: u8 = 254;

/// §5.2.25: what kind of destination follows.
const DEST_SME: u8 = 1;
const DEST_LIST: u8 = 2;

/// `submit_multi`. `Debug` masks the addresses and shows no text.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct SubmitMulti<'a> {
    /// Mostly empty; at most 5 octets.
    pub service_type: &'a [u8],
    /// The sender.
    pub source: Address<'a>,
    /// To whom: one at least.
    pub destinations: Destinations<'a>,
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
    /// Of no meaning here (§4.5.1), kept as it came.
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

impl<'a> SubmitMulti<'a> {
    /// The text: `short_message` or, when that is empty, `message_payload`.
    pub fn user_data(&self) -> &'a [u8] {
        user_data(self.short_message, &self.tlvs)
    }

    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, FieldError> {
        Ok(Self {
            service_type: reader.c_octets(&SERVICE_TYPE)?,
            source: Address::decode(reader, &SOURCE_ADDR)?,
            destinations: Destinations::decode(reader)?,
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
}

impl Encode for SubmitMulti<'_> {
    fn command_id(&self) -> CommandId {
        CommandId::SUBMIT_MULTI
    }

    fn put_body(&self, _: CommandStatus, out: &mut BytesMut) -> Result<(), EncodeError> {
        put_c_octets(&SERVICE_TYPE, self.service_type, out)?;
        self.source.put(&SOURCE_ADDR, out)?;
        self.destinations.0.put(out);
        out.put_slice(&[self.esm_class.0, self.protocol_id, self.priority_flag]);
        put_c_octets(&SCHEDULE_DELIVERY_TIME, self.schedule_delivery_time, out)?;
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

impl fmt::Debug for SubmitMulti<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubmitMulti")
            .field("source", &self.source)
            .field("destinations", &self.destinations)
            .field("esm_class", &self.esm_class)
            .field("registered_delivery", &self.registered_delivery)
            .field("data_coding", &self.data_coding)
            .field("sm_length", &self.short_message.len())
            .field("tlvs", &self.tlvs)
            .finish_non_exhaustive()
    }
}

/// Octets that hold as many entries as they say; they were checked, or written here.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct List<'a> {
    count: u8,
    octets: &'a [u8],
}

impl<'a> List<'a> {
    fn decode<T>(
        count: u8,
        reader: &mut Reader<'a>,
        entry: impl Fn(&mut Reader<'a>) -> Result<T, FieldError>,
    ) -> Result<Self, FieldError> {
        let from = reader.peek();
        for _ in 0..count {
            entry(reader)?;
        }
        let octets = from.get(..from.len() - reader.peek().len()).unwrap_or_default();
        Ok(Self { count, octets })
    }

    fn put(&self, out: &mut BytesMut) {
        out.put_u8(self.count);
        out.put_slice(self.octets);
    }

    fn iter<T>(self, entry: impl Fn(&mut Reader<'a>) -> Result<T, FieldError>) -> impl Iterator<Item = T> {
        let mut reader = Reader::new(self.octets);
        (0..self.count).map_while(move |_| entry(&mut reader).ok())
    }
}

/// One of those that a [`SubmitMulti`] goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MultiDestination<'a> {
    /// A handset.
    Sme(Address<'a>),
    /// A distribution list that the SMSC keeps, by its name of at most 20 octets.
    DistributionList(&'a [u8]),
}

impl<'a> MultiDestination<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, FieldError> {
        match reader.u8(&DEST_FLAG)? {
            DEST_SME => Ok(Self::Sme(Address::decode(reader, &DESTINATION_ADDR)?)),
            DEST_LIST => Ok(Self::DistributionList(reader.c_octets(&DL_NAME)?)),
            found => Err(FieldError::Value { field: &DEST_FLAG, found, allowed: "1 (SME) and 2 (distribution list)" }),
        }
    }

    fn put(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        match self {
            Self::Sme(address) => {
                out.put_u8(DEST_SME);
                address.put(&DESTINATION_ADDR, out)
            }
            Self::DistributionList(name) => {
                out.put_u8(DEST_LIST);
                put_c_octets(&DL_NAME, name, out)
            }
        }
    }
}

/// Everyone that a [`SubmitMulti`] goes to, in the order of the wire. The default is nobody, which no peer takes.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Destinations<'a>(List<'a>);

impl<'a> Destinations<'a> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.count.into()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.count == 0
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = MultiDestination<'a>> + use<'a> {
        self.0.iter(MultiDestination::decode)
    }

    fn decode(reader: &mut Reader<'a>) -> Result<Self, FieldError> {
        // §5.2.24: "The number_of_dests parameter indicates the number of dest_address structures that are to follow".
        match reader.u8(&NUMBER_OF_DESTS)? {
            0 => Err(FieldError::Value { field: &NUMBER_OF_DESTS, found: 0, allowed: "1 to 255" }),
            count => Ok(Self(List::decode(count, reader, MultiDestination::decode)?)),
        }
    }
}

impl fmt::Debug for Destinations<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// [`Destinations`] being written.
#[derive(Clone, Debug, Default)]
pub struct DestinationBuffer {
    count: u8,
    octets: BytesMut,
}

impl DestinationBuffer {
    /// Adds one.
    ///
    /// # Errors
    /// When it does not fit its parameter, or is the 255th. Nothing is added then.
    pub fn push(&mut self, destination: &MultiDestination<'_>) -> Result<(), EncodeError> {
        push(&mut self.count, &mut self.octets, &NUMBER_OF_DESTS, |out| destination.put(out))
    }

    /// What was written, to be put into a body.
    pub fn destinations(&self) -> Destinations<'_> {
        Destinations(List { count: self.count, octets: &self.octets })
    }
}

fn push(
    count: &mut u8,
    octets: &mut BytesMut,
    counter: &'static super::fields::Field,
    put: impl FnOnce(&mut BytesMut) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    if *count >= LIST_MAX {
        return Err(EncodeError::TooMany { field: counter, max: LIST_MAX.into() });
    }
    let before = octets.len();
    put(octets).inspect_err(|_| octets.truncate(before))?;
    *count += 1;
    Ok(())
}

/// `submit_multi_resp`. After an error it mostly has no body: then everything is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SubmitMultiResp<'a> {
    /// The message by the name that the SMSC gave it; at most 64 octets.
    pub message_id: &'a [u8],
    /// Those who will not get it.
    pub refused: RefusedDestinations<'a>,
    /// Optional parameters; v3.4 has none here.
    pub tlvs: Tlvs<'a>,
}

impl<'a> SubmitMultiResp<'a> {
    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, FieldError> {
        let message_id = reader.c_octets(&MESSAGE_ID)?;
        let count = reader.u8(&NO_UNSUCCESS)?;
        Ok(Self {
            message_id,
            refused: RefusedDestinations(List::decode(count, reader, RefusedDestination::decode)?),
            tlvs: Tlvs::decode(reader.rest())?,
        })
    }
}

impl Encode for SubmitMultiResp<'_> {
    fn command_id(&self) -> CommandId {
        CommandId::SUBMIT_MULTI_RESP
    }

    fn put_body(&self, status: CommandStatus, out: &mut BytesMut) -> Result<(), EncodeError> {
        if !status.is_ok() && *self == Self::default() {
            return Ok(());
        }
        put_c_octets(&MESSAGE_ID, self.message_id, out)?;
        self.refused.0.put(out);
        out.put_slice(self.tlvs.as_octets());
        Ok(())
    }
}

/// One who will not get a [`SubmitMulti`], `unsuccess_sme` of §4.5.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefusedDestination<'a> {
    /// The handset.
    pub address: Address<'a>,
    /// Why.
    pub status: CommandStatus,
}

impl<'a> RefusedDestination<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, FieldError> {
        Ok(Self {
            address: Address::decode(reader, &DESTINATION_ADDR)?,
            status: CommandStatus(reader.u32(&ERROR_STATUS_CODE)?),
        })
    }
}

/// Everyone who will not get a [`SubmitMulti`].
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct RefusedDestinations<'a>(List<'a>);

impl<'a> RefusedDestinations<'a> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.count.into()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.count == 0
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = RefusedDestination<'a>> + use<'a> {
        self.0.iter(RefusedDestination::decode)
    }
}

impl fmt::Debug for RefusedDestinations<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// [`RefusedDestinations`] being written.
#[derive(Clone, Debug, Default)]
pub struct RefusedBuffer {
    count: u8,
    octets: BytesMut,
}

impl RefusedBuffer {
    /// Adds one.
    ///
    /// # Errors
    /// When it does not fit its parameter, or is the 255th. Nothing is added then.
    pub fn push(&mut self, refused: &RefusedDestination<'_>) -> Result<(), EncodeError> {
        push(&mut self.count, &mut self.octets, &NO_UNSUCCESS, |out| {
            refused.address.put(&DESTINATION_ADDR, out)?;
            out.put_u32(refused.status.0);
            Ok(())
        })
    }

    /// What was written, to be put into a body.
    pub fn refused(&self) -> RefusedDestinations<'_> {
        RefusedDestinations(List { count: self.count, octets: &self.octets })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_that_does_not_fit_is_not_added() {
        let mut buffer = DestinationBuffer::default();
        assert!(buffer.push(&MultiDestination::DistributionList(&[b'a'; 21])).is_err());
        buffer.push(&MultiDestination::DistributionList(b"friends")).unwrap();
        let read: Vec<_> = buffer.destinations().iter().collect();
        assert_eq!(read, [MultiDestination::DistributionList(b"friends")]);
    }

    #[test]
    fn the_255th_destination_is_one_too_many() {
        let mut buffer = DestinationBuffer::default();
        for _ in 0..254 {
            buffer.push(&MultiDestination::Sme(Address::international(b"15551234567"))).unwrap();
        }
        let error = buffer.push(&MultiDestination::DistributionList(b"friends")).unwrap_err();
        assert_eq!(error.to_string(), "number_of_dests is at most 254");
        assert_eq!(buffer.destinations().iter().count(), 254);
    }

    #[test]
    fn a_list_names_what_is_wrong_with_it() {
        let error = |octets: &[u8]| Destinations::decode(&mut Reader::new(octets)).unwrap_err();
        let (nobody, other, short) = (error(&[0]), error(&[1, 3]), error(b"\x02\x02friends\0"));
        assert_eq!(nobody.to_string(), "number_of_dests is 0, allowed are 1 to 255");
        assert_eq!(nobody.status(), CommandStatus::INVNUMDESTS);
        assert_eq!(other.to_string(), "dest_flag is 3, allowed are 1 (SME) and 2 (distribution list)");
        assert_eq!(other.status(), CommandStatus::INVDESTFLAG);
        assert_eq!(short.to_string(), "body ends before dest_flag");
    }
}
