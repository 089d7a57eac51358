//! How events end.

use crate::rig::{Rig, WRONG_NUMBER};
use bellwire::codec::smpp::MessageState;
use bellwire::engine::chunk::Watch;
use bellwire::engine::verdict::Verdict;
use bellwire::model::{DropReason, Order, Outcome, Policy, Receipts};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

fn policy(receipts: Receipts) -> Policy {
    Policy { order: Order::Pipelined, max_events: 1, receipts, ..Policy::default() }
}

#[test]
fn without_receipts_acceptance_is_final() {
    let mut rig = Rig::new(policy(Receipts::None));
    rig.tick(1);
    let written = rig.poll();
    assert_eq!(rig.all_settled(), 0);
    rig.accept(&written[0]);
    assert_eq!(rig.settled(Outcome::Accepted), 1);
}

#[test]
fn with_receipts_the_last_word_is_theirs() {
    let mut rig = Rig::new(policy(Receipts::All));
    (1..=3).for_each(|number| rig.tick(number));
    let written = rig.poll();
    let ids: Vec<String> = written.iter().map(|one| rig.accept(one)).collect();
    assert_eq!(rig.all_settled(), 0);
    let now = rig.now.monotonic;
    rig.hear(now, ids[0].as_bytes(), MessageState::DELIVERED);
    rig.hear(now, ids[1].as_bytes(), MessageState::UNDELIVERABLE);
    rig.receipts.handle_timeout(now + Duration::from_secs(3600), 0, &mut rig.tally);
    let ends = [Outcome::Delivered, Outcome::Failed, Outcome::Accepted].map(|outcome| rig.settled(outcome));
    assert_eq!(ends, [1, 1, 1]);
}

#[test]
fn a_receipt_may_overtake_its_response() {
    let mut rig = Rig::new(policy(Receipts::All));
    rig.tick(1);
    let written = rig.poll();
    rig.hear(rig.now.monotonic, b"id-1", MessageState::DELIVERED);
    assert_eq!(rig.accept(&written[0]), "id-1");
    assert_eq!(rig.settled(Outcome::Delivered), 1);
}

#[test]
fn a_refusal_for_good_fails_the_event_and_nothing_else() {
    let mut rig = Rig::new(policy(Receipts::None));
    (1..=2).for_each(|number| rig.tick(number));
    let written = rig.poll();
    assert_eq!(rig.refuse(&written[0], WRONG_NUMBER), Verdict::GiveUp);
    rig.accept(&written[1]);
    assert_eq!((rig.settled(Outcome::Failed), rig.settled(Outcome::Accepted)), (1, 1));
    assert!(rig.poll().is_empty());
}

#[test]
fn an_unknown_outcome_is_sent_once_more_octet_for_octet_and_never_a_third_time() {
    let mut rig = Rig::new(policy(Receipts::None));
    rig.tick(1);
    let first = rig.poll();
    rig.lose(&first[0], true);
    let second = rig.poll();
    assert_eq!(first[0].short_message(), second[0].short_message());
    assert_eq!(rig.tally.resent, 1);
    rig.lose(&second[0], true);
    assert!(rig.poll().is_empty());
    assert_eq!(rig.settled(Outcome::Unknown), 1);
}

#[test]
fn with_resend_never_an_unknown_outcome_is_the_end() {
    let mut rig = Rig::new(policy(Receipts::None));
    rig.tick(1);
    let written = rig.poll();
    rig.lose(&written[0], false);
    assert!(rig.poll().is_empty());
    assert_eq!((rig.settled(Outcome::Unknown), rig.tally.resent), (1, 0));
}

#[test]
fn a_deactivated_subscription_drops_what_waits_and_still_hears_what_was_sent() {
    let mut rig = Rig::new(Policy { order: Order::Strict, ..policy(Receipts::None) });
    (1..=3).for_each(|number| rig.tick(number));
    let written = rig.poll();
    rig.close(DropReason::Deactivated);
    assert_eq!(rig.dropped(DropReason::Deactivated), 2);
    assert!(!rig.handset.is_vacant());
    rig.accept(&written[0]);
    assert_eq!(rig.settled(Outcome::Accepted), 1);
    assert!(rig.handset.is_vacant(), "its place is free when the last answer is in");
}

#[test]
fn a_push_that_was_refused_is_taken_back_when_its_subscription_ends() {
    let mut rig = Rig::new(Policy { order: Order::Strict, ..policy(Receipts::None) });
    rig.tick(1);
    let written = rig.poll();
    rig.refuse(&written[0], crate::rig::QUEUE_FULL);
    rig.close(DropReason::Deactivated);
    assert_eq!(rig.dropped(DropReason::Deactivated), 1);
    assert!(rig.handset.is_vacant());
}

#[test]
fn whoever_watches_a_chunk_learns_how_each_of_its_events_ended() {
    let mut rig = Rig::new(policy(Receipts::None));
    let counts: Arc<[AtomicU64; Outcome::LABELS.len()]> = Arc::default();
    let told = Arc::clone(&counts);
    let watch: Watch = Arc::new(move |outcome, events| {
        told[outcome.index()].fetch_add(events, Ordering::Relaxed);
    });
    let chunk = rig.chunk(&[("message", "1", "1"), ("message", "2", "2"), ("message", "3", "3")], Some(watch));
    rig.handset.handle_chunk(rig.now, rig.place, &chunk, &mut rig.tally);
    let written = rig.poll();
    rig.accept(&written[0]);
    rig.refuse(&written[1], WRONG_NUMBER);
    rig.lose(&written[2], false);
    let count = |outcome: Outcome| counts[outcome.index()].load(Ordering::Relaxed);
    assert_eq!([Outcome::Accepted, Outcome::Failed, Outcome::Unknown].map(count), [1, 1, 1]);
}

#[test]
fn a_chunk_is_let_go_when_its_last_event_is_released() {
    let mut rig = Rig::new(policy(Receipts::All));
    let held = Arc::clone(&rig.held);
    rig.feed(&[("message", "1", "1"), ("message", "2", "2")]);
    let written = rig.poll();
    rig.accept(&written[1]);
    assert_eq!(held.load(Ordering::Relaxed), 1, "the first event is not answered");
    rig.accept(&written[0]);
    assert_eq!(held.load(Ordering::Relaxed), 0, "released, though no receipt is in");
    let place = rig.place;
    assert_eq!(rig.handset.get(place).unwrap().released(), 2);
}
