//! The time, as the engine is told it.

use std::time::Duration;

/// One reading of both clocks. Waits are measured on the monotonic one; the other is only shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Since some fixed moment before the process did anything; never goes back.
    pub monotonic: Duration,
    /// Milliseconds since 1970-01-01 UTC; may jump.
    pub unix_ms: u64,
}

impl Now {
    /// This reading, `later` later; for tests and simulations.
    #[must_use]
    pub fn after(self, later: Duration) -> Self {
        Self { monotonic: self.monotonic + later, unix_ms: self.unix_ms + later.as_millis() as u64 }
    }

    /// How long ago `earlier` was, zero if it is yet to come.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        self.monotonic.saturating_sub(earlier.monotonic)
    }
}
