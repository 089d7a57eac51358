//! A push by optional parameters: the SMSC makes the user data header that says ports and parts (SMPP v3.4 §3.2.3).
//!
//! Two ways: segments of ours in `short_message` with `sar_*` parameters (§5.3.2.22 to §5.3.2.24), or the whole push in
//! `message_payload` (§5.3.2.32), which the SMSC cuts. Neither goes with the UDHI bit of `esm_class`: whoever sets it writes
//! the header himself.

use bytes::{BufMut, BytesMut};

use super::fields::EncodeError;
use super::template::Open;
use super::tlv::TlvTag;
use crate::codec::udh::{Concatenation, Ports, Reference};

/// `payload_type` §5.3.2.10: "In the case of a WAP application, the default higher layer message type is a WDP message."
const WDP: u8 = 0;

impl Open {
    /// The text was appended: ends the PDU with its ports, and with what part it is of a message of several.
    ///
    /// # Errors
    /// As [`Open::finish`].
    pub fn finish_with_ports(
        self,
        part: Option<Concatenation>,
        ports: Ports,
        out: &mut BytesMut,
    ) -> Result<usize, EncodeError> {
        self.end_text(out)?;
        if let Some(part) = part {
            let reference = match part.reference() {
                Reference::Bits8(reference) => u16::from(reference),
                Reference::Bits16(reference) => reference,
            };
            put(TlvTag::SAR_MSG_REF_NUM, &reference.to_be_bytes(), out);
            put(TlvTag::SAR_TOTAL_SEGMENTS, &[part.total().get()], out);
            put(TlvTag::SAR_SEGMENT_SEQNUM, &[part.sequence().get()], out);
        }
        put_ports(ports, out);
        self.end(out)
    }

    /// Appends what stands before a text of any length; the caller appends the text, at most 65 535 octets, and then calls
    /// [`OpenPayload::finish`].
    ///
    /// # Errors
    /// As [`Open::finish`].
    pub fn begin_payload(self, ports: Ports, out: &mut BytesMut) -> Result<OpenPayload, EncodeError> {
        self.end_text(out)?;
        put_ports(ports, out);
        put(TlvTag::MESSAGE_PAYLOAD, b"", out);
        Ok(OpenPayload { open: self, payload: out.len() })
    }
}

/// A `submit_sm` whose `message_payload` is being appended to the buffer.
#[derive(Debug)]
#[must_use = "the lengths are written by finish"]
pub struct OpenPayload {
    open: Open,
    /// Offset of the text.
    payload: usize,
}

impl OpenPayload {
    /// Writes the lengths; returns the octets of the PDU.
    ///
    /// # Errors
    /// When the text is longer than 65 535 octets, or `out` is shorter than it was: the PDU is taken back from it.
    pub fn finish(self, out: &mut BytesMut) -> Result<usize, EncodeError> {
        let octets = out.len().checked_sub(self.payload).map(u16::try_from);
        let Some(Ok(octets)) = octets else {
            let error = EncodeError::BufferCut { need: self.payload, have: out.len() };
            self.open.abandon(out);
            return Err(error);
        };
        out[self.payload - 2..self.payload].copy_from_slice(&octets.to_be_bytes());
        put(TlvTag::PAYLOAD_TYPE, &[WDP], out);
        self.open.end(out)
    }
}

fn put_ports(Ports { destination, source }: Ports, out: &mut BytesMut) {
    put(TlvTag::SOURCE_PORT, &source.to_be_bytes(), out);
    put(TlvTag::DESTINATION_PORT, &destination.to_be_bytes(), out);
}

/// `value` is short, as all of these are.
fn put(tag: TlvTag, value: &[u8], out: &mut BytesMut) {
    out.put_u16(tag.0);
    out.put_u16(value.len() as u16);
    out.put_slice(value);
}

#[cfg(test)]
mod tests {
    use super::super::address::Address;
    use super::super::codes::{DataCoding, EsmClass, Npi, RegisteredDelivery, Ton};
    use super::super::command_status::CommandStatus;
    use super::super::encode::Encode;
    use super::super::submit_sm::SubmitSm;
    use super::super::template::{Destination, SubmitTemplate};
    use super::super::tlv::{TlvBuffer, Tlvs};
    use super::*;

    const PORTS: Ports = Ports { destination: 2948, source: 9200 };
    const MESSAGE: SubmitSm<'static> = SubmitSm {
        service_type: b"",
        source: Address { ton: Ton::NETWORK_SPECIFIC, npi: Npi::E164, addr: b"12345" },
        destination: Address::international(b"15551234567"),
        esm_class: EsmClass::DEFAULT,
        protocol_id: 0,
        priority_flag: 0,
        schedule_delivery_time: b"",
        validity_period: b"",
        registered_delivery: RegisteredDelivery::FINAL,
        replace_if_present_flag: 0,
        data_coding: DataCoding::OCTETS,
        sm_default_msg_id: 0,
        short_message: b"",
        tlvs: Tlvs::NONE,
    };

    fn begun(out: &mut BytesMut) -> Open {
        let destination = Destination::new(MESSAGE.destination.addr).unwrap();
        SubmitTemplate::new(&MESSAGE).unwrap().begin(20, &destination, None, RegisteredDelivery::FINAL, out)
    }

    fn hex(octets: &[u8]) -> String {
        octets.iter().map(|octet| format!("{octet:02x}")).collect()
    }

    #[test]
    fn a_segment_by_sar_parameters_is_as_others_write_it() {
        let text = [7; 134];
        let mut out = BytesMut::new();
        let open = begun(&mut out);
        out.put_slice(&text);
        let part = Concatenation::new(Reference::Bits16(0x1234), 2, 1);
        assert_eq!(open.finish_with_ports(part, PORTS, &mut out), Ok(211));
        let tail = "020c00021234020e000102020f000101020a000223f0020b00020b84";
        assert_eq!(hex(&out[..16]), "000000d3000000040000000000000014");
        assert!(hex(&out).ends_with(tail), "{}", hex(&out));
        let tlvs = TlvBuffer::new()
            .octets(TlvTag::SAR_MSG_REF_NUM, &[0x12, 0x34])
            .u8(TlvTag::SAR_TOTAL_SEGMENTS, 2)
            .u8(TlvTag::SAR_SEGMENT_SEQNUM, 1)
            .octets(TlvTag::SOURCE_PORT, &[0x23, 0xf0])
            .octets(TlvTag::DESTINATION_PORT, &[0x0b, 0x84]);
        let mut typed = BytesMut::new();
        let whole = SubmitSm { short_message: &text, tlvs: tlvs.tlvs(), ..MESSAGE };
        whole.encode_with_status(CommandStatus::OK, 20, &mut typed).unwrap();
        assert_eq!(out, typed);
    }

    #[test]
    fn one_part_has_ports_and_nothing_of_parts() {
        let mut out = BytesMut::new();
        let open = begun(&mut out);
        out.put_slice(b"text");
        assert!(open.finish_with_ports(None, PORTS, &mut out).is_ok());
        assert!(hex(&out).ends_with("0474657874020a000223f0020b00020b84"));
    }

    #[test]
    fn a_whole_push_goes_in_message_payload() {
        for octets in [0, 74, 1_000, 65_535] {
            let text = vec![7; octets];
            let mut out = BytesMut::from(&b"before"[..]);
            let open = begun(&mut out).begin_payload(PORTS, &mut out).unwrap();
            out.put_slice(&text);
            assert_eq!(open.finish(&mut out), Ok(out.len() - 6));
            let tlvs = TlvBuffer::new()
                .octets(TlvTag::SOURCE_PORT, &[0x23, 0xf0])
                .octets(TlvTag::DESTINATION_PORT, &[0x0b, 0x84])
                .octets(TlvTag::MESSAGE_PAYLOAD, &text)
                .u8(TlvTag::PAYLOAD_TYPE, 0);
            let mut typed = BytesMut::from(&b"before"[..]);
            SubmitSm { tlvs: tlvs.tlvs(), ..MESSAGE }.encode(20, &mut typed).unwrap();
            assert_eq!(out, typed);
        }
    }

    #[test]
    fn what_is_too_long_leaves_the_buffer_as_it_was() {
        let mut out = BytesMut::from(&b"before"[..]);
        let open = begun(&mut out).begin_payload(PORTS, &mut out).unwrap();
        out.put_slice(&[0; 65_536]);
        assert!(open.finish(&mut out).is_err());
        let open = begun(&mut out);
        out.put_slice(&[0; 256]);
        assert!(open.finish_with_ports(None, PORTS, &mut out).is_err());
        assert_eq!(&out[..], b"before");
    }
}
