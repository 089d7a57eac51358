//! What a peer gets for PDUs that are wrong, and what becomes of the link: one table for each part that can be wrong.

use bellwire::codec::segments::{Limits, Reassembled, Reassembler};
use bellwire::codec::smpp::{CommandId, CommandStatus, PDU_MAX_OCTETS, Pdu, TlvBuffer, TlvTag, frame};
use bellwire::codec::udh::{self, Concatenation, Reference};
use bellwire::codec::wsp;
use bellwire::engine::session::invariants::{FIRST_NUMBER, check_session, play};
use proptest::prelude::*;
use std::time::Duration;

/// Number of the PDUs that are no answers to anything.
const OWN: u32 = 77;

/// The part that a header of user data tells of, or what is wrong with it.
type Read<'a> = Result<Option<Concatenation>, &'a str>;

/// `body` behind a header that says `length`.
fn with_length(length: u32, command_id: CommandId, status: CommandStatus, number: u32, body: &[u8]) -> Vec<u8> {
    let words = [length, command_id.0, status.0, number];
    words.iter().flat_map(|word| word.to_be_bytes()).chain(body.iter().copied()).collect()
}

fn request(command_id: CommandId, body: &[u8]) -> Vec<u8> {
    with_length(16 + body.len() as u32, command_id, CommandStatus::OK, OWN, body)
}

/// To the first submit.
fn response(status: CommandStatus, body: &[u8]) -> Vec<u8> {
    with_length(16 + body.len() as u32, CommandId::SUBMIT_SM_RESP, status, FIRST_NUMBER, body)
}

/// `deliver_sm` from nobody to nobody: all up to `sm_length`, which is not there.
fn deliver_sm(end: &[u8]) -> Vec<u8> {
    request(CommandId::DELIVER_SM, &[&[0; 16], end].concat())
}

/// What decoding says of a PDU; `fine` if nothing.
fn words(octets: &[u8]) -> String {
    if let Err(error) = frame(octets, PDU_MAX_OCTETS) {
        return error.to_string();
    }
    Pdu::decode(octets).map_or_else(|error| error.to_string(), |_| "fine".to_owned())
}

#[test]
fn a_wrong_request_is_refused_by_name_and_the_link_goes_on() {
    let (deliver, nack) = (CommandId::DELIVER_SM_RESP, CommandId::GENERIC_NACK);
    let short_port = TlvBuffer::new().u8(TlvTag::SOURCE_PORT, 1);
    let long_id = [&[0][..], &[0, 0], &[b'7'; 21], &[0; 40]].concat();
    #[rustfmt::skip]
    let table: [(&str, Vec<u8>, &str, CommandId, CommandStatus); 14] = [
        ("a body that ends early", deliver_sm(b""), "0x05 deliver_sm: body ends before sm_length", deliver, CommandStatus::INVCMDLEN),
        ("sm_length over the end", deliver_sm(&[9, 1, 2]), "0x05 deliver_sm: short_message needs 9 octets, 2 are left", deliver, CommandStatus::INVMSGLEN),
        ("an address over its limit", request(CommandId::DELIVER_SM, &long_id), "0x05 deliver_sm: source_addr has more than 21 octets", deliver, CommandStatus::INVSRCADR),
        ("a string without its NUL", request(CommandId::DELIVER_SM, b"\0\0\x00777"), "0x05 deliver_sm: source_addr has no NUL in the 3 octets that are left", deliver, CommandStatus::INVSRCADR),
        ("half a parameter", deliver_sm(&[0, 0x02, 0x0A, 0, 2, 1]), "0x05 deliver_sm: optional parameters end inside one that needs 6 octets, 5 are left", deliver, CommandStatus::INVOPTPARSTREAM),
        ("octets behind all parameters", deliver_sm(&[0, 0x02, 0x0A]), "0x05 deliver_sm: optional parameters end inside one that needs 4 octets, 2 are left", deliver, CommandStatus::INVOPTPARSTREAM),
        // A parameter that nobody reads is no reason to lose a receipt.
        ("a parameter of a wrong length", deliver_sm(&[&[0][..], short_port.tlvs().as_octets()].concat()), "fine", deliver, CommandStatus::OK),
        ("an unknown command", request(CommandId(0x0000_0099), b"\xFF"), "fine", nack, CommandStatus::INVCMDID),
        ("a broadcast", request(CommandId::BROADCAST_SM, b"\xFF"), "fine", nack, CommandStatus::INVCMDID),
        ("what only an SMSC is asked", request(CommandId::SUBMIT_SM, &[0; 17]), "fine", nack, CommandStatus::INVCMDID),
        ("what only an SMSC is asked, broken", request(CommandId::SUBMIT_SM, &[0; 16]), "0x04 submit_sm: body ends before sm_length", CommandId::SUBMIT_SM_RESP, CommandStatus::INVCMDLEN),
        ("nobody to send to", request(CommandId::SUBMIT_MULTI, &[0; 17]), "0x21 submit_multi: number_of_dests is 0, allowed are 1 to 255", CommandId::SUBMIT_MULTI_RESP, CommandStatus::INVNUMDESTS),
        ("an unknown destination", request(CommandId::SUBMIT_MULTI, &[0, 0, 0, 0, 1, 9]), "0x21 submit_multi: dest_flag is 9, allowed are 1 (SME) and 2 (distribution list)", CommandId::SUBMIT_MULTI_RESP, CommandStatus::INVDESTFLAG),
        ("octets behind a header", request(CommandId::ENQUIRE_LINK, b"\xFF"), "fine", CommandId::ENQUIRE_LINK_RESP, CommandStatus::OK),
    ];
    for (name, octets, expected, command_id, status) in table {
        assert_eq!(words(&octets), expected, "{name}");
        let played = play(&octets, &[]);
        let [answer] = played.said[..] else { panic!("{name}: {:?}", played.said) };
        assert_eq!(
            (answer.command_id, answer.command_status, answer.sequence_number),
            (command_id, status, OWN),
            "{name}"
        );
        assert_eq!(played.end, None, "{name}");
    }
}

#[test]
fn what_has_no_response_gets_none_however_wrong() {
    for (command_id, body) in [(CommandId::ALERT_NOTIFICATION, &b"\x01"[..]), (CommandId::OUTBIND, b"SMSC")] {
        let octets = request(command_id, body);
        assert!(Pdu::decode(&octets).is_err(), "{command_id}");
        let played = play(&octets, &[]);
        assert_eq!((played.said, played.end), (vec![], None), "{command_id}");
    }
    let unknown = with_length(16, CommandId(0x8000_0099), CommandStatus::OK, OWN, b"");
    assert_eq!(play(&unknown, &[]).said, [], "nobody waits for an unknown response");
}

#[test]
fn a_length_that_cannot_be_ends_the_link_with_a_word() {
    for (length, expected) in [
        (0, "command_length is 0, a header alone has 16 octets"),
        (15, "command_length is 15, a header alone has 16 octets"),
        (1 << 31, "command_length is 2147483648, at most 69632 octets are taken"),
        (PDU_MAX_OCTETS as u32 + 1, "command_length is 69633, at most 69632 octets are taken"),
    ] {
        let octets = with_length(length, CommandId::ENQUIRE_LINK, CommandStatus::OK, OWN, b"");
        assert_eq!(words(&octets), expected);
        let played = play(&octets, &[]);
        let [answer] = played.said[..] else { panic!("{length}: {:?}", played.said) };
        let told = (answer.command_id, answer.command_status, answer.sequence_number);
        assert_eq!(told, (CommandId::GENERIC_NACK, CommandStatus::INVCMDLEN, 0));
        assert_eq!(played.end, Some(format!("stream out of step: {expected}")));
    }
}

#[test]
fn a_response_is_taken_as_far_as_it_can_be_read() {
    const THROTTLED: &str = "Refused { status: CommandStatus(0x58 ESME_RTHROTTLED), verdict: HoldLink }";
    let congested = TlvBuffer::new().u8(TlvTag::CONGESTION_STATE, 92);
    let with_state = [b"7A\0", congested.tlvs().as_octets()].concat();
    let (ok, refused) = (CommandStatus::OK, CommandStatus::THROTTLED);
    #[rustfmt::skip]
    let table: [(&str, Vec<u8>, &str); 9] = [
        ("accepted", response(ok, b"7A\0"), "Accepted { message_id: [55, 65] }"),
        ("accepted, no NUL", response(ok, b"7A"), "Accepted { message_id: [55, 65] }"),
        ("accepted, no body", response(ok, b""), "Accepted { message_id: [] }"),
        ("accepted, and how busy", response(ok, &with_state), "Accepted { message_id: [55, 65] }"),
        ("a name over its limit", response(ok, &[b'7'; 65]), "Unknown { resend: true }"),
        ("half a parameter", response(ok, b"7A\0\x04\x28\0\x01"), "Unknown { resend: true }"),
        ("refused", response(refused, b"\0"), THROTTLED),
        ("refused, no body", response(refused, b""), THROTTLED),
        ("refused, broken body", response(refused, &[b'7'; 65]), THROTTLED),
    ];
    for (name, octets, expected) in table {
        let played = play(&octets, &[]);
        assert_eq!(played.told.first(), Some(&format!("0: {expected}")), "{name}");
        assert_eq!((played.said, played.end), (vec![], None), "{name}");
    }
}

#[test]
fn responses_out_of_order_twice_or_to_nothing_harm_nobody() {
    let to =
        |number, id: &[u8]| with_length(16 + id.len() as u32, CommandId::SUBMIT_SM_RESP, CommandStatus::OK, number, id);
    let stream = [to(FIRST_NUMBER + 1, b"B\0"), to(FIRST_NUMBER, b"A\0"), to(FIRST_NUMBER, b"C\0"), to(999, b"D\0")];
    let played = play(&stream.concat(), &[]);
    assert_eq!(played.told[..2], ["1: Accepted { message_id: [66] }", "0: Accepted { message_id: [65] }"]);
    assert!(
        played.told[2..].iter().all(|told| told.ends_with("Unknown { resend: true }") || told.ends_with(" Lost")),
        "{:?}",
        played.told
    );
}

#[test]
fn a_header_of_user_data_that_cannot_be_is_named_or_passed_over() {
    let part = |total, sequence| Concatenation::new(Reference::Bits8(7), total, sequence);
    #[rustfmt::skip]
    let table: [(&str, &[u8], Read<'_>); 8] = [
        ("nothing at all", &[], Err("user data is empty, its header needs 1 octet")),
        ("UDHL over the end", &[6, 5, 4, 1], Err("user data header truncated: need 6 octets, have 3")),
        ("an element over the end", &[3, 0, 3, 7], Err("element 0x00 of the user data header truncated: need 3 octets, have 1")),
        ("an element without a length", &[1, 5], Err("element 0x05 of the user data header truncated: need 1 octets, have 0")),
        ("no parts", &[5, 0, 3, 7, 0, 1], Ok(None)),
        ("part none", &[5, 0, 3, 7, 2, 0], Ok(None)),
        ("a part behind the last", &[5, 0, 3, 7, 2, 3], Ok(None)),
        ("one element twice: the last counts", &[10, 0, 3, 7, 2, 1, 0, 3, 7, 3, 3], Ok(part(3, 3))),
    ];
    for (name, octets, expected) in table {
        let read = udh::decode(octets).map(|(header, _)| header.concatenation).map_err(|error| error.to_string());
        assert_eq!(read, expected.map_err(str::to_owned), "{name}");
    }
}

#[test]
fn parts_are_joined_in_any_order_and_messages_kept_apart() {
    let mut reassembler = Reassembler::new(Limits::default());
    let mut joined = Vec::new();
    // Reference, total, sequence, text: out of order, a copy, two messages at once, the same reference with another
    // total, and the reference behind 255.
    #[rustfmt::skip]
    let parts: [(u8, u8, u8, &[u8]); 11] = [
        (254, 2, 2, b"b"), (255, 2, 1, b"c"), (254, 2, 2, b"b"), (254, 3, 1, b"x"), (254, 2, 1, b"a"), (255, 2, 2, b"d"),
        (0, 2, 2, b"f"), (254, 2, 1, b"a"), (0, 2, 1, b"e"), (254, 3, 3, b"z"), (254, 3, 2, b"y"),
    ];
    for (reference, total, sequence, text) in parts {
        let part = Concatenation::new(Reference::Bits8(reference), total, sequence);
        if let Reassembled::Complete(message) = reassembler.handle_part("12345", part, text, Duration::ZERO) {
            joined.push(message);
        }
    }
    assert_eq!(joined, [&b"ab"[..], b"cd", b"ef", b"xyz"]);
}

#[test]
fn a_push_that_cannot_be_is_named() {
    #[rustfmt::skip]
    let table: [(&str, &[u8], &str); 6] = [
        ("a uintvar of six octets", b"\x01\x06\x81\x80\x80\x80\x80\x00", "uintvar does not fit in 5 octets and 32 bits"),
        ("HeadersLen over the end", b"\x01\x06\x09\x83", "header block truncated: need 9 octets, have 1"),
        ("a content type without its NUL", b"\x01\x06\x04text", "media type of 4 octets has no closing NUL"),
        ("no content type", b"\x01\x06\x00", "content type is empty"),
        ("another kind of PDU", b"\x01\x40\x01\x83", "pdu type 0x40 (Get) is no push"),
        ("unknown headers of every shape", b"\x01\x06\x11\x83\xC8\x85\xC9text\0\xCA\x02ab\xCB\x1F\x01a", "fine"),
    ];
    for (name, octets, expected) in table {
        let read = wsp::decode(octets).map_or_else(|error| error.to_string(), |_| "fine".to_owned());
        assert_eq!(read, expected, "{name}");
    }
}

proptest! {
    #[test]
    fn any_octets_leave_a_session_in_order(
        wrong in prop::collection::vec((any::<u8>(), 0u8..0x20, 0u32..12, prop::collection::vec(any::<u8>(), 0..60)), 0..8),
        tail in prop::collection::vec(any::<u8>(), 0..40),
        pieces in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut stream = Vec::new();
        for (kind, command, number, body) in wrong {
            let command = CommandId(u32::from(command) | u32::from(kind & 1) << 31);
            let status = CommandStatus(u32::from(kind >> 1) & 0x5F);
            stream.extend(with_length(16 + body.len() as u32, command, status, number, &body));
        }
        stream.extend(tail);
        check_session(&stream, &pieces);
    }
}
