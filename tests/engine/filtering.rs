//! Events of a type that is not wanted end by themselves, and the others go as if there were none of them.

use crate::rig::{Rig, Written, subscription};
use bellwire::codec::smpp::MessageState;
use bellwire::codec::udh::ReferenceWidth;
use bellwire::engine::chunk::{Chunk, Watch};
use bellwire::engine::progress::{HandsetProgress, Progress, Saved};
use bellwire::model::{Content, EventTypes, Ids, Order, Outcome, Policy, Receipts};
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn policy() -> Policy {
    let types = EventTypes::new(["price", "alert"]).unwrap();
    Policy { types, receipts: Receipts::None, ttl: Duration::ZERO, ..Policy::default() }
}

const MIXED: [(&str, &str, &str); 6] = [
    ("noise", "0", "0"),
    ("price", "1", "a"),
    ("noise", "2", "b"),
    ("alert", "3", "b"),
    ("noise", "4", "4"),
    ("noise", "5", "5"),
];

fn messages(written: &[Written]) -> Vec<Vec<u8>> {
    written.iter().map(Written::short_message).collect()
}

fn save(rig: &mut Rig) -> (Progress, HandsetProgress) {
    let mut saved = (Progress::default(), HandsetProgress::default());
    rig.handset.save(rig.now, &mut |what| match what {
        Saved::Subscription(_, progress) => saved.0 = progress,
        Saved::Handset(progress) => saved.1 = progress,
    });
    saved
}

#[test]
fn one_push_has_what_is_wanted_and_nothing_else() {
    let mut rig = Rig::new(policy());
    let place = rig.place;
    rig.handset.get(place).unwrap().handle_attached(0);
    rig.feed(&MIXED);
    assert_eq!((rig.settled(Outcome::Filtered), rig.handset.load()), (4, (2, 0)), "they have ended before any push");
    let written = rig.poll();
    assert_eq!(written.len(), 1);
    assert_eq!(rig.receive(&written[0]), ["price|1|a", "alert|3|b"]);
    rig.accept(&written[0]);
    assert_eq!((rig.settled(Outcome::Accepted), rig.all_settled(), rig.tally.gaps), (2, 6, 0));
    let one = rig.handset.get(place).unwrap();
    assert_eq!((one.released(), one.is_quiet()), (6, true));
    assert_eq!(rig.held.load(Ordering::Relaxed), 0);
}

#[test]
fn what_is_not_wanted_is_let_go_though_a_push_is_outstanding() {
    let mut rig = Rig::new(policy());
    rig.feed(&[("price", "0", "0")]);
    let written = rig.poll();
    for _ in 0..1000 {
        rig.feed(&[("noise", "1", "1"), ("noise", "2", "2")]);
    }
    assert_eq!((rig.settled(Outcome::Filtered), rig.held.load(Ordering::Relaxed)), (2000, 1));
    rig.accept(&written[0]);
    let place = rig.place;
    assert_eq!((rig.handset.get(place).unwrap().released(), rig.poll().len()), (2001, 0));
}

#[test]
fn a_push_is_full_of_wanted_events() {
    let mut rig = Rig::new(Policy { max_events: 2, batch_window: 60 * SECOND, ..policy() });
    rig.feed(&MIXED[..3]);
    assert!(rig.poll().is_empty(), "one is wanted");
    rig.feed(&MIXED);
    assert_eq!(rig.run(), ["price|1|a", "price|1|a"]);
    rig.advance(60 * SECOND);
    assert_eq!(rig.run(), ["alert|3|b"]);
}

#[test]
fn a_batch_window_begins_with_a_wanted_event() {
    let mut rig = Rig::new(Policy { batch_window: 10 * SECOND, ..policy() });
    rig.feed(&MIXED[..1]);
    assert_eq!(rig.handset.poll_timeout(), None);
    rig.advance(5 * SECOND);
    rig.feed(&MIXED[1..2]);
    assert_eq!(rig.handset.poll_timeout(), Some(rig.now.monotonic + 10 * SECOND));
}

#[test]
fn events_without_a_type_are_messages() {
    let mut rig = Rig::new(Policy { types: EventTypes::new(["message"]).unwrap(), ..policy() });
    rig.feed(&MIXED);
    rig.tick(7);
    assert_eq!(rig.run(), ["message|7|7"]);
}

#[test]
fn a_wake_names_the_newest_wanted_event() {
    let mut rig = Rig::new(Policy { content: Content::Wake, ..policy() });
    rig.feed(&MIXED);
    assert_eq!(rig.run(), ["bellwire-wake||b"]);
    assert_eq!((rig.settled(Outcome::Accepted), rig.settled(Outcome::Filtered)), (2, 4));
    rig.feed(&MIXED[4..]);
    assert!(rig.run().is_empty());
}

#[test]
fn ids_of_ours_are_those_of_the_events() {
    let mut rig = Rig::new(Policy { ids: Ids::All, ..policy() });
    rig.feed(&[("price", "0", ""), ("noise", "1", ""), ("price", "2", ""), ("noise", "3", "x"), ("alert", "4", "x")]);
    assert_eq!(rig.run(), ["price|0|~0.0", "price|2|~0.2", "alert|4|x"]);
}

#[test]
fn whoever_watches_learns_of_them() {
    let mut rig = Rig::new(policy());
    let counts: Arc<[AtomicU64; Outcome::LABELS.len()]> = Arc::default();
    let told = Arc::clone(&counts);
    let watch: Watch = Arc::new(move |outcome, events| _ = told[outcome.index()].fetch_add(events, Ordering::Relaxed));
    let chunk = rig.chunk(&MIXED, Some(watch));
    rig.handset.handle_chunk(rig.now, rig.place, &chunk, &mut rig.tally);
    let count = |outcome: Outcome| counts[outcome.index()].load(Ordering::Relaxed);
    assert_eq!([Outcome::Filtered, Outcome::Accepted].map(count), [4, 0]);
    rig.run();
    assert_eq!([Outcome::Filtered, Outcome::Accepted].map(count), [4, 2]);
}

#[test]
fn a_receipt_counts_for_the_events_of_its_push() {
    let mut rig = Rig::new(Policy { receipts: Receipts::All, ..policy() });
    rig.feed(&MIXED);
    let written = rig.poll();
    let id = rig.accept(&written[0]);
    rig.receipts.handle_receipt(rig.now.monotonic, id.as_bytes(), MessageState::DELIVERED, &mut rig.tally);
    assert_eq!((rig.settled(Outcome::Delivered), rig.all_settled()), (2, 6));
}

#[test]
fn events_that_were_lost_are_told_and_unwanted_ones_are_not() {
    let mut rig = Rig::new(policy());
    rig.feed(&MIXED);
    rig.next_is(10);
    rig.feed(&MIXED[1..3]);
    let written = rig.poll();
    let body = rig.receive_body(&written[0]).unwrap();
    assert!(!body.starts_with(b":gap"));
    rig.accept(&written[0]);
    let written = rig.poll();
    assert!(rig.receive_body(&written[0]).unwrap().starts_with(b":gap 4\n"), "nobody knows what those were");
}

#[test]
fn a_change_of_policy_counts_for_what_waits() {
    let mut rig = Rig::new(policy());
    rig.feed(&[("price", "0", "0")]);
    let first = rig.poll();
    rig.feed(&[("alert", "1", "1"), ("price", "2", "2"), ("alert", "3", "3")]);
    let place = rig.place;
    let types = EventTypes::new(["price", "noise"]).unwrap();
    rig.handset.get(place).unwrap().set_policy(Policy { types, ..policy() });
    rig.accept(&first[0]);
    assert_eq!(rig.run(), ["price|2|2"]);
    rig.handset.get(place).unwrap().set_policy(Policy { types: EventTypes::default(), ..policy() });
    rig.feed(&MIXED[4..]);
    assert_eq!(rig.run(), ["noise|4|4", "noise|5|5"]);
    assert_eq!((rig.settled(Outcome::Filtered), rig.all_settled()), (2, 6));
}

#[test]
fn a_push_around_unwanted_events_is_formed_again_as_it_was() {
    let others = Policy { types: EventTypes::default(), ..policy() };
    for (after, content) in [(policy(), Content::All), (others, Content::All), (policy(), Content::Wake)] {
        let policy = Policy { order: Order::Pipelined, max_events: 2, content, ..policy() };
        let mut rig = Rig::new(policy.clone());
        let chunks: Vec<Arc<Chunk>> = (0..4).map(|_| rig.chunk(&MIXED, None)).collect();
        chunks.iter().for_each(|chunk| _ = rig.handset.handle_chunk(rig.now, rig.place, chunk, &mut rig.tally));
        let written = rig.poll();
        assert!(written.len() >= if content == Content::All { 4 } else { 1 });
        let saved = save(&mut rig);
        let filtered = rig.settled(Outcome::Filtered);
        rig.restart(subscription(Policy { order: Order::Pipelined, ..after }, ReferenceWidth::Bits8), &saved, true);
        chunks.iter().for_each(|chunk| _ = rig.replay(chunk));
        let again = rig.poll();
        assert_eq!(messages(&again), messages(&written));
        again.iter().for_each(|one| _ = rig.accept(one));
        assert_eq!((rig.settled(Outcome::Filtered), rig.all_settled()), (filtered, 24), "no event is counted twice");
    }
}

#[test]
fn what_is_not_remembered_yet_is_looked_at_later_and_never_sent() {
    for order in [Order::Strict, Order::Pipelined] {
        let mut rig = Rig::new(Policy { order, ..policy() });
        let mixed: Vec<(&str, &str, &str)> = MIXED[..2].iter().copied().cycle().take(40_000).collect();
        rig.feed(&mixed);
        assert!((8000..9000).contains(&rig.settled(Outcome::Filtered)), "{}", rig.settled(Outcome::Filtered));
        let seen = rig.run();
        assert_eq!((seen.len(), seen.iter().all(|event| event == "price|1|a")), (20_000, true));
        assert_eq!((rig.settled(Outcome::Filtered), rig.settled(Outcome::Accepted)), (20_000, 20_000));
    }
}

proptest! {
    #[test]
    fn what_is_wanted_arrives_as_if_there_were_nothing_else(
        feeds in prop::collection::vec(prop::collection::vec((0usize..4, 0usize..60), 1..8), 1..30),
        max_events in 0u32..4,
        window in 0u32..3,
        all_ids in any::<bool>(),
    ) {
        let kinds = ["price", "noise", "alert", "other"];
        let ids = if all_ids { Ids::All } else { Ids::Origin };
        let policy = Policy { max_events, batch_window: window * SECOND, ids, ..policy() };
        let mut rig = Rig::new(policy.clone());
        let mut plain = Rig::new(Policy { types: EventTypes::default(), ..policy });
        let mut number = 0;
        for feed in &feeds {
            let said: Vec<_> = feed.iter().map(|(kind, octets)| {
                number += 1;
                (kinds[*kind], "d".repeat(*octets), number.to_string())
            }).collect();
            let events: Vec<_> = said.iter().map(|(kind, data, id)| (*kind, data.as_str(), id.as_str())).collect();
            let wanted: Vec<_> = events.iter().filter(|event| ["price", "alert"].contains(&event.0)).copied().collect();
            rig.feed(&events);
            if !wanted.is_empty() {
                plain.feed(&wanted);
            }
            prop_assert_eq!(rig.run(), plain.run());
            prop_assert_eq!(rig.tally.pushes, plain.tally.pushes);
            prop_assert_eq!(rig.handset.poll_timeout(), plain.handset.poll_timeout());
            rig.advance(SECOND);
            plain.advance(SECOND);
        }
        rig.advance(10 * SECOND);
        plain.advance(10 * SECOND);
        prop_assert_eq!(rig.run(), plain.run());
        prop_assert_eq!(rig.settled(Outcome::Accepted), plain.settled(Outcome::Accepted));
        prop_assert_eq!(rig.settled(Outcome::Filtered) + plain.fed(), rig.fed());
    }
}
