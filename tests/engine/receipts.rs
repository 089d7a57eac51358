//! Receipts: whatever an SMSC calls a message, and whenever it says what became of it, each push ends once.

use crate::rig::Rig;
use bellwire::codec::smpp::{Body, MessageState, Pdu, Receipt, RegisteredDelivery};
use bellwire::engine::clock::Now;
use bellwire::engine::receipts::{AwaitedReceipt, FateId, PushOf, Receipts};
use bellwire::engine::tally::{ReceiptKind, Tally};
use bellwire::model::{Order, Outcome, Policy, Receipts as Wanted, SubscriptionId};
use proptest::prelude::*;
use std::collections::HashMap;
use std::time::Duration;

pub const T0: Duration = Duration::from_secs(1000);
pub const HOUR: Duration = Duration::from_secs(3600);

pub fn of(push: usize) -> PushOf {
    PushOf { subscription: SubscriptionId::from_octets([7; 16]), first: push as u64 * 10, events: 3 }
}

pub fn said(id: &[u8], state: MessageState) -> Receipt<'_> {
    Receipt { message_id: Some(id), state: Some(state), ..Receipt::default() }
}

pub fn kinds(tally: &Tally, kinds: &[ReceiptKind]) -> u64 {
    kinds.iter().map(|kind| tally.receipts[*kind as usize]).sum()
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
