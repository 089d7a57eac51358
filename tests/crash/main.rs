//! Nothing is lost by `kill -9`: a router as a process of its own, between an origin and an SMSC that outlive it.
//!
//! Everything is counted where it arrives, by the SMSC; the router's own metrics are only held against that. The seed
//! decides the events, the SMSC's whims and the moments of the kills: `BELLWIRE_CRASH_SEED=7 cargo test --test crash`
//! plays them again, up to the timing between processes. `BELLWIRE_CRASH_KILLS` says how often the router is killed.
//! Left out: jumps of the wall clock, which a test cannot cause for one process alone.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

mod check;
mod disk;
mod kills;
mod origin;
mod router;
mod scene;
mod smsc;
mod stops;
mod wire;

/// What decides everything; another one each time, unless it is given.
fn seed() -> u64 {
    number("BELLWIRE_CRASH_SEED").unwrap_or_else(|| fastrand::u64(..))
}

/// How often the router is killed.
fn kills() -> u64 {
    number("BELLWIRE_CRASH_KILLS").unwrap_or(5)
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}={text:?} is no number")))
}
