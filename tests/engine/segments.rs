//! Pushes in several segments: they travel and end together.

use crate::rig::{Rig, WRONG_NUMBER};
use bellwire::codec::smpp::MessageState;
use bellwire::codec::udh;
use bellwire::model::{Order, Outcome, Policy, Receipts};
use std::collections::HashSet;

fn policy(receipts: Receipts) -> Policy {
    Policy { receipts, ..Policy::default() }
}

fn long(rig: &mut Rig, mark: char) -> String {
    let data = mark.to_string().repeat(250);
    rig.feed(&[("quote", &data, "42")]);
    data
}

#[test]
fn segments_make_one_push_in_any_order() {
    let mut rig = Rig::new(policy(Receipts::None));
    let data = long(&mut rig, 'x');
    let mut written = rig.poll();
    assert_eq!(written.len(), 3);
    written.reverse();
    let seen: Vec<String> = written.iter().flat_map(|one| rig.receive(one)).collect();
    assert_eq!(seen, [format!("quote|{data}|42")]);
}

#[test]
fn a_push_is_accepted_with_its_last_segment() {
    let mut rig = Rig::new(policy(Receipts::None));
    long(&mut rig, 'x');
    let written = rig.poll();
    rig.accept(&written[2]);
    rig.accept(&written[0]);
    assert_eq!(rig.all_settled(), 0);
    rig.accept(&written[1]);
    assert_eq!(rig.settled(Outcome::Accepted), 1);
}

#[test]
fn a_segment_refused_for_good_withholds_those_not_sent() {
    let mut rig = Rig::new(policy(Receipts::None));
    long(&mut rig, 'x');
    let first = rig.poll_one().unwrap();
    let second = rig.poll_one().unwrap();
    rig.refuse(&first, WRONG_NUMBER);
    assert!(rig.poll().is_empty(), "the third is withheld");
    assert_eq!(rig.all_settled(), 0, "the second is not answered");
    rig.accept(&second);
    assert_eq!(rig.settled(Outcome::Failed), 1);
    assert_eq!(rig.tally.segments, 2);
}

#[test]
fn a_repeated_segment_is_the_same_to_the_octet_and_its_reference_rests() {
    let mut rig = Rig::new(policy(Receipts::None));
    long(&mut rig, 'x');
    let written = rig.poll();
    rig.lose(&written[1], true);
    let again = rig.poll();
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].short_message(), written[1].short_message());
    [&written[0], &written[2], &again[0]].into_iter().for_each(|one| {
        rig.accept(one);
    });
    let resting = reference(&written[0].short_message());
    for _ in 0..600 {
        long(&mut rig, 'y');
        let written = rig.poll();
        assert_ne!(reference(&written[0].short_message()), resting, "30 days");
        written.iter().for_each(|one| {
            rig.accept(one);
        });
    }
}

#[test]
fn references_of_pushes_outstanding_differ_and_none_is_zero() {
    let mut rig = Rig::new(Policy { order: Order::Pipelined, max_events: 1, ..policy(Receipts::None) });
    for _ in 0..100 {
        long(&mut rig, 'x');
    }
    let written = rig.poll();
    let references: HashSet<u16> = written.iter().map(|one| reference(&one.short_message())).collect();
    assert_eq!((written.len(), references.len()), (300, 100));
    assert!(!references.contains(&0));
}

#[test]
fn an_event_is_delivered_when_all_its_segments_are() {
    let mut rig = Rig::new(policy(Receipts::All));
    long(&mut rig, 'x');
    let written = rig.poll();
    let ids: Vec<String> = written.iter().map(|one| rig.accept(one)).collect();
    let now = rig.now.monotonic;
    for id in &ids[..2] {
        rig.hear(now, id.as_bytes(), MessageState::DELIVERED);
    }
    assert_eq!(rig.all_settled(), 0);
    rig.hear(now, ids[2].as_bytes(), MessageState::DELIVERED);
    assert_eq!(rig.settled(Outcome::Delivered), 1);
}

fn reference(short_message: &[u8]) -> u16 {
    match udh::decode(short_message).unwrap().0.concatenation.unwrap().reference() {
        udh::Reference::Bits8(reference) => reference.into(),
        udh::Reference::Bits16(reference) => reference,
    }
}
