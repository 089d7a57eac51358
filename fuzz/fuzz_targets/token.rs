//! Any octets as a token, wherever one may be given, and as the claims of a signed one.

#![no_main]

use bellwire::proxy::identity::invariants::{check_claims, check_token};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    check_token(octets);
    check_claims(octets);
});
