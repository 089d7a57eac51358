//! Receipts: whatever an SMSC calls a message, and whenever it says what became of it, each push ends once.

use crate::rig::Rig;
use bellwire::codec::smpp::{Body, MessageState, Pdu, Receipt, RegisteredDelivery};
use bellwire::engine::clock::Now;
use bellwire::engine::receipts::{AwaitedReceipt, FateId, MessageIds, PushOf, Receipts, Spelling};
use bellwire::engine::tally::{ReceiptKind, Tally};
use bellwire::model::{Order, Outcome, Policy, Receipts as Wanted, SubscriptionId};
use proptest::prelude::*;
use std::collections::HashMap;
use std::time::Duration;

const T0: Duration = Duration::from_secs(1000);
const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);

fn of(push: usize) -> PushOf {
    PushOf { subscription: SubscriptionId::from_octets([7; 16]), first: push as u64 * 10, events: 3 }
}

fn said(id: &[u8], state: MessageState) -> Receipt<'_> {
    Receipt { message_id: Some(id), state: Some(state), ..Receipt::default() }
}

fn kinds(tally: &Tally, kinds: &[ReceiptKind]) -> u64 {
    kinds.iter().map(|kind| tally.receipts[*kind as usize]).sum()
}

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

/// How an SMSC spells the number of a message: in submit_sm_resp, and in the receipt.
fn spelled(style: u8, number: u64) -> (String, String) {
    match style {
        0 => (number.to_string(), number.to_string()),
        1 => (format!("{number:016X}"), format!("{number:016X}")),
        2 => (format!("{number:x}-4b7e"), format!("{number:X}-4B7E")),
        3 => (format!("{number:024}"), number.to_string()),
        4 => (number.to_string(), format!("{number:022}")),
        5 => (format!("{number:018X}"), number.to_string()),
        6 => (format!("{number:x}"), format!("{number:021}")),
        _ => (number.to_string(), format!("{number:X}")),
    }
}

#[derive(Clone, Debug)]
struct Segment {
    push: usize,
    smsc: u8,
    /// Final states that receipts tell, in this order.
    states: Vec<bool>,
    intermediate: u8,
}

#[derive(Clone, Debug)]
struct Scene {
    segments: Vec<Segment>,
    pushes: usize,
    styles: Vec<u8>,
    base: u64,
    /// What happens, by the segment to which it happens.
    order: Vec<usize>,
}

impl Scene {
    /// A number of its own: SMSCs count up, each from elsewhere.
    fn names(&self, segment: usize) -> (String, String) {
        let smsc = self.segments[segment].smsc;
        let number = self.base + u64::from(smsc) * 1_000_003 + segment as u64;
        spelled(self.styles[usize::from(smsc)], number)
    }

    fn delivered(&self, push: usize) -> bool {
        self.of(push).all(|(_, segment)| segment.states[0])
    }

    fn of(&self, push: usize) -> impl Iterator<Item = (usize, &Segment)> {
        self.segments.iter().enumerate().filter(move |(_, segment)| segment.push == push)
    }
}

fn scenes() -> impl Strategy<Value = Scene> {
    let segment = (0u8..3, proptest::collection::vec(any::<bool>(), 1..4), 0u8..3);
    let pushes = proptest::collection::vec(proptest::collection::vec(segment, 1..5), 1..12);
    let styles = proptest::collection::vec(0u8..8, 3);
    (pushes, styles, 100_000_000u64..(1 << 60)).prop_flat_map(|(pushes, styles, base)| {
        let count = pushes.len();
        let segments: Vec<Segment> = (0..)
            .zip(pushes)
            .flat_map(|(push, segments)| {
                segments.into_iter().map(move |(smsc, mut states, intermediate)| {
                    // Most arrive.
                    states[0] |= push % 3 > 0;
                    Segment { push, smsc, states, intermediate }
                })
            })
            .collect();
        let happens = segments.iter().enumerate().flat_map(|(at, segment)| {
            std::iter::repeat_n(at, 1 + segment.states.len() + usize::from(segment.intermediate))
        });
        let order: Vec<usize> = happens.collect();
        (Just((segments, count, styles, base)), Just(order).prop_shuffle())
            .prop_map(|((segments, pushes, styles, base), order)| Scene { segments, pushes, styles, base, order })
    })
}

/// What has happened of a segment.
#[derive(Clone, Copy, Default)]
struct Done {
    answered: bool,
    finals: usize,
    intermediate: u8,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn in_whatever_order_each_push_ends_once(scene in scenes(), answers in any::<u64>()) {
        let (mut receipts, mut tally) = (Receipts::new(HOUR, 10_000), Tally::default());
        let fates: Vec<FateId> =
            (0..scene.pushes).map(|push| receipts.open(scene.of(push).count() as u8)).collect();
        let mut done = vec![Done::default(); scene.segments.len()];
        let mut heard = 0;
        for (step, at) in scene.order.iter().copied().enumerate() {
            let (segment, (response, receipt)) = (&scene.segments[at], scene.names(at));
            let left = scene.order[step..].iter().filter(|other| **other == at).count();
            // Somewhere among its receipts is its response: with the last of them at the latest.
            if !done[at].answered && (left == 1 || answers >> (step % 64) & 1 == 1) {
                done[at].answered = true;
                let (named, push) = ((segment.smsc, response.as_bytes()), segment.push);
                receipts.handle_accepted(T0, fates[push], named, &of(push), &mut tally);
                if scene.of(push).all(|(other, _)| done[other].answered) {
                    receipts.handle_released(T0, fates[push], 1 << (push * 4), &mut tally);
                }
                continue;
            }
            let (id, state) = match done[at].intermediate < segment.intermediate && answers >> (step % 61) & 1 == 0 {
                true => {
                    done[at].intermediate += 1;
                    (receipt.as_bytes(), MessageState::ENROUTE)
                }
                false if done[at].finals < segment.states.len() => {
                    done[at].finals += 1;
                    let delivered = segment.states[done[at].finals - 1];
                    let state = if delivered { MessageState::DELIVERED } else { MessageState::UNDELIVERABLE };
                    (receipt.as_bytes(), state)
                }
                false => {
                    done[at].intermediate += 1;
                    (receipt.as_bytes(), MessageState::ENROUTE)
                }
            };
            heard += 1;
            receipts.handle_receipt(T0, segment.smsc, &said(id, state), &mut tally);
        }
        let expected = |wanted: bool| -> u64 {
            (0..scene.pushes).filter(|push| scene.delivered(*push) == wanted).map(|push| 1 << (push * 4)).sum()
        };
        prop_assert_eq!(tally.settled[Outcome::Delivered.index()], expected(true));
        prop_assert_eq!(tally.settled[Outcome::Failed.index()], expected(false));
        prop_assert_eq!(receipts.waiting(), 0);
        let counted = tally.receipts;
        (0..3).for_each(|smsc| receipts.handle_timeout(T0 + HOUR * 2, smsc, &mut tally));
        prop_assert_eq!(counted, tally.receipts, "nothing is left behind");
        use ReceiptKind::*;
        let found = kinds(&tally, &[Matched, Trimmed, Converted, Parked]);
        prop_assert_eq!(found, scene.segments.len() as u64);
        prop_assert_eq!(kinds(&tally, &[Stray, Unreadable]), 0);
        prop_assert_eq!(tally.receipts.iter().sum::<u64>(), heard);
    }

    #[test]
    fn another_process_knows_every_spelling_of_what_is_awaited(scene in scenes(), cut in 0usize..40) {
        let (mut receipts, mut tally) = (Receipts::new(HOUR, 10_000), Tally::default());
        receipts.record();
        for push in 0..scene.pushes {
            let fate = receipts.open(scene.of(push).count() as u8);
            for (at, segment) in scene.of(push) {
                let named = scene.names(at).0;
                receipts.handle_accepted(T0, fate, (segment.smsc, named.as_bytes()), &of(push), &mut tally);
            }
            receipts.handle_released(T0, fate, 3, &mut tally);
        }
        let mut kept: HashMap<(u8, Vec<u8>), AwaitedReceipt> = HashMap::new();
        let now = Now { monotonic: T0, unix_ms: 1_790_000_000_000 };
        let mut order: Vec<usize> = Vec::new();
        scene.order.iter().for_each(|at| if !order.contains(at) { order.push(*at) });
        for (step, at) in order.into_iter().enumerate() {
            if step == cut {
                for smsc in 0..3 {
                    receipts.save(smsc, now, &mut |id, awaited| match awaited {
                        Some(awaited) => _ = kept.insert((smsc, id.to_vec()), awaited),
                        None => _ = kept.remove(&(smsc, id.to_vec())),
                    });
                }
                receipts = Receipts::new(HOUR, 10_000);
                receipts.record();
                receipts.restore(now, kept.drain().map(|((smsc, id), one)| (smsc, id, one)).collect());
            }
            let (segment, receipt) = (&scene.segments[at], scene.names(at).1);
            let state = if segment.states[0] { MessageState::DELIVERED } else { MessageState::EXPIRED };
            receipts.handle_receipt(T0, segment.smsc, &said(receipt.as_bytes(), state), &mut tally);
        }
        let delivered = (0..scene.pushes).filter(|push| scene.delivered(*push)).count();
        prop_assert_eq!(tally.settled[Outcome::Delivered.index()], delivered as u64 * 3);
        prop_assert_eq!(tally.settled[Outcome::Failed.index()], (scene.pushes - delivered) as u64 * 3);
        prop_assert_eq!(receipts.waiting(), 0);
    }
}

fn policy(receipts: Wanted) -> Policy {
    Policy { order: Order::Pipelined, max_events: 1, receipts, ..Policy::default() }
}

fn asks(pdu: &[u8]) -> bool {
    match Pdu::decode(pdu).unwrap().body {
        Body::SubmitSm(submit) => submit.registered_delivery == RegisteredDelivery::FINAL,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_last_segment_decides_for_the_push() {
    let mut rig = Rig::new(policy(Wanted::Last));
    let long = "x".repeat(300);
    for state in [MessageState::DELIVERED, MessageState::UNDELIVERABLE] {
        rig.feed(&[("message", &long, "1")]);
        let written = rig.poll();
        let asking: Vec<bool> = written.iter().map(|segment| asks(&segment.pdu)).collect();
        assert_eq!(asking, [false, false, true]);
        // It may be accepted before the others.
        let ids: Vec<String> = written.iter().rev().map(|segment| rig.accept(segment)).collect();
        assert_eq!(rig.receipts.waiting(), 1);
        rig.hear(rig.now.monotonic, ids[0].as_bytes(), state);
    }
    assert_eq!(rig.tally.settled[Outcome::Delivered.index()], 1);
    assert_eq!(rig.tally.settled[Outcome::Failed.index()], 1);
}

#[test]
fn a_sample_asks_for_one_push_in_ten_and_the_others_end_accepted() {
    let mut rig = Rig::new(policy(Wanted::Sample));
    let mut asking = 0;
    for number in 0..200 {
        rig.tick(number);
        for segment in rig.poll() {
            let id = rig.accept(&segment);
            asking += u64::from(asks(&segment.pdu));
            if asks(&segment.pdu) {
                rig.hear(rig.now.monotonic, id.as_bytes(), MessageState::DELIVERED);
            }
        }
    }
    assert!((19..=21).contains(&asking), "{asking}");
    assert_eq!(rig.tally.settled[Outcome::Delivered.index()], asking);
    assert_eq!(rig.tally.settled[Outcome::Accepted.index()], 200 - asking);
    assert_eq!(rig.receipts.waiting(), 0);
}
