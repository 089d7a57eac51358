//! Optional parameters, SMPP v3.4 §3.2.4 and §5.3: tag, length, value. Unknown tags are kept and skipped.
//!
//! Decoding a PDU checks only that the parameters fill the rest of it. Whether a value has the length of its tag is
//! asked where it is used, so that a receipt is not lost for a parameter that nobody reads; an SMSC that wants to be
//! strict calls [`Tlvs::check`].

use std::fmt;

use bytes::{BufMut, BytesMut};

use super::fields::FieldError;

/// Octets of tag and length.
const TLV_HEAD_OCTETS: usize = 4;

/// The optional part of a body: well formed, in the order of the wire.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Tlvs<'a> {
    octets: &'a [u8],
}

impl<'a> Tlvs<'a> {
    /// No optional parameter.
    pub const NONE: Self = Self { octets: &[] };

    /// Takes the octets after the mandatory parameters.
    ///
    /// # Errors
    /// When the last parameter is not whole.
    pub fn decode(octets: &'a [u8]) -> Result<Self, FieldError> {
        let mut rest = octets;
        while !rest.is_empty() {
            let Some((_, after)) = split_first(rest) else {
                return Err(truncated(rest));
            };
            rest = after;
        }
        Ok(Self { octets })
    }

    /// The parameters as they stand on the wire.
    pub const fn as_octets(&self) -> &'a [u8] {
        self.octets
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.octets.is_empty()
    }

    /// Every parameter, unknown ones too.
    pub const fn iter(&self) -> TlvIter<'a> {
        TlvIter { rest: self.octets }
    }

    /// The value of the first parameter with this tag.
    pub fn octets(&self, tag: TlvTag) -> Option<&'a [u8]> {
        self.iter().find(|tlv| tlv.tag == tag).map(|tlv| tlv.value)
    }

    /// A one-octet value.
    ///
    /// # Errors
    /// When the value has another length.
    pub fn u8(&self, tag: TlvTag) -> Result<Option<u8>, FieldError> {
        Ok(self.array::<1>(tag)?.map(|[octet]| octet))
    }

    /// A two-octet value.
    ///
    /// # Errors
    /// When the value has another length.
    pub fn u16(&self, tag: TlvTag) -> Result<Option<u16>, FieldError> {
        Ok(self.array(tag)?.map(u16::from_be_bytes))
    }

    /// A four-octet value.
    ///
    /// # Errors
    /// When the value has another length.
    pub fn u32(&self, tag: TlvTag) -> Result<Option<u32>, FieldError> {
        Ok(self.array(tag)?.map(u32::from_be_bytes))
    }

    /// How busy the SMSC is, in percent, as any response of v5.0 may say (v5.0 §4.8.4.18): from 90 on it is to be spared,
    /// 80 to 89 is best. `None` if it does not say, or nothing that can be read.
    #[inline]
    pub fn congestion_state(&self) -> Option<u8> {
        // Responses without optional parameters are by far the most.
        if self.is_empty() { None } else { self.u8(TlvTag::CONGESTION_STATE).ok().flatten() }
    }

    /// A string up to its NUL. The NUL may be missing: the length already says where the string ends.
    pub fn c_octets(&self, tag: TlvTag) -> Option<&'a [u8]> {
        let value = self.octets(tag)?;
        let end = memchr::memchr(0, value).unwrap_or(value.len());
        Some(&value[..end])
    }

    /// A value of exactly `N` octets.
    ///
    /// # Errors
    /// When the value has another length.
    pub fn array<const N: usize>(&self, tag: TlvTag) -> Result<Option<[u8; N]>, FieldError> {
        let Some(value) = self.octets(tag) else {
            return Ok(None);
        };
        match value.try_into() {
            Ok(array) => Ok(Some(array)),
            Err(_) => Err(FieldError::TlvLength { tag, min: N, max: N, have: value.len() }),
        }
    }

    /// Checks every parameter that has a name against the lengths that its tag allows.
    ///
    /// # Errors
    /// The first whose length is wrong; its status is `INVPARLEN`.
    pub fn check(&self) -> Result<(), FieldError> {
        for Tlv { tag, value } in self.iter() {
            let Some((min, max)) = tag.lengths() else { continue };
            if !(min..=max).contains(&value.len()) {
                return Err(FieldError::TlvLength { tag, min, max, have: value.len() });
            }
        }
        Ok(())
    }
}

/// Names and lengths only: a value may be a number or the text of a user.
impl fmt::Debug for Tlvs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|tlv| (tlv.tag, tlv.value.len()))).finish()
    }
}

impl<'a> IntoIterator for Tlvs<'a> {
    type Item = Tlv<'a>;
    type IntoIter = TlvIter<'a>;

    fn into_iter(self) -> TlvIter<'a> {
        self.iter()
    }
}

/// One optional parameter.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// What it is.
    pub tag: TlvTag,
    /// Its octets.
    pub value: &'a [u8],
}

/// Runs over [`Tlvs`].
#[derive(Clone)]
pub struct TlvIter<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for TlvIter<'a> {
    type Item = Tlv<'a>;

    fn next(&mut self) -> Option<Tlv<'a>> {
        let (tlv, rest) = split_first(self.rest)?;
        self.rest = rest;
        Some(tlv)
    }
}

fn split_first(octets: &[u8]) -> Option<(Tlv<'_>, &[u8])> {
    let (&[tag_high, tag_low, length_high, length_low], rest) = octets.split_first_chunk::<TLV_HEAD_OCTETS>()?;
    let length = u16::from_be_bytes([length_high, length_low]);
    let (value, rest) = rest.split_at_checked(usize::from(length))?;
    Some((Tlv { tag: TlvTag(u16::from_be_bytes([tag_high, tag_low])), value }, rest))
}

fn truncated(rest: &[u8]) -> FieldError {
    let announced = match *rest {
        [_, _, high, low, ..] => usize::from(u16::from_be_bytes([high, low])),
        _ => 0,
    };
    FieldError::TlvTruncated { need: TLV_HEAD_OCTETS + announced, have: rest.len() }
}

/// Optional parameters being written.
#[derive(Clone, Debug, Default)]
pub struct TlvBuffer {
    octets: BytesMut,
}

impl TlvBuffer {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a one-octet value.
    #[must_use]
    pub fn u8(self, tag: TlvTag, value: u8) -> Self {
        self.octets(tag, &[value])
    }

    /// Adds a two-octet value.
    #[must_use]
    pub fn u16(self, tag: TlvTag, value: u16) -> Self {
        self.octets(tag, &value.to_be_bytes())
    }

    /// Adds a four-octet value.
    #[must_use]
    pub fn u32(self, tag: TlvTag, value: u32) -> Self {
        self.octets(tag, &value.to_be_bytes())
    }

    /// Adds a string and its NUL.
    #[must_use]
    pub fn c_octets(mut self, tag: TlvTag, value: &[u8]) -> Self {
        let value = &value[..value.len().min(usize::from(u16::MAX) - 1)];
        self.head(tag, value.len() + 1);
        self.octets.put_slice(value);
        self.octets.put_u8(0);
        self
    }

    /// Adds a value as it is. What exceeds 65535 octets is cut off: a length has two octets.
    #[must_use]
    pub fn octets(mut self, tag: TlvTag, value: &[u8]) -> Self {
        let value = &value[..value.len().min(usize::from(u16::MAX))];
        self.head(tag, value.len());
        self.octets.put_slice(value);
        self
    }

    /// What was written, to be put into a body.
    pub fn tlvs(&self) -> Tlvs<'_> {
        Tlvs { octets: &self.octets }
    }

    fn head(&mut self, tag: TlvTag, length: usize) {
        self.octets.put_u16(tag.0);
        self.octets.put_u16(length as u16);
    }
}

/// The tag of an optional parameter, §5.3.2, with those of v5.0 §4.8.1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TlvTag(pub u16);

impl fmt::Display for TlvTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{:#06x}", self.0),
        }
    }
}

impl fmt::Debug for TlvTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

macro_rules! tags {
    ($($constant:ident = $value:literal, $name:literal, $min:literal..=$max:literal;)*) => {
        impl TlvTag {
            $(#[doc = concat!("`", stringify!($value), "` `", $name, "`, octets: ", stringify!($min), "..=", stringify!($max), ".")]
            pub const $constant: Self = Self($value);)*

            /// The name in the specification; `None` for a tag that has none.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some($name),)*
                    _ => None,
                }
            }

            /// Octets that a value has at least and at most; `None` for a tag without a name.
            pub const fn lengths(self) -> Option<(usize, usize)> {
                match self.0 {
                    $($value => Some(($min, $max)),)*
                    _ => None,
                }
            }
        }
    };
}

tags! {
    DEST_ADDR_SUBUNIT = 0x0005, "dest_addr_subunit", 1..=1;
    DEST_NETWORK_TYPE = 0x0006, "dest_network_type", 1..=1;
    DEST_BEARER_TYPE = 0x0007, "dest_bearer_type", 1..=1;
    DEST_TELEMATICS_ID = 0x0008, "dest_telematics_id", 2..=2;
    SOURCE_ADDR_SUBUNIT = 0x000D, "source_addr_subunit", 1..=1;
    SOURCE_NETWORK_TYPE = 0x000E, "source_network_type", 1..=1;
    SOURCE_BEARER_TYPE = 0x000F, "source_bearer_type", 1..=1;
    SOURCE_TELEMATICS_ID = 0x0010, "source_telematics_id", 1..=1;
    QOS_TIME_TO_LIVE = 0x0017, "qos_time_to_live", 4..=4;
    PAYLOAD_TYPE = 0x0019, "payload_type", 1..=1;
    ADDITIONAL_STATUS_INFO_TEXT = 0x001D, "additional_status_info_text", 1..=256;
    RECEIPTED_MESSAGE_ID = 0x001E, "receipted_message_id", 1..=65;
    MS_MSG_WAIT_FACILITIES = 0x0030, "ms_msg_wait_facilities", 1..=1;
    PRIVACY_INDICATOR = 0x0201, "privacy_indicator", 1..=1;
    SOURCE_SUBADDRESS = 0x0202, "source_subaddress", 2..=23;
    DEST_SUBADDRESS = 0x0203, "dest_subaddress", 2..=23;
    USER_MESSAGE_REFERENCE = 0x0204, "user_message_reference", 2..=2;
    USER_RESPONSE_CODE = 0x0205, "user_response_code", 1..=1;
    SOURCE_PORT = 0x020A, "source_port", 2..=2;
    DESTINATION_PORT = 0x020B, "destination_port", 2..=2;
    SAR_MSG_REF_NUM = 0x020C, "sar_msg_ref_num", 2..=2;
    LANGUAGE_INDICATOR = 0x020D, "language_indicator", 1..=1;
    SAR_TOTAL_SEGMENTS = 0x020E, "sar_total_segments", 1..=1;
    SAR_SEGMENT_SEQNUM = 0x020F, "sar_segment_seqnum", 1..=1;
    SC_INTERFACE_VERSION = 0x0210, "sc_interface_version", 1..=1;
    CALLBACK_NUM_PRES_IND = 0x0302, "callback_num_pres_ind", 1..=1;
    CALLBACK_NUM_ATAG = 0x0303, "callback_num_atag", 0..=65;
    NUMBER_OF_MESSAGES = 0x0304, "number_of_messages", 1..=1;
    CALLBACK_NUM = 0x0381, "callback_num", 4..=19;
    DPF_RESULT = 0x0420, "dpf_result", 1..=1;
    SET_DPF = 0x0421, "set_dpf", 1..=1;
    MS_AVAILABILITY_STATUS = 0x0422, "ms_availability_status", 1..=1;
    NETWORK_ERROR_CODE = 0x0423, "network_error_code", 3..=3;
    MESSAGE_PAYLOAD = 0x0424, "message_payload", 0..=65535;
    DELIVERY_FAILURE_REASON = 0x0425, "delivery_failure_reason", 1..=1;
    MORE_MESSAGES_TO_SEND = 0x0426, "more_messages_to_send", 1..=1;
    MESSAGE_STATE = 0x0427, "message_state", 1..=1;
    CONGESTION_STATE = 0x0428, "congestion_state", 1..=1;
    USSD_SERVICE_OP = 0x0501, "ussd_service_op", 1..=1;
    BROADCAST_CHANNEL_INDICATOR = 0x0600, "broadcast_channel_indicator", 1..=1;
    BROADCAST_CONTENT_TYPE = 0x0601, "broadcast_content_type", 3..=3;
    BROADCAST_CONTENT_TYPE_INFO = 0x0602, "broadcast_content_type_info", 1..=255;
    BROADCAST_MESSAGE_CLASS = 0x0603, "broadcast_message_class", 1..=1;
    BROADCAST_REP_NUM = 0x0604, "broadcast_rep_num", 2..=2;
    BROADCAST_FREQUENCY_INTERVAL = 0x0605, "broadcast_frequency_interval", 3..=3;
    BROADCAST_AREA_IDENTIFIER = 0x0606, "broadcast_area_identifier", 1..=65535;
    BROADCAST_ERROR_STATUS = 0x0607, "broadcast_error_status", 4..=4;
    BROADCAST_AREA_SUCCESS = 0x0608, "broadcast_area_success", 1..=1;
    BROADCAST_END_TIME = 0x0609, "broadcast_end_time", 16..=17;
    BROADCAST_SERVICE_GROUP = 0x060A, "broadcast_service_group", 1..=255;
    BILLING_IDENTIFICATION = 0x060B, "billing_identification", 1..=1024;
    SOURCE_NETWORK_ID = 0x060D, "source_network_id", 7..=65;
    DEST_NETWORK_ID = 0x060E, "dest_network_id", 7..=65;
    SOURCE_NODE_ID = 0x060F, "source_node_id", 6..=6;
    DEST_NODE_ID = 0x0610, "dest_node_id", 6..=6;
    DEST_ADDR_NP_RESOLUTION = 0x0611, "dest_addr_np_resolution", 1..=1;
    DEST_ADDR_NP_INFORMATION = 0x0612, "dest_addr_np_information", 10..=10;
    DEST_ADDR_NP_COUNTRY = 0x0613, "dest_addr_np_country", 1..=5;
    DISPLAY_TIME = 0x1201, "display_time", 1..=1;
    SMS_SIGNAL = 0x1203, "sms_signal", 2..=2;
    MS_VALIDITY = 0x1204, "ms_validity", 1..=4;
    ALERT_ON_MESSAGE_DELIVERY = 0x130C, "alert_on_message_delivery", 0..=1;
    ITS_REPLY_TYPE = 0x1380, "its_reply_type", 1..=1;
    ITS_SESSION_INFO = 0x1383, "its_session_info", 2..=2;
}

#[cfg(test)]
mod tests {
    use super::super::command_status::CommandStatus;
    use super::*;

    #[test]
    fn what_is_written_is_read_in_the_same_order() {
        let buffer = TlvBuffer::new()
            .u16(TlvTag::SOURCE_PORT, 9200)
            .octets(TlvTag(0x1401), b"vendor")
            .c_octets(TlvTag::RECEIPTED_MESSAGE_ID, b"0A1B")
            .u32(TlvTag::QOS_TIME_TO_LIVE, 60)
            .u8(TlvTag::PAYLOAD_TYPE, 0);
        let tlvs = Tlvs::decode(buffer.tlvs().as_octets()).unwrap();
        assert_eq!(tlvs.u16(TlvTag::SOURCE_PORT), Ok(Some(9200)));
        assert_eq!(tlvs.octets(TlvTag(0x1401)), Some(&b"vendor"[..]));
        assert_eq!(tlvs.c_octets(TlvTag::RECEIPTED_MESSAGE_ID), Some(&b"0A1B"[..]));
        assert_eq!(tlvs.u32(TlvTag::QOS_TIME_TO_LIVE), Ok(Some(60)));
        assert_eq!(tlvs.u8(TlvTag::PAYLOAD_TYPE), Ok(Some(0)));
        assert_eq!(tlvs.u8(TlvTag::DPF_RESULT), Ok(None));
        assert_eq!(tlvs.check(), Ok(()));
        assert_eq!(tlvs.iter().count(), 5);
    }

    #[test]
    fn a_value_of_the_wrong_length_is_named_where_it_is_used() {
        let buffer = TlvBuffer::new().u8(TlvTag::SOURCE_PORT, 1);
        let error = FieldError::TlvLength { tag: TlvTag::SOURCE_PORT, min: 2, max: 2, have: 1 };
        assert_eq!(buffer.tlvs().u16(TlvTag::SOURCE_PORT), Err(error));
        assert_eq!(buffer.tlvs().check(), Err(error));
        assert_eq!(error.status(), CommandStatus::INVPARLEN);
        assert_eq!(error.to_string(), "source_port has 2 to 2 octets, found 1");
    }

    #[test]
    fn a_parameter_that_is_not_whole_is_refused() {
        let error = Tlvs::decode(&[0x02, 0x0A, 0, 2, 0x23]).unwrap_err();
        assert_eq!(error, FieldError::TlvTruncated { need: 6, have: 5 });
        assert_eq!(error.status(), CommandStatus::INVOPTPARSTREAM);
        assert_eq!(Tlvs::decode(&[0x02]), Err(FieldError::TlvTruncated { need: 4, have: 1 }));
    }

    #[test]
    fn how_busy_a_peer_is_counts_only_if_it_can_be_read() {
        let said = TlvBuffer::new().u8(TlvTag::CONGESTION_STATE, 92);
        assert_eq!(said.tlvs().congestion_state(), Some(92));
        let garbled = TlvBuffer::new().u16(TlvTag::CONGESTION_STATE, 92);
        assert_eq!(garbled.tlvs().congestion_state(), None);
        assert_eq!(Tlvs::NONE.congestion_state(), None);
    }

    #[test]
    fn a_string_without_its_nul_ends_where_its_length_says() {
        let buffer = TlvBuffer::new().octets(TlvTag::RECEIPTED_MESSAGE_ID, b"42");
        assert_eq!(buffer.tlvs().c_octets(TlvTag::RECEIPTED_MESSAGE_ID), Some(&b"42"[..]));
    }
}
