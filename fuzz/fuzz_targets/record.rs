//! Any octets as a record of events, and any stream as one.

#![no_main]

use bellwire::codec::sse::invariants::{check_record, check_record_of};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    check_record(octets);
    check_record_of(octets);
});
