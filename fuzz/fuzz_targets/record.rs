//! Any octets as a record of the log, and any stream's events through one.

#![no_main]

use bellwire::codec::sse::{Events, Limits, Parser};
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    if let Ok(events) = Events::read_record(Bytes::copy_from_slice(octets)) {
        check(&events);
    }
    check(&Parser::new(Limits::default()).feed(Bytes::copy_from_slice(octets)));
});

fn check(events: &Events) {
    let mut record = Vec::new();
    events.write_record(&mut record);
    let again = Events::read_record(record.into()).expect("it was written");
    assert!(events.iter().eq(again.iter()));
}
