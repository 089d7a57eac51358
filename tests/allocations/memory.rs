//! What a subscription takes in memory: asleep, awake in a group, and awake with an actor of its own.

use crate::house::{House, activation, feed};
use crate::upstreams::events;
use allocation_counter::measure;
use bellwire::actors::router::Activation;
use bellwire::actors::upstream::UpstreamFact;
use tokio::runtime::Runtime;

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}

fn number(index: usize) -> String {
    format!("1555{index:07}")
}

/// Octets of the heap that are in use after `work` and were not before.
fn octets(work: impl FnOnce()) -> i64 {
    measure(work).bytes_current
}

/// Each of another handset, all of one source: what broadcasts are made of.
#[test]
fn a_subscription_takes_at_most_256_octets_asleep_and_8_kib_awake() {
    // Whole powers of two, so that every table has doubled once in between.
    const FEW: usize = 1 << 13;
    const MANY: usize = 1 << 14;
    let runtime = runtime();
    let mut house = runtime.block_on(House::new());
    let activate = |from: usize, to: usize| {
        octets(|| {
            runtime.block_on(async {
                for index in from..to {
                    house.activate(&number(index)).await;
                }
            });
        })
    };
    activate(0, FEW);
    let asleep = activate(FEW, MANY) / (MANY - FEW) as i64;

    // Strict, and nobody answers: every one has an event on its way.
    let awake = octets(|| {
        assert!(house.feed(&["1"]));
        runtime.block_on(async { crate::house::until(|| house.link.lane.len() == MANY).await });
        let sent = house.link.take();
        assert_eq!(sent.len(), MANY);
    }) / MANY as i64;
    println!("{asleep} octets asleep, {awake} more awake in a group");
    assert!(asleep <= 256, "{asleep} octets asleep");
    assert!(asleep + awake <= 8 * 1024, "{awake} octets more awake");
}

/// Each with an actor, its source's one and only.
#[test]
fn a_subscription_with_an_actor_of_its_own_takes_at_most_8_kib() {
    const COUNT: usize = 1000;
    let runtime = runtime();
    let mut house = runtime.block_on(House::new());
    runtime.block_on(async {
        for index in 0..COUNT {
            let source = feed(&index.to_string());
            house.try_activate(Activation { source, ..activation(&number(index)) }).await.unwrap();
        }
    });
    // What a source keeps of its events is the source's.
    let awake = octets(|| {
        runtime.block_on(async {
            for index in 0..COUNT {
                house.publish(feed(&index.to_string()), events(&["1"]), "").await.unwrap();
            }
        });
        assert_eq!(house.link.take().len(), COUNT);
    }) / COUNT as i64;
    println!("{awake} octets more awake, alone with its actor");
    // Without optimization the future of an actor is larger.
    let most = if cfg!(debug_assertions) { 10 } else { 8 };
    assert!(awake <= most * 1024, "{awake} octets");
}

/// From the reader of an upstream until the handset stands in line, a chunk costs the same however many events it has.
#[test]
fn the_way_through_the_actors_allocates_per_chunk_and_not_per_event() {
    let runtime = runtime();
    let mut house = runtime.block_on(House::new());
    runtime.block_on(async {
        house.activate(&number(1)).await;
    });
    let upstream = house.upstreams.last();
    let mut way = |count: usize| {
        let now = house.now();
        let events = events(&vec!["x"; count]);
        let credit = upstream.door.try_admit(events.octets()).unwrap();
        let fact = UpstreamFact::Events { events, credit, read_at: now };
        let counted = measure(|| {
            upstream.facts.send(fact);
            runtime.block_on(async { crate::house::until(|| house.link.lane.len() == 1).await });
        });
        house.link.run();
        counted.count_total
    };
    for _ in 0..20 {
        way(500);
    }
    let (few, many) = (way(8), way(500));
    println!("{few} allocations for a chunk of 8 events, {many} for one of 500");
    assert!(few <= 20 && many <= 20, "{few} for 8 events, {many} for 500");
}
