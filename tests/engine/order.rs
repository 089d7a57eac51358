//! Which push may go, and which goes first.

use crate::rig::{QUEUE_FULL, Rig, SYSTEM_ERROR, THROTTLED, subscription};
use bellwire::codec::udh::ReferenceWidth;
use bellwire::engine::verdict::Verdict;
use bellwire::model::{Order, Outcome, Policy, Receipts};
use std::time::Duration;

fn policy(order: Order) -> Policy {
    Policy { order, max_events: 1, receipts: Receipts::None, ..Policy::default() }
}

#[test]
fn strict_order_has_one_push_outstanding() {
    let mut rig = Rig::new(policy(Order::Strict));
    (1..=3).for_each(|number| rig.tick(number));
    for number in 1..=3 {
        let written = rig.poll();
        assert_eq!(written.len(), 1);
        assert_eq!(rig.receive(&written[0]), [format!("message|{number}|{number}")]);
        rig.accept(&written[0]);
    }
    assert!(rig.poll().is_empty());
}

#[test]
fn pipelined_order_has_many_and_refused_ones_go_before_anything_new() {
    let mut rig = Rig::new(policy(Order::Pipelined));
    (1..=4).for_each(|number| rig.tick(number));
    let written = rig.poll();
    assert_eq!(written.len(), 4);
    rig.tick(5);
    assert_eq!(rig.refuse(&written[1], THROTTLED), Verdict::HoldLink);
    rig.accept(&written[2]);
    let again = rig.poll();
    let seen: Vec<String> = again.iter().flat_map(|one| rig.receive(one)).collect();
    assert_eq!(seen, ["message|2|2", "message|5|5"]);
    rig.accept(&again[0]);
    assert_eq!(rig.tally.reordered, 1, "2 was accepted after 3");
}

#[test]
fn two_subscriptions_of_a_handset_share_its_order() {
    let mut rig = Rig::new(policy(Order::Strict));
    let other = rig.handset.insert(subscription(policy(Order::Strict), ReferenceWidth::Bits8));
    let chunk = rig.chunk(&[("message", "both", "1")], None);
    rig.handset.handle_chunk(rig.now, rig.place, &chunk, &mut rig.tally);
    rig.handset.handle_chunk(rig.now, other, &chunk, &mut rig.tally);
    let first = rig.poll();
    assert_eq!(first.len(), 1, "strict order is the handset's");
    rig.accept(&first[0]);
    let second = rig.poll();
    assert_eq!(second.len(), 1, "then it is the other's turn");
    rig.accept(&second[0]);
    assert!(rig.poll().is_empty());
}

#[test]
fn a_full_queue_parks_the_handset_longer_each_time() {
    let mut rig = Rig::new(policy(Order::Strict));
    rig.tick(1);
    let mut written = rig.poll();
    for pause in [1, 2, 4, 8] {
        assert_eq!(rig.refuse(&written[0], QUEUE_FULL), Verdict::ParkHandset);
        assert!(rig.poll().is_empty());
        let due = rig.handset.poll_timeout().unwrap();
        assert_eq!(due - rig.now.monotonic, Duration::from_secs(pause));
        rig.advance(Duration::from_secs(pause));
        written = rig.poll();
        assert_eq!(written.len(), 1);
    }
    rig.accept(&written[0]);
    rig.tick(2);
    let next = rig.poll();
    rig.refuse(&next[0], QUEUE_FULL);
    assert_eq!(rig.handset.poll_timeout().unwrap() - rig.now.monotonic, Duration::from_secs(1), "it starts over");
}

#[test]
fn a_throttled_push_waits_for_its_link_and_not_by_itself() {
    let mut rig = Rig::new(policy(Order::Strict));
    rig.tick(1);
    let written = rig.poll();
    assert_eq!(rig.refuse(&written[0], THROTTLED), Verdict::HoldLink);
    assert!(rig.handset.is_ready(rig.now), "the link holds, the handset is ready");
}

#[test]
fn a_passing_fault_is_tried_a_few_times_and_then_given_up() {
    let mut rig = Rig::new(policy(Order::Strict));
    rig.tick(1);
    let mut tries = 0;
    while let Some(written) = rig.poll_one() {
        tries += 1;
        rig.refuse(&written, SYSTEM_ERROR);
        rig.advance(Duration::from_secs(60));
    }
    assert_eq!(tries, 6, "once and five times again");
    assert_eq!(rig.all_settled(), 1);
}

#[test]
fn a_push_that_was_held_has_its_tries_left() {
    let mut rig = Rig::new(policy(Order::Strict));
    rig.tick(1);
    for _ in 0..10 {
        let written = rig.poll();
        assert_eq!(rig.refuse(&written[0], THROTTLED), Verdict::HoldLink);
    }
    let written = rig.poll();
    assert_eq!(rig.refuse(&written[0], SYSTEM_ERROR), Verdict::Retry);
    rig.advance(Duration::from_secs(1));
    let written = rig.poll();
    rig.accept(&written[0]);
    assert_eq!(rig.settled(Outcome::Accepted), 1);
}

#[test]
fn several_refusals_at_once_are_one_pause() {
    let mut rig = Rig::new(policy(Order::Pipelined));
    (1..=4).for_each(|number| rig.tick(number));
    for written in rig.poll() {
        rig.refuse(&written, QUEUE_FULL);
    }
    assert_eq!(rig.handset.poll_timeout().unwrap() - rig.now.monotonic, Duration::from_secs(1));
    rig.advance(Duration::from_secs(1));
    assert_eq!(rig.poll().len(), 4);
}
