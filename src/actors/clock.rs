//! The one place that reads the system's clocks for the engine.

use crate::engine::clock::Now;
use std::cell::Cell;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// How long the wall clock is taken to go on as it did: somebody who sets it is noticed that late.
const WALL_READ_EVERY_MS: u64 = 100;

/// What the monotonic clock shows when the process begins: events that an earlier one read are older than that, and may
/// be as old as a time to live is long.
const BEGINNING: Duration = Duration::from_secs(60 * 24 * 3600);

/// Reads the monotonic clock, and the wall clock now and then: each costs as much as a good part of an event. Under a
/// paused tokio clock the monotonic one is tokio's, so that tests can turn it.
pub fn now() -> Now {
    static START: OnceLock<Instant> = OnceLock::new();
    let monotonic = BEGINNING + START.get_or_init(Instant::now).elapsed();
    Now { monotonic, unix_ms: unix_ms(monotonic.as_millis() as u64) }
}

/// The wall clock at `monotonic_ms`, true to a millisecond as long as nobody sets it.
fn unix_ms(monotonic_ms: u64) -> u64 {
    thread_local! {
        /// When this thread read the wall clock last, and what it was ahead then.
        static LAST_READ: Cell<Option<(u64, u64)>> = const { Cell::new(None) };
    }
    let is_recent = |(read_at, _): &(u64, u64)| (*read_at..read_at + WALL_READ_EVERY_MS).contains(&monotonic_ms);
    if let Some((_, ahead)) = LAST_READ.get().filter(is_recent) {
        return monotonic_ms + ahead;
    }
    let unix_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
    LAST_READ.set(Some((monotonic_ms, unix_ms.saturating_sub(monotonic_ms))));
    unix_ms
}

/// When `at`, a reading of the monotonic clock, is for tokio's timers.
pub fn instant(at: Duration) -> Instant {
    let read = now().monotonic;
    Instant::now() + at.saturating_sub(read)
}

/// A clock handed to an actor, so that a test can hold it in its hand.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Now + Send + Sync>);

impl Clock {
    /// A clock that shows what `read` returns.
    pub fn new(read: impl Fn() -> Now + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// What it shows.
    pub fn now(&self) -> Now {
        (self.0)()
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new(now)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Policy;

    #[test]
    fn there_is_time_before_the_beginning_for_what_is_to_be_sent_longest() {
        assert!(now().monotonic > Policy::MAX_TTL);
    }

    #[tokio::test(start_paused = true)]
    async fn the_wall_clock_goes_on_with_the_monotonic_one_until_it_is_read_anew() {
        let first = now();
        tokio::time::advance(Duration::from_millis(WALL_READ_EVERY_MS - 1)).await;
        assert_eq!(now().unix_ms, first.unix_ms + WALL_READ_EVERY_MS - 1);
        tokio::time::advance(Duration::from_secs(3600)).await;
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
        let read = now().unix_ms;
        assert!(read.abs_diff(wall) < 60_000, "the hour that only tokio's clock has seen is not in it");
    }
}
