//! The 16-octet header of every PDU, SMPP v3.4 §3.2 and §5.1, and where a PDU ends in a stream of octets.

use bytes::{BufMut, BytesMut};

use super::codes::code_space;
use super::command_status::CommandStatus;

/// Octets of a header.
pub const HEADER_OCTETS: usize = 16;

/// The longest PDU we take by default: a whole `message_payload` (64 KiB) and room for the rest.
pub const PDU_MAX_OCTETS: usize = 68 * 1024;

/// Marks a `command_id` as the response to the request with the same lower bits.
const RESPONSE_BIT: u32 = 0x8000_0000;

/// Finds the PDU at the front of `buf`: its length in octets, or `None` while more octets are needed.
///
/// # Errors
/// The stream is out of step when `command_length` is shorter than a header or longer than `max` octets: answer
/// `generic_nack` with [`FrameError::status`] and close the connection, nothing after it can be trusted.
pub fn frame(buf: &[u8], max: usize) -> Result<Option<usize>, FrameError> {
    let Some(length) = buf.first_chunk::<4>() else {
        return Ok(None);
    };
    let said = u32::from_be_bytes(*length);
    let octets = usize::try_from(said).unwrap_or(usize::MAX);
    // §3.2: "The command_length field defines the total octet length of the SMPP PDU packet including the length field."
    if octets < HEADER_OCTETS {
        return Err(FrameError::TooShort { said });
    }
    if octets > max {
        return Err(FrameError::TooLong { said, max });
    }
    Ok((buf.len() >= octets).then_some(octets))
}

/// Why no PDU can be cut from a stream any more.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameError {
    /// Shorter than a header.
    #[error("command_length is {said}, a header alone has {HEADER_OCTETS} octets")]
    TooShort {
        /// What the PDU says.
        said: u32,
    },
    /// Longer than we take.
    #[error("command_length is {said}, at most {max} octets are taken")]
    TooLong {
        /// What the PDU says.
        said: u32,
        /// The limit that was given.
        max: usize,
    },
}

impl FrameError {
    /// What to tell the peer before closing.
    pub const fn status(self) -> CommandStatus {
        CommandStatus::INVCMDLEN
    }
}

/// The header of a PDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Octets of the whole PDU, this field included.
    pub command_length: u32,
    /// What the PDU is.
    pub command_id: CommandId,
    /// How a request ended; zero in requests.
    pub command_status: CommandStatus,
    /// Joins a response to its request. Each side counts its own requests from 1 to 0x7FFFFFFF; any value is taken.
    pub sequence_number: u32,
}

impl Header {
    /// The header of a PDU without a body.
    pub const fn bare(command_id: CommandId, command_status: CommandStatus, sequence_number: u32) -> Self {
        Self { command_length: HEADER_OCTETS as u32, command_id, command_status, sequence_number }
    }

    /// A `generic_nack`: refuses a PDU that has no response of its own.
    pub const fn nack(command_status: CommandStatus, sequence_number: u32) -> Self {
        Self::bare(CommandId::GENERIC_NACK, command_status, sequence_number)
    }

    /// The response without a body to this request.
    pub const fn answer(&self, command_status: CommandStatus) -> Self {
        Self::bare(self.command_id.response(), command_status, self.sequence_number)
    }

    /// Reads the first 16 octets; `None` if there are fewer.
    pub fn decode(octets: &[u8]) -> Option<Self> {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *octets.first_chunk::<HEADER_OCTETS>()?;
        Some(Self {
            command_length: u32::from_be_bytes([a, b, c, d]),
            command_id: CommandId(u32::from_be_bytes([e, f, g, h])),
            command_status: CommandStatus(u32::from_be_bytes([i, j, k, l])),
            sequence_number: u32::from_be_bytes([m, n, o, p]),
        })
    }

    /// Appends the 16 octets, `command_length` as it stands. For a PDU with no body this is all of it.
    pub fn encode(&self, out: &mut BytesMut) {
        out.reserve(HEADER_OCTETS);
        out.put_u32(self.command_length);
        out.put_u32(self.command_id.0);
        out.put_u32(self.command_status.0);
        out.put_u32(self.sequence_number);
    }
}

code_space! {
    /// `command_id`, §5.1.2. Those of v5.0 have their names too.
    CommandId(u32) {
        BIND_RECEIVER = 0x0000_0001 => "bind_receiver",
        BIND_TRANSMITTER = 0x0000_0002 => "bind_transmitter",
        QUERY_SM = 0x0000_0003 => "query_sm",
        SUBMIT_SM = 0x0000_0004 => "submit_sm",
        DELIVER_SM = 0x0000_0005 => "deliver_sm",
        UNBIND = 0x0000_0006 => "unbind",
        REPLACE_SM = 0x0000_0007 => "replace_sm",
        CANCEL_SM = 0x0000_0008 => "cancel_sm",
        BIND_TRANSCEIVER = 0x0000_0009 => "bind_transceiver",
        OUTBIND = 0x0000_000B => "outbind",
        ENQUIRE_LINK = 0x0000_0015 => "enquire_link",
        SUBMIT_MULTI = 0x0000_0021 => "submit_multi",
        ALERT_NOTIFICATION = 0x0000_0102 => "alert_notification",
        DATA_SM = 0x0000_0103 => "data_sm",
        BROADCAST_SM = 0x0000_0111 => "broadcast_sm",
        QUERY_BROADCAST_SM = 0x0000_0112 => "query_broadcast_sm",
        CANCEL_BROADCAST_SM = 0x0000_0113 => "cancel_broadcast_sm",
        GENERIC_NACK = 0x8000_0000 => "generic_nack",
        BIND_RECEIVER_RESP = 0x8000_0001 => "bind_receiver_resp",
        BIND_TRANSMITTER_RESP = 0x8000_0002 => "bind_transmitter_resp",
        QUERY_SM_RESP = 0x8000_0003 => "query_sm_resp",
        SUBMIT_SM_RESP = 0x8000_0004 => "submit_sm_resp",
        DELIVER_SM_RESP = 0x8000_0005 => "deliver_sm_resp",
        UNBIND_RESP = 0x8000_0006 => "unbind_resp",
        REPLACE_SM_RESP = 0x8000_0007 => "replace_sm_resp",
        CANCEL_SM_RESP = 0x8000_0008 => "cancel_sm_resp",
        BIND_TRANSCEIVER_RESP = 0x8000_0009 => "bind_transceiver_resp",
        ENQUIRE_LINK_RESP = 0x8000_0015 => "enquire_link_resp",
        SUBMIT_MULTI_RESP = 0x8000_0021 => "submit_multi_resp",
        DATA_SM_RESP = 0x8000_0103 => "data_sm_resp",
        BROADCAST_SM_RESP = 0x8000_0111 => "broadcast_sm_resp",
        QUERY_BROADCAST_SM_RESP = 0x8000_0112 => "query_broadcast_sm_resp",
        CANCEL_BROADCAST_SM_RESP = 0x8000_0113 => "cancel_broadcast_sm_resp",
    }
}

impl CommandId {
    /// Whether this is a response, `generic_nack` included.
    pub const fn is_response(self) -> bool {
        self.0 & RESPONSE_BIT != 0
    }

    /// The response that belongs to this request.
    pub const fn response(self) -> Self {
        Self(self.0 | RESPONSE_BIT)
    }

    /// Whether a request wants an answer: `outbind` and `alert_notification` have no response PDU.
    pub const fn wants_response(self) -> bool {
        !self.is_response() && self.0 != Self::OUTBIND.0 && self.0 != Self::ALERT_NOTIFICATION.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(command_length: u32, have: usize) -> Result<Option<usize>, FrameError> {
        let mut octets = command_length.to_be_bytes().to_vec();
        octets.resize(have.max(4), 0);
        frame(&octets, PDU_MAX_OCTETS)
    }

    #[test]
    fn a_length_that_no_pdu_can_have_ends_the_stream() {
        for said in [0, 1, 15] {
            assert_eq!(framed(said, 64), Err(FrameError::TooShort { said }));
        }
        for said in [PDU_MAX_OCTETS as u32 + 1, 0x8000_0000, u32::MAX] {
            assert_eq!(framed(said, 64), Err(FrameError::TooLong { said, max: PDU_MAX_OCTETS }));
        }
        assert_eq!(FrameError::TooShort { said: 0 }.status(), CommandStatus::INVCMDLEN);
    }

    #[test]
    fn a_pdu_that_is_not_all_there_is_waited_for() {
        assert_eq!(frame(&[], PDU_MAX_OCTETS), Ok(None));
        assert_eq!(frame(&[0, 0, 0], PDU_MAX_OCTETS), Ok(None));
        assert_eq!(framed(16, 15), Ok(None));
        assert_eq!(framed(16, 16), Ok(Some(16)));
        assert_eq!(framed(16, 40), Ok(Some(16)));
        assert_eq!(framed(PDU_MAX_OCTETS as u32, 16), Ok(None));
    }

    #[test]
    fn a_response_is_the_request_with_the_top_bit() {
        assert_eq!(CommandId::SUBMIT_SM.response(), CommandId::SUBMIT_SM_RESP);
        assert!(CommandId::GENERIC_NACK.is_response());
        assert!(CommandId::SUBMIT_SM.wants_response());
        assert!(!CommandId::OUTBIND.wants_response() && !CommandId::ALERT_NOTIFICATION.wants_response());
    }

    #[test]
    fn a_header_survives_a_round_trip() {
        let mut out = BytesMut::new();
        let header = Header::nack(CommandStatus::INVCMDID, 0xFFFF_FFFF);
        header.encode(&mut out);
        assert_eq!(Header::decode(&out), Some(header));
        assert_eq!(Header::decode(&out[..15]), None);
    }
}
