//! `submit_sm` on the hot path: what is the same for every message of a sender is laid out once and copied.

use std::fmt;

use bytes::{BufMut, BytesMut};

use super::codes::RegisteredDelivery;
use super::command_status::CommandStatus;
use super::fields::{DESTINATION_ADDR, EncodeError, SHORT_MESSAGE, check_c_octets};
use super::header::{CommandId, Header};
use super::submit_sm::SubmitSm;
use super::time::ValidityPeriod;

/// Offset of `sequence_number` in a header.
const SEQUENCE_AT: usize = 12;

/// Offset of `priority_flag` behind `destination_addr`: `esm_class` and `protocol_id` stand before it.
const PRIORITY_AT: usize = 2;

/// Octets of a `destination_addr` with the NUL that ends it (§5.2.9).
const DESTINATION_OCTETS: usize = 21;

/// A `submit_sm` without its number, destination, validity and text. `Debug` shows no address.
#[derive(Clone)]
pub struct SubmitTemplate {
    /// The header with length and number still zero, and the body up to `dest_addr_npi`.
    head: Box<[u8]>,
    /// From behind `destination_addr` to `schedule_delivery_time`.
    middle: Box<[u8]>,
    replace_if_present_flag: u8,
    data_coding: u8,
    sm_default_msg_id: u8,
}

impl SubmitTemplate {
    /// Lays out what all messages share. Of `message`, the fields that [`begin`](Self::begin) and its caller give anew
    /// are not used: `validity_period`, `registered_delivery`, `short_message`, `tlvs`, and the digits of `destination`.
    ///
    /// # Errors
    /// When a value breaks the limits of its parameter.
    pub fn new(message: &SubmitSm<'_>) -> Result<Self, EncodeError> {
        let mut head = BytesMut::new();
        Header::bare(CommandId::SUBMIT_SM, CommandStatus::OK, 0).encode(&mut head);
        message.put_before_destination(&mut head)?;
        let mut middle = BytesMut::new();
        message.put_behind_destination(&mut middle)?;
        Ok(Self {
            head: head.as_ref().into(),
            middle: middle.as_ref().into(),
            replace_if_present_flag: message.replace_if_present_flag,
            data_coding: message.data_coding.0,
            sm_default_msg_id: message.sm_default_msg_id,
        })
    }

    /// Appends everything before the text. The caller appends the text, at most 254 octets (255 in v5.0), and then calls
    /// [`Open::finish`]. `None` leaves the validity to the SMSC.
    pub fn begin(
        &self,
        sequence_number: u32,
        destination: &Destination,
        validity: Option<ValidityPeriod>,
        registered_delivery: RegisteredDelivery,
        out: &mut BytesMut,
    ) -> Open {
        let start = out.len();
        out.put_slice(&self.head);
        out[start + SEQUENCE_AT..start + SEQUENCE_AT + 4].copy_from_slice(&sequence_number.to_be_bytes());
        out.put_slice(destination.c_octets());
        out.put_slice(&self.middle);
        if let Some(validity) = validity {
            out.put_slice(validity.as_octets());
        }
        out.put_slice(&[
            0, // ends validity_period
            registered_delivery.0,
            self.replace_if_present_flag,
            self.data_coding,
            self.sm_default_msg_id,
            0, // sm_length, written by `finish`
        ]);
        Open { start, text: out.len() }
    }
}

impl SubmitTemplate {
    /// Gives the message that was begun for `destination` a `priority_flag` other than the template's.
    #[cold]
    pub fn set_priority(&self, open: &Open, destination: &Destination, flag: u8, out: &mut BytesMut) {
        let at = open.start + self.head.len() + destination.c_octets().len() + PRIORITY_AT;
        if let Some(octet) = out.get_mut(at) {
            *octet = flag;
        }
    }
}

impl fmt::Debug for SubmitTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SubmitTemplate({} octets)", self.head.len())
    }
}

/// The address that a message goes to, checked once. `Debug` shows nothing of it.
#[derive(Clone, Copy, Default)]
pub struct Destination {
    /// The address, the NUL that ends it, and what is left.
    octets: [u8; DESTINATION_OCTETS],
    len: u8,
}

impl Destination {
    /// Takes the octets of an address.
    ///
    /// # Errors
    /// When there are more than 20, or a NUL among them.
    pub fn new(addr: &[u8]) -> Result<Self, EncodeError> {
        check_c_octets(&DESTINATION_ADDR, addr)?;
        let mut octets = [0; DESTINATION_OCTETS];
        octets[..addr.len()].copy_from_slice(addr);
        Ok(Self { octets, len: addr.len() as u8 + 1 })
    }

    fn c_octets(&self) -> &[u8] {
        &self.octets[..usize::from(self.len)]
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Destination")
    }
}

/// A `submit_sm` whose text is being appended to the buffer.
#[derive(Debug)]
#[must_use = "the lengths are written by finish"]
pub struct Open {
    /// Offset of the PDU.
    start: usize,
    /// Offset of its text.
    text: usize,
}

impl Open {
    /// Writes both lengths; returns the octets of the PDU.
    ///
    /// # Errors
    /// When the text is longer than 255 octets: the PDU is taken back from `out`. When `out` is shorter than it was:
    /// it is left as it is.
    #[inline]
    pub fn finish(self, out: &mut BytesMut) -> Result<usize, EncodeError> {
        self.end_text(out)?;
        self.end(out)
    }

    /// Writes the length of the text.
    #[inline]
    pub(super) fn end_text(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        let Some(text_octets) = out.len().checked_sub(self.text) else {
            return Err(EncodeError::BufferCut { need: self.text, have: out.len() });
        };
        if text_octets > SHORT_MESSAGE.max_octets() {
            out.truncate(self.start);
            return Err(EncodeError::TooLong {
                field: &SHORT_MESSAGE,
                max: SHORT_MESSAGE.max_octets(),
                have: text_octets,
            });
        }
        out[self.text - 1] = text_octets as u8;
        Ok(())
    }

    /// Writes the length of the PDU, and returns it.
    #[inline]
    pub(super) fn end(&self, out: &mut BytesMut) -> Result<usize, EncodeError> {
        let octets = out.len() - self.start;
        out[self.start..self.start + 4].copy_from_slice(&(octets as u32).to_be_bytes());
        Ok(octets)
    }

    /// Takes the PDU back from `out`: the message is not to be sent after all.
    pub fn abandon(self, out: &mut BytesMut) {
        out.truncate(self.start);
    }
}

#[cfg(test)]
mod tests {
    use super::super::address::Address;
    use super::super::codes::{DataCoding, EsmClass};
    use super::super::encode::Encode;
    use super::*;
    use std::time::Duration;

    const MESSAGE: SubmitSm<'static> = SubmitSm {
        service_type: b"",
        source: Address::international(b"4912345"),
        destination: Address::international(b"15551234567"),
        esm_class: EsmClass::UDHI,
        protocol_id: 0,
        priority_flag: 1,
        schedule_delivery_time: b"",
        validity_period: b"",
        registered_delivery: RegisteredDelivery::FINAL,
        replace_if_present_flag: 0,
        data_coding: DataCoding::OCTETS,
        sm_default_msg_id: 0,
        short_message: b"text",
        tlvs: super::super::tlv::Tlvs::NONE,
    };

    fn destination() -> Destination {
        Destination::new(MESSAGE.destination.addr).unwrap()
    }

    #[test]
    fn a_destination_has_at_most_20_octets_and_no_nul() {
        assert!(Destination::new(&[b'1'; 20]).is_ok());
        assert!(matches!(Destination::new(&[b'1'; 21]), Err(EncodeError::TooLong { max: 20, have: 21, .. })));
        assert!(Destination::new(b"1\x002").is_err());
    }

    fn filled(validity: Option<ValidityPeriod>, text: &[u8]) -> Result<BytesMut, EncodeError> {
        let mut out = BytesMut::from(&b"before"[..]);
        let open =
            SubmitTemplate::new(&MESSAGE)?.begin(9, &destination(), validity, RegisteredDelivery::FINAL, &mut out);
        out.put_slice(text);
        open.finish(&mut out)?;
        Ok(out)
    }

    #[test]
    fn a_template_writes_what_the_typed_message_writes() {
        let hour = ValidityPeriod::relative(Duration::from_secs(3600)).unwrap();
        for (validity, octets) in [(None, &b""[..]), (Some(hour), hour.as_octets())] {
            let mut expected = BytesMut::from(&b"before"[..]);
            SubmitSm { validity_period: octets, ..MESSAGE }.encode(9, &mut expected).unwrap();
            assert_eq!(filled(validity, b"text").unwrap(), expected);
        }
    }

    #[test]
    fn a_priority_changes_its_own_octet_and_no_other() {
        let template = SubmitTemplate::new(&MESSAGE).unwrap();
        for flag in 0..=3 {
            let mut out = BytesMut::from(&b"before"[..]);
            let open = template.begin(9, &destination(), None, RegisteredDelivery::FINAL, &mut out);
            template.set_priority(&open, &destination(), flag, &mut out);
            out.put_slice(b"text");
            open.finish(&mut out).unwrap();
            let mut expected = BytesMut::from(&b"before"[..]);
            SubmitSm { priority_flag: flag, ..MESSAGE }.encode(9, &mut expected).unwrap();
            assert_eq!(out, expected);
        }
    }

    #[test]
    fn a_text_of_255_octets_is_the_longest() {
        assert!(filled(None, &[7; 255]).is_ok());
        let error = filled(None, &[7; 256]).unwrap_err();
        assert_eq!(error.to_string(), "short_message has at most 255 octets, 256 given");
    }

    #[test]
    fn what_cannot_be_sent_leaves_the_buffer_as_it_was() {
        let template = SubmitTemplate::new(&MESSAGE).unwrap();
        let mut out = BytesMut::from(&b"before"[..]);
        let open = template.begin(1, &destination(), None, RegisteredDelivery::NONE, &mut out);
        out.put_slice(&[0; 300]);
        assert!(open.finish(&mut out).is_err());
        assert_eq!(&out[..], b"before");
        template.begin(1, &destination(), None, RegisteredDelivery::NONE, &mut out).abandon(&mut out);
        assert_eq!(&out[..], b"before");
    }

    #[test]
    fn a_buffer_that_was_split_meanwhile_is_an_error() {
        let mut out = BytesMut::new();
        let open = SubmitTemplate::new(&MESSAGE).unwrap();
        let open = open.begin(1, &destination(), None, RegisteredDelivery::NONE, &mut out);
        let _ = out.split();
        assert!(matches!(open.finish(&mut out), Err(EncodeError::BufferCut { have: 0, .. })));
    }
}
