//! Any octets as the text of a receipt, and as the PDU that carries one.

#![no_main]

use bellwire::codec::smpp::invariants::{any_text_may_come_as_a_receipt, what_decodes_can_be_described};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    any_text_may_come_as_a_receipt(octets);
    what_decodes_can_be_described(octets);
});
