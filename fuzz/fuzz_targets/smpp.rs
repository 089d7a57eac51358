//! Octets from a peer: framing, PDUs, receipts and times.
#![no_main]

use bellwire::codec::smpp::invariants;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    invariants::what_decodes_survives_a_round_trip(octets);
    invariants::what_decodes_can_be_described(octets);
    invariants::any_octets_may_stand_for_a_time(octets);
    // The first octet says how many of the others are sizes of pieces.
    if let Some((&sizes, rest)) = octets.split_first() {
        let (pieces, stream) = rest.split_at(rest.len().min(usize::from(sizes)));
        invariants::framing_does_not_see_cuts(stream, pieces);
    }
});
