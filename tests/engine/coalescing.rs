//! Of events that wait and have the same key only the latest is sent.

use crate::rig::{Rig, Written, data, kind, member, subscription};
use bellwire::codec::udh::ReferenceWidth;
use bellwire::engine::chunk::Chunk;
use bellwire::engine::progress::{HandsetProgress, Progress, Saved};
use bellwire::model::{Coalesce, Content, EventTypes, Order, Outcome, Policy, Receipts};
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn policy(coalesce: &str) -> Policy {
    let coalesce = coalesce.parse().unwrap();
    Policy { coalesce, receipts: Receipts::None, ttl: Duration::ZERO, ..Policy::default() }
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
fn the_latest_takes_the_place_of_those_that_wait() {
    let mut rig = Rig::new(policy("latest"));
    let place = rig.place;
    rig.handset.get(place).unwrap().handle_attached(0);
    rig.tick(1);
    let first = rig.poll();
    (2..=1000).for_each(|number| rig.tick(number));
    assert_eq!((rig.settled(Outcome::Coalesced), rig.handset.load()), (998, (1, 1)));
    assert_eq!(rig.held.load(Ordering::Relaxed), 2, "nothing is kept of them");
    assert_eq!(rig.receive(&first[0]), ["message|1|1"]);
    rig.accept(&first[0]);
    assert_eq!(rig.run(), ["message|1000|1000"]);
    assert_eq!((rig.settled(Outcome::Accepted), rig.all_settled(), rig.tally.gaps), (2, 1000, 0));
    assert!(rig.handset.get(place).unwrap().is_quiet());
}

#[test]
fn the_latest_of_each_type_is_sent() {
    let mut rig = Rig::new(policy("type"));
    let events = [("bid", "1", "1"), ("ask", "2", "2"), ("bid", "3", "3"), ("", "4", "4"), ("message", "5", "5")];
    rig.feed(&events);
    assert_eq!(rig.run(), ["ask|2|2", "bid|3|3", "message|5|5"]);
}

#[test]
fn the_latest_of_each_value_is_sent_and_whatever_has_none() {
    let mut rig = Rig::new(policy("field:s"));
    let events = [
        ("t", r#"{"s":"A","p":1}"#, "1"),
        ("t", "no object", "2"),
        ("t", r#"{"s":"B","p":2}"#, "3"),
        ("t", r#"{"p":2}"#, "4"),
        ("u", r#"{"s":"A","p":3}"#, "5"),
        ("t", r#"{"p":4,"s":"A"}"#, "6"),
        ("t", r#"{"s":"B""#, "7"),
        ("t", "no object", "8"),
    ];
    events.iter().for_each(|event| rig.feed(&[*event]));
    let seen: Vec<String> = rig.run().iter().map(|event| event.rsplit('|').next().unwrap().to_owned()).collect();
    assert_eq!(seen, ["2", "3", "4", "5", "6", "7", "8"]);
    assert_eq!(rig.settled(Outcome::Coalesced), 1);
}

#[test]
fn an_event_that_fits_no_push_takes_nobodys_place() {
    let overflow = bellwire::model::Overflow::Drop;
    let mut rig = Rig::new(Policy { overflow, batch_window: SECOND, ..policy("latest") });
    rig.tick(1);
    rig.feed(&[("message", &"d".repeat(5000), "2")]);
    rig.advance(SECOND);
    assert_eq!(rig.run(), ["message|1|1"]);
}

#[test]
fn a_stream_of_updates_does_not_put_a_push_off() {
    let mut rig = Rig::new(Policy { batch_window: 10 * SECOND, ..policy("latest") });
    let mut seen = Vec::new();
    for number in 0..40 {
        rig.tick(number);
        seen.extend(rig.run());
        rig.advance(SECOND);
    }
    assert_eq!(seen, ["message|10|10", "message|21|21", "message|32|32"]);
}

#[test]
fn what_a_stream_has_written_keeps_its_place() {
    let mut rig = Rig::new(policy("latest"));
    let place = rig.place;
    rig.handset.get(place).unwrap().handle_stream_opened();
    (1..=6).for_each(|number| rig.tick(number));
    rig.handset.get(place).unwrap().handle_relayed(4, 2, &mut rig.tally);
    assert_eq!((rig.settled(Outcome::Relayed), rig.settled(Outcome::Coalesced)), (2, 0));
    let now = rig.now.monotonic;
    rig.handset.get(place).unwrap().handle_streams_closed(now);
    assert_eq!(rig.run(), ["message|3|3", "message|4|4", "message|6|6"]);
    assert_eq!((rig.settled(Outcome::Coalesced), rig.all_settled()), (1, 6));
}

#[test]
fn what_waits_is_known_again_after_a_restart() {
    let one = |policy: &Policy| subscription(policy.clone(), ReferenceWidth::Bits8);
    for content in [Content::All, Content::Wake] {
        let policy = Policy { content, order: Order::Strict, ..policy("type") };
        let mut rig = Rig::new(policy.clone());
        let kinds = ["a", "b", "a", "c", "b", "a", "d"];
        let mut chunks: Vec<Arc<Chunk>> = kinds.iter().map(|kind| rig.chunk(&[(kind, "x", kind)], None)).collect();
        let feed =
            |rig: &mut Rig, chunk: &Arc<Chunk>| rig.handset.handle_chunk(rig.now, rig.place, chunk, &mut rig.tally);
        chunks[..5].iter().for_each(|chunk| _ = feed(&mut rig, chunk)); // a b a c b: the first two are needless
        let written = rig.poll();
        chunks[5..].iter().for_each(|chunk| _ = feed(&mut rig, chunk));
        let saved = save(&mut rig);
        rig.restart(one(&policy), &saved, true);
        chunks.iter().for_each(|chunk| _ = rig.replay(chunk));
        let again = rig.poll();
        assert_eq!(again[0].short_message(), written[0].short_message(), "octet for octet");
        chunks.push(rig.chunk(&[("a", "y", "y")], None));
        feed(&mut rig, &chunks[7]);
        rig.accept(&again[0]);
        let seen = rig.run();
        assert_eq!(seen, if content == Content::All { vec!["d|x|d", "a|y|y"] } else { vec!["bellwire-wake||y"] });
        assert_eq!((rig.settled(Outcome::Coalesced), rig.settled(Outcome::Accepted)), (3, 5));
    }
}

#[test]
fn a_change_of_policy_counts_for_what_waits() {
    let mut rig = Rig::new(policy("none"));
    rig.tick(0);
    let first = rig.poll();
    (1..=5).for_each(|number| rig.tick(number));
    let place = rig.place;
    rig.handset.get(place).unwrap().set_policy(policy("latest"));
    rig.accept(&first[0]);
    assert_eq!(rig.run(), ["message|5|5"]);
    assert_eq!((rig.settled(Outcome::Coalesced), rig.all_settled()), (4, 6));
}

/// What a subscription in strict order is to do: events that wait, and the one push that is outstanding.
#[derive(Default)]
struct Model {
    waiting: Vec<u64>,
    outstanding: Vec<u64>,
    filtered: u64,
    coalesced: u64,
}

impl Model {
    fn feed(&mut self, number: u64, policy: &Policy) {
        if !policy.types.wants(kind(number).as_bytes()) {
            self.filtered += 1;
            return;
        }
        let key = |number: u64| match &policy.coalesce {
            Coalesce::None => (number, "", 0),
            Coalesce::Latest => (0, "", 0),
            Coalesce::Type => (0, kind(number), 0),
            Coalesce::Field(_) => (0, kind(number), member(number)),
        };
        let before = self.waiting.len();
        self.waiting.retain(|other| key(*other) != key(number));
        self.coalesced += (before - self.waiting.len()) as u64;
        self.waiting.push(number);
    }

    fn form(&mut self, most: u32) {
        let most = if most == 0 { self.waiting.len() } else { self.waiting.len().min(most as usize) };
        self.outstanding = self.waiting.drain(..most).collect();
    }
}

fn numbers(rig: &mut Rig, written: &Written) -> Vec<u64> {
    rig.receive(written).iter().map(|event| event.rsplit('|').next().unwrap().parse().unwrap()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn a_handset_sees_what_the_model_says(
        steps in prop::collection::vec(prop_oneof![2 => (1u64..6).prop_map(Some), 1 => Just(None)], 0..60),
        (types, key, max_events) in (0usize..3, 0usize..4, 0u32..5),
        restarts in any::<bool>(),
    ) {
        let types = EventTypes::new([&[][..], &["price"], &["alert", "message"]][types]).unwrap();
        let policy = Policy { types, max_events, ..policy(["none", "latest", "type", "field:k"][key]) };
        // One segment holds few events; nothing is cut off by that.
        let policy = Policy { max_segments: std::num::NonZeroU8::MAX, ..policy };
        let (mut rig, mut model, mut log) = (Rig::of_width(policy.clone(), ReferenceWidth::Bits16), Model::default(), Vec::new());
        let mut written: Vec<Written> = Vec::new();
        for step in steps {
            if let Some(events) = step {
                let numbers = rig.fed()..rig.fed() + events;
                let said: Vec<_> = numbers.clone().map(|n| (kind(n), data(n, 3), n.to_string())).collect();
                let events: Vec<_> = said.iter().map(|(kind, data, id)| (*kind, data.as_str(), id.as_str())).collect();
                let chunk = rig.chunk(&events, None);
                rig.handset.handle_chunk(rig.now, rig.place, &chunk, &mut rig.tally);
                log.push(chunk);
                numbers.for_each(|number| model.feed(number, &policy));
            } else if written.is_empty() {
                written = rig.poll();
                model.form(max_events);
            } else {
                if restarts {
                    let saved = save(&mut rig);
                    let tally = rig.tally.settled;
                    rig.restart(subscription(policy.clone(), ReferenceWidth::Bits16), &saved, true);
                    log.iter().for_each(|chunk| _ = rig.replay(chunk));
                    prop_assert_eq!(tally, rig.tally.settled, "nothing ends twice");
                    let again = rig.poll();
                    let octets = |all: &[Written]| all.iter().map(Written::short_message).collect::<Vec<_>>();
                    prop_assert_eq!(octets(&again), octets(&written));
                    written = again;
                }
                let mut seen = Vec::new();
                for one in std::mem::take(&mut written) {
                    seen.extend(numbers(&mut rig, &one));
                    rig.accept(&one);
                }
                prop_assert_eq!(seen, std::mem::take(&mut model.outstanding));
            }
            prop_assert_eq!(rig.settled(Outcome::Filtered), model.filtered);
            prop_assert_eq!(rig.settled(Outcome::Coalesced), model.coalesced);
            prop_assert_eq!(rig.handset.load().0, model.waiting.len() as u64);
        }
        rig.abandon();
        prop_assert_eq!(rig.all_settled(), rig.fed());
    }
}
