//! Any user data as header and rest, and any push as segments in any order.

#![no_main]

use bellwire::codec::segments::ReferenceWidth;
use bellwire::codec::{segments, udh};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&[u8], bool, u16, Vec<u8>)| {
    let (octets, narrow, reference, order) = input;
    udh::invariants::check_user_data(octets);
    let width = if narrow { ReferenceWidth::Bits8 } else { ReferenceWidth::Bits16 };
    segments::invariants::check_segments(octets, width, reference, &order);
});
