//! Any octets as a chunked body, cut anywhere, and as the data of one.

#![no_main]

use bellwire::codec::chunked::invariants::{check_cuts, check_round_trip};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: ([u8; 4], &[u8])| {
    let (sizes, body) = input;
    let sizes = sizes.map(usize::from);
    check_cuts(body, &sizes);
    check_round_trip(body, &sizes, &sizes);
});
