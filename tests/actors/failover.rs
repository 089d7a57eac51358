//! Handsets leave an SMSC without links for one that stands in for it, and come back.

use crate::house::{addressing, policy};
use bellwire::actors::failover::Failover;
use bellwire::actors::handset::HandsetCell;
use bellwire::actors::lane::Lane;
use bellwire::actors::reach::Reaches;
use bellwire::actors::smsc::Smsc;
use bellwire::codec::udh::ReferenceWidth;
use bellwire::engine::availability::{Change, Patience};
use bellwire::engine::chunk::Chunk;
use bellwire::engine::clock::Now;
use bellwire::engine::encoder::Encoder;
use bellwire::engine::envelope::push_template;
use bellwire::engine::handset::{Memo, Segment};
use bellwire::engine::receipts::Receipts;
use bellwire::engine::routing::{Route, Routes};
use bellwire::engine::subscription::{Answer, Backlog, BacklogRule, Settlement, Subscription};
use bellwire::engine::tally::Tally;
use bellwire::model::{ApplicationId, HandsetId, Policy, Profile, SubscriptionId, TenantId};
use bytes::BytesMut;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;

const NOW: Now = Now { monotonic: Duration::from_secs(100), unix_ms: 1_790_000_000_000 };
const PATIENCE: Patience = Patience { failover_after: seconds(15), return_after: seconds(60) };

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// SMSCs of the same route, each less preferred than the one before it.
struct Scene {
    reaches: Reaches,
    failover: Failover,
    told: Vec<(String, Change)>,
}

impl Scene {
    fn new(smscs: usize) -> Self {
        Self::of((0..smscs).map(|priority| Route { priority: priority as u8, ..Route::default() }).collect())
    }

    fn of(routes: Vec<Route>) -> Self {
        let receipts = Arc::new(Mutex::new(Receipts::new(seconds(60), 100)));
        let smsc = |at: u8| {
            let smsc = Smsc::new(at, format!("smsc-{at}"), addressing(), 2, Arc::clone(&receipts));
            Arc::new(smsc.with_stand_ins(PATIENCE))
        };
        let smscs: Vec<_> = (0..routes.len() as u8).map(smsc).collect();
        let failover = Failover::new(smscs.iter().cloned());
        let mut scene = Self { reaches: Reaches::new(Routes::new(routes), smscs), failover, told: Vec::new() };
        scene.look(NOW);
        scene
    }

    fn look(&mut self, now: Now) -> Option<Duration> {
        self.failover.look(now, |smsc, change| self.told.push((smsc.name().to_owned(), change)))
    }

    fn set_open(&mut self, smsc: usize, open: bool, now: Now) {
        (0..2).for_each(|lane| self.reaches.smscs()[smsc].set_open(lane, open, now));
        self.look(now);
    }

    fn lanes(&self, smsc: usize) -> &[Arc<Lane>] {
        self.reaches.smscs()[smsc].lanes()
    }

    /// Handsets that stand in line at each SMSC.
    fn waiting(&self) -> Vec<usize> {
        self.reaches.smscs().iter().map(|smsc| smsc.lanes().iter().map(|lane| lane.len()).sum()).collect()
    }

    fn handset(&self, name: &str, batch_window: Duration) -> Arc<HandsetCell> {
        let (tenant, number) = (TenantId::default(), "15550001".parse().unwrap());
        let id = HandsetId::from_name(&tenant, name);
        let reach = self.reaches.find(&tenant, id, &number).unwrap();
        let cell = Arc::new(HandsetCell::new(id, &number, reach, Memo::default()));
        let envelope = push_template(Profile::Standard, &ApplicationId::default()).unwrap();
        let policy = Policy { batch_window, max_events: if batch_window.is_zero() { 1 } else { 9 }, ..policy() };
        let backlog = Backlog { limit: 1 << 16, rule: BacklogRule::DropOldest };
        let id = SubscriptionId::from_octets([1; 16]);
        let subscription = Subscription::new(id, policy, envelope, ReferenceWidth::Bits8, 0, backlog);
        let place = cell.wake(|engine| engine.insert(subscription)).unwrap();
        HandsetCell::serve(&cell, NOW, |engine| {
            let chunk = Arc::new(Chunk::new(crate::upstreams::events(&["1", "2"]), 0, NOW, None, None));
            engine.handle_chunk(NOW, place, &chunk, &mut Tally::default());
        });
        cell
    }
}

/// As a link does that has room for one segment: its octets behind the header, and its name.
fn serve(cell: &Arc<HandsetCell>, now: Now) -> Option<(Vec<u8>, Segment)> {
    let (mut tally, mut receipts) = (Tally::default(), Receipts::new(seconds(60), 100));
    let (mut encoder, mut out) = (Encoder::default(), BytesMut::new());
    let segment = HandsetCell::serve(cell, now, |engine| {
        let mut settlement = Settlement { tally: &mut tally, receipts: &mut receipts, smsc: 0 };
        engine.poll_segment(now, 1, &mut encoder, &mut out, &mut settlement)
    });
    let segment = segment.unwrap()?;
    Some((out[16..].to_vec(), segment))
}

fn answer(cell: &Arc<HandsetCell>, now: Now, segment: Segment, answer: Answer<'_>) {
    let (mut tally, mut receipts) = (Tally::default(), Receipts::new(seconds(60), 100));
    HandsetCell::serve(cell, now, |engine| {
        let mut settlement = Settlement { tally: &mut tally, receipts: &mut receipts, smsc: 0 };
        engine.handle_answer(now, segment, answer, &mut settlement)
    })
    .unwrap();
}

#[test]
fn who_waits_at_an_smsc_without_links_goes_by_the_next_in_time() {
    let mut scene = Scene::new(2);
    scene.set_open(1, true, NOW);
    let ready: Vec<_> = (0..10).map(|name| scene.handset(&name.to_string(), Duration::ZERO)).collect();
    let _later = scene.handset("later", seconds(40));
    assert_eq!(scene.waiting(), [10, 0]);
    assert_eq!(scene.look(NOW.after(seconds(14))), Some(NOW.monotonic + seconds(15)));
    assert_eq!(scene.waiting(), [10, 0], "its patience is not at its end");
    assert_eq!(scene.look(NOW.after(seconds(15))), None);
    assert_eq!(scene.waiting(), [0, 10]);
    assert_eq!(scene.told, [("smsc-0".to_owned(), Change::Failed)]);
    assert!(scene.lanes(0).iter().all(|lane| lane.poll_timeout().is_none()));
    assert!(scene.lanes(1).iter().any(|lane| lane.poll_timeout() == Some(NOW.monotonic + seconds(40))));
    assert!(ready.iter().all(|cell| cell.smsc().name() == "smsc-1" && cell.reach().home().name() == "smsc-0"));
}

#[test]
fn they_return_when_it_has_proven_itself_and_not_while_it_flaps() {
    let mut scene = Scene::new(2);
    scene.set_open(1, true, NOW);
    let cells: Vec<_> = (0..10).map(|name| scene.handset(&name.to_string(), Duration::ZERO)).collect();
    scene.look(NOW.after(seconds(15)));
    for turn in 1..20 {
        scene.set_open(0, turn % 2 == 1, NOW.after(seconds(15 + 50 * turn)));
        assert_eq!(scene.waiting(), [0, 10], "turn {turn}");
    }
    let bound = NOW.after(seconds(15 + 50 * 19));
    assert_eq!(scene.look(bound.after(seconds(59))), Some(bound.monotonic + seconds(60)));
    assert_eq!(scene.waiting(), [0, 10]);
    assert_eq!(scene.look(bound.after(seconds(60))), None);
    assert_eq!(scene.waiting(), [10, 0], "who is in line returns, too");
    assert_eq!(scene.told.iter().map(|(_, change)| *change).collect::<Vec<_>>(), [Change::Failed, Change::Returned]);
    assert!(cells.iter().all(|cell| cell.smsc().name() == "smsc-0"));
}

#[test]
fn what_awaits_its_answer_stays_and_what_goes_again_has_the_same_octets() {
    let mut scene = Scene::new(2);
    (0..2).for_each(|smsc| scene.set_open(smsc, true, NOW));
    let cell = scene.handset("one", Duration::ZERO);
    let (octets, segment) = serve(&cell, NOW).unwrap();
    let lost = NOW.after(seconds(10));
    scene.set_open(0, false, lost);
    let failed = lost.after(seconds(15));
    scene.look(failed);
    HandsetCell::offer(&cell, failed);
    assert_eq!(cell.smsc().name(), "smsc-1");
    assert!(serve(&cell, failed).is_none(), "its answer may still come");
    answer(&cell, failed, segment, Answer::Unknown { resend: true });
    assert_eq!(scene.waiting()[0], 0);
    let lane = scene.lanes(1).iter().find(|lane| !lane.is_empty()).unwrap();
    assert!(lane.pop(failed, 0).is_some());
    let (again, segment) = serve(&cell, failed).unwrap();
    assert_eq!(octets, again);
    answer(&cell, failed, segment, Answer::Accepted { message_id: b"id" });
    assert_ne!(serve(&cell, failed).unwrap().0, octets, "then comes the next");
}

#[test]
fn when_all_are_out_of_service_the_first_that_has_a_link_takes_everybody() {
    let mut scene = Scene::new(3);
    let _cells: Vec<_> = (0..10).map(|name| scene.handset(&name.to_string(), Duration::ZERO)).collect();
    scene.look(NOW.after(seconds(15)));
    assert_eq!(scene.told.len(), 3);
    assert_eq!(scene.waiting(), [10, 0, 0], "nobody is better");
    scene.set_open(2, true, NOW.after(seconds(20)));
    assert_eq!(scene.waiting(), [0, 0, 10]);
    scene.set_open(2, false, NOW.after(seconds(25)));
    scene.set_open(0, true, NOW.after(seconds(26)));
    assert_eq!(scene.waiting(), [10, 0, 0]);
}

#[test]
fn equals_share_handsets_and_those_of_one_that_fails_go_by_the_others() {
    let mut scene = Scene::of(vec![Route::default(); 2]);
    (0..2).for_each(|smsc| scene.set_open(smsc, true, NOW));
    let _cells: Vec<_> = (0..200).map(|name| scene.handset(&name.to_string(), Duration::ZERO)).collect();
    assert!(scene.waiting().iter().all(|count| *count > 60), "{:?}", scene.waiting());
    let lanes = (0..2).flat_map(|smsc| scene.lanes(smsc)).map(|lane| lane.len());
    assert!(lanes.into_iter().all(|count| count > 20), "links share them, too");
    scene.set_open(1, false, NOW);
    scene.look(NOW.after(seconds(15)));
    assert_eq!(scene.waiting(), [200, 0]);
}

#[test]
fn tenants_have_small_numbers_and_share_nothing_else() {
    let scene = Scene::new(2);
    let (number, handset) = ("15550001".parse().unwrap(), HandsetId::from_octets([0; 16]));
    let reach = |tenant: &str| scene.reaches.find(&TenantId::new(tenant).unwrap(), handset, &number).unwrap();
    assert_eq!(["a", "b", "a"].map(|tenant| reach(tenant).tenant()), [0, 1, 0]);
    assert!(Arc::ptr_eq(&reach("a"), &reach("a")) && !Arc::ptr_eq(&reach("a"), &reach("b")));
}
