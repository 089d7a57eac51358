//! How long to wait before trying again: exponential back-off with full jitter.
//!
//! Full jitter (a uniform draw below the ceiling, not a ceiling with a little noise) spreads the clients of a peer
//! that came back over the whole wait. The dice are an argument.

use std::time::Duration;

/// The waits between failures in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// Ceiling of the first wait.
    base: Duration,
    /// What no ceiling exceeds.
    max: Duration,
    /// Failures since the last success.
    attempt: u32,
}

impl Backoff {
    /// Waits of at most `base` after the first failure, of at most twice as much after each further one, and never of
    /// more than `max`.
    pub fn new(base: Duration, max: Duration) -> Self {
        Self { base, max, attempt: 0 }
    }

    /// Counts a failure; how long to wait after it, drawn by `random` in 0..1 (anything else is clamped).
    pub fn next(&mut self, random: f64) -> Duration {
        self.next_from(Duration::ZERO, random)
    }

    /// As [`Backoff::next`], but never less than `floor`: the draw is spread over what is between it and the ceiling.
    pub fn next_from(&mut self, floor: Duration, random: f64) -> Duration {
        let ceiling = self.ceiling();
        let floor = floor.min(ceiling);
        self.attempt = self.attempt.saturating_add(1);
        let share = if random.is_nan() { 1.0 } else { random.clamp(0.0, 1.0) };
        floor + (ceiling - floor).mul_f64(share)
    }

    /// The longest that the next wait can be.
    pub fn ceiling(&self) -> Duration {
        let factor = 1u32.checked_shl(self.attempt).unwrap_or(u32::MAX);
        self.base.saturating_mul(factor).min(self.max)
    }

    /// Failures in a row so far.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Forgets the failures: the peer has proven itself.
    pub fn reset(&mut self) {
        self.attempt = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_ceiling_doubles_up_to_the_maximum_and_stays_there() {
        let mut backoff = Backoff::new(SECOND, 60 * SECOND);
        let waits: Vec<u64> = (0..9).map(|_| backoff.next(1.0).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        for _ in 0..100 {
            assert_eq!(backoff.next(1.0), 60 * SECOND, "after {} failures", backoff.attempt());
        }
    }

    #[test]
    fn the_draw_scales_the_whole_wait() {
        let mut backoff = Backoff::new(4 * SECOND, 60 * SECOND);
        assert_eq!(backoff.next(0.0), Duration::ZERO);
        assert_eq!(backoff.next(0.25), 2 * SECOND);
        assert_eq!(backoff.next(0.5), 8 * SECOND);
    }

    #[test]
    fn a_floor_leaves_the_draw_its_breadth() {
        let mut backoff = Backoff::new(SECOND, 60 * SECOND);
        assert_eq!(backoff.next_from(SECOND / 2, 0.0), SECOND / 2);
        assert_eq!(backoff.next_from(SECOND / 2, 1.0), 2 * SECOND);
        assert_eq!(backoff.next_from(SECOND / 2, 0.5), SECOND * 9 / 4);
        assert_eq!(Backoff::new(SECOND, SECOND).next_from(2 * SECOND, 0.7), SECOND, "the ceiling is above the floor");
        assert_eq!(Backoff::new(Duration::ZERO, SECOND).next_from(SECOND, 0.7), Duration::ZERO);
    }

    #[test]
    fn a_reset_starts_over() {
        let mut backoff = Backoff::new(SECOND, 60 * SECOND);
        backoff.next(1.0);
        backoff.next(1.0);
        backoff.reset();
        assert_eq!((backoff.attempt(), backoff.next(1.0)), (0, SECOND));
    }

    #[test]
    fn odd_dice_and_odd_durations_do_not_panic() {
        for random in [f64::NAN, f64::INFINITY, -1.0, 7.0] {
            let mut backoff = Backoff::new(SECOND, 60 * SECOND);
            assert!(backoff.next(random) <= SECOND, "{random}");
        }
        let mut endless = Backoff { base: Duration::MAX, max: Duration::MAX, attempt: u32::MAX };
        assert!(endless.next(0.5) > SECOND);
        let mut inverted = Backoff::new(10 * SECOND, SECOND);
        assert_eq!(inverted.next(1.0), SECOND);
    }
}
