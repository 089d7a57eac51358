//! From stream to stream: events encoded as the product does, and received by handsets, whatever the order.

use bellwire::codec::segments::{self, ReferenceWidth};
use bellwire::codec::smpp::EsmClass;
use bellwire::codec::sse::{self, EventRef};
use bellwire::codec::udh::{Concatenation, Ports, Reference, UserDataHeader};
use bellwire::engine::envelope;
use bellwire::model::{ApplicationId, Profile};
use bellwire::sim::{Check, Event, HandsetSettings, Handsets, Message, Received, Sequence, Ticker};
use bytes::BytesMut;
use std::time::Duration;

const NUMBER: &str = "15551234567";

/// The events as segments of one push.
fn segments(events: &[Event], tid: u8, gap: &str) -> Vec<BytesMut> {
    let width = ReferenceWidth::Bits8;
    let mut push = BytesMut::new();
    envelope::push_template(Profile::Standard, &ApplicationId::default()).unwrap().write(tid, &mut push);
    push.extend_from_slice(gap.as_bytes());
    let mut previous = "";
    for event in events {
        let [event_type, data, id] = [&event.event_type, &event.data, &event.id].map(|text| text.as_bytes());
        sse::encode(&EventRef { event_type, data, id }, previous.as_bytes(), &mut push).unwrap();
        previous = &event.id;
    }
    let total = segments::count(push.len(), width).unwrap();
    let segment = |index: u8| {
        let part = Concatenation::new(Reference::Bits8(tid), total.get(), index + 1);
        let mut out = BytesMut::new();
        let ports = Some(Ports { destination: 2948, source: 9200 });
        UserDataHeader { concatenation: part.filter(|_| total.get() > 1), ports }.write(&mut out);
        out.extend_from_slice(&push[segments::slice(index, total, width, push.len())]);
        out
    };
    (0..total.get()).map(segment).collect()
}

fn receive(handsets: &mut Handsets, segment: &[u8]) -> Option<Received> {
    let esm_class = EsmClass::UDHI;
    let message = Message { source: "12345", destination: NUMBER, esm_class, short_message: segment };
    handsets.handle_message(message, Duration::ZERO).unwrap()
}

#[test]
fn three_segments_arrive_once_in_any_order_with_copies() {
    let events = Ticker::sequence(1, 9);
    let parts = segments(&events, 9, "");
    assert_eq!(parts.len(), 3);
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut handsets = Handsets::new(HandsetSettings::default());
        let copies = order.iter().take(2).chain(&order).chain(&order);
        let received: Vec<Received> = copies.filter_map(|index| receive(&mut handsets, &parts[*index])).collect();
        assert_eq!(received.len(), 1, "{order:?}");
        assert_eq!(received[0].events, events);
        assert_eq!((handsets.stats().segments, handsets.stats().duplicate_segments), (8, 5));
        assert_eq!(handsets.waiting(), 0);
    }
}

#[test]
fn a_push_sent_again_is_known_and_its_gap_counted_once() {
    let mut handsets = Handsets::new(HandsetSettings::default());
    let push = segments(&Ticker::sequence(1, 1), 9, ":gap 5\n");
    let first = receive(&mut handsets, &push[0]).unwrap();
    assert_eq!((first.gap, first.duplicate), (Some(5), false));
    assert!(receive(&mut handsets, &push[0]).unwrap().duplicate);
    let stats = handsets.stats();
    assert_eq!((stats.pushes, stats.duplicates, stats.gaps, stats.gap_events), (1, 1, 1, 5));
}

#[test]
fn what_the_ticker_sends_and_handsets_receive_is_equal() {
    let events = Ticker::sequence(3, 100);
    let mut handsets = Handsets::new(HandsetSettings::default());
    let mut check = Check::new();
    check.expect(NUMBER, Sequence::new(events.clone()));
    for (tid, chunk) in (0..).zip(events.chunks(7)) {
        for segment in segments(chunk, tid, "") {
            let received = receive(&mut handsets, &segment).into_iter();
            received.flat_map(|push| push.events).for_each(|event| check.receive(NUMBER, &event));
        }
    }
    assert!(check.report().is_complete(), "{}", check.report());
    assert_eq!(check.report().arrived, 100);
    assert_eq!(handsets.last_event_id(NUMBER, "urn:oma:xml:push"), Some("99"));
}
