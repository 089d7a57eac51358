//! When a push is formed, and of which events.

use crate::rig::{Rig, subscription};
use bellwire::codec::segments;
use bellwire::codec::udh::ReferenceWidth;
use bellwire::engine::envelope::push_template;
use bellwire::engine::progress::{HandsetProgress, Saved};
use bellwire::model::{ApplicationId, Content, DropReason, Order, Outcome, Overflow, Policy, Profile, Receipts};
use std::num::NonZeroU8;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn policy() -> Policy {
    Policy { receipts: Receipts::None, ..Policy::default() }
}

#[test]
fn events_that_come_while_a_push_is_outstanding_share_the_next() {
    let mut rig = Rig::new(policy());
    rig.tick(1);
    let first = rig.poll();
    assert_eq!(first.len(), 1);
    for number in 2..=4 {
        rig.tick(number);
        assert!(rig.poll().is_empty(), "the first push is outstanding");
    }
    rig.accept(&first[0]);
    let second = rig.poll();
    assert_eq!(second.len(), 1);
    assert_eq!(rig.receive(&second[0]), ["message|2|2", "message|3|3", "message|4|4"]);
}

#[test]
fn a_push_is_formed_only_when_it_is_asked_for() {
    let mut rig = Rig::new(policy());
    for number in 1..=3 {
        rig.tick(number);
    }
    assert_eq!(rig.tally.pushes, 0);
    let written = rig.poll();
    assert_eq!((rig.tally.pushes, written.len()), (1, 1));
}

#[test]
fn a_batch_window_counts_from_the_first_event_that_waits() {
    let mut rig = Rig::new(Policy { batch_window: 10 * SECOND, ..policy() });
    rig.tick(1);
    rig.advance(6 * SECOND);
    rig.tick(2);
    assert!(rig.poll().is_empty());
    assert_eq!(rig.handset.poll_timeout(), Some(rig.now.monotonic + 4 * SECOND));
    rig.advance(4 * SECOND);
    assert_eq!(rig.run(), ["message|1|1", "message|2|2"]);
    rig.tick(3);
    assert!(rig.poll().is_empty(), "the third begins a window of its own");
    rig.advance(10 * SECOND);
    assert_eq!(rig.run(), ["message|3|3"]);
}

#[test]
fn a_full_push_does_not_wait_for_its_window() {
    let mut rig = Rig::new(Policy { batch_window: 60 * SECOND, max_events: 3, ..policy() });
    rig.tick(1);
    rig.tick(2);
    assert!(rig.poll().is_empty());
    rig.tick(3);
    rig.tick(4);
    assert_eq!(rig.run(), ["message|1|1", "message|2|2", "message|3|3"]);

    let mut rig = Rig::new(Policy { batch_window: 60 * SECOND, max_segments: NonZeroU8::MIN, ..policy() });
    let data = "x".repeat(30);
    rig.feed(&[("message", &data, ""), ("message", &data, "")]);
    assert!(rig.poll().is_empty());
    rig.feed(&[("message", &data, "")]);
    assert_eq!(rig.run().len(), 2, "two fill the segment, the third waits for its window");
}

#[test]
fn max_events_bounds_each_push() {
    let mut rig = Rig::new(Policy { max_events: 2, order: Order::Pipelined, ..policy() });
    let five: Vec<(&str, &str, &str)> = ["1", "2", "3", "4", "5"].iter().map(|id| ("message", *id, *id)).collect();
    rig.feed(&five);
    let written = rig.poll();
    let sizes: Vec<usize> = written.iter().map(|one| rig.receive(one).len()).collect();
    assert_eq!(sizes, [2, 2, 1]);
}

#[test]
fn events_expire_while_they_wait_and_validity_is_what_is_left() {
    let mut rig = Rig::new(Policy { ttl: 60 * SECOND, ..policy() });
    rig.tick(1);
    let first = rig.poll();
    assert_eq!(first[0].validity_period(), b"000000000100000R", "one minute");
    rig.tick(2);
    rig.advance(20 * SECOND);
    rig.tick(3);
    rig.advance(45 * SECOND);
    rig.accept(&first[0]);
    let second = rig.poll();
    assert_eq!(rig.receive(&second[0]), ["message|3|3"]);
    assert_eq!(second[0].validity_period(), b"000000000015000R", "15 of its 60 seconds are left");
    assert_eq!(rig.settled(Outcome::Expired), 1);
}

#[test]
fn an_event_too_long_for_its_segments_goes_as_a_notice_or_not_at_all() {
    let long = "x".repeat(400);
    let events = [("quote", "short", "1"), ("quote", long.as_str(), "2"), ("quote", "short", "3")];
    let mut rig = Rig::new(policy());
    rig.feed(&events);
    assert_eq!(rig.run(), ["quote|short|1", "quote||2", "quote|short|3"]);

    let mut rig = Rig::new(Policy { overflow: Overflow::Drop, ..policy() });
    rig.feed(&events);
    assert_eq!(rig.run(), ["quote|short|1", "quote|short|3"]);
    assert_eq!(rig.dropped(DropReason::Oversize), 1);
    assert_eq!(rig.tally.oversize, [0, 1, 0]);
}

#[test]
fn an_event_too_long_for_its_segments_goes_whole_and_alone_in_more() {
    let long = "x".repeat(9_000);
    let longest = "x".repeat(40_000);
    let mut rig = Rig::new(Policy { overflow: Overflow::Split, ..policy() });
    rig.feed(&[("quote", "short", "1"), ("quote", &long, "2"), ("quote", "short", "3"), ("quote", &longest, "4")]);
    let first = rig.poll();
    assert_eq!(rig.receive(&first[0]), ["quote|short|1"]);
    rig.accept(&first[0]);
    let second = rig.poll();
    assert_eq!(second.len(), 71, "9,065 octets, 128 in each");
    assert_eq!(second.iter().flat_map(|one| rig.receive(one)).collect::<Vec<_>>(), [format!("quote|{long}|2")]);
    second.iter().for_each(|one| _ = rig.accept(one));
    assert_eq!(rig.run(), ["quote|short|3", "quote||4"], "beyond 255 segments there is no whole");
    assert_eq!((rig.tally.oversize, rig.settled(Outcome::Accepted)), ([1, 0, 1], 4));
}

#[test]
fn a_lost_stretch_is_told_before_a_long_event_or_behind_it() {
    let mut rig = Rig::new(Policy { overflow: Overflow::Split, ..policy() });
    rig.tick(1);
    let first = rig.poll();
    let lost = rig.chunk(&[("message", "lost", "2")], None);
    drop(lost);
    let long = "x".repeat(1000);
    rig.feed(&[("message", &long, "3")]);
    rig.accept(&first[0]);
    let bodies: Vec<_> = rig.poll().iter().filter_map(|one| rig.receive_body(one)).collect();
    assert_eq!(bodies, [format!(":gap 1\nid:3\ndata:{long}\n\n").into_bytes()]);
}

#[test]
fn one_push_wakes_for_all_that_wait() {
    let mut rig = Rig::new(Policy { content: Content::Wake, max_events: 2, ..policy() });
    let long = "x".repeat(20_000);
    rig.feed(&[("quote", "x", "1")]);
    let first = rig.poll();
    assert_eq!(rig.receive_body(&first[0]).unwrap(), b"id:1\nevent:bellwire-wake\ndata\n\n");
    for id in ["2", "3", "4"] {
        rig.feed(&[("quote", &long, id), ("quote", "short", "")]);
    }
    rig.accept(&first[0]);
    assert_eq!(rig.run(), ["bellwire-wake||"], "the newest has no id");
    rig.tick(5);
    assert_eq!(rig.run(), ["bellwire-wake||5"]);
    assert_eq!((rig.settled(Outcome::Accepted), rig.tally.pushes, rig.tally.oversize), (8, 3, [0; 3]));
}

#[test]
fn a_wake_waits_for_its_window_and_leaves_out_an_id_that_does_not_fit() {
    let mut rig = Rig::new(Policy { content: Content::Wake, batch_window: 10 * SECOND, ..policy() });
    let (long, id) = ("x".repeat(5_000), "i".repeat(400));
    rig.feed(&[("message", &long, "1"), ("message", "y", &id)]);
    assert!(rig.poll().is_empty());
    rig.advance(10 * SECOND);
    assert_eq!(rig.run(), ["bellwire-wake||"]);
    assert_eq!(rig.settled(Outcome::Accepted), 2);
}

#[test]
fn a_push_on_its_way_stays_as_it_was_formed() {
    let mut rig = Rig::new(Policy { content: Content::Wake, ..policy() });
    rig.tick(1);
    let first = rig.poll();
    let (place, changed) = (rig.place, policy());
    rig.handset.get(place).unwrap().set_policy(changed);
    rig.lose(&first[0], true);
    let again = rig.poll();
    assert_eq!(again[0].short_message(), first[0].short_message());
    let mut saved = None;
    rig.handset.save(rig.now, &mut |one| {
        if let Saved::Subscription(_, progress) = one {
            saved = Some(progress);
        }
    });
    let next = subscription(policy(), ReferenceWidth::Bits8);
    rig.restart(next, &(saved.unwrap(), HandsetProgress::default()), true);
    rig.next_is(0);
    rig.tick(1);
    assert_eq!(rig.poll()[0].short_message(), first[0].short_message(), "in another process, too");
}

#[test]
fn an_event_whose_type_and_id_fit_no_push_is_dropped() {
    let mut rig = Rig::new(policy());
    let id = "i".repeat(500);
    rig.feed(&[("message", "x", &id)]);
    rig.tick(2);
    assert_eq!(rig.run(), ["message|2|2"]);
    assert_eq!(rig.dropped(DropReason::Oversize), 1);
}

#[test]
fn each_push_is_a_stream_of_its_own() {
    let mut rig = Rig::new(Policy { max_events: 2, order: Order::Pipelined, ..policy() });
    let sticky = [("message", "a", "7"), ("message", "b", "7"), ("message", "c", "7"), ("message", "d", "")];
    rig.feed(&sticky);
    let written = rig.poll();
    let bodies: Vec<Vec<u8>> = written.iter().filter_map(|one| rig.receive_body(one)).collect();
    assert_eq!(bodies[0], b"id:7\ndata:a\n\ndata:b\n\n");
    assert_eq!(bodies[1], b"id:7\ndata:c\n\nid\ndata:d\n\n", "the id in force is said again, and taken back");
}

#[test]
fn a_changed_policy_is_for_pushes_to_come() {
    let mut rig = Rig::new(Policy { order: Order::Pipelined, ..policy() });
    let data = "x".repeat(150);
    rig.feed(&[("message", &data, "1")]);
    let first = rig.poll_one().unwrap();
    let narrow = Policy { max_segments: NonZeroU8::MIN, order: Order::Pipelined, ..policy() };
    let place = rig.place;
    rig.handset.get(place).unwrap().set_policy(narrow);
    let rest = rig.poll();
    let mut seen = rig.receive(&first);
    rest.iter().for_each(|one| seen.extend(rig.receive(one)));
    assert_eq!(seen, [format!("message|{data}|1")], "a push on its way keeps its form");
    rig.feed(&[("message", &data, "2")]);
    assert_eq!(rig.run(), ["message||2"], "the next has one segment only");
}

#[test]
fn what_lies_beyond_the_backlog_is_lost_and_the_next_push_tells() {
    let mut rig = Rig::new(policy());
    rig.tick(0);
    let stuck = rig.poll();
    let data = "x".repeat(2000);
    for _ in 0..100 {
        rig.feed(&[("message", &data, "n")]);
    }
    rig.tick(999);
    let lost = rig.dropped(DropReason::Lagged);
    assert!((60..100).contains(&lost), "{lost} of some 200 kB were given up");
    rig.accept(&stuck[0]);
    let written = rig.poll();
    let body = written.iter().filter_map(|one| rig.receive_body(one)).next().unwrap();
    assert!(body.starts_with(format!(":gap {lost}\n").as_bytes()), "{}", String::from_utf8_lossy(&body));
    assert_eq!(rig.tally.gaps, 1);
}

#[test]
fn events_that_never_came_count_as_lost_and_are_told() {
    let mut rig = Rig::new(policy());
    rig.tick(1);
    let _missing = rig.chunk(&[("message", "2", "2"), ("message", "3", "3")], None);
    rig.tick(4);
    let written = rig.poll();
    assert_eq!(rig.receive(&written[0]), ["message|1|1"]);
    rig.accept(&written[0]);
    let written = rig.poll();
    let body = rig.receive_body(&written[0]).unwrap();
    assert!(body.starts_with(b":gap 2\n"));
    assert_eq!(rig.dropped(DropReason::Lagged), 2);
}

#[test]
fn a_chunk_that_comes_twice_counts_once() {
    let mut rig = Rig::new(policy());
    let chunk = rig.chunk(&[("message", "1", "1"), ("message", "2", "2")], None);
    for _ in 0..2 {
        rig.handset.handle_chunk(rig.now, rig.place, &chunk, &mut rig.tally);
    }
    assert_eq!(rig.run(), ["message|1|1", "message|2|2"]);
}

#[test]
fn subscriptions_that_share_events_each_get_their_own_cut_of_them() {
    let policy = |max_events| Policy { max_events, order: Order::Pipelined, ..Policy::default() };
    let mut rig = Rig::new(policy(1));
    let others =
        [2, 1, 1, 2, 3].map(|max_events| rig.handset.insert(subscription(policy(max_events), ReferenceWidth::Bits8)));
    for round in 0..3 {
        let ids = [0, 1, 2].map(|event| (round * 3 + event).to_string());
        let chunk = rig.chunk(&[("message", "a", &ids[0]), ("message", "b", &ids[1]), ("message", "c", &ids[2])], None);
        for place in [rig.place].into_iter().chain(others) {
            rig.handset.handle_chunk(rig.now, place, &chunk, &mut rig.tally);
        }
        let written = rig.poll();
        let mut seen: Vec<String> = written.iter().flat_map(|one| rig.receive(one)).collect();
        for one in &written {
            rig.accept(one);
        }
        seen.sort();
        let expected = ["a", "b", "c"].iter().zip(&ids).flat_map(|(data, id)| vec![format!("message|{data}|{id}"); 6]);
        assert_eq!(seen, expected.collect::<Vec<_>>());
    }
}

#[test]
fn an_id_is_counted_once_for_events_of_two_chunks() {
    let envelope = push_template(Profile::Standard, &ApplicationId::default()).unwrap();
    let room = segments::capacity(1, ReferenceWidth::Bits8) - envelope.octets();
    let policy = Policy { max_segments: NonZeroU8::MIN, batch_window: SECOND, order: Order::Pipelined, ..policy() };
    let ids = [("7", "7", 5), ("7", "8", 10), ("", "8", 5), ("7", "", 8)];
    // The first event fits alone, or it would go as a notice.
    for (data_octets, (first, second, id_octets)) in (20..room - 11).flat_map(|n| ids.map(|ids| (n, ids))) {
        let mut rig = Rig::new(policy.clone());
        let data = "x".repeat(data_octets);
        rig.feed(&[("message", &data, first)]);
        rig.feed(&[("message", "y", second)]);
        rig.now = rig.now.after(SECOND);
        let octets = id_octets + "data:\n\n".len() * 2 + data_octets + 1;
        assert_eq!(rig.poll().len(), if octets <= room { 1 } else { 2 }, "{octets} octets for {room}");
    }
}
