//! What events are called in pushes.

use crate::rig::{BACKLOG_LIMIT, Rig, read};
use bellwire::codec::udh::Ports;
use bellwire::codec::udh::ReferenceWidth;
use bellwire::codec::{segments, udh};
use bellwire::engine::envelope::{Envelope, Envelopes};
use bellwire::engine::handset::Place;
use bellwire::engine::subscription::{Backlog, BacklogRule, Subscription};
use bellwire::model::{
    ApplicationId, Content, FeedName, Ids, Order, OwnId, Policy, Profile, PushSettings, Receipts, SourceId,
    SourceOrigin, StreamKey, SubscriptionId, TenantId,
};
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

fn envelope(profile: Profile, key: u16) -> Envelope {
    let push = PushSettings { profile, ..PushSettings::default() };
    let feed = SourceOrigin::Feed(FeedName::new("prices").unwrap());
    let source = SourceId::new(TenantId::default(), feed, None);
    Envelopes::new(&push, &ApplicationId::default(), &source).unwrap().of(StreamKey(key))
}

fn insert(rig: &mut Rig, policy: Policy, envelope: Envelope) -> Place {
    let (width, id) = (ReferenceWidth::Bits8, SubscriptionId::from_octets([2; 16]));
    let backlog = Backlog { limit: BACKLOG_LIMIT, rule: BacklogRule::DropOldest };
    rig.handset.insert(Subscription::new(id, policy, envelope, width, 0, backlog))
}

#[test]
fn subscriptions_with_other_keys_have_other_bodies_of_the_same_events() {
    let policy = |ids| Policy { ids, order: Order::Pipelined, ..policy() };
    let mut rig = Rig::new(policy(Ids::Origin));
    let mut places = vec![rig.place];
    places.push(insert(&mut rig, policy(Ids::All), envelope(Profile::Standard, 1)));
    for key in [0, 71, 71, 0] {
        places.push(insert(&mut rig, policy(Ids::Origin), envelope(Profile::Compact, key)));
    }
    places.push(insert(&mut rig, policy(Ids::Origin), envelope(Profile::Standard, 1)));
    for round in 0..3 {
        let first = rig.fed();
        let chunk = rig.chunk(&[("message", "a", ""), ("message", "b", "7"), ("message", "c", "7")], None);
        for place in &places {
            rig.handset.handle_chunk(rig.now, *place, &chunk, &mut rig.tally);
        }
        let written = rig.poll();
        let mut bodies: Vec<String> = Vec::new();
        for one in &written {
            bodies.extend(rig.receive_body(one).map(|body| String::from_utf8(body).unwrap()));
            rig.accept(one);
        }
        bodies.sort();
        let rest = |key: &str| format!("id:{key}~0.{first}\ndata:a\n\nid:{key}7\ndata:b\n\ndata:c\n\n");
        let plain = "data:a\n\nid:7\ndata:b\n\ndata:c\n\n".to_owned();
        let mut expected = vec![rest(""), rest("0."), rest("0."), rest("1z."), rest("1z."), plain.clone(), plain];
        expected.sort();
        assert_eq!(bodies, expected, "round {round}");
    }
}

#[test]
fn a_data_push_is_the_event_stream_from_the_port_of_its_stream() {
    let mut rig = Rig::new(policy());
    let place = insert(&mut rig, policy(), envelope(Profile::Data, 9));
    let long = "x".repeat(200);
    let chunk = rig.chunk(&[("message", &long, "7")], None);
    rig.handset.handle_chunk(rig.now, place, &chunk, &mut rig.tally);
    let written = rig.poll();
    let mut text = Vec::new();
    for one in &written {
        let message = one.short_message();
        let (header, rest) = udh::decode(&message).unwrap();
        assert_eq!(header.ports, Some(Ports { destination: 16_500, source: 16_509 }));
        assert_eq!(header.concatenation.map(|part| part.total().get()), Some(2));
        text.extend_from_slice(rest);
    }
    assert_eq!(String::from_utf8(text).unwrap(), format!("id:7\ndata:{long}\n\n"));
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
        key in prop::option::of(0u16..2000),
    ) {
        let policy = Policy { max_segments: NonZeroU8::new(most).unwrap(), ..policy() };
        let mut rig = Rig::new(policy.clone());
        let prefix = key.map_or(String::new(), |key| format!("{}.", StreamKey(key)));
        if let Some(key) = key {
            rig.place = insert(&mut rig, policy, envelope(Profile::Compact, key));
        }
        rig.epoch = epoch;
        let mut expected = Vec::new();
        for chunk in &chunks {
            let data: Vec<String> = chunk.iter().map(|(octets, _)| "d".repeat(*octets)).collect();
            let events: Vec<_> = chunk.iter().zip(&data).map(|((_, id), data)| ("message", data.as_str(), *id)).collect();
            for (at, (_, data, id)) in events.iter().enumerate() {
                let own = OwnId { epoch, seq: rig.fed() + at as u64 }.to_string();
                expected.push(format!("message|{data}|{prefix}{}", if id.is_empty() { &own } else { *id }));
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
