//! How fast a link may be: a token bucket that counts segments, and the pause an SMSC asks for.

use std::time::Duration;

/// Segments per second of one link.
#[derive(Debug)]
pub struct Pacing {
    /// Segments per second; 0 for no limit.
    rate: u32,
    /// Segments that may go at once, in millionths.
    tokens: u64,
    refilled_at: Duration,
    held_until: Duration,
}

const MICRO: u64 = 1_000_000;

impl Pacing {
    /// A link that may send `rate` segments a second, 0 for no limit. A quiet link may catch up a tenth of a second.
    pub fn new(rate: u32) -> Self {
        Self { rate, tokens: 0, refilled_at: Duration::ZERO, held_until: Duration::ZERO }
    }

    /// Segments that may be written now.
    pub fn room(&mut self, now: Duration) -> usize {
        if self.is_held(now) {
            return 0;
        }
        if self.rate == 0 {
            return usize::MAX;
        }
        let burst = u64::from((self.rate / 10).max(1)) * MICRO;
        let earned = now.saturating_sub(self.refilled_at).as_micros().saturating_mul(u128::from(self.rate));
        self.tokens = self.tokens.saturating_add(u64::try_from(earned).unwrap_or(u64::MAX)).min(burst);
        self.refilled_at = now;
        (self.tokens / MICRO) as usize
    }

    /// `count` segments were written.
    pub fn spend(&mut self, count: usize) {
        self.tokens = self.tokens.saturating_sub(count as u64 * MICRO);
    }

    /// The SMSC asked for less: nothing goes before `until`.
    pub fn hold(&mut self, until: Duration) {
        self.held_until = self.held_until.max(until);
    }

    /// Whether the SMSC asked for less and its pause is not over.
    pub fn is_held(&self, now: Duration) -> bool {
        now < self.held_until
    }

    /// When there may be room again, if there is none now.
    pub fn poll_timeout(&self, now: Duration) -> Option<Duration> {
        if self.is_held(now) {
            return Some(self.held_until);
        }
        if self.rate == 0 || self.tokens >= MICRO {
            return None;
        }
        let missing = (MICRO - self.tokens).div_ceil(u64::from(self.rate));
        Some(self.refilled_at + Duration::from_micros(missing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holds_no_more_than_its_rate() {
        for rate in [1u32, 7, 100, 1000] {
            let mut pacing = Pacing::new(rate);
            let (mut now, mut sent) = (Duration::from_secs(5), 0);
            pacing.room(now);
            let end = now + Duration::from_secs(10);
            while now < end {
                let room = pacing.room(now);
                pacing.spend(room);
                sent += room;
                now = pacing.poll_timeout(now).unwrap();
            }
            let most = (rate * 10 + rate / 10 + 1) as usize;
            assert!((rate as usize * 10 - 1..=most).contains(&sent), "{sent} at {rate}/s");
        }
    }

    #[test]
    fn without_a_rate_there_is_room_except_while_held() {
        let mut pacing = Pacing::new(0);
        assert_eq!(pacing.room(Duration::ZERO), usize::MAX);
        pacing.hold(Duration::from_secs(3));
        assert_eq!(pacing.room(Duration::from_secs(2)), 0);
        assert_eq!(pacing.poll_timeout(Duration::from_secs(2)), Some(Duration::from_secs(3)));
        assert_eq!(pacing.room(Duration::from_secs(3)), usize::MAX);
    }
}
