//! The books balance: whatever happens, each event ends once, and what a handset gets is in order.

use crate::rig::{QUEUE_FULL, Rig, SYSTEM_ERROR, THROTTLED, WRONG_NUMBER, Written, data, kind, screens};
use bellwire::codec::smpp::{CommandStatus, MessageState};
use bellwire::model::{AtLimit, Coalesce, Content, DropReason, EventTypes, Ids, Order, Overflow, Policy, Receipts};
use proptest::prelude::*;
use std::collections::{HashSet, VecDeque};
use std::num::NonZeroU8;
use std::sync::atomic::Ordering;
use std::time::Duration;

#[derive(Clone, Debug)]
enum Step {
    Feed { events: usize, octets: usize },
    Poll { most: usize },
    Answer { which: usize, how: How },
    Receipt { delivered: bool },
    Wait { seconds: u64 },
    Stream { open: bool },
    Relayed { written: u64, confirmed: u64 },
}

#[derive(Clone, Copy, Debug)]
enum How {
    Accept,
    Refuse(CommandStatus),
    Lose,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let how = prop_oneof![
        6 => Just(How::Accept),
        1 => prop::sample::select(vec![THROTTLED, QUEUE_FULL, SYSTEM_ERROR, WRONG_NUMBER]).prop_map(How::Refuse),
        1 => Just(How::Lose),
    ];
    let step = prop_oneof![
        3 => (1usize..6, prop_oneof![0usize..40, 300usize..600, 4000usize..9000])
            .prop_map(|(events, octets)| Step::Feed { events, octets }),
        4 => (1usize..8).prop_map(|most| Step::Poll { most }),
        5 => (0usize..8, how).prop_map(|(which, how)| Step::Answer { which, how }),
        1 => any::<bool>().prop_map(|delivered| Step::Receipt { delivered }),
        1 => (1u64..100).prop_map(|seconds| Step::Wait { seconds }),
        1 => any::<bool>().prop_map(|open| Step::Stream { open }),
        1 => (0u64..9, 0u64..9).prop_map(|(written, confirmed)| Step::Relayed { written, confirmed }),
    ];
    prop::collection::vec(step, 0..120)
}

fn policies() -> impl Strategy<Value = Policy> {
    let rules = prop::sample::select(vec![Overflow::Notify, Overflow::Drop, Overflow::Split]);
    let contents = prop_oneof![3 => Just(Content::All), 1 => Just(Content::Wake)];
    let ids = prop::sample::select(vec![Ids::Origin, Ids::All]);
    let said = (rules, contents, ids, any::<bool>(), screens());
    (0u64..20, 0u32..4, 1u8..4, any::<bool>(), prop_oneof![Just(0u64), 30u64..300], said).prop_map(
        |(window, max_events, segments, strict, ttl, (overflow, content, ids, receipts, (types, coalesce)))| Policy {
            batch_window: Duration::from_secs(window),
            max_events,
            max_segments: NonZeroU8::new(segments).unwrap(),
            order: if strict { Order::Strict } else { Order::Pipelined },
            ttl: Duration::from_secs(ttl),
            overflow,
            content,
            ids,
            receipts: if receipts { Receipts::All } else { Receipts::None },
            types,
            coalesce,
            ..Policy::default()
        },
    )
}

/// Runs the steps against a rig; the ids of events in the order in which pushes completed on the handset, which gets what
/// the SMSC accepted.
fn play(rig: &mut Rig, steps: &[Step]) -> Vec<u64> {
    let mut outstanding: VecDeque<Written> = VecDeque::new();
    let (mut ids, mut seen, mut number) = (Vec::new(), Vec::new(), 0u64);
    for step in steps {
        match step {
            Step::Feed { events, octets } => {
                let numbers = number..number + *events as u64;
                number = numbers.end;
                let said: Vec<_> = numbers.map(|n| (kind(n), data(n, *octets), n.to_string())).collect();
                let events: Vec<_> = said.iter().map(|(kind, data, id)| (*kind, data.as_str(), id.as_str())).collect();
                rig.feed(&events);
            }
            Step::Poll { most } => {
                for _ in 0..*most {
                    let Some(written) = rig.poll_one() else { break };
                    outstanding.push_back(written);
                }
            }
            Step::Answer { which, how } => {
                let Some(written) = outstanding.remove(which % outstanding.len().max(1)) else { continue };
                match how {
                    How::Accept => {
                        seen.extend(rig.receive(&written));
                        ids.push(rig.accept(&written));
                    }
                    How::Refuse(status) => {
                        rig.refuse(&written, *status);
                    }
                    How::Lose => {
                        // The SMSC had it, its answer was lost.
                        seen.extend(rig.receive(&written));
                        rig.lose(&written, true);
                    }
                }
            }
            Step::Receipt { delivered } => {
                let state = if *delivered { MessageState::DELIVERED } else { MessageState::EXPIRED };
                if let Some(id) = ids.pop() {
                    rig.hear(rig.now.monotonic, id.as_bytes(), state);
                }
            }
            Step::Wait { seconds } => rig.advance(Duration::from_secs(*seconds)),
            Step::Stream { open } => stream(rig, *open),
            Step::Relayed { written, confirmed } => relayed(rig, *written, *confirmed),
        }
    }
    seen.iter().filter_map(|event| event.rsplit('|').next()?.parse().ok()).collect()
}

fn stream(rig: &mut Rig, open: bool) {
    let (now, place) = (rig.now.monotonic, rig.place);
    let Some(one) = rig.handset.get(place) else { return };
    match open {
        true => one.handle_stream_opened(),
        false => one.handle_streams_closed(now + Duration::from_secs(1)),
    }
}

/// All but so many events of those that came are written, and all but so many of these have arrived.
fn relayed(rig: &mut Rig, unwritten: u64, unconfirmed: u64) {
    let (place, written) = (rig.place, rig.fed().saturating_sub(unwritten));
    if let Some(one) = rig.handset.get(place) {
        one.handle_relayed(written, written.saturating_sub(unconfirmed), &mut rig.tally);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn every_event_ends_exactly_once(policy in policies(), steps in steps()) {
        let mut rig = Rig::new(policy);
        play(&mut rig, &steps);
        rig.abandon();
        prop_assert_eq!(rig.all_settled(), rig.fed());
        prop_assert_eq!(rig.held.load(Ordering::Relaxed), 0, "and every chunk is let go");
    }

    #[test]
    fn every_event_ends_exactly_once_when_the_subscription_ends_first(policy in policies(), steps in steps()) {
        let mut rig = Rig::new(policy);
        play(&mut rig, &steps);
        rig.close(DropReason::Deactivated);
        rig.abandon();
        prop_assert_eq!(rig.all_settled(), rig.fed());
    }

    #[test]
    fn in_strict_order_a_handset_sees_events_in_order(policy in policies(), steps in steps()) {
        let mut rig = Rig::new(Policy { order: Order::Strict, ..policy });
        let seen = play(&mut rig, &steps);
        // A push may come again, for it was refused or nobody knew its outcome; what is new never comes behind what is
        // newer.
        let mut known = HashSet::new();
        let mut highest = None;
        for id in seen {
            if known.insert(id) {
                prop_assert!(highest < Some(id), "{id} came behind {highest:?}");
                highest = Some(id);
            }
        }
    }

    #[test]
    fn at_the_limits_of_budgets_the_books_balance_and_nobody_is_called_for_nothing(
        policy in policies(),
        steps in steps(),
        at_limit in prop::sample::select(vec![AtLimit::Hold, AtLimit::Drop, AtLimit::Notify]),
        limits in prop::array::uniform4(0u32..40),
    ) {
        let strict = policy.order == Order::Strict;
        let mut rig = crate::budgets::limited(Policy { at_limit, ..policy }, limits);
        let seen = play(&mut rig, &steps);
        // What expires on the way gives its turn to what is behind it.
        let mut calls = 0;
        while rig.handset.is_ready(rig.now) && calls < rig.fed() + 2 {
            rig.poll();
            calls += 1;
        }
        prop_assert!(calls < rig.fed() + 2, "what is ready gives something, or is not ready any more");
        prop_assert!(rig.handset.poll_timeout().is_none_or(|at| at > rig.now.monotonic || rig.handset.load().1 > 0));
        rig.abandon();
        prop_assert_eq!(rig.all_settled(), rig.fed());
        prop_assert_eq!(rig.held.load(Ordering::Relaxed), 0);
        let (mut known, mut highest) = (HashSet::new(), None);
        for id in seen.into_iter().filter(|id| strict && known.insert(*id)) {
            prop_assert!(highest < Some(id), "{id} came behind {highest:?}");
            highest = Some(id);
        }
    }

    #[test]
    fn with_everything_accepted_a_handset_sees_every_event_once_in_order(
        policy in policies(),
        feeds in prop::collection::vec((1usize..6, 0usize..200), 1..40),
    ) {
        let mut rig = Rig::new(Policy { ttl: Duration::ZERO, max_segments: NonZeroU8::new(3).unwrap(), content: Content::All, types: EventTypes::default(), coalesce: Coalesce::None, ..policy });
        let steps: Vec<Step> = feeds.iter().map(|(events, octets)| Step::Feed { events: *events, octets: *octets }).collect();
        play(&mut rig, &steps);
        rig.advance(Duration::from_secs(60));
        let seen: Vec<u64> = rig.run().iter().map(|event| event.rsplit('|').next().unwrap().parse().unwrap()).collect();
        let lost = rig.dropped(DropReason::Lagged);
        prop_assert_eq!(seen.len() as u64 + lost, rig.fed());
        prop_assert!(seen.is_sorted_by(|a, b| a < b));
    }
}
