//! Who stands in which line, and when.

use crate::house::{House, activation, addressing, policy, settle};
use bellwire::actors::handset::HandsetCell;
use bellwire::actors::reach::Reach;
use bellwire::actors::router::Activation;
use bellwire::actors::smsc::Smsc;
use bellwire::codec::smpp::CommandStatus;
use bellwire::codec::udh::ReferenceWidth;
use bellwire::engine::chunk::Chunk;
use bellwire::engine::clock::Now;
use bellwire::engine::encoder::Encoder;
use bellwire::engine::envelope::push_template;
use bellwire::engine::handset::Memo;
use bellwire::engine::receipts::Receipts;
use bellwire::engine::subscription::{Answer, Backlog, BacklogRule, Settlement, Subscription};
use bellwire::engine::tally::Tally;
use bellwire::model::{ApplicationId, HandsetId, Policy, Profile, SubscriptionId, TenantId};
use bytes::BytesMut;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;

const NOW: Now = Now { monotonic: Duration::from_secs(100), unix_ms: 1_790_000_000_000 };

fn smsc(lanes: usize) -> Arc<Smsc> {
    let receipts = Arc::new(Mutex::new(Receipts::new(Duration::from_secs(60), 100)));
    Arc::new(Smsc::new(0, "main".into(), addressing(), lanes, receipts))
}

/// A handset that prefers the lane `preference` and has an event that is due at `NOW + batch_window`.
fn handset(smsc: &Arc<Smsc>, preference: usize, batch_window: Duration) -> Arc<HandsetCell> {
    let id = |name: u64| HandsetId::from_name(&TenantId::default(), &name.to_string());
    let prefers = |id: &HandsetId| id.half() as usize % smsc.lanes().len() == preference;
    let id = (0..).map(id).find(prefers).unwrap();
    let number = "15550001".parse().unwrap();
    let cell = Arc::new(HandsetCell::new(id, &number, Reach::alone(Arc::clone(smsc)), Memo::default()));
    add(&cell, 0, batch_window);
    cell
}

/// Gives the handset a subscription more, with an event.
fn add(cell: &Arc<HandsetCell>, first: u64, batch_window: Duration) {
    let envelope = push_template(Profile::Standard, &ApplicationId::default()).unwrap();
    let policy = Policy { batch_window, ..policy() };
    let backlog = Backlog { limit: 1 << 16, rule: BacklogRule::DropOldest };
    let subscription = Subscription::new(
        SubscriptionId::from_octets([1; 16]),
        policy,
        envelope,
        ReferenceWidth::Bits8,
        first,
        backlog,
    );
    let place = cell.wake(|engine| engine.insert(subscription)).unwrap();
    HandsetCell::serve(cell, NOW, |engine| {
        let chunk = Arc::new(Chunk::new(crate::upstreams::events(&["1"]), first, NOW, None, None));
        engine.handle_chunk(NOW, place, &chunk, &mut Tally::default());
    });
}

/// As a link does that has room for one segment; whether there was one.
fn serve(cell: &Arc<HandsetCell>, now: Now) -> bool {
    let (mut tally, mut receipts) = (Tally::default(), Receipts::new(Duration::from_secs(60), 100));
    let (mut encoder, mut out) = (Encoder::default(), BytesMut::new());
    HandsetCell::serve(cell, now, |engine| {
        let mut settlement = Settlement { tally: &mut tally, receipts: &mut receipts, smsc: 0 };
        engine.poll_segment(now, 1, &mut encoder, &mut out, &mut settlement).is_some()
    })
    .unwrap()
}

#[test]
fn a_handset_stands_in_line_once() {
    let smsc = smsc(1);
    let cell = handset(&smsc, 0, Duration::ZERO);
    (0..5).for_each(|_| HandsetCell::offer(&cell, NOW));
    assert_eq!(smsc.lanes()[0].len(), 1);
    assert!(smsc.lanes()[0].pop(NOW).is_some());
    assert!(smsc.lanes()[0].pop(NOW).is_none());
    HandsetCell::offer(&cell, NOW);
    assert_eq!(smsc.lanes()[0].len(), 1, "who has left may come again");
}

#[test]
fn who_comes_later_comes_at_that_time_and_once() {
    let smsc = smsc(1);
    let window = Duration::from_secs(3);
    let cell = handset(&smsc, 0, window);
    let lane = &smsc.lanes()[0];
    (0..5).for_each(|_| HandsetCell::offer(&cell, NOW));
    assert_eq!(lane.poll_timeout(), Some(NOW.monotonic + window));
    assert!(lane.pop(NOW.after(window - Duration::from_nanos(1))).is_none());
    let due = NOW.after(window);
    assert!(lane.pop(due).is_some());
    assert!(lane.pop(due).is_none());
    assert!(serve(&cell, due));
    assert_eq!((lane.poll_timeout(), lane.len()), (None, 0));
}

#[test]
fn a_time_between_two_microseconds_is_not_early_for_ever() {
    let smsc = smsc(1);
    let window = Duration::from_nanos(1_000_000_500);
    let cell = handset(&smsc, 0, window);
    let lane = &smsc.lanes()[0];
    let early = NOW.after(Duration::from_nanos(1_000_000_100));
    for _ in 0..3 {
        if let Some(cell) = lane.pop(early) {
            assert!(serve(&cell, early), "who is in line has something to send");
        }
    }
    assert!(lane.pop(NOW.after(Duration::from_nanos(1_000_001_000))).is_some());
    assert!(serve(&cell, NOW.after(Duration::from_nanos(1_000_001_000))));
}

#[test]
fn an_earlier_time_takes_the_place_of_a_later_one() {
    let smsc = smsc(1);
    let cell = handset(&smsc, 0, Duration::from_secs(60));
    let lane = &smsc.lanes()[0];
    for second in 1..=50 {
        add(&cell, second, Duration::from_secs(second));
        HandsetCell::offer(&cell, NOW);
    }
    assert_eq!(lane.poll_timeout(), Some(NOW.monotonic + Duration::from_secs(1)));
    assert_eq!(lane.take_all().len(), 1, "one handset, one time");
}

#[test]
fn a_handset_sticks_to_its_lane_and_goes_elsewhere_only_while_that_is_closed() {
    let smsc = smsc(2);
    (0..2).for_each(|lane| smsc.set_open(lane, true, NOW));
    let cells: Vec<_> = (0..4).map(|number| handset(&smsc, number % 2, Duration::ZERO)).collect();
    assert_eq!(smsc.lanes().iter().map(|lane| lane.len()).collect::<Vec<_>>(), [2, 2]);
    smsc.set_open(1, false, NOW);
    assert_eq!(smsc.lanes().iter().map(|lane| lane.len()).collect::<Vec<_>>(), [4, 0]);
    while smsc.lanes()[0].pop(NOW).is_some() {}
    smsc.set_open(1, true, NOW);
    cells.iter().for_each(|cell| HandsetCell::offer(cell, NOW));
    assert_eq!(smsc.lanes().iter().map(|lane| lane.len()).collect::<Vec<_>>(), [2, 2], "back home");
}

#[test]
fn while_no_link_is_bound_everybody_waits_and_the_first_takes_them_all() {
    let smsc = smsc(2);
    let _ready = handset(&smsc, 0, Duration::ZERO);
    let _later = handset(&smsc, 0, Duration::from_secs(5));
    smsc.set_open(0, false, NOW);
    assert_eq!(smsc.lanes()[0].len(), 1);
    smsc.set_open(1, true, NOW);
    let lane = &smsc.lanes()[1];
    assert_eq!((smsc.lanes()[0].len(), smsc.lanes()[0].poll_timeout()), (0, None));
    assert_eq!((lane.len(), lane.poll_timeout()), (1, Some(NOW.monotonic + Duration::from_secs(5))));
}

#[tokio::test]
async fn a_parked_handset_comes_back_by_itself_with_the_same_segment() {
    let mut house = House::new().await;
    house.try_activate(Activation { ..activation("15550001") }).await.unwrap();
    assert!(house.feed(&["1"]));
    let first = house.take(1).await;
    house.link.answer(&first[0], Answer::Refused { status: CommandStatus(0x14) });
    assert!(house.feed(&["2"]));
    settle().await;
    assert!(house.link.take().is_empty(), "it is parked, whatever comes");
    house.hands.advance(Duration::from_secs(1));
    let again = house.take(1).await;
    assert_eq!(first[0].short_message, again[0].short_message);
    house.link.accept(&again[0]);
    house.run_until(|link| link.seen("15550001") == ["1", "2"]).await;
    assert_eq!(house.link.lane.poll_timeout(), None);
}
