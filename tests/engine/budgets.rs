//! Budgets: never more than they allow, nothing lost or out of order by waiting, and nobody woken for nothing.

use crate::rig::{BACKLOG_LIMIT, QUEUE_FULL, Rig, addressing, subscription};
use bellwire::codec::segments::ReferenceWidth;
use bellwire::codec::sse::EventsBuilder;
use bellwire::engine::budget::{Limits, News, Note, Period, Purses, Scope, Shared, Shares, Used, Watch};
use bellwire::engine::chunk::Chunk;
use bellwire::engine::clock::Now;
use bellwire::engine::encoder::Encoder;
use bellwire::engine::handset::{Handset, Memo, Place};
use bellwire::engine::progress::Saved;
use bellwire::engine::receipts::Receipts as Table;
use bellwire::engine::subscription::{Answer, Settlement};
use bellwire::engine::tally::Tally;
use bellwire::model::{AtLimit, Coalesce, DropReason, Outcome, Policy, Receipts};
use bytes::BytesMut;
use parking_lot::Mutex;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Each event is a push of one segment, and none expires.
fn policy(at_limit: AtLimit) -> Policy {
    Policy { at_limit, max_events: 1, ttl: Duration::ZERO, receipts: Receipts::None, ..Policy::default() }
}

/// What was told of budgets.
#[derive(Default)]
struct Told(Mutex<Vec<(Scope, Period, bool)>>);

impl Watch for Told {
    fn note(&self, _: Now, note: &Note<'_>) {
        self.0.lock().push((note.scope, note.period, note.news != News::Announced));
    }

    fn changed(&self, _: &Arc<Shared>) {}
}

fn limits(per_minute: u32, per_day: u32) -> Limits {
    Limits { per_minute, per_day, announce_at: 80 }
}

fn of_handset(limits: Limits) -> Arc<Shares> {
    Arc::new(Shares { handset: Some(Arc::new(Purses::new(limits, Arc::new(())))), ..Shares::default() })
}

fn shared(scope: Scope, limits: Limits, watch: Arc<dyn Watch>) -> Arc<Shared> {
    Arc::new(Shared::new(scope, "it".to_owned(), *b"it", limits, Used::default(), watch))
}

fn of_tenant(limits: Limits) -> Arc<Shares> {
    Arc::new(Shares { tenant: Some(shared(Scope::Tenant, limits, Arc::new(()))), ..Shares::default() })
}

/// Its handset and its tenant have such limits, in a minute and on a day.
pub fn limited(policy: Policy, [minute, day, minute_of_all, day_of_all]: [u32; 4]) -> Rig {
    let handset = Some(Arc::new(Purses::new(limits(minute, day), Arc::new(()))));
    let tenant = Some(shared(Scope::Tenant, limits(minute_of_all, day_of_all), Arc::new(())));
    let mut rig = Rig::new(policy);
    replace(&mut rig, &Arc::new(Shares { handset, tenant, source: None }));
    rig
}

/// Begins a day.
fn rig(policy: Policy, shares: &Arc<Shares>) -> Rig {
    let mut rig = Rig::new(policy);
    rig.now.unix_ms -= rig.now.unix_ms % DAY.as_millis() as u64;
    replace(&mut rig, shares);
    rig
}

/// The rig's subscription pays into these.
fn replace(rig: &mut Rig, shares: &Arc<Shares>) {
    let one = rig.handset.get(rig.place).unwrap();
    let policy = one.policy().clone();
    rig.handset.take(rig.place);
    rig.place = rig.handset.insert(subscription(policy, ReferenceWidth::Bits8).charged(Some(Arc::clone(shares))));
    rig.handset.get(rig.place).unwrap().handle_attached(0);
}

fn tick(rig: &mut Rig, numbers: std::ops::Range<u32>) {
    numbers.for_each(|number| rig.tick(number));
}

/// Until nothing waits, at the times that it asks for; when each came.
fn drain(rig: &mut Rig) -> Vec<(Now, String)> {
    let mut came: Vec<(Now, String)> = Vec::new();
    loop {
        let now = rig.now;
        came.extend(rig.run().into_iter().map(|event| (now, event)));
        let Some(at) = rig.handset.poll_timeout() else { return came };
        assert!(at > rig.now.monotonic, "what is not ready is not ready at once");
        rig.advance(at - rig.now.monotonic);
    }
}

fn numbered(numbers: std::ops::Range<u32>) -> Vec<String> {
    numbers.map(|number| format!("message|{number}|{number}")).collect()
}

#[test]
fn a_minutes_worth_goes_at_once_and_the_rest_as_it_comes_back() {
    let mut rig = rig(policy(AtLimit::Hold), &of_handset(limits(3, 0)));
    tick(&mut rig, 0..5);
    let begin = rig.now.monotonic;
    let came = drain(&mut rig);
    let times: Vec<u64> = came.iter().map(|(now, _)| (now.monotonic - begin).as_secs()).collect();
    assert_eq!(times, [0, 0, 0, 20, 40]);
    assert_eq!(came.into_iter().map(|(_, event)| event).collect::<Vec<_>>(), numbered(0..5));
}

#[test]
fn it_is_said_what_holds_it_and_until_when() {
    let mut rig = rig(policy(AtLimit::Hold), &of_handset(limits(0, 2)));
    tick(&mut rig, 0..3);
    assert_eq!(rig.run().len(), 2);
    let (scope, until) = rig.handset.get(rig.place).unwrap().held_by().unwrap();
    assert_eq!(scope, Scope::Handset);
    assert_eq!((until - rig.now.monotonic).as_secs(), DAY.as_secs());
    rig.advance(DAY + SECOND);
    assert_eq!(rig.run(), numbered(2..3), "a day begins at midnight");
    assert!(rig.handset.get(rig.place).unwrap().held_by().is_none());
}

#[test]
fn a_clock_that_is_set_back_gives_nothing_back() {
    let mut rig = rig(policy(AtLimit::Hold), &of_handset(limits(0, 2)));
    rig.advance(DAY);
    tick(&mut rig, 0..4);
    assert_eq!(rig.run().len(), 2);
    rig.now.unix_ms -= DAY.as_millis() as u64 / 2;
    rig.advance(DAY / 2);
    assert!(rig.run().is_empty(), "it is the same day once more");
    rig.advance(DAY / 2);
    assert!(rig.run().is_empty());
    rig.advance(DAY / 2 + SECOND);
    assert_eq!(rig.run().len(), 2);
}

#[test]
fn a_clock_that_was_years_ahead_does_not_hold_for_years() {
    let mut rig = rig(policy(AtLimit::Hold), &of_handset(limits(0, 2)));
    let right = rig.now.unix_ms;
    rig.now.unix_ms += 1000 * DAY.as_millis() as u64;
    tick(&mut rig, 0..3);
    assert_eq!(rig.run().len(), 2);
    rig.now.unix_ms = right;
    rig.advance(Duration::from_secs(3601));
    assert!(rig.run().is_empty(), "what was used stays used");
    rig.advance(DAY);
    assert_eq!(rig.run().len(), 1);
}

#[test]
fn what_waits_may_expire_and_is_counted_at_once() {
    let mut rig = rig(Policy { ttl: MINUTE, ..policy(AtLimit::Hold) }, &of_handset(limits(0, 1)));
    tick(&mut rig, 0..3);
    assert_eq!(rig.run().len(), 1);
    assert_eq!(rig.handset.poll_timeout(), Some(rig.now.monotonic + MINUTE));
    rig.advance(MINUTE);
    assert!(rig.run().is_empty());
    assert_eq!((rig.settled(Outcome::Expired), rig.all_settled()), (2, 3));
    assert_eq!((rig.handset.poll_timeout(), rig.held.load(std::sync::atomic::Ordering::Relaxed)), (None, 0));
}

#[test]
fn what_waits_is_still_coalesced() {
    let latest = Policy { coalesce: Coalesce::Latest, ..policy(AtLimit::Hold) };
    let mut rig = rig(latest, &of_handset(limits(0, 1)));
    tick(&mut rig, 0..1);
    assert_eq!(rig.run(), numbered(0..1));
    tick(&mut rig, 1..3);
    assert!(rig.run().is_empty());
    tick(&mut rig, 3..5);
    assert!(rig.run().is_empty());
    assert_eq!(rig.settled(Outcome::Coalesced), 3);
    rig.advance(DAY + SECOND);
    assert_eq!(rig.run(), numbered(4..5));
}

#[test]
fn who_does_not_want_to_wait_loses_what_there_is_no_budget_for() {
    let mut rig = rig(policy(AtLimit::Drop), &of_handset(limits(2, 0)));
    tick(&mut rig, 0..5);
    assert_eq!(rig.run(), numbered(0..2));
    assert_eq!((rig.dropped(DropReason::Budget), rig.all_settled()), (3, 5));
    assert_eq!(rig.handset.poll_timeout(), None);
    rig.advance(30 * SECOND);
    tick(&mut rig, 5..7);
    assert_eq!(rig.run(), numbered(5..6));
    assert_eq!((rig.dropped(DropReason::Budget), rig.all_settled()), (4, 7));
}

#[test]
fn a_handset_is_told_once_in_a_period_that_there_are_events() {
    let mut rig = rig(policy(AtLimit::Notify), &of_handset(limits(0, 2)));
    tick(&mut rig, 0..5);
    let came = rig.run();
    assert_eq!(came, ["message|0|0", "message|1|1", "bellwire-wake||4"]);
    assert_eq!(rig.settled(Outcome::Accepted), 5);
    rig.handset.save(rig.now, &mut |_| {});
    assert_eq!(rig.handset.put_to_sleep(rig.now, rig.place), None, "it has something to remember");
    tick(&mut rig, 5..8);
    assert!(rig.run().is_empty());
    rig.advance(DAY + SECOND);
    assert_eq!(rig.run(), ["message|5|5", "message|6|6", "bellwire-wake||7"]);
}

#[test]
fn of_what_all_share_notices_use_a_tenth_more_and_no_more() {
    let shares = of_tenant(limits(0, 20));
    let mut told = 0;
    for _ in 0..5 {
        let mut rig = rig(policy(AtLimit::Notify), &shares);
        tick(&mut rig, 0..20);
        told += rig.run().iter().filter(|event| event.contains("wake")).count();
    }
    assert_eq!(told, 2);
}

#[test]
fn what_goes_again_is_charged_and_not_held() {
    let mut rig = rig(policy(AtLimit::Hold), &of_handset(limits(0, 3)));
    tick(&mut rig, 0..3);
    let written = rig.poll();
    rig.refuse(&written[0], QUEUE_FULL);
    rig.advance(MINUTE);
    let again = rig.poll();
    rig.lose(&again[0], true);
    let once_more = rig.poll();
    assert_eq!(once_more.len(), 1, "three are used, and a fourth is not held");
    rig.lose(&once_more[0], false);
    assert!(rig.run().is_empty(), "nothing is left for others");
    assert_eq!(rig.handset.load(), (2, 0));
}

#[test]
fn sleep_and_restart_keep_what_was_used() {
    let purses = Arc::new(Purses::new(limits(0, 3), Arc::new(())));
    let shares = Arc::new(Shares { handset: Some(Arc::clone(&purses)), ..Shares::default() });
    let mut rig = rig(policy(AtLimit::Hold), &shares);
    tick(&mut rig, 0..2);
    assert_eq!(rig.run().len(), 2);
    let mut saved = None;
    rig.handset.save(rig.now, &mut |one| {
        if let Saved::Handset(progress) = one {
            saved = Some(progress);
        }
    });
    let saved = saved.unwrap();
    assert_eq!(saved.used.1, 2);

    // Asleep and awake again.
    rig.handset.put_to_sleep(rig.now, rig.place).unwrap();
    let memo = rig.handset.memo(rig.now).unwrap();
    assert_eq!(purses.remembered(), 1);
    let wake = |rig: &mut Rig, shares: &Arc<Shares>, memo| {
        let (addressing, number) = (Arc::new(addressing(ReferenceWidth::Bits8)), "15551234567".parse().unwrap());
        rig.handset = Handset::new(1, addressing, &number, memo);
        let one = subscription(policy(AtLimit::Hold), ReferenceWidth::Bits8).charged(Some(Arc::clone(shares)));
        rig.place = rig.handset.insert(one);
        rig.next_is(0);
    };
    wake(&mut rig, &shares, memo);
    assert_eq!(purses.remembered(), 0);
    tick(&mut rig, 0..3);
    assert_eq!(rig.run().len(), 1, "two were used before");

    // Another process, which knows of two.
    let purses = Arc::new(Purses::new(limits(0, 3), Arc::new(())));
    purses.restore(rig.now, 1, Used::on(saved.used.0, saved.used.1));
    let shares = Arc::new(Shares { handset: Some(Arc::clone(&purses)), ..Shares::default() });
    wake(&mut rig, &shares, memo);
    tick(&mut rig, 0..3);
    assert_eq!(rig.run().len(), 1);
    purses.restore(rig.now.after(DAY), 2, Used::on(saved.used.0, saved.used.1));
    assert_eq!(purses.remembered(), 0, "what was used yesterday is nothing to remember");
}

#[test]
fn both_limits_are_told_of_once_each() {
    let told = Arc::new(Told::default());
    let shares = Shares { source: Some(shared(Scope::Source, limits(10, 20), told.clone())), ..Shares::default() };
    let mut rig = rig(policy(AtLimit::Hold), &Arc::new(shares));
    tick(&mut rig, 0..30);
    let mut come = 0;
    while come < 20 {
        come += rig.run().len();
        if let Some(at) = rig.handset.poll_timeout() {
            rig.advance(at - rig.now.monotonic);
        }
    }
    rig.run();
    let (announced, exhausted) = (false, true);
    let of = |period, is_exhausted| (Scope::Source, period, is_exhausted);
    let expected = [
        of(Period::Minute, announced),
        of(Period::Minute, exhausted),
        of(Period::Day, announced),
        of(Period::Day, exhausted),
    ];
    assert_eq!(*told.0.lock(), expected);
}

#[test]
fn a_push_that_is_longer_than_the_limit_goes_when_nothing_is_used() {
    let long = Policy { max_segments: 3.try_into().unwrap(), ..policy(AtLimit::Hold) };
    let mut rig = rig(long, &of_handset(limits(2, 0)));
    for id in ["1", "2"] {
        rig.feed(&[("message", &"x".repeat(300), id)]);
    }
    let begin = rig.now.monotonic;
    let came = drain(&mut rig);
    assert_eq!((came.len(), came[1].0.monotonic - begin), (2, 90 * SECOND), "three segments take 90 s to come back");
}

/// Handsets and whatever wakes them.
struct Crowd {
    handsets: Vec<(Handset, Place)>,
    line: BTreeSet<(Duration, usize)>,
    tally: Tally,
    receipts: Table,
    encoder: Encoder,
    out: BytesMut,
    looks: usize,
    sent: Vec<Duration>,
}

impl Crowd {
    fn new(count: usize, shares: &Arc<Shares>) -> Self {
        let (addressing, number) = (Arc::new(addressing(ReferenceWidth::Bits8)), "15551234567".parse().unwrap());
        let handsets = (0..count).map(|serial| {
            let mut handset = Handset::new(serial as u64, Arc::clone(&addressing), &number, Memo::default());
            let one = subscription(policy(AtLimit::Hold), ReferenceWidth::Bits8).charged(Some(Arc::clone(shares)));
            let place = handset.insert(one);
            (handset, place)
        });
        Self {
            handsets: handsets.collect(),
            line: BTreeSet::new(),
            tally: Tally::default(),
            receipts: Table::new(Duration::from_secs(3600), 10_000),
            encoder: Encoder::default(),
            out: BytesMut::new(),
            looks: 0,
            sent: Vec::new(),
        }
    }

    fn serve(&mut self, now: Now, index: usize) {
        self.looks += 1;
        let (handset, _) = &mut self.handsets[index];
        loop {
            self.out.clear();
            let mut settlement = Settlement { tally: &mut self.tally, receipts: &mut self.receipts, smsc: 0 };
            let segment = handset.poll_segment(now, 1, &mut self.encoder, &mut self.out, &mut settlement);
            let Some(segment) = segment else { break };
            self.sent.push(now.monotonic);
            handset.handle_answer(now, segment, Answer::Accepted { message_id: b"1" }, &mut settlement);
        }
        if let Some(at) = self.handsets[index].0.poll_timeout() {
            assert!(at > now.monotonic);
            self.line.insert((at, index));
        }
    }
}

#[test]
fn ten_thousand_who_wait_for_one_budget_are_woken_once_each() {
    const COUNT: usize = 10_000;
    let shares = of_tenant(limits(1000, 0));
    let mut crowd = Crowd::new(COUNT, &shares);
    let mut now = Now { monotonic: Duration::from_secs(1000), unix_ms: 1_790_000_000_000 };
    let mut events = EventsBuilder::new();
    events.push(b"message", b"1", b"1").unwrap();
    let chunk = Arc::new(Chunk::new(events.finish(), 0, now, None, None));
    for index in 0..COUNT {
        let (handset, place) = &mut crowd.handsets[index];
        handset.handle_chunk(now, *place, &chunk, &mut crowd.tally);
        crowd.serve(now, index);
    }
    assert_eq!((crowd.sent.len(), crowd.looks), (1000, COUNT));
    let begin = now.monotonic;
    while let Some((at, index)) = crowd.line.pop_first() {
        now = now.after(at - now.monotonic);
        crowd.serve(now, index);
    }
    assert_eq!(crowd.sent.len(), COUNT);
    assert!(crowd.looks <= 2 * COUNT + 10, "{} looks", crowd.looks);
    let took = now.monotonic - begin;
    assert!(took <= 9 * MINUTE + SECOND, "nothing that was allowed was left unused: {took:?}");
    check(&crowd.sent, 1000);
}

#[test]
fn who_leaves_the_line_gives_his_place_to_others() {
    let shares = of_tenant(limits(1, 0));
    let mut first = rig(policy(AtLimit::Hold), &shares);
    tick(&mut first, 0..2);
    assert_eq!(first.run().len(), 1);
    let mut second = rig(policy(AtLimit::Hold), &shares);
    tick(&mut second, 0..1);
    assert!(second.run().is_empty());
    let third = |shares: &Arc<Shares>| {
        let mut third = rig(policy(AtLimit::Hold), shares);
        tick(&mut third, 0..1);
        assert!(third.run().is_empty());
        third.handset.poll_timeout().unwrap() - third.now.monotonic
    };
    assert_eq!(third(&shares), 3 * MINUTE);
    second.close(DropReason::Deactivated);
    assert_eq!(third(&shares), 2 * MINUTE);
}

/// In any stretch of time no more went than a minute's worth, and what came back meanwhile.
fn check(sent: &[Duration], per_minute: u32) {
    let interval = MINUTE / per_minute;
    for (first, begin) in sent.iter().enumerate().step_by(1 + sent.len() / 300) {
        for (last, end) in sent.iter().enumerate().skip(first) {
            let most = u128::from(per_minute) + (*end - *begin).as_nanos() / interval.as_nanos();
            assert!((last - first + 1) as u128 <= most, "{} in {:?}", last - first + 1, *end - *begin);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn never_more_than_allowed_never_out_of_order_and_nothing_lost(
        steps in proptest::collection::vec((0u64..100_000, 0u32..5), 1..40),
        per_minute in 1u32..6,
        per_day in 1u32..40,
        scope in 0usize..3,
    ) {
        let limits = limits(per_minute, per_day);
        let shares = match scope {
            0 => of_handset(limits),
            1 => of_tenant(limits),
            _ => Arc::new(Shares { source: Some(shared(Scope::Source, limits, Arc::new(()))), ..Shares::default() }),
        };
        let mut rig = rig(policy(AtLimit::Hold), &shares);
        let (mut fed, mut came): (u32, Vec<(Now, String)>) = (0, Vec::new());
        rig.advance(DAY - MINUTE * 10);
        for (wait, events) in steps {
            rig.advance(Duration::from_millis(wait));
            tick(&mut rig, fed..fed + events);
            fed += events;
            let now = rig.now;
            came.extend(rig.run().into_iter().map(|event| (now, event)));
        }
        prop_assert!(fed * 100 < BACKLOG_LIMIT as u32);
        came.extend(drain(&mut rig));
        let mut days: BTreeMap<u64, u32> = BTreeMap::new();
        came.iter().for_each(|(now, _)| *days.entry(now.unix_ms / DAY.as_millis() as u64).or_default() += 1);
        prop_assert!(days.values().all(|sent| *sent <= per_day), "{days:?}");
        check(&came.iter().map(|(now, _)| now.monotonic).collect::<Vec<_>>(), per_minute);
        prop_assert_eq!(came.into_iter().map(|(_, event)| event).collect::<Vec<_>>(), numbered(0..fed));
    }
}
