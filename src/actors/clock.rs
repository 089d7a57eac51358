//! The one place that reads the system's clocks for the engine.

use crate::engine::clock::Now;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// Reads both clocks. Under a paused tokio clock the monotonic one is tokio's, so that tests can turn it.
pub fn now() -> Now {
    static START: OnceLock<Instant> = OnceLock::new();
    let monotonic = START.get_or_init(Instant::now).elapsed();
    let unix_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
    Now { monotonic, unix_ms }
}

/// When `at`, a reading of the monotonic clock, is for tokio's timers.
pub fn instant(at: std::time::Duration) -> Instant {
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
