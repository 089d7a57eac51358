//! The names of messages: an SMSC's receipts spell them in their own way, and what is learned of it must not mislead.

use crate::receipts::{HOUR, T0, kinds, of, said};
use bellwire::codec::smpp::{MessageState, Receipt};
use bellwire::engine::receipts::{MessageIds, Receipts, Spelling};
use bellwire::engine::tally::{ReceiptKind, Tally};
use bellwire::model::Outcome;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// A table, and what it counts.
struct Table {
    receipts: Receipts,
    tally: Tally,
    pushes: usize,
}

impl Table {
    fn new(ids: MessageIds) -> Self {
        let mut receipts = Receipts::new(HOUR, 10_000);
        receipts.set_up(0, HOUR, ids);
        Self { receipts, tally: Tally::default(), pushes: 0 }
    }

    /// A push of one segment is accepted under this id.
    fn accept(&mut self, id: &str) {
        let fate = self.receipts.open(1);
        self.receipts.handle_accepted(T0, fate, (0, id.as_bytes()), &of(self.pushes), &mut self.tally);
        self.receipts.handle_released(T0, fate, 1, &mut self.tally);
        self.pushes += 1;
    }

    fn hear(&mut self, id: &str, state: MessageState) {
        self.receipts.handle_receipt(T0, 0, &said(id.as_bytes(), state), &mut self.tally);
    }

    /// A receipt comes; what it turned out to be, `None` if it waits.
    fn delivered(&mut self, id: &str) -> Option<ReceiptKind> {
        use ReceiptKind::*;
        let before = self.tally.receipts;
        self.hear(id, MessageState::DELIVERED);
        let all = [Matched, Trimmed, Converted, Parked, Intermediate, Duplicate, Contradicting, Stray, Unreadable];
        all.into_iter().find(|kind| self.tally.receipts[*kind as usize] > before[*kind as usize])
    }

    fn outcomes(&self, outcome: Outcome) -> u64 {
        self.tally.settled[outcome.index()]
    }
}

/// Names that SMSCs in the field give one message: in submit_sm_resp, and in its receipt.
const PAIRS: [(&str, &str, ReceiptKind); 13] = [
    ("0913121205", "0913121205", ReceiptKind::Matched),
    ("0913121205", "913121205", ReceiptKind::Trimmed),
    ("913121205", "0913121205", ReceiptKind::Trimmed),
    ("913121205", " 913121205 ", ReceiptKind::Trimmed),
    ("0e999f21-6ff2-4b7e-a5b6-3d2b11aa0c5e", "0E999F21-6FF2-4B7E-A5B6-3D2B11AA0C5E", ReceiptKind::Trimmed),
    ("C449AB9744F47B6A", "c449ab9744f47b6a", ReceiptKind::Trimmed),
    ("a1b2c3d", "0x0A1B2C3D", ReceiptKind::Trimmed),
    ("0C000000B1A8E5F2", "864691131435771378", ReceiptKind::Converted),
    ("0A1B2C3D", "0169552957", ReceiptKind::Converted),
    ("a1b2c3d", "169552957", ReceiptKind::Converted),
    ("10203040", "270544960", ReceiptKind::Converted),
    ("169552957", "0A1B2C3D", ReceiptKind::Converted),
    ("0169552957", "0xa1b2c3d", ReceiptKind::Converted),
];

#[test]
fn every_pair_of_names_fits_from_the_first_receipt_on() {
    for (response, receipt, kind) in PAIRS {
        let mut table = Table::new(MessageIds::Auto);
        table.accept("98765432109876");
        table.accept(response);
        assert_eq!(table.delivered(receipt), Some(kind), "{response} {receipt}");
        assert_eq!((table.outcomes(Outcome::Delivered), table.receipts.waiting()), (1, 1));
        assert_eq!(table.delivered(receipt), Some(ReceiptKind::Duplicate));
    }
}

#[test]
fn every_pair_fits_when_the_receipt_is_first() {
    for (response, receipt, _) in PAIRS {
        let mut table = Table::new(MessageIds::Auto);
        assert_eq!(table.delivered("98765432109876"), None);
        assert_eq!(table.delivered(receipt), None);
        table.accept(response);
        assert_eq!(kinds(&table.tally, &[ReceiptKind::Parked]), 1, "{response} {receipt}");
        assert_eq!((table.outcomes(Outcome::Delivered), table.receipts.waiting()), (1, 0));
    }
}

#[test]
fn names_that_differ_in_more_are_not_the_same() {
    let pairs = [
        ("0e999f21-6ff2", "e999f21-6ff2"), // no number has a dash, so its zero is part of it
        ("msg-0012", "msg-12"),
        ("12345678", "123456780"),
        ("", "0"),
        ("a b", "ab"),
    ];
    for (response, receipt) in pairs {
        let mut table = Table::new(MessageIds::Auto);
        table.accept(response);
        assert_eq!(table.delivered(receipt), None, "{response} {receipt}");
        table.receipts.handle_timeout(T0 + MINUTE, 0, &mut table.tally);
        assert_eq!(kinds(&table.tally, &[ReceiptKind::Stray]), 1);
        assert_eq!(table.receipts.waiting(), 1);
    }
}

#[test]
fn a_name_that_may_be_either_of_two_is_none() {
    let mut table = Table::new(MessageIds::Auto);
    ["0012345678", "012345678"].iter().for_each(|id| table.accept(id));
    assert_eq!(table.delivered("12345678"), None);
    assert_eq!(table.delivered("012345678"), Some(ReceiptKind::Matched), "a literal match always wins");
    table.receipts.handle_timeout(T0 + MINUTE, 0, &mut table.tally);
    assert_eq!(kinds(&table.tally, &[ReceiptKind::Trimmed]), 1, "now it can be only one");
}

#[test]
fn what_is_learned_keeps_chance_away_until_it_stops_fitting() {
    let mut table = Table::new(MessageIds::Auto);
    ["100000001", "0A1B2C3D", "0A1B2C3E", "0A1B2C3F"].iter().for_each(|id| table.accept(id));
    assert_eq!(table.delivered("100000001"), Some(ReceiptKind::Matched));
    assert_eq!(table.receipts.take_news(0), Some(Spelling::Same));
    assert_eq!((table.delivered("169552957"), table.delivered("169552958")), (None, None));
    assert_eq!(table.receipts.take_news(0), None);
    assert_eq!(table.delivered("169552959"), Some(ReceiptKind::Converted));
    assert_eq!(table.receipts.take_news(0), Some(Spelling::RespHex));
    assert_eq!((table.outcomes(Outcome::Delivered), table.receipts.waiting()), (4, 0), "those that waited, too");
}

#[test]
fn a_literal_match_wins_over_what_was_learned_and_changes_it_in_the_end() {
    let mut table = Table::new(MessageIds::Auto);
    let others = ["169552957", "200000001", "200000002", "200000003"];
    ["0A1B2C3C", "0A1B2C3D"].iter().chain(&others).for_each(|id| table.accept(id));
    assert_eq!(table.delivered("169552956"), Some(ReceiptKind::Converted));
    assert_eq!(table.receipts.take_news(0), Some(Spelling::RespHex));
    assert!(others.iter().all(|id| table.delivered(id) == Some(ReceiptKind::Matched)));
    assert_eq!(table.receipts.take_news(0), Some(Spelling::Same));
    assert_eq!(table.receipts.waiting(), 1, "the one that the first of them could have meant");
}

#[test]
fn a_short_number_waits_for_a_message_of_its_own_name() {
    let mut table = Table::new(MessageIds::Auto);
    table.accept("10");
    assert_eq!(table.delivered("16"), None, "0x10 is 16, but there may be a message 16");
    table.accept("16");
    assert_eq!(kinds(&table.tally, &[ReceiptKind::Parked]), 1);
    assert_eq!(table.receipts.waiting(), 1);

    let mut table = Table::new(MessageIds::Auto);
    table.accept("10");
    assert_eq!(table.delivered("16"), None);
    table.receipts.handle_timeout(T0 + MINUTE, 0, &mut table.tally);
    assert_eq!(kinds(&table.tally, &[ReceiptKind::Converted]), 1, "there was none");
}

#[test]
fn what_the_operator_says_goes() {
    let mut literal = Table::new(MessageIds::Literal);
    literal.accept("0913121205");
    assert_eq!(literal.delivered("913121205"), None);
    assert_eq!(literal.delivered("0913121205"), Some(ReceiptKind::Matched));

    // Small numbers that mean something in both bases.
    let mut hex = Table::new(MessageIds::RespHex);
    ["a", "10", "16"].iter().for_each(|id| hex.accept(id));
    assert_eq!(hex.delivered("16"), Some(ReceiptKind::Converted));
    assert_eq!(hex.delivered("22"), Some(ReceiptKind::Converted));
    assert_eq!(hex.delivered("a"), Some(ReceiptKind::Matched), "it cannot be converted");
    assert_eq!(hex.receipts.waiting(), 0);
    assert_eq!(hex.delivered("32"), None);
    hex.accept("20");
    assert_eq!(kinds(&hex.tally, &[ReceiptKind::Parked]), 1);

    let mut receipt_hex = Table::new(MessageIds::ReceiptHex);
    ["16", "22"].iter().for_each(|id| receipt_hex.accept(id));
    assert_eq!(receipt_hex.delivered("16"), Some(ReceiptKind::Converted));
    assert_eq!(receipt_hex.delivered("10"), Some(ReceiptKind::Converted));
    assert_eq!(receipt_hex.receipts.take_news(0), None, "nothing was learned");
}

#[test]
fn states_on_the_way_end_nothing_and_final_ones_end_it_once() {
    let mut table = Table::new(MessageIds::Auto);
    table.accept("100000001");
    for state in [MessageState::ENROUTE, MessageState::ACCEPTED, MessageState::SCHEDULED, MessageState::SKIPPED] {
        table.hear("100000001", state);
    }
    let intermediate = Receipt { is_intermediate: true, ..said(b"100000001", MessageState::UNDELIVERABLE) };
    table.receipts.handle_receipt(T0, 0, &intermediate, &mut table.tally);
    assert_eq!((kinds(&table.tally, &[ReceiptKind::Intermediate]), table.receipts.waiting()), (5, 1));
    table.hear("100000001", MessageState::DELIVERED);
    table.hear("100000001", MessageState::ENROUTE);
    table.hear("100000001", MessageState::DELIVERED);
    table.hear("100000001", MessageState::EXPIRED);
    assert_eq!(kinds(&table.tally, &[ReceiptKind::Duplicate]), 1);
    assert_eq!(kinds(&table.tally, &[ReceiptKind::Contradicting]), 1);
    assert_eq!(kinds(&table.tally, &[ReceiptKind::Intermediate]), 6);
    assert_eq!(table.tally.settled.iter().sum::<u64>(), 1);
    assert_eq!(table.outcomes(Outcome::Delivered), 1);
    table.receipts.handle_timeout(T0 + HOUR, 0, &mut table.tally);
    assert_eq!(kinds(&table.tally, &[ReceiptKind::Stray]), 0);
}

#[test]
fn a_push_ends_as_the_worst_of_its_segments() {
    let orders = [[MessageState::UNKNOWN, MessageState::EXPIRED], [MessageState::EXPIRED, MessageState::UNKNOWN]];
    for states in orders {
        let (mut receipts, mut tally) = (Receipts::new(HOUR, 100), Tally::default());
        let fate = receipts.open(3);
        for (id, state) in [b"100000001", b"100000002"].into_iter().zip(states) {
            receipts.handle_accepted(T0, fate, (0, id), &of(0), &mut tally);
            receipts.handle_receipt(T0, 0, &said(id, state), &mut tally);
        }
        receipts.handle_accepted(T0, fate, (0, b"100000003"), &of(0), &mut tally);
        receipts.handle_released(T0, fate, 3, &mut tally);
        assert_eq!(tally.settled[Outcome::Failed.index()], 3);
    }
}

#[test]
fn of_two_that_overtake_their_response_the_first_counts() {
    let mut table = Table::new(MessageIds::Auto);
    table.hear("100000001", MessageState::DELIVERED);
    table.hear("100000001", MessageState::EXPIRED);
    table.accept("100000001");
    assert_eq!((table.outcomes(Outcome::Delivered), table.outcomes(Outcome::Failed)), (1, 0));
    assert_eq!(kinds(&table.tally, &[ReceiptKind::Contradicting]), 1);
}

#[test]
fn a_receipt_without_id_or_state_is_counted() {
    let mut table = Table::new(MessageIds::Auto);
    for receipt in [Receipt::default(), Receipt { message_id: Some(b"1"), ..Receipt::default() }] {
        table.receipts.handle_receipt(T0, 0, &receipt, &mut table.tally);
    }
    assert_eq!(kinds(&table.tally, &[ReceiptKind::Unreadable]), 2);
}

#[test]
fn the_same_name_at_two_smscs_names_two_messages_and_a_push_may_have_both() {
    let (mut receipts, mut tally) = (Receipts::new(HOUR, 100), Tally::default());
    let fate = receipts.open(2);
    for smsc in [0, 1] {
        receipts.handle_accepted(T0, fate, (smsc, b"100000001"), &of(0), &mut tally);
    }
    receipts.handle_released(T0, fate, 3, &mut tally);
    receipts.handle_receipt(T0, 1, &said(b"100000001", MessageState::DELIVERED), &mut tally);
    receipts.handle_receipt(T0, 2, &said(b"100000001", MessageState::DELIVERED), &mut tally);
    receipts.handle_receipt(T0, 1, &said(b"100000001", MessageState::DELIVERED), &mut tally);
    assert_eq!((tally.settled.iter().sum::<u64>(), receipts.waiting()), (0, 1));
    receipts.handle_receipt(T0, 0, &said(b"100000001", MessageState::DELIVERED), &mut tally);
    assert_eq!((tally.settled[Outcome::Delivered.index()], receipts.waiting()), (3, 0));
    assert_eq!(kinds(&tally, &[ReceiptKind::Duplicate]), 1);
}

#[test]
fn one_limit_holds_for_all_smscs_and_the_oldest_of_any_goes_first() {
    let (mut receipts, mut tally) = (Receipts::new(HOUR, 4), Tally::default());
    receipts.set_up(1, HOUR * 24, MessageIds::Auto);
    for (at, smsc) in [1u8, 0, 1, 0, 1, 0].into_iter().enumerate() {
        let fate = receipts.open(1);
        let (now, id) = (T0 + Duration::from_secs(at as u64), [at as u8]);
        receipts.handle_accepted(now, fate, (smsc, &id), &of(at), &mut tally);
        receipts.handle_released(now, fate, 1, &mut tally);
    }
    assert_eq!((receipts.waiting(), tally.settled[Outcome::Accepted.index()]), (4, 2));
    for (at, smsc) in [1u8, 0, 1, 0, 1, 0].into_iter().enumerate().skip(2) {
        receipts.handle_receipt(T0, smsc, &said(&[at as u8], MessageState::DELIVERED), &mut tally);
    }
    assert_eq!((receipts.waiting(), tally.settled[Outcome::Delivered.index()]), (0, 4));
}

#[test]
fn a_flood_of_strays_is_bounded_and_so_are_spellings_of_one_id() {
    let mut table = Table::new(MessageIds::Auto);
    (0..12_000).for_each(|n| table.hear(&format!("9{n:09}"), MessageState::DELIVERED));
    assert_eq!(kinds(&table.tally, &[ReceiptKind::Stray]), 2_000);
    table.receipts.handle_timeout(T0 + MINUTE, 0, &mut table.tally);
    assert_eq!(kinds(&table.tally, &[ReceiptKind::Stray]), 12_000);

    (0..60).for_each(|zeros| table.accept(&format!("{}12345678", "0".repeat(zeros))));
    assert_eq!(table.receipts.waiting(), 32);
    assert_eq!(table.outcomes(Outcome::Accepted), 28);
    table.receipts.handle_shutdown(&mut table.tally);
    assert_eq!((table.outcomes(Outcome::Accepted), table.receipts.waiting()), (60, 0));
}
