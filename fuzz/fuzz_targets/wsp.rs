//! Any datagram as a WSP push.

#![no_main]

use bellwire::codec::wsp::invariants::check_push;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|pdu: &[u8]| check_push(pdu));
