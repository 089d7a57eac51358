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

/// A reading of the monotonic clock in eight octets, for what is kept by the hundred thousand: whole nanoseconds, up to
/// 584 years.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp(u64);

impl Stamp {
    /// A time that does not come.
    pub const NEVER: Self = Self(u64::MAX);

    /// Started seconds from `earlier` to this, none if it is before.
    #[must_use]
    pub fn seconds_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0).div_ceil(1_000_000_000)
    }

    /// How long after `earlier` this is, zero if it is before.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl From<Stamp> for Duration {
    fn from(stamp: Stamp) -> Self {
        Self::from_nanos(stamp.0)
    }
}

impl From<Duration> for Stamp {
    /// Later than any stamp can tell is never.
    fn from(monotonic: Duration) -> Self {
        let seconds = monotonic.as_secs().saturating_mul(1_000_000_000);
        Self(seconds.saturating_add(monotonic.subsec_nanos().into()))
    }
}
