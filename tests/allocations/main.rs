//! The steady path allocates nothing per event, not in the codec and not in the engine; and what there is of each
//! subscription and of each idle stream is small.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

#[path = "../actors/house.rs"]
#[allow(dead_code, reason = "shared with the tests of the actors")]
mod house;
#[path = "../actors/link.rs"]
#[allow(dead_code, reason = "shared with the tests of the actors")]
mod link;
mod memory;
#[path = "../engine/rig.rs"]
#[allow(dead_code, reason = "shared with the tests of the engine")]
mod rig;
#[path = "../actors/shelf.rs"]
#[allow(dead_code, reason = "shared with the tests of actors")]
mod shelf;
mod streams;
#[path = "../actors/upstreams.rs"]
#[allow(dead_code, reason = "shared with the tests of the actors")]
mod upstreams;

use allocation_counter::measure;
use bellwire::codec::smpp::{MessageState, Receipt};
use bellwire::codec::sse::{Limits, Parser};
use bellwire::engine::receipts::{PushOf, Receipts as Table};
use bellwire::engine::tally::Tally;
use bellwire::model::{Order, Policy, Receipts, SubscriptionId};
use bytes::Bytes;
use rig::Rig;
use std::fmt::Write;
use std::time::Duration;

/// Events per round, and rounds that let every buffer reach its size before anything is counted.
const EVENTS: usize = 500;
const WARM_UP: usize = 20;

fn stream(events: usize) -> Bytes {
    let mut text = String::new();
    for n in 0..events {
        write!(text, "id: {n}\nevent: reading\ndata: {{\"dev\":\"pump-07\",\"tempC\":41.5,\"bar\":3.02}}\n\n").unwrap();
    }
    text.into()
}

#[test]
fn parsing_allocates_per_piece_and_not_per_event() {
    let allocations = |events: usize| {
        let mut parser = Parser::new(Limits::default());
        for _ in 0..WARM_UP {
            parser.feed(stream(events));
        }
        let input = stream(events);
        let mut parsed = None;
        let counted = measure(|| parsed = Some(parser.feed(input))).count_total;
        assert_eq!(parsed.unwrap().len(), events);
        counted
    };
    let (few, many) = (allocations(8), allocations(800));
    assert!(few <= 4 && many <= 4, "{few} for 8 events, {many} for 800");
}

/// Feeds, polls and answers one round of events; how many allocations the engine made for them.
fn round(rig: &mut Rig, data: &str) -> u64 {
    let events: Vec<(&str, &str, &str)> = (0..EVENTS).map(|_| ("reading", data, "42")).collect();
    let chunk = rig.chunk(&events, None);
    let mut allocations = 0;
    let (now, place) = (rig.now, rig.place);
    allocations += measure(|| {
        rig.handset.handle_chunk(now, place, &chunk, &mut rig.tally);
    })
    .count_total;
    // The rig keeps each PDU for the test; what it allocates for that is not the engine's.
    while let Some((written, polling)) = rig.poll_counted(&mut |work| measure(work).count_total) {
        allocations += polling;
        allocations += rig.accept_counted(&written, &mut |work| measure(work).count_total);
    }
    rig.tally.clear();
    allocations
}

#[test]
fn a_receipt_that_names_its_message_as_its_response_did_allocates_nothing() {
    let mut receipts = Table::new(Duration::from_secs(3600), 64);
    let (mut tally, of) =
        (Tally::default(), PushOf { subscription: SubscriptionId::from_octets([0; 16]), first: 0, events: 1 });
    let mut allocations = 0;
    for n in 0..10 * WARM_UP as u64 {
        let id = format!("{:016}", n * 1_000_000_007);
        let receipt =
            Receipt { message_id: Some(id.as_bytes()), state: Some(MessageState::DELIVERED), ..Receipt::default() };
        let measured = measure(|| {
            let fate = receipts.open(1);
            receipts.handle_accepted(Duration::ZERO, fate, (0, id.as_bytes()), &of, &mut tally);
            receipts.handle_released(Duration::ZERO, fate, 1, &mut tally);
            receipts.handle_receipt(Duration::ZERO, 0, &receipt, &mut tally);
        });
        allocations += if n < WARM_UP as u64 { 0 } else { measured.count_total };
    }
    assert_eq!(allocations, 0);
}

#[test]
fn forming_writing_and_settling_pushes_allocates_nothing() {
    let short = "x".repeat(60);
    let long = "x".repeat(250);
    let policies = [
        Policy { order: Order::Pipelined, max_events: 1, receipts: Receipts::None, ..Policy::default() },
        Policy { order: Order::Strict, receipts: Receipts::None, ..Policy::default() },
        Policy { order: Order::Strict, receipts: Receipts::All, ..Policy::default() },
    ];
    for policy in policies {
        for data in [&short, &long] {
            let mut rig = Rig::new(policy.clone());
            // Receipts that do not come run out by number, as they do in a router that has run for long.
            rig.receipts = Table::new(Duration::from_secs(3600), 64);
            for _ in 0..WARM_UP {
                round(&mut rig, data);
            }
            assert_eq!(round(&mut rig, data), 0, "{policy:?}, {} octets", data.len());
        }
    }
}
