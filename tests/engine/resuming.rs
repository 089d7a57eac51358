//! A process goes on from what another saved.

use crate::rig::{Rig, Written, subscription};
use bellwire::codec::segments;
use bellwire::codec::udh::ReferenceWidth;
use bellwire::engine::chunk::Chunk;
use bellwire::engine::progress::{HandsetProgress, Progress, Saved};
use bellwire::engine::subscription::{Backlog, BacklogRule, Subscription, Taken};
use bellwire::model::{DropReason, Order, Outcome, Policy, Receipts};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn policy(order: Order) -> Policy {
    Policy { order, max_events: 1, receipts: Receipts::None, ..Policy::default() }
}

fn feed(rig: &mut Rig, events: &[(&str, &str, &str)]) -> Arc<Chunk> {
    let chunk = rig.chunk(events, None);
    rig.handset.handle_chunk(rig.now, rig.place, &chunk, &mut rig.tally);
    chunk
}

fn save(rig: &mut Rig) -> (Progress, HandsetProgress) {
    let (mut subscription, mut handset) = (Progress::default(), HandsetProgress::default());
    rig.handset.save(rig.now, &mut |saved| match saved {
        Saved::Subscription(_, progress) => subscription = progress,
        Saved::Handset(progress) => handset = progress,
    });
    (subscription, handset)
}

fn kill(rig: &mut Rig, policy: Policy, resend: bool) {
    let (progress, handset) = save(rig);
    let octets = postcard::to_allocvec(&progress).unwrap();
    let progress = postcard::from_bytes(&octets).unwrap();
    rig.restart(subscription(policy, rig.handset.cut()), &(progress, handset), resend);
}

fn messages(written: &[Written]) -> Vec<Vec<u8>> {
    written.iter().map(Written::short_message).collect()
}

#[test]
fn what_was_open_goes_again_octet_for_octet_before_anything_new() {
    let policy = policy(Order::Pipelined);
    let mut rig = Rig::new(policy.clone());
    let long = "x".repeat(150);
    let first = feed(&mut rig, &[("t", "a", "1"), ("t", &long, "2"), ("t", "b", "3"), ("t", "c", "4")]);
    let written = rig.poll();
    assert_eq!(written.len(), 5);
    rig.accept(&written[3]);
    kill(&mut rig, policy, true);
    assert!(rig.poll().is_empty(), "its events have not come");
    rig.replay(&first);
    feed(&mut rig, &[("t", "d", "5")]);
    let again = rig.poll();
    let open: Vec<Written> = [0, 1, 2, 4].map(|at| written[at].clone()).into();
    assert_eq!(messages(&again[..4]), messages(&open));
    assert_eq!((again.len(), rig.tally.resent), (5, 4));
    assert_eq!(rig.receive(&again[4]), ["t|d|5"]);
    again.iter().for_each(|one| _ = rig.accept(one));
    assert_eq!((rig.settled(Outcome::Accepted), rig.all_settled()), (5, 5));
    let (progress, handset) = save(&mut rig);
    assert_eq!(progress, Progress { released: 5, ..Progress::default() });
    assert_eq!(handset.quarantined.len(), 1, "parts of the long one may lie on the handset");
}

#[test]
fn in_strict_order_a_push_is_formed_again_alone() {
    let policy = Policy { max_events: 0, ..policy(Order::Strict) };
    let mut rig = Rig::new(policy.clone());
    let chunk = feed(&mut rig, &[("t", "a", "1"), ("t", "b", "2")]);
    let written = rig.poll();
    kill(&mut rig, policy, true);
    rig.replay(&chunk);
    feed(&mut rig, &[("t", "c", "3")]);
    let again = rig.poll();
    assert_eq!(messages(&again), messages(&written), "the third waits for its turn");
    rig.accept(&again[0]);
    assert_eq!(rig.run(), ["t|c|3"]);
}

#[test]
fn a_push_waits_for_the_rest_of_its_events_and_asks_for_no_time() {
    let policy = Policy { max_events: 0, ..policy(Order::Strict) };
    let mut rig = Rig::new(policy.clone());
    let chunks = [feed(&mut rig, &[("t", "a", "1")]), feed(&mut rig, &[("t", "b", "2")])];
    let written = rig.poll();
    kill(&mut rig, policy, true);
    rig.replay(&chunks[0]);
    assert!(rig.poll().is_empty());
    assert_eq!(rig.handset.poll_timeout(), None);
    rig.replay(&chunks[1]);
    assert_eq!(messages(&rig.poll()), messages(&written));
}

#[test]
fn with_resend_never_what_was_sent_ends_unknown_and_the_rest_goes() {
    let policy = policy(Order::Pipelined);
    let mut rig = Rig::new(policy.clone());
    let chunk = feed(&mut rig, &[("t", "a", "1"), ("t", "b", "2"), ("t", "c", "3")]);
    let written = rig.poll();
    rig.refuse(&written[1], crate::rig::THROTTLED);
    kill(&mut rig, policy, false);
    rig.replay(&chunk);
    let again = rig.poll();
    assert_eq!(messages(&again), messages(&written[1..2]), "it was refused: nobody has it");
    rig.accept(&again[0]);
    assert_eq!((rig.settled(Outcome::Unknown), rig.settled(Outcome::Accepted), rig.tally.resent), (2, 1, 0));
}

#[test]
fn a_push_whose_events_are_partly_gone_is_formed_afresh_and_tells() {
    let policy = Policy { max_events: 0, ..policy(Order::Strict) };
    let mut rig = Rig::new(policy.clone());
    let chunks = [feed(&mut rig, &[("t", "a", "1"), ("t", "b", "2")]), feed(&mut rig, &[("t", "c", "3")])];
    assert_eq!(rig.poll().len(), 1);
    kill(&mut rig, policy, true);
    rig.replay(&chunks[1]);
    let again = rig.poll();
    assert_eq!(rig.receive_body(&again[0]).unwrap(), b":gap 2\nid:3\nevent:t\ndata:c\n\n");
    rig.accept(&again[0]);
    assert_eq!((rig.dropped(DropReason::Lagged), rig.all_settled(), rig.tally.resent), (2, 3, 1));
}

#[test]
fn a_push_that_told_of_a_gap_and_a_notice_is_the_same_again() {
    let policy = Policy { max_events: 0, ..policy(Order::Strict) };
    let mut rig = Rig::new(policy.clone());
    let _missing = rig.chunk(&[("t", "a", "1")], None);
    let chunk = feed(&mut rig, &[("t", &"x".repeat(500), "2"), ("t", "b", "3")]);
    let written = rig.poll();
    kill(&mut rig, policy.clone(), true);
    rig.replay(&chunk);
    assert_eq!(messages(&rig.poll()), messages(&written));
    // Whoever is killed again before an answer came goes on from there.
    kill(&mut rig, policy, true);
    rig.replay(&chunk);
    let again = rig.poll();
    assert_eq!(messages(&again), messages(&written));
    assert!(rig.receive_body(&again[0]).unwrap().starts_with(b":gap 1\nid:2\nevent:t\ndata\n\n"));
}

#[test]
fn time_goes_on_between_two_processes_whatever_the_wall_clock_does() {
    for (jump_ms, expired) in [(30_000, 0), (90_000, 1), (-500_000i64, 0), (i64::MAX, 1)] {
        let policy = Policy { ttl: 60 * SECOND, ..policy(Order::Strict) };
        let mut rig = Rig::new(policy.clone());
        let chunk = feed(&mut rig, &[("t", "a", "1")]);
        rig.poll();
        let (progress, handset) = save(&mut rig);
        rig.now.unix_ms = rig.now.unix_ms.saturating_add_signed(jump_ms);
        rig.restart(subscription(policy, rig.handset.cut()), &(progress, handset), true);
        rig.replay(&chunk);
        let again = rig.poll();
        assert_eq!((rig.settled(Outcome::Expired), again.len() as u64), (expired, 1 - expired), "{jump_ms}");
    }
}

#[test]
fn whoever_has_pushes_to_form_again_is_not_quiet_and_ends_them_when_it_is_closed() {
    let policy = policy(Order::Pipelined);
    let mut rig = Rig::new(policy.clone());
    feed(&mut rig, &[("t", "a", "1"), ("t", "b", "2"), ("t", "c", "3"), ("t", "d", "4")]);
    let written = rig.poll();
    rig.accept(&written[2]);
    rig.refuse(&written[3], crate::rig::THROTTLED);
    kill(&mut rig, policy, true);
    let place = rig.place;
    assert!(!rig.handset.get(place).unwrap().is_quiet());
    rig.close(DropReason::Deactivated);
    let ends = (rig.settled(Outcome::Unknown), rig.dropped(DropReason::Deactivated), rig.all_settled());
    assert_eq!(ends, (2, 1, 4), "with the one that was accepted before");
    assert!(rig.handset.is_vacant());
}

#[test]
fn a_push_formed_again_and_not_sent_yet_is_unknown_when_its_subscription_ends() {
    let policy = Policy { order: Order::Pipelined, ..policy(Order::Pipelined) };
    let mut rig = Rig::new(policy.clone());
    let chunk = feed(&mut rig, &[("t", "a", "1")]);
    let written = rig.poll();
    kill(&mut rig, policy, true);
    rig.replay(&chunk);
    let again = rig.poll();
    assert_eq!(messages(&again), messages(&written));
    rig.refuse(&again[0], crate::rig::THROTTLED);
    rig.close(DropReason::Deactivated);
    assert_eq!((rig.settled(Outcome::Unknown), rig.all_settled()), (1, 1));
}

#[test]
fn a_subscription_that_fails_keeps_what_it_has_still_to_form_again() {
    let policy = policy(Order::Pipelined);
    let mut rig = Rig::new(policy.clone());
    let chunks = [feed(&mut rig, &[("t", "a", "1")]), feed(&mut rig, &[("t", "b", "2"), ("t", "c", "3")])];
    let written = rig.poll();
    kill(&mut rig, policy.clone(), true);
    rig.replay(&chunks[0]);
    assert_eq!(rig.poll().len(), 1);
    let place = rig.place;
    let old = rig.handset.take(place).unwrap();
    let mut fresh = subscription(policy, rig.handset.cut());
    fresh.handle_restart(&old);
    rig.place = rig.handset.insert(fresh);
    chunks.iter().for_each(|chunk| _ = rig.replay(chunk));
    let again = rig.poll();
    assert_eq!(messages(&again[1..]), messages(&written[1..]));
    again.iter().for_each(|one| _ = rig.accept(one));
    assert_eq!((rig.all_settled(), rig.settled(Outcome::Accepted)), (3, 3));
}

#[test]
fn whoever_has_one_push_to_form_again_does_not_fall_asleep() {
    let policy = policy(Order::Strict);
    let mut rig = Rig::new(policy.clone());
    feed(&mut rig, &[("t", "a", "1")]);
    rig.poll();
    kill(&mut rig, policy, true);
    save(&mut rig);
    let place = rig.place;
    assert_eq!(rig.handset.put_to_sleep(rig.now, place), None);
}

#[test]
fn a_full_backlog_takes_the_rest_of_a_push_that_is_to_be_formed_again() {
    let policy = Policy { max_events: 0, ..policy(Order::Strict) };
    let mut rig = Rig::new(policy.clone());
    let long = "x".repeat(400);
    let chunks = [
        feed(&mut rig, &[("t", "a", "1"), ("t", &long, "2"), ("t", &long, "3")]),
        feed(&mut rig, &[("t", "b", "4"), ("t", &long, "5")]),
    ];
    let written = rig.poll();
    let (progress, handset) = save(&mut rig);
    assert!(progress.open[0].first < 3 && progress.open[0].end() > 3, "{progress:?}");
    // Room for the first chunk, and not for both.
    let backlog = Backlog { limit: chunks[0].octets() + 1, rule: BacklogRule::Refuse };
    rig.restart(subscription_with(policy, backlog), &(progress, handset), true);
    assert_eq!(chunks.each_ref().map(|chunk| rig.replay(chunk)), [Taken::Whole; 2]);
    assert_eq!(messages(&rig.poll()), messages(&written));
}

#[test]
fn whoever_is_behind_is_given_the_rest_of_a_push_that_is_to_be_formed_again() {
    let policy = Policy { max_events: 2, ..policy(Order::Strict) };
    let mut rig = Rig::new(Policy { order: Order::Pipelined, ..policy.clone() });
    let chunks = [
        feed(&mut rig, &[("t", "a", "1"), ("t", "b", "2"), ("t", "c", "3")]),
        feed(&mut rig, &[("t", "d", "4"), ("t", "e", "5")]),
    ];
    let written = rig.poll();
    let saved = save(&mut rig);
    let backlog = Backlog { limit: chunks[0].octets() + 1, rule: BacklogRule::Refuse };
    rig.restart(subscription_with(policy, backlog), &saved, true);
    assert_eq!(chunks.each_ref().map(|chunk| rig.replay(chunk)), [Taken::Whole, Taken::Full]);
    let calls = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&calls);
    let place = rig.place;
    let roomy = Arc::new(move || _ = count.fetch_add(1, Ordering::Relaxed));
    rig.handset.get(place).unwrap().call_when_roomy(roomy);
    let again = rig.poll();
    assert_eq!(messages(&again), messages(&written[..1]));
    rig.accept(&again[0]);
    assert!(rig.poll().is_empty());
    assert_eq!(calls.load(Ordering::Relaxed), 1, "though more than half of its backlog is full");
    rig.handset.get(place).unwrap().catch_up();
    assert_eq!(rig.replay(&chunks[1]), Taken::Whole);
    assert_eq!(messages(&rig.poll()), messages(&written[1..2]));
}

#[test]
fn a_push_that_would_have_another_number_of_segments_is_formed_afresh() {
    let policy = policy(Order::Strict);
    let mut rig = Rig::new(policy.clone());
    // With a reference of 16 bits each of two segments holds an octet less.
    let envelope = subscription(policy.clone(), ReferenceWidth::Bits8).envelope().octets();
    let room = 2 * (segments::capacity(2, ReferenceWidth::Bits8) / 2) - envelope;
    let chunk = feed(&mut rig, &[("t", &"x".repeat(room - "event:t\ndata:\n\n".len()), "")]);
    assert_eq!(rig.poll().len(), 2);
    let saved = save(&mut rig);
    rig.handset = crate::rig::handset(ReferenceWidth::Bits16);
    rig.restart(subscription(policy, ReferenceWidth::Bits16), &saved, true);
    rig.replay(&chunk);
    assert_eq!((rig.run().len(), rig.all_settled(), rig.tally.resent), (1, 1, 2));
    assert!(rig.handset.memo(rig.now).is_none());
}

#[test]
fn whoever_is_killed_again_at_once_still_counts_what_was_sent() {
    let policy = policy(Order::Strict);
    let mut rig = Rig::new(policy.clone());
    let chunk = feed(&mut rig, &[("t", "a", "1")]);
    rig.poll();
    for resent in 1..4 {
        kill(&mut rig, policy.clone(), true);
        rig.replay(&chunk);
        let again = rig.poll();
        rig.refuse(&again[0], crate::rig::THROTTLED);
        assert_eq!(rig.tally.resent, resent);
    }
}

fn subscription_with(policy: Policy, backlog: Backlog) -> Subscription {
    let envelope = subscription(policy.clone(), ReferenceWidth::Bits8).envelope().clone();
    Subscription::new("0".repeat(32).parse().unwrap(), policy, envelope, ReferenceWidth::Bits8, 0, backlog)
}
