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
use bellwire::engine::sign::Sign;
use bellwire::engine::subscription::{Answer, Backlog, BacklogRule, Settlement, Subscription};
use bellwire::engine::tally::Tally;
use bellwire::engine::verdict::Verdict;
use bellwire::model::{ApplicationId, HandsetId, Policy, Priority, Profile, SubscriptionId, TenantId};
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
    add_with(cell, first, Policy { batch_window, ..policy() });
}

fn add_with(cell: &Arc<HandsetCell>, first: u64, policy: Policy) {
    let envelope = push_template(Profile::Standard, &ApplicationId::default()).unwrap();
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

/// As [`handset`], of another number, with an event of this priority that is due.
fn handset_of(smsc: &Arc<Smsc>, number: &str, priority: Priority) -> Arc<HandsetCell> {
    let id = HandsetId::from_name(&TenantId::default(), number);
    let reach = Reach::alone(Arc::clone(smsc));
    let cell = Arc::new(HandsetCell::new(id, &number.parse().unwrap(), reach, Memo::default()));
    add_with(&cell, 0, Policy { priority, ..policy() });
    cell
}

/// Its segment is refused for want of room.
fn park(cell: &Arc<HandsetCell>, now: Now) {
    let (mut tally, mut receipts) = (Tally::default(), Receipts::new(Duration::from_secs(60), 100));
    let (mut encoder, mut out) = (Encoder::default(), BytesMut::new());
    HandsetCell::serve(cell, now, |engine| {
        let mut settlement = Settlement { tally: &mut tally, receipts: &mut receipts, smsc: 0 };
        let segment = engine.poll_segment(now, 1, &mut encoder, &mut out, &mut settlement).unwrap();
        engine.handle_answer(
            now,
            segment,
            Answer::Refused { status: CommandStatus(0x14), verdict: Verdict::ParkHandset },
            &mut settlement,
        );
    })
    .unwrap();
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
    assert!(smsc.lanes()[0].pop(NOW, 1).is_some());
    assert!(smsc.lanes()[0].pop(NOW, 1).is_none());
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
    assert!(lane.pop(NOW.after(window - Duration::from_nanos(1)), 1).is_none());
    let due = NOW.after(window);
    assert!(lane.pop(due, 1).is_some());
    assert!(lane.pop(due, 1).is_none());
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
        if let Some(turn) = lane.pop(early, 1) {
            assert!(serve(&turn.item, early), "who is in line has something to send");
        }
    }
    assert!(lane.pop(NOW.after(Duration::from_nanos(1_000_001_000)), 1).is_some());
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
    while smsc.lanes()[0].pop(NOW, 1).is_some() {}
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

#[test]
fn who_gets_something_urgent_overtakes_and_leaves_no_second_turn_behind() {
    let smsc = smsc(1);
    let low: Vec<_> = (0..3).map(|at| handset_of(&smsc, &format!("1555000{at}"), Priority::Low)).collect();
    let lane = &smsc.lanes()[0];
    let last = &low[2];
    add_with(last, 0, Policy { priority: Priority::Urgent, ..policy() });
    let first = lane.pop(NOW, 0).unwrap();
    assert!(Arc::ptr_eq(&first.item, last) && first.class == Priority::Urgent as u8);
    for expected in &low[..2] {
        assert!(Arc::ptr_eq(&lane.pop(NOW, 1).unwrap().item, expected));
    }
    assert!(lane.pop(NOW, 1).is_none() && lane.is_empty(), "it had its turn");
}

#[test]
fn who_comes_later_comes_with_its_priority() {
    let smsc = smsc(1);
    let _normal: Vec<_> = (0..3).map(|at| handset_of(&smsc, &format!("1555000{at}"), Priority::Normal)).collect();
    let id = HandsetId::from_name(&TenantId::default(), "later");
    let reach = Reach::alone(Arc::clone(&smsc));
    let late = Arc::new(HandsetCell::new(id, &"15551111".parse().unwrap(), reach, Memo::default()));
    let batch_window = Duration::from_secs(2);
    add_with(&late, 0, Policy { priority: Priority::High, batch_window, ..policy() });
    let lane = &smsc.lanes()[0];
    assert!(!Arc::ptr_eq(&lane.pop(NOW, 0).unwrap().item, &late));
    assert!(Arc::ptr_eq(&lane.pop(NOW.after(batch_window), 1).unwrap().item, &late));
}

#[test]
fn who_is_parked_is_known_by_its_number_until_it_goes_on() {
    let smsc = smsc(1);
    let cells = ["15550001", "15550002"].map(|number| handset_of(&smsc, number, Priority::Normal));
    let mut tally = Tally::default();
    while smsc.lanes()[0].pop(NOW, 1).is_some() {}
    cells.iter().for_each(|cell| park(cell, NOW));
    assert_eq!((smsc.parked(), smsc.lanes()[0].len()), (2, 0));
    smsc.handle_sign(NOW, &"15550003".parse().unwrap(), Sign::MobileOriginated, &mut tally);
    assert_eq!((smsc.parked(), smsc.lanes()[0].len()), (2, 0));
    smsc.handle_sign(NOW, &cells[0].number(), Sign::MobileOriginated, &mut tally);
    assert_eq!((smsc.parked(), smsc.lanes()[0].len()), (1, 1));
    let over = NOW.after(Duration::from_secs(1));
    while let Some(turn) = smsc.lanes()[0].pop(over, 1) {
        assert!(serve(&turn.item, over));
    }
    assert_eq!(smsc.parked(), 0, "the other one's pause was over");
}

#[test]
fn who_is_taken_out_of_service_is_parked_no_longer() {
    let smsc = smsc(1);
    let cell = handset_of(&smsc, "15550001", Priority::Normal);
    while smsc.lanes()[0].pop(NOW, 1).is_some() {}
    park(&cell, NOW);
    HandsetCell::serve(&cell, NOW, |_| panic!("as a defect would"));
    assert_eq!((smsc.parked(), cell.is_broken()), (1, true));
    assert!(cell.mend(7).is_some());
    assert_eq!((smsc.parked(), cell.is_broken()), (0, false));
}

#[tokio::test]
async fn a_parked_handset_comes_back_by_itself_with_the_same_segment() {
    let mut house = House::new().await;
    house.try_activate(Activation { ..activation("15550001") }).await.unwrap();
    assert!(house.feed(&["1"]));
    let first = house.take(1).await;
    house.link.answer(&first[0], Answer::Refused { status: CommandStatus(0x14), verdict: Verdict::ParkHandset });
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
