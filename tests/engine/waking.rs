//! A handset that the SMSC has no room for, or enough of: what makes it go on.

use crate::rig::{QUEUE_FULL, Rig, SYSTEM_ERROR, WRONG_NUMBER, handset, subscription};
use bellwire::codec::smpp::MessageState;
use bellwire::codec::udh::ReferenceWidth;
use bellwire::engine::clock::Now;
use bellwire::engine::receipts::{FateId, Told};
use bellwire::engine::sign::Sign;
use bellwire::model::{Order, Outcome, Policy, Priority, Receipts};
use std::sync::Arc;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

fn each_alone() -> Policy {
    Policy { max_events: 1, ttl: Duration::ZERO, ..Policy::default() }
}

/// A handset that may have so many pushes without a receipt.
fn capped(policy: Policy, most: u16) -> Rig {
    let mut rig = Rig::new(policy.clone());
    rig.handset = handset(ReferenceWidth::Bits8).capped(most);
    rig.place = rig.handset.insert(subscription(policy, ReferenceWidth::Bits8));
    // Receipts come, if not for this handset.
    let others = rig.receipts.open(1);
    let of = bellwire::engine::receipts::PushOf {
        subscription: bellwire::model::SubscriptionId::from_octets([9; 16]),
        first: 0,
        events: 1,
    };
    rig.receipts.handle_accepted(rig.now.monotonic, others, (0, b"others"), &of, &mut rig.tally);
    receipt(&mut rig, "others");
    rig
}

/// Somebody who only listens: the test asks the table itself.
struct Ear;

impl Told for Ear {
    fn handle_told(self: Arc<Self>, _: Now, _: FateId) {}
}

fn receipt(rig: &mut Rig, id: &str) {
    rig.hear(rig.now.monotonic, id.as_bytes(), MessageState::DELIVERED);
    for (_, fate) in rig.receipts.take_tidings() {
        rig.handset.handle_told(fate);
    }
}

/// Sends and accepts all that may be sent, as a link does that asks to be told of receipts.
fn run(rig: &mut Rig) -> Vec<String> {
    let mut ids = Vec::new();
    while let Some(written) = rig.poll_one() {
        ids.push(rig.accept(&written));
        if rig.handset.wants_to_be_told() {
            for fate in rig.handset.watch_for() {
                rig.receipts.watch(fate, Arc::new(Ear));
            }
        }
    }
    ids
}

fn refused() -> Rig {
    let mut rig = Rig::new(Policy { receipts: Receipts::None, ..each_alone() });
    rig.tick(1);
    let written = rig.poll_one().unwrap();
    rig.refuse(&written, QUEUE_FULL);
    assert!(rig.poll_one().is_none() && rig.handset.parking_change() == Some(true));
    rig
}

#[test]
fn any_sign_of_life_ends_a_pause_for_want_of_room() {
    for sign in [Sign::Receipt, Sign::Alert, Sign::MobileOriginated] {
        let mut rig = refused();
        rig.handset.handle_sign(rig.now, sign, &mut rig.tally);
        assert_eq!(rig.run(), ["message|1|1"]);
        assert_eq!((rig.tally.wakes[sign as usize], rig.tally.wakes.iter().sum::<u64>()), (1, 1));
        assert_eq!((rig.handset.parking_change(), rig.handset.parking_change()), (Some(false), None));
    }
}

#[test]
fn without_one_the_pause_ends_by_itself_and_each_is_longer() {
    let mut rig = refused();
    for pause in [1, 2, 4] {
        assert_eq!(rig.handset.poll_timeout(), Some(rig.now.monotonic + SECOND * pause));
        rig.advance(SECOND * pause);
        let again = rig.poll_one().unwrap();
        rig.refuse(&again, QUEUE_FULL);
    }
    assert_eq!(rig.tally.wakes[Sign::Timer as usize], 3);
}

#[test]
fn a_message_of_the_handset_says_nothing_about_a_passing_fault_but_an_alert_does() {
    let mut rig = Rig::new(Policy { receipts: Receipts::None, ..each_alone() });
    rig.tick(1);
    let written = rig.poll_one().unwrap();
    rig.refuse(&written, SYSTEM_ERROR);
    rig.handset.handle_sign(rig.now, Sign::MobileOriginated, &mut rig.tally);
    assert!(rig.poll_one().is_none());
    rig.handset.handle_sign(rig.now, Sign::Alert, &mut rig.tally);
    assert!(rig.poll_one().is_some());
}

#[test]
fn an_alert_ends_a_batch_window_for_what_waits_and_for_nothing_later() {
    let window = Policy { batch_window: MINUTE, receipts: Receipts::None, ..Policy::default() };
    let mut rig = Rig::new(window);
    rig.tick(1);
    rig.tick(2);
    assert!(rig.poll_one().is_none());
    rig.handset.handle_sign(rig.now, Sign::Alert, &mut rig.tally);
    assert_eq!(rig.handset.poll_timeout(), Some(rig.now.monotonic));
    assert_eq!(rig.run(), ["message|1|1", "message|2|2"]);
    rig.tick(3);
    assert_eq!(rig.handset.poll_timeout(), Some(rig.now.monotonic + MINUTE));
    assert!(rig.poll_one().is_none());
}

#[test]
fn a_subscription_that_is_closed_leaves_nobody_parked() {
    let mut rig = refused();
    rig.close(bellwire::model::DropReason::Deactivated);
    assert_eq!((rig.handset.parking_change(), rig.handset.is_vacant()), (Some(false), true));
}

#[test]
fn no_more_pushes_than_the_cap_are_without_a_receipt() {
    for order in [Order::Strict, Order::Pipelined] {
        let mut rig = capped(Policy { order, ..each_alone() }, 3);
        (1..=10).for_each(|number| rig.tick(number));
        let ids = run(&mut rig);
        assert_eq!(ids.len(), 3);
        assert!(!rig.handset.is_ready(rig.now), "{order:?}");
        receipt(&mut rig, &ids[0]);
        let next = run(&mut rig);
        assert_eq!(next.len(), 1, "a receipt for one makes room for one");
        receipt(&mut rig, &next[0]);
        assert_eq!(run(&mut rig).len(), 3, "an SMSC keeps the order, so those before it are over, too");
    }
}

#[test]
fn what_waits_behind_the_cap_can_still_be_batched() {
    let mut rig = capped(Policy { ttl: Duration::ZERO, ..Policy::default() }, 1);
    rig.tick(1);
    let ids = run(&mut rig);
    (2..=5).for_each(|number| rig.tick(number));
    assert!(run(&mut rig).is_empty());
    receipt(&mut rig, &ids[0]);
    assert_eq!((run(&mut rig).len(), rig.tally.pushes), (1, 2));
}

#[test]
fn segments_on_their_way_count_too() {
    let mut rig = capped(Policy { order: Order::Pipelined, ..each_alone() }, 3);
    (1..=10).for_each(|number| rig.tick(number));
    assert_eq!(rig.poll().len(), 3);
}

#[test]
fn a_push_without_a_receipt_counts_for_ten_minutes_and_an_alert_ends_that() {
    let mut rig = capped(each_alone(), 2);
    (1..=10).for_each(|number| rig.tick(number));
    assert_eq!(run(&mut rig).len(), 2);
    let over = rig.handset.poll_timeout().expect("it must not wait for ever");
    assert_eq!(over, rig.now.monotonic + MINUTE * 10);
    rig.advance(MINUTE * 10 - SECOND);
    assert!(!rig.handset.is_ready(rig.now));
    rig.advance(SECOND);
    assert!(rig.handset.is_ready(rig.now));
    assert_eq!(run(&mut rig).len(), 2);
    rig.handset.handle_sign(rig.now, Sign::Alert, &mut rig.tally);
    assert_eq!(run(&mut rig).len(), 2);
}

#[test]
fn a_receipt_that_runs_out_makes_room() {
    let mut rig = capped(each_alone(), 2);
    (1..=10).for_each(|number| rig.tick(number));
    run(&mut rig);
    rig.advance(MINUTE * 60);
    rig.receipts.handle_timeout(rig.now.monotonic, 0, &mut rig.tally);
    assert_eq!(run(&mut rig).len(), 2);
}

#[test]
fn pushes_that_ask_for_no_receipt_are_not_capped() {
    let mut rig = capped(Policy { receipts: Receipts::None, ..each_alone() }, 2);
    (1..=10).for_each(|number| rig.tick(number));
    assert_eq!(run(&mut rig).len(), 10);
}

#[test]
fn where_no_receipts_come_at_all_nothing_waits_for_them() {
    let mut rig = capped(each_alone(), 2);
    rig.advance(MINUTE * 60 * 25);
    (1..=10).for_each(|number| rig.tick(number));
    assert_eq!(run(&mut rig).len(), 10);
}

#[test]
fn it_does_not_sleep_while_pushes_of_it_count() {
    let mut rig = capped(each_alone(), 2);
    rig.tick(1);
    let ids = run(&mut rig);
    assert!(!rig.handset.may_sleep(rig.now, &rig.receipts, 0));
    receipt(&mut rig, &ids[0]);
    assert!(rig.handset.may_sleep(rig.now, &rig.receipts, 0));
}

#[test]
fn it_stands_in_line_for_the_most_urgent_that_it_has_to_send() {
    let of = |priority| Policy { priority, ..each_alone() };
    let mut rig = Rig::new(of(Priority::Low));
    assert_eq!(rig.handset.priority(), Priority::Low as u8);
    let urgent = rig.handset.insert(subscription(of(Priority::Urgent), ReferenceWidth::Bits8));
    rig.tick(1);
    assert_eq!(rig.handset.priority(), Priority::Low as u8, "the urgent one has nothing");
    let low = std::mem::replace(&mut rig.place, urgent);
    rig.next_is(0);
    rig.tick(1);
    assert_eq!(rig.handset.priority(), Priority::Urgent as u8);
    rig.place = low;
}

/// Nothing of a push that cannot arrive whole goes on, whatever is said about its other segments.
#[test]
fn a_push_of_which_a_segment_is_refused_for_good_is_over() {
    for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0]] {
        let mut rig =
            Rig::new(Policy { receipts: Receipts::None, max_segments: 5.try_into().unwrap(), ..each_alone() });
        rig.feed(&[("quote", &"x".repeat(520), "")]);
        rig.tick(2);
        let sent: Vec<_> = std::iter::from_fn(|| rig.poll_one()).take(3).collect();
        assert_eq!(sent.len(), 3, "of five");
        rig.refuse(&sent[order[0]], WRONG_NUMBER);
        assert!(rig.poll_one().is_none(), "nor anything before it is settled");
        rig.refuse(&sent[order[1]], QUEUE_FULL);
        rig.lose(&sent[order[2]], true);
        assert_eq!((rig.settled(Outcome::Failed), rig.tally.segments), (1, 3));
        rig.advance(MINUTE);
        assert_eq!(rig.run(), ["message|2|2"]);
    }
}
