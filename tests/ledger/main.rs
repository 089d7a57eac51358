//! The ledger: sessions, handsets and receipts of the engine against the simulated SMSC, with the clock in the test's
//! hand. A thousand seeds of faults, and after each the books are balanced from what the SMSC and the handsets recorded.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

mod faults;
mod link;
mod phone;
#[allow(dead_code, reason = "tests/house uses the rest")]
#[path = "../house/scene.rs"]
mod scene;
mod sockets;
mod world;

use faults::script;
use std::time::Duration;
use world::{World, WorldSettings};

/// Seeds of the long run; tests/long plays more.
const SEEDS: u64 = 1000;

fn seeds() -> std::ops::Range<u64> {
    let from = std::env::var("BELLWIRE_LEDGER_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let count = std::env::var("BELLWIRE_LEDGER_SEEDS").ok().and_then(|count| count.parse().ok()).unwrap_or(SEEDS);
    from..from + count
}

#[test]
fn the_books_balance_whatever_goes_wrong() {
    let mut total = world::Figures::default();
    for seed in seeds() {
        let mut world = World::new(WorldSettings { seed, ..WorldSettings::default() }, &script(seed));
        world.run();
        total.add(&world.check());
    }
    println!("{total}");
    assert!(total.is_telling(), "every fault was met: {total}");
}

#[test]
fn a_handset_that_is_switched_off_delays_nobody() {
    let settings = || WorldSettings { seed: 7, phones: 6, events: 200, ..WorldSettings::default() };
    let script = |off| if off { faults::FULL_FOR_EVER } else { "" };
    let done = |off| {
        let mut world = World::new(settings(), script(off));
        world.run_until(Duration::from_secs(3000));
        world.done_at(1..6)
    };
    assert_eq!(done(true), done(false), "to the microsecond");
}
