//! What holds for any octets at all, as functions that panic when it does not: property tests and fuzzing share them.

use bytes::BytesMut;

use super::codes::EsmClass;
use super::deliver_sm::DeliverSm;
use super::describe::describe;
use super::header::{FrameError, HEADER_OCTETS, Header, PDU_MAX_OCTETS, frame};
use super::pdu::{Body, Pdu};
use super::receipt::Receipt;
use super::time::{ReceiptTime, Time};

/// What decodes is encoded again, and that decodes to the same. What does not decode tells the peer why.
pub fn what_decodes_survives_a_round_trip(octets: &[u8]) {
    let pdu = match Pdu::decode(octets) {
        Ok(pdu) => pdu,
        Err(error) => {
            assert!(!error.status().is_ok());
            assert_eq!(error.header().copied(), Header::decode(octets));
            return;
        }
    };
    let mut again = BytesMut::new();
    let written = pdu.encode(&mut again);
    assert_eq!(written, Ok(again.len()), "{pdu:?} decodes but does not encode");
    assert!(again.len() <= octets.len() + 1, "at most a NUL is added");
    let expected = Header { command_length: again.len() as u32, ..pdu.header };
    let read = Pdu::decode(&again);
    assert_eq!(read, Ok(Pdu { header: expected, body: pdu.body }));
}

/// Everything that looks into a PDU copes with any content.
pub fn what_decodes_can_be_described(octets: &[u8]) {
    let Ok(pdu) = Pdu::decode(octets) else { return };
    assert!(describe(&pdu).fields().len() >= 4, "a header has four fields");
    match pdu.body {
        Body::DeliverSm(message) => {
            let receipt = Receipt::decode(&message);
            assert!(receipt.is_none_or(|read| read.message_id != Some(b"")), "an empty name is no name");
        }
        Body::DataSm(message) => {
            let receipt = Receipt::decode(&message.as_deliver_sm());
            assert!(receipt.is_none_or(|read| read.message_id != Some(b"")), "an empty name is no name");
        }
        Body::SubmitMulti(message) => {
            assert_eq!(message.destinations.iter().count(), message.destinations.len(), "what is counted is there");
        }
        Body::SubmitMultiResp(resp) => {
            assert_eq!(resp.refused.iter().count(), resp.refused.len(), "what is counted is there");
        }
        Body::SubmitSm(message) => {
            let _ = message.tlvs.check();
            let _ = Time::parse(message.validity_period);
        }
        _ => {}
    }
}

/// A receipt is made of words of its text and of times that can be, whatever the text is; without its mark it is none.
pub fn any_text_may_come_as_a_receipt(text: &[u8]) {
    let unmarked = DeliverSm { short_message: text, ..DeliverSm::default() };
    assert_eq!(Receipt::decode(&unmarked), None);
    let message = DeliverSm { esm_class: EsmClass::DELIVERY_RECEIPT, ..unmarked };
    let Some(receipt) = Receipt::decode(&message) else { panic!("a marked receipt is one, even if it says nothing") };
    for word in [receipt.message_id, receipt.error].into_iter().flatten() {
        assert!(!word.is_empty() && !word.contains(&b' '), "{:?} is no word", word.escape_ascii());
        assert!(memchr::memmem::find(text, word).is_some(), "{:?} is not in the text", word.escape_ascii());
    }
    for date in [receipt.submit_date, receipt.done_date].into_iter().flatten() {
        assert!((1..=12).contains(&date.month) && (1..=31).contains(&date.day), "{date:?}");
        assert!(date.hour < 24 && date.minute < 60 && date.second <= 60, "{date:?}");
    }
    assert!(receipt.state.is_none_or(|state| state.name().is_some()), "a state of a text has a name");
}

/// A time is refused or read, never a panic.
pub fn any_octets_may_stand_for_a_time(octets: &[u8]) {
    let _ = Time::parse(octets);
    let _ = ReceiptTime::parse(octets);
}

/// A stream gives the same PDUs, and the same error behind them, however it is cut into pieces.
pub fn framing_does_not_see_cuts(stream: &[u8], piece_octets: &[u8]) {
    let mut whole = stream;
    let (expected, expected_error) = take_pdus(&mut whole);

    let mut found = Vec::new();
    let mut error = None;
    let mut received: Vec<u8> = Vec::new();
    let mut sizes = piece_octets.iter().map(|size| usize::from(*size).max(1)).chain(std::iter::repeat(usize::MAX));
    let mut rest = stream;
    while !rest.is_empty() && error.is_none() {
        let (piece, after) = rest.split_at(sizes.next().unwrap_or(usize::MAX).min(rest.len()));
        rest = after;
        received.extend_from_slice(piece);
        let mut unread = received.as_slice();
        let (pdus, problem) = take_pdus(&mut unread);
        found.extend(pdus);
        error = problem;
        received = unread.to_vec();
    }
    assert_eq!((found, error), (expected, expected_error));
}

fn take_pdus(stream: &mut &[u8]) -> (Vec<Vec<u8>>, Option<FrameError>) {
    let mut pdus = Vec::new();
    loop {
        match frame(stream, PDU_MAX_OCTETS) {
            Ok(Some(octets)) => {
                assert!((HEADER_OCTETS..=stream.len()).contains(&octets));
                let (pdu, rest) = stream.split_at(octets);
                pdus.push(pdu.to_vec());
                *stream = rest;
            }
            Ok(None) => return (pdus, None),
            Err(error) => return (pdus, Some(error)),
        }
    }
}
