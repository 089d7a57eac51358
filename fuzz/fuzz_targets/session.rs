//! Any octets from an SMSC to a session that has submits on their way, cut anywhere.
//!
//! The input is a list: a length and as many octets. Those that could be a PDU get the `command_length` that they have,
//! so that the fuzzer need not find it out; shorter ones go as they are and put the stream out of step.

#![no_main]

use bellwire::engine::session::invariants::check_session;
use libfuzzer_sys::fuzz_target;

/// Octets of a header behind its `command_length`.
const HEADER_REST: usize = 12;

fuzz_target!(|input: &[u8]| {
    let Some((cut, mut rest)) = input.split_first() else { return };
    let mut stream = Vec::new();
    while let Some((octets, behind)) = rest.split_first() {
        let (pdu, behind) = behind.split_at(usize::from(*octets).min(behind.len()));
        if pdu.len() >= HEADER_REST {
            stream.extend(((pdu.len() + 4) as u32).to_be_bytes());
        }
        stream.extend_from_slice(pdu);
        rest = behind;
    }
    check_session(&stream, &[*cut, cut.rotate_left(3), 1, cut.rotate_left(5)].repeat(16));
});
