//! What events are called in pushes.

use crate::rig::{Rig, read};
use bellwire::codec::segments;
use bellwire::codec::udh::ReferenceWidth;
use bellwire::model::{Content, Ids, OwnId, Policy, Receipts};
use proptest::prelude::*;
use std::num::NonZeroU8;

fn policy() -> Policy {
    Policy { ids: Ids::All, receipts: Receipts::None, ..Policy::default() }
}

#[test]
fn an_event_without_an_id_has_one_of_ours_in_its_push() {
    let mut rig = Rig::new(policy());
    rig.epoch = 40;
    rig.feed(&[("message", "a", ""), ("message", "b", ""), ("message", "c", "7"), ("message", "d", "7")]);
    rig.feed(&[("message", "e", "7"), ("message", "f", ""), ("message", "g", "7")]);
    let body = rig.poll().iter().find_map(|one| rig.receive_body(one)).unwrap();
    let expected = "id:~14.0\ndata:a\n\nid:~14.1\ndata:b\n\nid:7\ndata:c\n\ndata:d\n\ndata:e\n\nid:~14.5\ndata:f\n\n\
                    id:7\ndata:g\n\n";
    assert_eq!(String::from_utf8(body).unwrap(), expected);
}

#[test]
fn without_being_asked_for_there_is_none() {
    let mut rig = Rig::new(Policy { ids: Ids::Origin, ..policy() });
    rig.feed(&[("message", "a", ""), ("message", "b", "7"), ("message", "c", "")]);
    assert_eq!(rig.run(), ["message|a|", "message|b|7", "message|c|"]);
}

#[test]
fn a_wake_has_the_id_of_the_newest() {
    let mut rig = Rig::new(Policy { content: Content::Wake, ..policy() });
    rig.feed(&[("message", "a", "7"), ("message", "b", "")]);
    assert_eq!(rig.run(), ["bellwire-wake||~0.1"]);
}

#[test]
fn a_notice_has_one_too() {
    let mut rig = Rig::new(policy());
    let long = "x".repeat(400);
    rig.feed(&[("quote", &long, ""), ("quote", "short", "")]);
    assert_eq!(rig.run(), ["quote||~0.0", "quote|short|~0.1"]);
}

#[test]
fn a_push_on_its_way_keeps_its_ids() {
    let mut rig = Rig::new(policy());
    rig.feed(&[("message", "a", "")]);
    let first = rig.poll();
    let place = rig.place;
    rig.handset.get(place).unwrap().set_policy(Policy { ids: Ids::Origin, ..policy() });
    rig.lose(&first[0], true);
    assert_eq!(rig.poll()[0].short_message(), first[0].short_message());
}

proptest! {
    #[test]
    fn every_event_has_its_id_and_every_push_the_octets_that_were_counted(
        chunks in prop::collection::vec(
            prop::collection::vec((0usize..60, prop::sample::select(vec!["", "", "7", "8", " 9"])), 1..5),
            1..12,
        ),
        most in 1u8..4,
        epoch in 0u32..100_000,
    ) {
        let mut rig = Rig::new(Policy { max_segments: NonZeroU8::new(most).unwrap(), ..policy() });
        rig.epoch = epoch;
        let mut expected = Vec::new();
        for chunk in &chunks {
            let data: Vec<String> = chunk.iter().map(|(octets, _)| "d".repeat(*octets)).collect();
            let events: Vec<_> = chunk.iter().zip(&data).map(|((_, id), data)| ("message", data.as_str(), *id)).collect();
            for (at, (_, data, id)) in events.iter().enumerate() {
                let own = OwnId { epoch, seq: rig.fed() + at as u64 }.to_string();
                expected.push(format!("message|{data}|{}", if id.is_empty() { &own } else { *id }));
            }
            rig.feed(&events);
        }
        let mut seen = Vec::new();
        loop {
            let written = rig.poll();
            let Some(last) = written.last() else { break };
            let body = written.iter().filter_map(|one| rig.receive_body(one)).next().unwrap();
            seen.extend(read(&body));
            let envelope = rig.envelope_octets();
            let count = segments::count(envelope + body.len(), ReferenceWidth::Bits8).unwrap();
            prop_assert_eq!(written.len(), usize::from(count.get()));
            // What was left for the next push did not fit this one.
            if let Some(next) = expected.get(seen.len()) {
                let (_, rest) = next.split_once('|').unwrap();
                prop_assert!(body.len() + envelope + rest.len() + 14 > segments::capacity(most, ReferenceWidth::Bits8));
            }
            let _ = last;
            written.iter().for_each(|one| _ = rig.accept(one));
        }
        prop_assert_eq!(seen, expected);
    }
}
