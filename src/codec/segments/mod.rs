//! Cutting a push into the user data of several short messages, and joining it again.
//!
//! Every segment carries 16-bit ports, and concatenation where there is more than one (TS 23.040 §9.2.3.24): handsets
//! look at the port of each segment. The push's own header is paid once, in the first segment. Left out: references,
//! which the sender counts per handset.

mod cut;
mod reassembler;

use std::num::NonZeroU8;
use std::ops::Range;

pub use super::udh::ReferenceWidth;
pub use cut::{Cut, Payload};
pub use reassembler::{Limits, Reassembled, Reassembler};

/// Octets of user data one short message carries, header included (TS 23.040 §9.2.3.24).
pub const USER_DATA_MAX_OCTETS: usize = 140;
/// UDHL and the element of 16-bit ports.
const PORTS_OCTETS: usize = 7;

/// Octets of a push that fit beside the header in one of several segments: 128 or 127.
fn part_octets(width: ReferenceWidth) -> usize {
    match width {
        ReferenceWidth::Bits8 => USER_DATA_MAX_OCTETS - PORTS_OCTETS - 5,
        ReferenceWidth::Bits16 => USER_DATA_MAX_OCTETS - PORTS_OCTETS - 6,
    }
}

/// How many segments a push of `pdu_octets` takes: one up to 133 octets, at most 255.
///
/// # Errors
/// [`TooLong`] above 32 640 octets with references of 8 bits, 32 385 with 16.
pub fn count(pdu_octets: usize, width: ReferenceWidth) -> Result<NonZeroU8, TooLong> {
    if pdu_octets <= capacity(1, width) {
        return Ok(NonZeroU8::MIN);
    }
    let segments = pdu_octets.div_ceil(part_octets(width));
    let too_long = TooLong { octets: pdu_octets, most: capacity(u8::MAX, width) };
    u8::try_from(segments).ok().and_then(NonZeroU8::new).ok_or(too_long)
}

/// Octets of a push that `segments` can carry; 0 for none.
pub fn capacity(segments: u8, width: ReferenceWidth) -> usize {
    match segments {
        1 => USER_DATA_MAX_OCTETS - PORTS_OCTETS,
        _ => usize::from(segments) * part_octets(width),
    }
}

/// The octets of a push of `pdu_octets` that segment `index`, from 0, of `total` carries; empty behind the last.
/// `total` is what [`count`] said for the same push and width.
pub fn slice(index: u8, total: NonZeroU8, width: ReferenceWidth, pdu_octets: usize) -> Range<usize> {
    let each = if total == NonZeroU8::MIN { capacity(1, width) } else { part_octets(width) };
    let start = (usize::from(index) * each).min(pdu_octets);
    start..(start + each).min(pdu_octets)
}

/// A push that 255 segments cannot carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("push has {octets} octets, {most} fit in 255 segments")]
pub struct TooLong {
    /// Its length.
    pub octets: usize,
    /// What fits.
    pub most: usize,
}

/// What must hold for every input: called by the property tests and by the fuzz target.
#[doc(hidden)]
pub mod invariants {
    use super::{Limits, Reassembled, Reassembler, ReferenceWidth, count, slice};
    use crate::codec::udh::{Concatenation, Reference};
    use std::collections::BTreeMap;
    use std::time::Duration;

    /// A push cut into segments is joined to the same push, once, in whatever order they come and however often:
    /// those that `order` names come first, then all.
    pub fn check_segments(pdu: &[u8], width: ReferenceWidth, reference: u16, order: &[u8]) {
        let Ok(total) = count(pdu.len(), width) else { return };
        let mut reassembler = Reassembler::new(Limits::default());
        let mut joined = Vec::new();
        for index in order.iter().map(|at| at % total.get()).chain(0..total.get()) {
            let part = Concatenation::new(Reference::of(reference.into(), width), total.get(), index + 1);
            assert!(part.is_some(), "part {index} of {total} can be said");
            let payload = pdu.get(slice(index, total, width, pdu.len())).unwrap_or_default();
            if let Reassembled::Complete(pdu) = reassembler.handle_part("12345", part, payload, Duration::ZERO) {
                joined.push(pdu);
            }
        }
        assert_eq!(joined, [pdu]);
    }

    /// One part as it comes: reference, total, sequence, seconds since the part before, payload.
    pub type Part<'a> = (u8, u8, u8, u16, &'a [u8]);

    /// Whatever parts come, one that completes a message gives the latest of each, in order, and no more is kept than
    /// the limits allow.
    pub fn check_parts(parts: &[Part<'_>]) {
        let seconds = Duration::from_secs;
        let limits = Limits { messages: 3, octets: 64, patience: seconds(3600), memory: seconds(60) };
        let mut reassembler = Reassembler::new(limits);
        let mut latest = BTreeMap::new();
        let mut now = Duration::ZERO;
        for &(reference, total, sequence, pause, payload) in parts {
            now += seconds(pause.into());
            let part = Concatenation::new(Reference::Bits8(reference), total, sequence);
            if part.is_some() {
                latest.insert((reference, total, sequence), payload);
            }
            match reassembler.handle_part("12345", part, payload, now) {
                Reassembled::Complete(message) if part.is_some() => {
                    let all = (1..=total).filter_map(|at| latest.get(&(reference, total, at)).copied());
                    assert_eq!(message, all.collect::<Vec<_>>().concat());
                }
                Reassembled::Complete(message) => assert_eq!(message, payload, "one that is no part is whole"),
                Reassembled::Waiting { have, total } => assert!(have < total.get()),
                Reassembled::Duplicate => assert!(part.is_some(), "one that is no part is not remembered"),
            }
            assert!(reassembler.waiting() <= limits.messages);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::udh::{Concatenation, Ports, Reference, UserDataHeader};
    use proptest::prelude::*;

    const WIDTHS: [ReferenceWidth; 2] = [ReferenceWidth::Bits8, ReferenceWidth::Bits16];

    #[test]
    fn capacities_are_those_of_the_headers() {
        let ports = Some(Ports { destination: 2948, source: 9200 });
        for (width, part, most) in [(ReferenceWidth::Bits8, 128, 32_640), (ReferenceWidth::Bits16, 127, 32_385)] {
            let concatenation = Concatenation::new(Reference::of(0, width), 2, 1);
            let with_ports = UserDataHeader { concatenation, ports };
            assert_eq!(USER_DATA_MAX_OCTETS - with_ports.octets(), part);
            let alone = UserDataHeader { concatenation, ports: None };
            assert_eq!(USER_DATA_MAX_OCTETS - alone.octets(), part + 6);
            assert_eq!([0, 1, 2, 255].map(|n| capacity(n, width)), [0, 133, 2 * part, most]);
        }
        assert_eq!(USER_DATA_MAX_OCTETS - UserDataHeader { concatenation: None, ports }.octets(), 133);
    }

    #[test]
    fn a_push_takes_as_few_segments_as_it_can() {
        for (octets, eight, sixteen) in [
            (0, 1, 1),
            (133, 1, 1),
            (134, 2, 2),
            (254, 2, 2),
            (255, 2, 3),
            (256, 2, 3),
            (257, 3, 3),
            (273, 3, 3),
            (32_385, 254, 255),
        ] {
            assert_eq!(count(octets, ReferenceWidth::Bits8).map(NonZeroU8::get), Ok(eight), "{octets}");
            assert_eq!(count(octets, ReferenceWidth::Bits16).map(NonZeroU8::get), Ok(sixteen), "{octets}");
        }
        let too_long = TooLong { octets: 32_641, most: 32_640 };
        assert_eq!(count(32_641, ReferenceWidth::Bits8), Err(too_long));
        assert_eq!(count(32_386, ReferenceWidth::Bits16), Err(TooLong { octets: 32_386, most: 32_385 }));
        assert!(count(usize::MAX, ReferenceWidth::Bits16).is_err());
    }

    #[test]
    fn a_push_of_273_octets_is_cut_as_others_cut_it() {
        let total = NonZeroU8::new(3).unwrap();
        let cut = |width| [0, 1, 2, 3].map(|index| slice(index, total, width, 273));
        assert_eq!(cut(ReferenceWidth::Bits8), [0..128, 128..256, 256..273, 273..273]);
        assert_eq!(cut(ReferenceWidth::Bits16), [0..127, 127..254, 254..273, 273..273]);
        assert_eq!(slice(0, NonZeroU8::MIN, ReferenceWidth::Bits8, 133), 0..133);
    }

    proptest! {
        #[test]
        fn slices_cover_the_push_and_fit(octets in 0..=32_385_usize, width in prop::sample::select(&WIDTHS)) {
            let total = count(octets, width).unwrap();
            let mut next = 0;
            for index in 0..total.get() {
                let range = slice(index, total, width, octets);
                prop_assert_eq!(range.start, next);
                prop_assert!(range.len() <= capacity(1, width) && (octets == 0 || !range.is_empty()));
                next = range.end;
            }
            prop_assert_eq!(next, octets);
        }

        #[test]
        fn a_push_is_joined_from_parts_in_any_order(
            pdu in prop::collection::vec(any::<u8>(), 0..2_000), width in prop::sample::select(&WIDTHS),
            order in prop::collection::vec(any::<u8>(), 0..40), reference: u16,
        ) {
            invariants::check_segments(&pdu, width, reference, &order);
        }
    }
}
