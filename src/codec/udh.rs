//! User data header of a short message (TS 23.040 §9.2.3.24): concatenation and application ports.
//!
//! Other elements are skipped when read and never written. Only 8-bit user data is meant, so there are no fill bits.
//! Reading is bounded by UDHL, one octet.

use std::num::NonZeroU8;

use bytes::{BufMut, BytesMut};

/// "Concatenated short messages, 8-bit reference number" (§9.2.3.24.1).
const CONCATENATION_8: u8 = 0x00;
/// "Application port addressing scheme, 8 bit address" (§9.2.3.24.3); read, never written.
const PORTS_8: u8 = 0x04;
/// "Application port addressing scheme, 16 bit address" (§9.2.3.24.4).
const PORTS_16: u8 = 0x05;
/// "Concatenated short message, 16-bit reference number" (§9.2.3.24.8).
const CONCATENATION_16: u8 = 0x08;

/// The elements of a header that are understood.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserDataHeader {
    /// Which part of which message this is; `None` for a message of one part.
    pub concatenation: Option<Concatenation>,
    /// The application on the handset.
    pub ports: Option<Ports>,
}

impl UserDataHeader {
    /// Octets on the wire, UDHL included; 0 if there is nothing to say, for then there is no header at all.
    pub fn octets(&self) -> usize {
        match self.elements_octets() {
            0 => 0,
            elements => 1 + elements,
        }
    }

    fn elements_octets(&self) -> usize {
        let concatenation = self.concatenation.map_or(0, |part| match part.reference {
            Reference::Bits8(_) => 5,
            Reference::Bits16(_) => 6,
        });
        concatenation + self.ports.map_or(0, |_| 6)
    }

    /// Writes the header, concatenation first; allocates only if `out` has no room.
    pub fn write(&self, out: &mut BytesMut) {
        // By far the most: a message of one part, for a port.
        if let Self { concatenation: None, ports: Some(Ports { destination, source }) } = self {
            let ([to_high, to_low], [from_high, from_low]) = (destination.to_be_bytes(), source.to_be_bytes());
            return out.put_slice(&[6, PORTS_16, 4, to_high, to_low, from_high, from_low]);
        }
        let octets = self.elements_octets();
        if octets == 0 {
            return;
        }
        out.put_u8(octets as u8);
        if let Some(Concatenation { reference, total, sequence }) = self.concatenation {
            match reference {
                Reference::Bits8(reference) => out.put_slice(&[CONCATENATION_8, 3, reference]),
                Reference::Bits16(reference) => {
                    out.put_slice(&[CONCATENATION_16, 4]);
                    out.put_u16(reference);
                }
            }
            out.put_slice(&[total.get(), sequence.get()]);
        }
        if let Some(Ports { destination, source }) = self.ports {
            out.put_slice(&[PORTS_16, 4]);
            out.put_u16(destination);
            out.put_u16(source);
        }
    }
}

/// One part of a concatenated message: `sequence` is 1 to `total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concatenation {
    reference: Reference,
    total: NonZeroU8,
    sequence: NonZeroU8,
}

impl Concatenation {
    /// Part `sequence` of `total`, or `None`: a receiver would ignore the element.
    pub fn new(reference: Reference, total: u8, sequence: u8) -> Option<Self> {
        // A total of zero, and a sequence number of zero or above the total: then "the receiving entity shall ignore the
        // whole Information Element" (§9.2.3.24.1).
        let (total, sequence) = (NonZeroU8::new(total)?, NonZeroU8::new(sequence)?);
        (sequence <= total).then_some(Self { reference, total, sequence })
    }

    /// What all parts of the message have in common.
    pub fn reference(&self) -> Reference {
        self.reference
    }

    /// Parts of the message.
    pub fn total(&self) -> NonZeroU8 {
        self.total
    }

    /// Which part this is, from 1.
    pub fn sequence(&self) -> NonZeroU8 {
        self.sequence
    }
}

/// Reference of a concatenated message; those of different width are different messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reference {
    /// Element 0x00, 5 octets.
    Bits8(u8),
    /// Element 0x08, 6 octets.
    Bits16(u16),
}

impl Reference {
    /// The reference for a running count: "modulo 256" or "modulo 65536".
    pub fn of(count: u32, width: ReferenceWidth) -> Self {
        match width {
            ReferenceWidth::Bits8 => Self::Bits8(count as u8),
            ReferenceWidth::Bits16 => Self::Bits16(count as u16),
        }
    }

    /// The one after this: 0 comes after the highest.
    pub fn next(self) -> Self {
        match self {
            Self::Bits8(reference) => Self::Bits8(reference.wrapping_add(1)),
            Self::Bits16(reference) => Self::Bits16(reference.wrapping_add(1)),
        }
    }
}

/// How wide references are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReferenceWidth {
    /// Known to every handset; 256 messages to one handset until it comes round.
    Bits8,
    /// One octet less in each part; 65536 messages until it comes round.
    Bits16,
}

/// Application ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// Where to.
    pub destination: u16,
    /// Where from.
    pub source: u16,
}

/// Splits `user_data` into its header and the data after it.
///
/// Unknown elements, and known ones of a wrong length, are skipped.
///
/// # Errors
/// [`UdhError`] if a length runs over its end: "if the length of the User Data Header is such that there are too few or
/// too many octets in the final Information Element then the whole User Data Header shall be ignored" (§9.2.3.24), and
/// without ports the message is for nobody here. Never panics on any input.
pub fn decode(user_data: &[u8]) -> Result<(UserDataHeader, &[u8]), UdhError> {
    let (header_octets, behind) = user_data.split_first().ok_or(UdhError::Empty)?;
    let need = usize::from(*header_octets);
    let (mut elements, rest) =
        behind.split_at_checked(need).ok_or(UdhError::HeaderTruncated { need, have: behind.len() })?;
    let mut header = UserDataHeader::default();
    while let [identifier, tail @ ..] = elements {
        let element = *identifier;
        let (need, tail) = tail.split_first().ok_or(UdhError::ElementTruncated { element, need: 1, have: 0 })?;
        let need = usize::from(*need);
        let (value, tail) =
            tail.split_at_checked(need).ok_or(UdhError::ElementTruncated { element, need, have: tail.len() })?;
        header.take(element, value);
        elements = tail;
    }
    Ok((header, rest))
}

impl UserDataHeader {
    /// "In the event that IEs determined as not repeatable are duplicated, the last occurrence of the IE shall be used"
    /// (§9.2.3.24), and likewise of those that exclude each other, as both kinds of ports do. One that must be ignored
    /// does not count as an occurrence.
    fn take(&mut self, element: u8, value: &[u8]) {
        match (element, value) {
            (CONCATENATION_8, &[reference, total, sequence]) => {
                self.concatenate(Reference::Bits8(reference), total, sequence);
            }
            (CONCATENATION_16, &[high, low, total, sequence]) => {
                self.concatenate(Reference::Bits16(u16::from_be_bytes([high, low])), total, sequence);
            }
            (PORTS_8, &[destination, source]) => {
                self.ports = Some(Ports { destination: destination.into(), source: source.into() });
            }
            (PORTS_16, &[to_high, to_low, from_high, from_low]) => {
                self.ports = Some(Ports {
                    destination: u16::from_be_bytes([to_high, to_low]),
                    source: u16::from_be_bytes([from_high, from_low]),
                });
            }
            _ => {}
        }
    }

    fn concatenate(&mut self, reference: Reference, total: u8, sequence: u8) {
        self.concatenation = Concatenation::new(reference, total, sequence).or(self.concatenation);
    }
}

/// Why octets do not start with a user data header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UdhError {
    /// There are none.
    #[error("user data is empty, its header needs 1 octet")]
    Empty,
    /// UDHL is more than what follows.
    #[error("user data header truncated: need {need} octets, have {have}")]
    HeaderTruncated {
        /// UDHL.
        need: usize,
        /// Octets behind it.
        have: usize,
    },
    /// An element's length is more than the header holds.
    #[error("element 0x{element:02x} of the user data header truncated: need {need} octets, have {have}")]
    ElementTruncated {
        /// Its identifier.
        element: u8,
        /// Octets it should have.
        need: usize,
        /// Octets left in the header.
        have: usize,
    },
}

/// What must hold for every input: called by the property tests and by the fuzz target.
#[doc(hidden)]
pub mod invariants {
    use super::{UserDataHeader, decode};
    use bytes::BytesMut;

    /// Whatever decodes is followed by its rest, and is read alike after it was written again.
    pub fn check_user_data(user_data: &[u8]) {
        let Ok((header, rest)) = decode(user_data) else { return };
        assert!(user_data.ends_with(rest), "the rest is the end of the user data");
        let mut again = BytesMut::new();
        header.write(&mut again);
        assert_eq!(again.len(), header.octets());
        if header != UserDataHeader::default() {
            assert_eq!(decode(&again), Ok((header, &[][..])));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PUSH: Ports = Ports { destination: 2948, source: 9200 };

    fn part(reference: Reference, total: u8, sequence: u8) -> Option<Concatenation> {
        Concatenation::new(reference, total, sequence)
    }

    fn written(header: UserDataHeader) -> Vec<u8> {
        let mut out = BytesMut::new();
        header.write(&mut out);
        assert_eq!(out.len(), header.octets());
        out.to_vec()
    }

    #[test]
    fn elements_are_written_concatenation_first() {
        let eight = part(Reference::Bits8(0xA7), 3, 1);
        let sixteen = part(Reference::Bits16(0x1234), 3, 1);
        for (concatenation, ports, octets) in [
            (None, None, &[][..]),
            (None, Some(PUSH), &[6, 5, 4, 0x0B, 0x84, 0x23, 0xF0]),
            (eight, None, &[5, 0, 3, 0xA7, 3, 1]),
            (sixteen, None, &[6, 8, 4, 0x12, 0x34, 3, 1]),
            (eight, Some(PUSH), &[0x0B, 0, 3, 0xA7, 3, 1, 5, 4, 0x0B, 0x84, 0x23, 0xF0]),
            (sixteen, Some(PUSH), &[0x0C, 8, 4, 0x12, 0x34, 3, 1, 5, 4, 0x0B, 0x84, 0x23, 0xF0]),
        ] {
            assert_eq!(written(UserDataHeader { concatenation, ports }), octets);
        }
    }

    #[test]
    fn the_data_after_the_header_is_left() {
        let user_data = [6, 5, 4, 0x0B, 0x84, 0x23, 0xF0, 1, 6, 2];
        let header = UserDataHeader { concatenation: None, ports: Some(PUSH) };
        assert_eq!(decode(&user_data), Ok((header, &[1, 6, 2][..])));
        assert_eq!(decode(&[0, 9]), Ok((UserDataHeader::default(), &[9][..])));
    }

    #[test]
    fn either_order_and_unknown_elements_are_read() {
        let user_data = [0x0F, 5, 4, 0x0B, 0x84, 0x23, 0xF0, 0x70, 2, 1, 1, 0, 3, 9, 2, 2];
        let concatenation = part(Reference::Bits8(9), 2, 2);
        assert_eq!(decode(&user_data), Ok((UserDataHeader { concatenation, ports: Some(PUSH) }, &[][..])));
    }

    #[test]
    fn the_last_of_repeated_elements_wins() {
        let user_data = [16, 0, 3, 1, 2, 1, 8, 4, 0, 2, 3, 3, 0, 3, 3, 3, 0];
        let concatenation = part(Reference::Bits16(2), 3, 3);
        assert_eq!(decode(&user_data), Ok((UserDataHeader { concatenation, ports: None }, &[][..])));
    }

    #[test]
    fn a_part_that_cannot_be_is_ignored() {
        for [total, sequence] in [[0, 0], [0, 1], [3, 0], [3, 4]] {
            assert_eq!(part(Reference::Bits8(1), total, sequence), None);
            assert_eq!(decode(&[5, 0, 3, 1, total, sequence]), Ok((UserDataHeader::default(), &[][..])));
        }
    }

    #[test]
    fn short_ports_are_understood_and_odd_lengths_skipped() {
        let ports = Some(Ports { destination: 240, source: 241 });
        assert_eq!(decode(&[4, 4, 2, 240, 241]), Ok((UserDataHeader { concatenation: None, ports }, &[][..])));
        assert_eq!(decode(&[5, 5, 3, 1, 2, 3]), Ok((UserDataHeader::default(), &[][..])));
    }

    #[test]
    fn a_length_over_its_end_is_an_error() {
        assert_eq!(decode(&[]), Err(UdhError::Empty));
        assert_eq!(decode(&[6, 5, 4, 1]), Err(UdhError::HeaderTruncated { need: 6, have: 3 }));
        let overrun = UdhError::ElementTruncated { element: 5, need: 5, have: 4 };
        assert_eq!(decode(&[6, 5, 5, 1, 2, 3, 4, 99]), Err(overrun));
        assert_eq!(decode(&[1, 5, 4]), Err(UdhError::ElementTruncated { element: 5, need: 1, have: 0 }));
    }

    #[test]
    fn references_wrap() {
        assert_eq!(Reference::Bits8(255).next(), Reference::Bits8(0));
        assert_eq!(Reference::Bits16(u16::MAX).next(), Reference::Bits16(0));
        assert_eq!(Reference::of(256, ReferenceWidth::Bits8), Reference::Bits8(0));
        assert_eq!(Reference::of(65_537, ReferenceWidth::Bits16), Reference::Bits16(1));
    }

    proptest! {
        #[test]
        fn decode_never_panics(user_data in prop::collection::vec(any::<u8>(), 0..200)) {
            invariants::check_user_data(&user_data);
        }

        #[test]
        fn what_is_written_is_read_back(
            reference: u16, narrow: bool, total in 0..=255_u8, sequence in 0..=255_u8,
            ports in prop::option::of(any::<(u16, u16)>()), rest in prop::collection::vec(any::<u8>(), 0..140),
        ) {
            let width = if narrow { ReferenceWidth::Bits8 } else { ReferenceWidth::Bits16 };
            let concatenation = part(Reference::of(reference.into(), width), total, sequence);
            let ports = ports.map(|(destination, source)| Ports { destination, source });
            let header = UserDataHeader { concatenation, ports };
            prop_assume!(header != UserDataHeader::default());
            let mut user_data = written(header);
            user_data.extend_from_slice(&rest);
            prop_assert_eq!(decode(&user_data), Ok((header, &rest[..])));
        }
    }
}
