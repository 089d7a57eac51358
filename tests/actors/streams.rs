//! Streams beside subscriptions: which events go where, what keeps a source open, and what a handset may ask for by
//! itself.

use crate::house::{House, RELAY, activation, policy, settle, source, until, within};
use crate::shelf::Shelf;
use bellwire::actors::router::{
    ActivateError, Activation, Armed, Arming, Follower, RouterMessage, Status, StreamOpened, StreamWanted, View,
};
use bellwire::actors::source::{Found, Piece, SourceMessage};
use bellwire::actors::upstream::{Cause, Outage, UpstreamFact};
use bellwire::model::{Policy, SourceId, TenantId};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;

const NUMBER: &str = "15550001";

fn here() -> SourceId {
    source(crate::house::URL)
}

fn follower() -> Follower {
    Follower { tenant: TenantId::default(), number: NUMBER.parse().unwrap(), application: None }
}

async fn open(house: &House, follower: Option<Follower>, last_event_id: &'static str) -> StreamOpened {
    let last_event_id = Bytes::from_static(last_event_id.as_bytes());
    let wanted = Box::new(StreamWanted { source: here(), last_event_id, follower });
    house.ask(|reply| RouterMessage::OpenStream(wanted, reply)).await.unwrap()
}

async fn find(opened: &StreamOpened, id: &str) -> Found {
    let id = Bytes::copy_from_slice(id.as_bytes());
    within(async { ractor::call!(opened.source, |reply| SourceMessage::Find(id, reply)) }).await.unwrap()
}

async fn read(opened: &StreamOpened, from: u64) -> Piece {
    within(async { ractor::call!(opened.source, |reply| SourceMessage::Read(from, reply)) }).await.unwrap()
}

/// The data of what a stream reads from number `from` on.
async fn data(opened: &StreamOpened, from: u64) -> Vec<String> {
    let Piece { chunks, next, .. } = read(opened, from).await;
    let events = chunks.iter().flat_map(|chunk| chunk.range().filter_map(|seq| Some((seq, chunk.get(seq)?))));
    let wanted = events.filter(|(seq, _)| *seq >= next);
    wanted.map(|(_, event)| String::from_utf8(event.data.to_vec()).unwrap()).collect()
}

fn asked() -> Arming {
    let activation = Activation { policy: Policy { max_events: 1, ..policy() }, ..activation(NUMBER) };
    Arming { activation, begin: 0, has: None, streams_end: false, probe: false }
}

async fn try_arm(house: &House, arming: Arming) -> Result<Armed, ActivateError> {
    house.ask(|reply| RouterMessage::Arm(Box::new(arming), reply)).await
}

async fn arm(house: &House, arming: Arming) -> View {
    match try_arm(house, arming).await.unwrap() {
        Armed::Active { view, .. } => *view,
        pending @ Armed::Pending { .. } => panic!("{pending:?}"),
    }
}

/// What time the pushes of a stream that was lost begin.
fn after_loss(house: &House) {
    house.hands.advance(RELAY.push_after);
}

#[tokio::test]
async fn a_stream_needs_no_subscription_and_keeps_its_source_for_a_while() {
    let house = House::new().await;
    let opened = open(&house, None, "7").await;
    assert_eq!(house.upstreams.last().last_event_id, "7", "the origin is asked for what the client lacks");
    assert!(house.feed(&["8", "9"]));
    assert_eq!(data(&opened, 0).await, ["8", "9"]);
    assert_eq!((find(&opened, "8").await, find(&opened, "").await), (Found::At(1), Found::At(2)));
    assert_eq!(find(&opened, "5").await, Found::Nowhere { next: 2 });
    let (again, upstream) = (open(&house, None, "").await, house.upstreams.last());
    assert_eq!(house.upstreams.count(), 1, "one upstream serves all");
    drop((opened, again));
    settle().await;
    assert!(!upstream.is_closed(), "radio loss is no goodbye");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_nobody_wants_any_more_is_closed_in_time() {
    let house = House::new().await;
    let opened = open(&house, None, "").await;
    let upstream = house.upstreams.last();
    drop(opened);
    tokio::time::sleep(RELAY.linger / 2).await;
    let again = open(&house, None, "").await;
    tokio::time::sleep(RELAY.linger * 2).await;
    assert!(!upstream.is_closed(), "somebody came back in time");
    drop(again);
    tokio::time::sleep(RELAY.linger * 2).await;
    assert!(upstream.is_closed());
    let anew = open(&house, None, "").await;
    assert_eq!(house.upstreams.count(), 2);
    let view = arm(&house, asked()).await;
    drop(anew);
    tokio::time::sleep(RELAY.linger * 2).await;
    assert!(!house.upstreams.last().is_closed(), "push is active");
    house.deactivate(view.id).await.unwrap();
    settle().await;
    assert!(house.upstreams.last().is_closed());
}

#[tokio::test]
async fn while_a_stream_is_open_nothing_is_pushed_and_when_it_is_lost_what_is_in_doubt_is() {
    let mut house = House::new().await;
    let mut opened = open(&house, Some(follower()), "").await;
    opened.stream.begin(0);
    arm(&house, asked()).await;
    assert!(house.feed(&["1", "2", "3"]));
    assert_eq!(data(&opened, 0).await, ["1", "2", "3"]);
    opened.stream.relayed(3, 1);
    settle().await;
    house.link.run();
    assert_eq!((house.link.seen(NUMBER).len(), house.settled("relayed")), (0, 1));
    drop(opened);
    settle().await;
    house.link.run();
    assert_eq!(house.link.seen(NUMBER).len(), 0, "it may come back");
    after_loss(&house);
    house.run_until(|link| link.seen(NUMBER).len() == 2).await;
    assert_eq!(house.link.seen(NUMBER), ["2", "3"]);
    assert_eq!((house.settled("relayed"), house.settled("accepted")), (1, 2));
}

#[tokio::test]
async fn a_stream_that_is_opened_again_takes_over_what_was_not_pushed() {
    let mut house = House::new().await;
    arm(&house, asked()).await;
    assert!(house.feed(&["1"]));
    house.run_until(|link| link.seen(NUMBER).len() == 1).await;
    let mut opened = open(&house, Some(follower()), "1").await;
    assert_eq!((find(&opened, "1").await, opened.stream.owed()), (Found::At(1), Some(1)));
    opened.stream.begin(1);
    assert!(house.feed(&["2", "3"]));
    settle().await;
    house.link.run();
    assert_eq!(house.link.seen(NUMBER), ["1"]);
    // Its reader says what it has, and by that what a later one need not be sent.
    let acknowledge = RouterMessage::Acknowledge(here(), Box::new(follower()), Bytes::from_static(b"3"));
    opened.stream.relayed(3, 1);
    house.router.cast(acknowledge).unwrap();
    until(|| house.settled("relayed") == 2).await;
    assert_eq!(opened.stream.signals().confirmed(), 3);
    drop(opened);
    after_loss(&house);
    assert!(house.feed(&["4"]));
    house.run_until(|link| link.seen(NUMBER).len() == 2).await;
    assert_eq!(house.link.seen(NUMBER), ["1", "4"]);
}

#[tokio::test]
async fn push_goes_on_where_streams_have_left_off() {
    let mut house = House::new().await;
    let mut opened = open(&house, Some(follower()), "").await;
    opened.stream.begin(0);
    assert!(house.feed(&["1", "2"]));
    assert_eq!(data(&opened, 0).await.len(), 2);
    opened.stream.relayed(2, 0);
    drop(opened);
    settle().await;
    assert!(house.feed(&["3"]), "its upstream lingers");
    settle().await;
    let view = arm(&house, asked()).await;
    assert_eq!(view.released, 2);
    house.run_until(|link| !link.seen(NUMBER).is_empty()).await;
    assert_eq!(house.link.seen(NUMBER), ["3"]);
}

#[tokio::test]
async fn who_asks_for_pushes_at_once_has_no_stream_any_more() {
    let mut house = House::new().await;
    let mut opened = open(&house, Some(follower()), "").await;
    opened.stream.begin(0);
    let mut signals = opened.stream.signals();
    assert!(house.feed(&["1"]));
    settle().await;
    opened.stream.relayed(1, 0);
    arm(&house, Arming { streams_end: true, ..asked() }).await;
    within(signals.ended()).await;
    house.run_until(|link| link.seen(NUMBER) == ["1"]).await;
    drop(opened);
    assert!(house.feed(&["2"]));
    house.run_until(|link| link.seen(NUMBER) == ["1", "2"]).await;
}

#[tokio::test]
async fn an_id_that_nobody_has_is_a_gap_that_the_handset_is_told_of() {
    let mut house = House::new().await;
    let _keeps = open(&house, None, "").await;
    assert!(house.feed(&["1"]));
    settle().await;
    let mut asked = asked();
    asked.activation.last_event_id = Bytes::from_static(b"unheard of");
    arm(&house, asked).await;
    settle().await;
    assert!(house.feed(&["2"]));
    house.run_until(|link| !link.seen(NUMBER).is_empty()).await;
    let body = house.link.bodies(NUMBER).remove(0);
    assert!(body.starts_with(":gap 1\n") && body.contains("data:2"), "{body}");
}

#[tokio::test]
async fn who_is_not_known_to_be_reached_proves_it_and_misses_nothing_meanwhile() {
    let mut house = House::new().await;
    let asked = Arming { probe: true, ..asked() };
    let Armed::Pending { id, within } = try_arm(&house, asked.clone()).await.unwrap() else { panic!("not proven") };
    assert_eq!(within, RELAY.probe_within);
    assert!(house.get(id).await.is_none());
    assert!(house.feed(&["1"]), "its source is kept");
    // Asking again sends nothing again.
    assert!(matches!(try_arm(&house, asked.clone()).await.unwrap(), Armed::Pending { .. }));
    house.run_until(|link| !link.seen(NUMBER).is_empty()).await;
    let seen = house.link.seen(NUMBER);
    let [nonce] = &seen[..] else { panic!("{seen:?}") };
    assert!(house.link.bodies(NUMBER)[0].contains("event:bellwire-probe\n"));
    assert!(house.ask(|reply| RouterMessage::Confirm("0".repeat(32), reply)).await.is_none());
    let armed = house.ask(|reply| RouterMessage::Confirm(nonce.clone(), reply)).await.unwrap().unwrap();
    assert!(matches!(armed, Armed::Active { view, created: true, .. } if view.id == id));
    assert!(house.ask(|reply| RouterMessage::Confirm(nonce.clone(), reply)).await.is_none(), "once");
    house.run_until(|link| link.seen(NUMBER).len() == 2).await;
    assert_eq!(house.link.seen(NUMBER)[1], "1");
    // Proven for one source, it is for the others.
    let mut other = asked;
    other.activation.source = source("http://example.com/other");
    assert!(matches!(try_arm(&house, other).await.unwrap(), Armed::Active { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_proof_that_does_not_come_leaves_nothing() {
    let house = House::new().await;
    let asked = Arming { probe: true, ..asked() };
    try_arm(&house, asked.clone()).await.unwrap();
    house.hands.advance(RELAY.probe_within);
    tokio::time::sleep(RELAY.probe_within + RELAY.linger * 2).await;
    assert!(house.upstreams.last().is_closed());
    let mut refused = None;
    for _ in 0..20 {
        refused = try_arm(&house, asked.clone()).await.err();
        if refused.is_some() {
            break;
        }
        house.hands.advance(RELAY.probe_within);
    }
    let refused = refused.expect("each costs somebody");
    assert!(matches!(refused, ActivateError::Probes(wait) if wait > Duration::ZERO), "{refused}");
}

#[tokio::test]
async fn what_somebody_else_has_activated_is_not_a_handsets_to_change() {
    let house = House::new().await;
    let view = house.activate(NUMBER).await;
    let armed = try_arm(&house, asked()).await.unwrap();
    let Armed::Active { view: again, created, expires_unix_ms } = armed else { panic!("{armed:?}") };
    assert_eq!((again.policy, created, expires_unix_ms), (view.policy, false, None));
    // And what a handset has asked for lasts once somebody else asks for it.
    let mut other = asked();
    other.activation.source = source("http://example.com/other");
    let mine = arm(&house, other.clone()).await;
    assert!(house.get(mine.id).await.unwrap().expires_unix_ms.is_some());
    house.try_activate(other.activation).await.unwrap();
    assert_eq!(house.get(mine.id).await.unwrap().expires_unix_ms, None);
}

#[tokio::test]
async fn who_wants_no_streams_while_one_is_being_opened_gets_pushes_all_the_same() {
    let mut house = House::new().await;
    let mut opened = open(&house, Some(follower()), "").await;
    arm(&house, Arming { streams_end: true, ..asked() }).await;
    opened.stream.begin(0);
    assert!(house.feed(&["1"]));
    settle().await;
    house.link.run();
    assert!(house.link.seen(NUMBER).is_empty(), "the stream is there");
    drop(opened);
    settle().await;
    after_loss(&house);
    house.run_until(|link| link.seen(NUMBER) == ["1"]).await;
}

#[tokio::test]
async fn nothing_is_begun_for_a_number_that_nothing_is_sent_to() {
    let house = House::new().await;
    assert_eq!(house.try_activate(activation("15559999")).await.unwrap_err(), ActivateError::Suppressed);
    let asked = Arming { activation: activation("15559999"), probe: true, ..asked() };
    assert_eq!(try_arm(&house, asked).await.unwrap_err(), ActivateError::Suppressed);
    assert_eq!(house.upstreams.count(), 0);
}

#[tokio::test]
async fn a_handset_may_ask_for_so_much_by_itself() {
    let house = House::new().await;
    for number in 0..RELAY.subscriptions_per_handset {
        let mut asked = asked();
        asked.activation.source = source(&format!("http://example.com/{number}"));
        arm(&house, asked).await;
    }
    assert_eq!(try_arm(&house, asked()).await.unwrap_err(), ActivateError::Limit(RELAY.subscriptions_per_handset));
    let mut again = asked();
    again.activation.source = source("http://example.com/0");
    arm(&house, again).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_handset_asked_for_ends_and_it_is_told_before() {
    let shelf = Arc::new(Shelf::default());
    let house = House::durable(&shelf, 1 << 20).await;
    let view = arm(&house, asked()).await;
    assert_eq!(house.get(view.id).await.unwrap().expires_unix_ms, Some(house.now().unix_ms + 3_600_000));
    house.journal.flush().await;
    let mut house = house.crash(&shelf).await;
    let end = house.get(view.id).await.unwrap().expires_unix_ms.unwrap();
    let tick = |house: &House| house.router.cast(RouterMessage::Expiries).unwrap();
    house.hands.advance(Duration::from_millis(end - house.now().unix_ms - 300_000));
    tick(&house);
    house.run_until(|link| !link.seen(NUMBER).is_empty()).await;
    assert!(house.link.bodies(NUMBER)[0].contains("event:bellwire-expiry\n"));
    // Asking again makes it last.
    arm(&house, asked()).await;
    house.hands.advance(Duration::from_secs(300));
    tick(&house);
    settle().await;
    assert!(house.get(view.id).await.is_some());
    house.hands.advance(Duration::from_secs(3300));
    tick(&house);
    settle().await;
    assert!(house.get(view.id).await.is_none());
    assert_eq!(house.link.seen(NUMBER).len(), 1);
}

#[tokio::test]
async fn a_stream_hears_what_its_origin_says() {
    let house = House::new().await;
    let mut opened = open(&house, None, "").await;
    house.upstreams.last().facts.send(UpstreamFact::Retry(Duration::from_secs(9)));
    assert!(house.feed(&["1"]));
    assert_eq!(read(&opened, 0).await.retry, Some(Duration::from_secs(9)));
    let outage = Outage::new(Cause::Status(204), "no more");
    house.upstreams.last().facts.send(UpstreamFact::Ended { outage: outage.clone() });
    within(opened.status.wait_for(|status| *status == Status::Ended(outage.clone()))).await.unwrap();
    let again = open(&house, None, "").await;
    assert_eq!((house.upstreams.count(), again.status.borrow().clone()), (2, Status::Connecting), "it is asked again");
}

#[tokio::test]
async fn a_slow_reader_holds_nobody_and_is_told_what_it_lost() {
    let house = House::with_log(8 * 1024).await;
    let opened = open(&house, None, "").await;
    for number in 0..100 {
        assert!(house.feed(&[&format!("{number:0>100}")]), "nothing is held for it");
        settle().await;
    }
    let piece = read(&opened, 0).await;
    assert!(piece.lost && piece.next > 0);
    let oldest = data(&opened, piece.next).await.remove(0);
    assert_eq!(oldest, format!("{:0>100}", piece.next));
}

#[tokio::test]
async fn with_a_store_the_log_is_read_by_number_and_by_id() {
    let shelf = Arc::new(Shelf::default());
    let house = House::durable(&shelf, 4 * 1024).await;
    let opened = open(&house, None, "").await;
    for number in 0..100 {
        let data = format!("{number:0>100}");
        until(|| house.feed(&[&data])).await;
        house.journal.flush().await;
    }
    let id = format!("{:0>100}", 3);
    assert_eq!(find(&opened, &id).await, Found::At(4));
    let piece = read(&opened, 4).await;
    assert!(!piece.lost && piece.next == 4);
    assert_eq!(data(&opened, 4).await[0], format!("{:0>100}", 4));
}
