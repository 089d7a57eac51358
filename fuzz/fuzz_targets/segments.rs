//! Any parts of messages, in any order and at any time.

#![no_main]

use bellwire::codec::segments::invariants::{Part, check_parts};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|parts: Vec<Part<'_>>| check_parts(&parts));
