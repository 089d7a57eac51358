//! When a lost stream is opened again (HTML §9.2.2 "reestablish the connection"). The time is counted, not taken.

use super::settings::SseSettings;
use crate::engine::backoff::Backoff;
use std::time::Duration;

/// Share of the reconnection time that jitter adds at most, so that the readers of one origin do not return as one.
const JITTER: f64 = 0.25;

/// The waits of one stream.
#[derive(Debug)]
pub(super) struct Reconnection {
    time: Duration,
    min: Duration,
    max: Duration,
    backoff: Backoff,
    random: fastrand::Rng,
}

impl Reconnection {
    /// The waits that `settings` describe, with these dice.
    pub(super) fn new(settings: &SseSettings, random: fastrand::Rng) -> Self {
        Self {
            time: settings.reconnection_time,
            min: settings.min_reconnection_time,
            max: settings.max_reconnection_time.max(settings.min_reconnection_time),
            backoff: Backoff::new(settings.backoff_base, settings.backoff_max),
            random,
        }
    }

    /// The stream set its reconnection time by `retry`.
    pub(super) fn set_time(&mut self, retry: Duration) {
        self.time = retry.clamp(self.min, self.max);
    }

    /// The wait after a stream that was sound: the reconnection time, and up to a quarter more.
    pub(super) fn after_success(&mut self) -> Duration {
        self.backoff.reset();
        self.jittered()
    }

    /// The wait after a stream that did not get as far: "wait some more" (HTML §9.2.2), never less than the reconnection
    /// time nor than the origin asked for.
    pub(super) fn after_failure(&mut self, at_least: Duration) -> Duration {
        let draw = self.random.f64();
        self.backoff.next(draw).max(self.jittered()).max(at_least.min(self.max))
    }

    fn jittered(&mut self) -> Duration {
        self.time.mul_f64(1.0 + JITTER * self.random.f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn reconnection() -> Reconnection {
        Reconnection::new(&SseSettings::default(), fastrand::Rng::with_seed(7))
    }

    #[test]
    fn a_sound_stream_is_opened_again_after_its_reconnection_time() {
        let mut waits = reconnection();
        for _ in 0..100 {
            let wait = waits.after_success();
            assert!(wait >= 3 * SECOND && wait <= 3 * SECOND * 5 / 4, "{wait:?}");
        }
        waits.set_time(10 * SECOND);
        assert!(waits.after_success() >= 10 * SECOND);
    }

    #[test]
    fn what_a_stream_asks_for_has_a_floor_and_a_ceiling() {
        let mut waits = reconnection();
        waits.set_time(Duration::ZERO);
        assert!(waits.after_success() >= Duration::from_millis(100));
        waits.set_time(Duration::MAX);
        assert!(waits.after_success() <= 3600 * SECOND * 5 / 4);
    }

    #[test]
    fn failures_in_a_row_spread_up_to_the_maximum_and_never_below_the_reconnection_time() {
        let mut waits = reconnection();
        let drawn: Vec<Duration> = (0..200).map(|_| waits.after_failure(Duration::ZERO)).collect();
        assert!(drawn.iter().all(|wait| *wait >= 3 * SECOND && *wait <= 60 * SECOND), "{drawn:?}");
        assert!(drawn.iter().any(|wait| *wait > 50 * SECOND));
        assert!(drawn[..3].iter().all(|wait| *wait <= 4 * SECOND), "{:?}", &drawn[..3]);
        waits.after_success();
        assert!(waits.after_failure(Duration::ZERO) <= 4 * SECOND, "a sound stream resets the back-off");
    }

    #[test]
    fn the_origin_may_ask_for_more_but_not_for_ever() {
        let mut waits = reconnection();
        assert!(waits.after_failure(100 * SECOND) >= 100 * SECOND);
        assert_eq!(waits.after_failure(Duration::MAX), 3600 * SECOND);
    }

    #[test]
    fn the_same_seed_gives_the_same_waits() {
        let waits = || {
            let mut waits = reconnection();
            [waits.after_failure(SECOND), waits.after_success(), waits.after_failure(SECOND)]
        };
        assert_eq!(waits(), waits());
    }
}
