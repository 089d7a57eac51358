//! How long something takes: a distribution, and what is drawn from it by seed and number.

use super::super::chance;
use std::f64::consts::TAU;
use std::fmt;
use std::time::Duration;

/// What is drawn is cut off here, for the tails of some distributions have no end.
pub(super) const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// The normal distribution has 99 % below so many deviations.
const P99_DEVIATIONS: f64 = 2.326_347_874_040_841;

/// How long something takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Latency {
    /// Always as long.
    Fixed(Duration),
    /// Everything between is as likely.
    Uniform {
        /// The shortest.
        from: Duration,
        /// The longest.
        to: Duration,
    },
    /// Around a mean; what would be below nothing is nothing.
    Normal {
        /// The mean.
        mean: Duration,
        /// The standard deviation.
        deviation: Duration,
    },
    /// What has no memory.
    Exponential {
        /// The mean.
        mean: Duration,
    },
    /// A long tail.
    LogNormal {
        /// As many are above as below.
        median: Duration,
        /// One of a hundred is above.
        p99: Duration,
    },
}

impl Default for Latency {
    fn default() -> Self {
        Self::NONE
    }
}

impl Latency {
    /// No time at all.
    pub const NONE: Self = Self::Fixed(Duration::ZERO);

    /// Whether it takes no time.
    pub fn is_none(&self) -> bool {
        *self == Self::NONE
    }

    /// How long it takes the `n`th time; whole microseconds, so that arithmetic that differs in its last bit does not
    /// show.
    pub fn draw(&self, seed: u64, n: u64) -> Duration {
        let seconds = match *self {
            Self::Fixed(time) => return time,
            Self::Uniform { from, to } => from.as_secs_f64() + (to - from).as_secs_f64() * unit(seed, n),
            Self::Normal { mean, deviation } => mean.as_secs_f64() + deviation.as_secs_f64() * normal(seed, n),
            Self::Exponential { mean } => -mean.as_secs_f64() * unit(seed, n).ln(),
            Self::LogNormal { median, p99 } => {
                let sigma = (p99.as_secs_f64() / median.as_secs_f64()).ln() / P99_DEVIATIONS;
                median.as_secs_f64() * (sigma * normal(seed, n)).exp()
            }
        };
        let micros = (seconds * 1e6).round().clamp(0.0, LONGEST.as_micros() as f64);
        Duration::from_micros(micros as u64)
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let say = humantime::format_duration;
        match *self {
            Self::Fixed(time) if time.is_zero() => f.write_str("at once"),
            Self::Fixed(time) => write!(f, "after {}", say(time)),
            Self::Uniform { from, to } => write!(f, "after {} to {}", say(from), say(to)),
            Self::Normal { mean, deviation } => {
                write!(f, "after {} ± {} (normal)", say(mean), say(deviation))
            }
            Self::Exponential { mean } => write!(f, "after {} on average (exponential)", say(mean)),
            Self::LogNormal { median, p99 } => {
                write!(f, "after {} mostly, {} for one of a hundred (lognormal)", say(median), say(p99))
            }
        }
    }
}

/// Above 0 and at most 1.
fn unit(seed: u64, n: u64) -> f64 {
    ((chance::draw(seed, n) >> 11) + 1) as f64 / (1_u64 << 53) as f64
}

/// Of mean 0 and deviation 1 (Box and Muller 1958).
fn normal(seed: u64, n: u64) -> f64 {
    let radius = (-2.0 * unit(seed, n).ln()).sqrt();
    radius * (TAU * unit(!seed, n)).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn drawn(latency: Latency) -> Vec<Duration> {
        let mut drawn: Vec<Duration> = (0..10_000).map(|n| latency.draw(7, n)).collect();
        drawn.sort_unstable();
        drawn
    }

    #[test]
    fn what_is_drawn_has_the_shape_that_was_asked_for() {
        let near = |drawn: Duration, expected: Duration| {
            let share = drawn.as_secs_f64() / expected.as_secs_f64();
            assert!((0.93..1.07).contains(&share), "{drawn:?} for {expected:?}");
        };
        let uniform = drawn(Latency::Uniform { from: MS(1), to: MS(9) });
        assert!(uniform[0] >= MS(1) && uniform[9_999] <= MS(9));
        near(uniform[5_000], MS(5));
        let normal = drawn(Latency::Normal { mean: MS(50), deviation: MS(10) });
        near(normal[5_000], MS(50));
        near(normal[8_413], MS(60));
        let exponential = drawn(Latency::Exponential { mean: MS(100) });
        near(exponential[6_321], MS(100));
        let lognormal = drawn(Latency::LogNormal { median: MS(20), p99: MS(400) });
        near(lognormal[5_000], MS(20));
        near(lognormal[9_900], MS(400));
    }

    #[test]
    fn a_draw_is_a_function_of_seed_and_number() {
        let latency = Latency::Exponential { mean: MS(100) };
        assert_eq!(latency.draw(1, 5), latency.draw(1, 5));
        assert_ne!(latency.draw(1, 5), latency.draw(2, 5));
        assert_ne!(latency.draw(1, 5), latency.draw(1, 6));
    }

    #[test]
    fn no_tail_is_without_end() {
        let wild = Latency::LogNormal { median: MS(1), p99: Duration::from_secs(1_000_000) };
        assert!(drawn(wild).iter().all(|drawn| *drawn <= LONGEST));
    }
}
