//! Any short messages to the handset of the simulator: user data header, segments, push, events.
//!
//! The input is a list: a length and as many octets, which are one message.

#![no_main]

use bellwire::codec::smpp::EsmClass;
use bellwire::sim::{HandsetSettings, Handsets, Message};
use libfuzzer_sys::fuzz_target;
use std::time::Duration;

fuzz_target!(|input: &[u8]| {
    let mut handsets = Handsets::new(HandsetSettings::default());
    let (mut messages, mut wrong, mut whole) = (0, 0, 0);
    let mut rest = input;
    while let Some((octets, behind)) = rest.split_first() {
        let (user_data, behind) = behind.split_at(usize::from(*octets).min(behind.len()));
        rest = behind;
        let message = Message {
            source: "12345",
            destination: "15551234567",
            esm_class: EsmClass::UDHI,
            short_message: user_data,
        };
        messages += 1;
        match handsets.handle_message(message, Duration::from_secs(messages)) {
            Ok(Some(push)) => {
                whole += 1;
                assert_eq!(push.number, "15551234567");
            }
            Ok(None) => {}
            Err(_) => wrong += 1,
        }
    }
    let stats = handsets.stats();
    assert_eq!((stats.segments, stats.malformed), (messages, wrong));
    assert_eq!(stats.pushes + stats.duplicates, whole);
    assert!(handsets.waiting() <= HandsetSettings::default().limits.messages);
});
