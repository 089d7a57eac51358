//! How often something has failed lately, and whether that was too often.

use std::collections::VecDeque;
use std::time::Duration;

/// Failures within [`WINDOW`] that take something out of service.
const MAX: usize = 3;
/// How long a failure counts.
const WINDOW: Duration = Duration::from_secs(60);

/// The failures of one actor or subscription.
#[derive(Debug, Default)]
pub(super) struct Failures(VecDeque<Duration>);

/// A subscription that has failed.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    pub failures: Failures,
    /// Why it is out of service, if it is.
    pub quarantined: Option<String>,
}

impl Failures {
    /// Counts one at `now`; whether it was one too many.
    pub fn note(&mut self, now: Duration) -> bool {
        self.0.retain(|at| *at + WINDOW > now);
        self.0.push_back(now);
        self.0.len() >= MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_third_within_a_minute_is_one_too_many() {
        let seconds = Duration::from_secs;
        let mut failures = Failures::default();
        assert!(!failures.note(seconds(0)) && !failures.note(seconds(59)));
        assert!(!failures.note(seconds(60)), "the first is forgotten");
        assert!(failures.note(seconds(61)));
    }
}
