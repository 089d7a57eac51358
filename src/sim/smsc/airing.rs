//! What a handset gets of a message: one that has ports and parts in optional parameters gets its user data header here, as
//! an SMSC writes it (SMPP v3.4 §5.3.2.20 to §5.3.2.24, TS 23.040 §9.2.3.24), and a long `message_payload` is cut.

use crate::codec::segments::{self, ReferenceWidth};
use crate::codec::smpp::{EsmClass, FieldError, SubmitSm, TlvTag, Tlvs};
use crate::codec::udh::{Concatenation, Ports, Reference, UserDataHeader};
use bytes::BytesMut;

/// How wide the references are that this SMSC makes up, or is given by `sar_msg_ref_num`.
const WIDTH: ReferenceWidth = ReferenceWidth::Bits16;

/// A message as handsets get it: one text, or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Airing {
    /// As it was submitted.
    AsItIs,
    /// With headers: these texts.
    Headed(Vec<Box<[u8]>>),
}

/// Whether `submit` can go on the air.
///
/// # Errors
/// As [`air`], and when it has two texts (§4.4.1).
pub(super) fn check(submit: &SubmitSm<'_>) -> Result<(), NotAired> {
    if submit.tlvs.is_empty() {
        return Ok(());
    }
    let has_both = !submit.short_message.is_empty() && submit.tlvs.octets(TlvTag::MESSAGE_PAYLOAD).is_some();
    if has_both { Err(NotAired) } else { air(submit.esm_class, submit.user_data(), submit.tlvs, 0).map(drop) }
}

/// How a text goes on the air; `reference` for one that has to be cut.
///
/// # Errors
/// When it has half of what a header needs, or a header already: §5.3.2.22, "sar_total_segments and sar_segment_seqnum
/// parameters must also be present".
pub(super) fn air(esm_class: EsmClass, text: &[u8], tlvs: Tlvs<'_>, reference: u16) -> Result<Airing, NotAired> {
    if tlvs.is_empty() {
        return Ok(Airing::AsItIs);
    }
    let (ports, part) = (ports(&tlvs)?, part(&tlvs)?);
    if ports.is_none() && part.is_none() {
        return Ok(Airing::AsItIs);
    }
    if esm_class.has_udh() {
        return Err(NotAired);
    }
    if part.is_some() {
        return Ok(Airing::Headed(vec![headed(UserDataHeader { concatenation: part, ports }, text)?]));
    }
    let total = segments::count(text.len(), WIDTH).map_err(|_| NotAired)?;
    let texts = (0..total.get()).map(|index| {
        let several = total.get() > 1;
        let concatenation = Concatenation::new(Reference::of(reference.into(), WIDTH), total.get(), index + 1);
        let cut = text.get(segments::slice(index, total, WIDTH, text.len())).unwrap_or_default();
        headed(UserDataHeader { concatenation: concatenation.filter(|_| several), ports }, cut)
    });
    texts.collect::<Result<_, _>>().map(Airing::Headed)
}

/// A message that cannot go on the air as its parameters say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotAired;

impl From<FieldError> for NotAired {
    fn from(_: FieldError) -> Self {
        Self
    }
}

fn headed(header: UserDataHeader, text: &[u8]) -> Result<Box<[u8]>, NotAired> {
    let mut out = BytesMut::new();
    header.write(&mut out);
    out.extend_from_slice(text);
    if out.len() > segments::USER_DATA_MAX_OCTETS { Err(NotAired) } else { Ok(out.as_ref().into()) }
}

fn ports(tlvs: &Tlvs<'_>) -> Result<Option<Ports>, NotAired> {
    match (tlvs.u16(TlvTag::DESTINATION_PORT)?, tlvs.u16(TlvTag::SOURCE_PORT)?) {
        (Some(destination), Some(source)) => Ok(Some(Ports { destination, source })),
        (None, None) => Ok(None),
        _ => Err(NotAired),
    }
}

fn part(tlvs: &Tlvs<'_>) -> Result<Option<Concatenation>, NotAired> {
    let reference = tlvs.u16(TlvTag::SAR_MSG_REF_NUM)?;
    let (total, sequence) = (tlvs.u8(TlvTag::SAR_TOTAL_SEGMENTS)?, tlvs.u8(TlvTag::SAR_SEGMENT_SEQNUM)?);
    match (reference, total, sequence) {
        (Some(reference), Some(total), Some(sequence)) => {
            Concatenation::new(Reference::Bits16(reference), total, sequence).map(Some).ok_or(NotAired)
        }
        (None, None, None) => Ok(None),
        _ => Err(NotAired),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::smpp::TlvBuffer;
    use crate::codec::udh;

    fn with_ports() -> TlvBuffer {
        TlvBuffer::new().u16(TlvTag::SOURCE_PORT, 9200).u16(TlvTag::DESTINATION_PORT, 2948)
    }

    fn on_air(submit: &SubmitSm<'_>) -> Result<Airing, NotAired> {
        check(submit)?;
        air(submit.esm_class, submit.user_data(), submit.tlvs, 7)
    }

    fn texts(submit: &SubmitSm<'_>) -> Vec<Box<[u8]>> {
        match on_air(submit).unwrap() {
            Airing::Headed(texts) => texts,
            Airing::AsItIs => Vec::new(),
        }
    }

    #[test]
    fn a_message_without_ports_and_parts_is_left_alone() {
        let payload = TlvBuffer::new().octets(TlvTag::MESSAGE_PAYLOAD, b"text");
        assert_eq!(on_air(&SubmitSm { tlvs: payload.tlvs(), ..SubmitSm::default() }), Ok(Airing::AsItIs));
        assert_eq!(on_air(&SubmitSm { short_message: b"text", ..SubmitSm::default() }), Ok(Airing::AsItIs));
    }

    #[test]
    fn a_long_payload_is_cut_and_joins_again() {
        for (octets, count) in [(0, 1), (133, 1), (134, 2), (300, 3)] {
            let text: Vec<u8> = (0..octets).map(|at| at as u8).collect();
            let tlvs = with_ports().octets(TlvTag::MESSAGE_PAYLOAD, &text);
            let texts = texts(&SubmitSm { tlvs: tlvs.tlvs(), ..SubmitSm::default() });
            assert_eq!(texts.len(), count);
            let parts = texts.iter().map(|text| udh::decode(text).unwrap());
            let joined: Vec<u8> = parts
                .flat_map(|(header, part)| {
                    assert_eq!(header.ports, Some(Ports { destination: 2948, source: 9200 }));
                    assert_eq!(header.concatenation.is_some(), count > 1);
                    part.to_vec()
                })
                .collect();
            assert_eq!(joined, text);
        }
    }

    #[test]
    fn a_part_says_which_it_is_in_its_header() {
        let tlvs = with_ports()
            .u16(TlvTag::SAR_MSG_REF_NUM, 0x1234)
            .u8(TlvTag::SAR_TOTAL_SEGMENTS, 2)
            .u8(TlvTag::SAR_SEGMENT_SEQNUM, 1);
        let submit = |text| SubmitSm { short_message: text, tlvs: tlvs.tlvs(), ..SubmitSm::default() };
        let texts = texts(&submit(&[1; 127]));
        let (header, text) = udh::decode(&texts[0]).unwrap();
        assert_eq!((header.concatenation, text), (Concatenation::new(Reference::Bits16(0x1234), 2, 1), &[1; 127][..]));
        assert_eq!(on_air(&submit(&[1; 128])), Err(NotAired), "its header would not fit");
    }

    #[test]
    fn a_header_beside_the_parameters_is_refused_and_so_is_half_of_them() {
        let tlvs = with_ports();
        let mixed = SubmitSm { esm_class: EsmClass::UDHI, tlvs: tlvs.tlvs(), ..SubmitSm::default() };
        assert_eq!(on_air(&mixed), Err(NotAired));
        let half = TlvBuffer::new().u16(TlvTag::SAR_MSG_REF_NUM, 1);
        assert_eq!(on_air(&SubmitSm { tlvs: half.tlvs(), ..SubmitSm::default() }), Err(NotAired));
    }
}
