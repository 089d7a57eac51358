//! Laws of the table of receipts.

use super::*;
use crate::codec::smpp::MessageState;
use crate::model::SubscriptionId;

const T0: Duration = Duration::ZERO;
const OF: &PushOf = &PushOf { subscription: SubscriptionId::from_octets([7; 16]), first: 10, events: 3 };
const HOUR: Duration = Duration::from_secs(3600);

fn table() -> (Receipts, Tally) {
    (Receipts::new(HOUR, 1000), Tally::default())
}

fn count(tally: &Tally, outcome: Outcome) -> u64 {
    tally.settled[outcome.index()]
}

fn recorded(mut receipts: Receipts) -> Receipts {
    receipts.record();
    receipts
}

fn said(id: &[u8], state: MessageState) -> Receipt<'_> {
    Receipt { message_id: Some(id), state: Some(state), ..Receipt::default() }
}

fn strays(tally: &Tally) -> u64 {
    tally.receipts[ReceiptKind::Stray as usize]
}

/// What is kept of a table.
fn keep(receipts: &mut Receipts, kept: &mut HashMap<Vec<u8>, AwaitedReceipt>) {
    receipts.save(0, Now::default(), &mut |id, awaited| match awaited {
        Some(awaited) => _ = kept.insert(id.to_vec(), awaited),
        None => _ = kept.remove(id),
    });
}

#[test]
fn what_has_ended_is_awaited_by_nobody_else() {
    let mut tally = Tally::default();
    let mut receipts = recorded(Receipts::new(HOUR, 1000));
    let mut kept = HashMap::new();
    for (push, ids) in [[b"a", b"b"], [b"c", b"d"], [b"e", b"f"]].into_iter().enumerate() {
        let fate = receipts.open(2);
        let of = &PushOf { first: push as u64, ..*OF };
        ids.iter().for_each(|id| receipts.handle_accepted(T0, fate, (0, *id), of, &mut tally));
        receipts.handle_released(T0, fate, 3, &mut tally);
    }
    let fate = receipts.open(2); // its second segment is refused for good
    receipts.handle_accepted(T0, fate, (0, b"g"), &PushOf { first: 9, ..*OF }, &mut tally);
    keep(&mut receipts, &mut kept);
    assert_eq!(kept.len(), 7);
    receipts.handle_receipt(T0, 0, &said(b"a", MessageState::UNDELIVERABLE), &mut tally);
    receipts.handle_receipt(T0, 0, &said(b"d", MessageState::DELIVERED), &mut tally);
    receipts.forget(fate);
    keep(&mut receipts, &mut kept);
    let mut ids: Vec<_> = kept.keys().cloned().collect();
    ids.sort();
    assert_eq!(ids, [b"c", b"e", b"f"]);

    let mut next = recorded(Receipts::new(HOUR, 1000));
    next.restore(Now::default(), kept.clone().into_iter().map(|(id, one)| (0, id, one)).collect());
    next.handle_receipt(T0, 0, &said(b"f", MessageState::UNDELIVERABLE), &mut tally);
    next.handle_receipt(T0, 0, &said(b"c", MessageState::DELIVERED), &mut tally);
    keep(&mut next, &mut kept);
    assert!(kept.is_empty(), "{kept:?}");
    assert_eq!((count(&tally, Outcome::Failed), count(&tally, Outcome::Delivered)), (6, 3));
}

#[test]
fn a_receipt_that_overtakes_its_response_is_parked_for_it() {
    let (mut receipts, mut tally) = table();
    let fate = receipts.open(1);
    receipts.handle_receipt(T0, 0, &said(b"42", MessageState::DELIVERED), &mut tally);
    receipts.handle_accepted(T0, fate, (0, b"42"), OF, &mut tally);
    receipts.handle_released(T0, fate, 3, &mut tally);
    assert_eq!(count(&tally, Outcome::Delivered), 3);
    assert_eq!(receipts.waiting(), 0);
    receipts.handle_timeout(HOUR, 0, &mut tally);
    assert_eq!(strays(&tally), 0, "it was not stray");
}

#[test]
fn a_push_is_delivered_with_its_last_segment_and_failed_with_its_first_bad_one() {
    let (mut receipts, mut tally) = table();
    for last in [MessageState::DELIVERED, MessageState::UNDELIVERABLE] {
        let fate = receipts.open(2);
        receipts.handle_accepted(T0, fate, (0, b"a"), OF, &mut tally);
        receipts.handle_accepted(T0, fate, (0, b"b"), OF, &mut tally);
        receipts.handle_receipt(T0, 0, &said(b"b", MessageState::DELIVERED), &mut tally);
        receipts.handle_receipt(T0, 0, &said(b"a", MessageState::ENROUTE), &mut tally);
        receipts.handle_released(T0, fate, 5, &mut tally);
        receipts.handle_receipt(T0, 0, &said(b"a", last), &mut tally);
    }
    assert_eq!((count(&tally, Outcome::Delivered), count(&tally, Outcome::Failed)), (5, 5));
}

#[test]
fn without_a_receipt_an_event_ends_accepted_once() {
    let (mut receipts, mut tally) = table();
    let fate = receipts.open(2);
    receipts.handle_accepted(T0, fate, (0, b"a"), OF, &mut tally);
    receipts.handle_accepted(T0, fate, (0, b"b"), OF, &mut tally);
    receipts.handle_released(T0, fate, 4, &mut tally);
    receipts.handle_timeout(HOUR, 0, &mut tally);
    receipts.handle_receipt(HOUR, 0, &said(b"a", MessageState::DELIVERED), &mut tally);
    assert_eq!(tally.settled.iter().sum::<u64>(), 4);
    assert_eq!(count(&tally, Outcome::Accepted), 4);
}

#[test]
fn the_table_is_bounded_and_what_falls_out_is_still_counted() {
    let mut receipts = Receipts::new(HOUR, 10);
    let mut tally = Tally::default();
    for n in 0..100u32 {
        let fate = receipts.open(1);
        receipts.handle_accepted(T0, fate, (0, &n.to_be_bytes()), OF, &mut tally);
        receipts.handle_released(T0, fate, 1, &mut tally);
    }
    assert_eq!((receipts.waiting(), count(&tally, Outcome::Accepted)), (10, 90));
    assert!(receipts.fates.places() <= 11, "places are used again");
    receipts.handle_shutdown(&mut tally);
    assert_eq!(count(&tally, Outcome::Accepted), 100);
}

#[test]
fn a_receipt_that_runs_out_before_the_push_is_released_loses_no_event() {
    let (mut receipts, mut tally) = table();
    let fate = receipts.open(2);
    receipts.handle_accepted(T0, fate, (0, b"a"), OF, &mut tally);
    receipts.handle_timeout(HOUR, 0, &mut tally);
    receipts.handle_accepted(HOUR, fate, (0, b"b"), OF, &mut tally);
    receipts.handle_released(HOUR, fate, 2, &mut tally);
    receipts.handle_timeout(HOUR * 3, 0, &mut tally);
    assert_eq!(tally.settled.iter().sum::<u64>(), 2);
}

#[test]
fn an_id_that_is_used_again_ends_what_waited_under_it() {
    let (mut receipts, mut tally) = table();
    for events in [3, 4] {
        let fate = receipts.open(1);
        receipts.handle_accepted(T0, fate, (0, b""), OF, &mut tally);
        receipts.handle_released(T0, fate, events, &mut tally);
    }
    receipts.handle_receipt(T0, 0, &said(b"", MessageState::DELIVERED), &mut tally);
    assert_eq!((count(&tally, Outcome::Accepted), count(&tally, Outcome::Delivered)), (3, 4));
    assert_eq!(receipts.waiting(), 0);
}

#[test]
fn receipts_nobody_waits_for_are_counted_after_a_minute() {
    let (mut receipts, mut tally) = table();
    receipts.handle_receipt(T0, 0, &said(b"x", MessageState::DELIVERED), &mut tally);
    receipts.handle_timeout(PARKING_TIME, 0, &mut tally);
    assert_eq!(strays(&tally), 1);
}

fn saved(receipts: &mut Receipts, now: Now) -> Vec<(Vec<u8>, Option<AwaitedReceipt>)> {
    let mut saved = Vec::new();
    receipts.save(0, now, &mut |id, awaited| saved.push((id.to_vec(), awaited)));
    saved.sort_by(|a, b| a.0.cmp(&b.0));
    saved
}

#[test]
fn another_process_goes_on_waiting() {
    let (receipts, mut tally) = table();
    let mut receipts = recorded(receipts);
    let now = Now { monotonic: T0, unix_ms: 1_000_000 };
    let fate = receipts.open(2);
    receipts.handle_accepted(T0, fate, (0, b"a"), OF, &mut tally);
    receipts.handle_accepted(T0, fate, (0, b"b"), OF, &mut tally);
    receipts.handle_released(T0, fate, 3, &mut tally);
    let awaited = saved(&mut receipts, now).into_iter().map(|(id, one)| (0, id, one.unwrap())).collect();

    let (mut next, mut tally) = table();
    let later = Now { monotonic: T0, unix_ms: 1_000_000 + 600_000 };
    next.restore(later, awaited);
    next.handle_receipt(T0, 0, &said(b"b", MessageState::DELIVERED), &mut tally);
    assert_eq!(tally.settled.iter().sum::<u64>(), 0, "one is missing");
    next.handle_receipt(T0, 0, &said(b"a", MessageState::DELIVERED), &mut tally);
    assert_eq!(count(&tally, Outcome::Delivered), 3);
}

#[test]
fn another_process_gives_up_when_this_one_would_have() {
    let (receipts, mut tally) = table();
    let mut receipts = recorded(receipts);
    let fate = receipts.open(1);
    receipts.handle_accepted(T0, fate, (0, b"a"), OF, &mut tally);
    let awaited: Vec<_> =
        saved(&mut receipts, Now::default()).into_iter().map(|(id, one)| (0, id, one.unwrap())).collect();
    for (unix_ms, left) in [(3_000_000, HOUR - Duration::from_secs(3000)), (0, HOUR)] {
        let (mut next, mut tally) = table();
        next.restore(Now { monotonic: T0, unix_ms }, awaited.clone());
        next.handle_timeout(left - Duration::from_secs(1), 0, &mut tally);
        assert_eq!(next.waiting(), 1);
        next.handle_timeout(left, 0, &mut tally);
        assert_eq!((next.waiting(), count(&tally, Outcome::Accepted)), (0, 3));
    }
}

#[test]
fn what_comes_and_goes_between_two_saves_is_never_saved() {
    let (receipts, mut tally) = table();
    let mut receipts = recorded(receipts);
    let fate = receipts.open(3);
    receipts.handle_accepted(T0, fate, (0, b"a"), OF, &mut tally);
    receipts.handle_accepted(T0, fate, (0, b"b"), OF, &mut tally);
    receipts.handle_receipt(T0, 0, &said(b"a", MessageState::DELIVERED), &mut tally);
    let first = saved(&mut receipts, Now::default());
    assert_eq!(first.iter().map(|(id, one)| (id.as_slice(), one.is_some())).collect::<Vec<_>>(), [(&b"b"[..], true)]);
    receipts.handle_receipt(T0, 0, &said(b"b", MessageState::DELIVERED), &mut tally);
    receipts.handle_accepted(T0, fate, (0, b"b"), OF, &mut tally);
    receipts.handle_receipt(T0, 0, &said(b"b", MessageState::DELIVERED), &mut tally);
    assert_eq!(saved(&mut receipts, Now::default()), [(b"b".to_vec(), None)], "the store knew it");
    assert_eq!(saved(&mut receipts, Now::default()), []);
}
