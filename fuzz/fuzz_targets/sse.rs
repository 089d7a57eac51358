//! Any octets as an event stream, cut anywhere and under any limits.

#![no_main]

use bellwire::codec::sse::Limits;
use bellwire::codec::sse::invariants::{check_cuts, check_round_trip};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, u8, [u8; 4], &[u8])| {
    let (line, event, sizes, stream) = input;
    let limits = Limits { max_line_octets: line.into(), max_event_octets: event.into() };
    check_cuts(stream, &sizes.map(usize::from), limits);
    check_round_trip(stream);
});
