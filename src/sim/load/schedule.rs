//! Which event of which source is due when. Events go round the sources in turn.

use super::mark::Mark;
use std::time::{Duration, Instant};

/// When what is due.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// What marks count from.
    pub origin: Instant,
    /// When the first event is due.
    pub start: Instant,
    /// Sources, at least 1.
    pub sources: u32,
    /// Events per second over all sources; 0 for as many as are taken.
    pub rate: f64,
    /// Events over all sources; `None` for no limit.
    pub events: Option<u64>,
    /// When nothing is sent any more.
    pub lasts: Option<Duration>,
    /// Octets of each event's data.
    pub octets: usize,
}

impl Schedule {
    /// How many events of `source` are due now; nothing more once the time is over.
    pub fn due(&self, source: u32, now: Instant) -> u64 {
        self.share(source, self.total(now.saturating_duration_since(self.start)))
    }

    /// Events over all sources that are due after `elapsed`.
    pub fn total(&self, elapsed: Duration) -> u64 {
        let limit = self.events.unwrap_or(u64::MAX);
        match self.rate > 0.0 {
            true => ((elapsed.as_secs_f64() * self.rate) as u64).saturating_add(1).min(limit),
            false => limit,
        }
    }

    /// Of the first `total` events those of `source`.
    pub fn share(&self, source: u32, total: u64) -> u64 {
        total.saturating_add(u64::from(self.sources - 1 - source)) / u64::from(self.sources)
    }

    /// Whether its time is over.
    pub fn is_over(&self, now: Instant) -> bool {
        self.lasts.is_some_and(|lasts| now.saturating_duration_since(self.start) >= lasts)
    }

    /// When event `total`, from 0, of all sources is due.
    pub fn due_at(&self, total: u64) -> Instant {
        match self.rate > 0.0 {
            true => self.start + Duration::from_secs_f64((total as f64 / self.rate).min(1e9)),
            false => self.start,
        }
    }

    /// The mark of an event that is due: flat out an event is due when it is written.
    pub fn mark(&self, source: u32, number: u32, now: Instant) -> Mark {
        let at = match self.rate > 0.0 {
            true => self.due_at(u64::from(number) * u64::from(self.sources) + u64::from(source)),
            false => now,
        };
        Mark { due: at.saturating_duration_since(self.origin).as_nanos() as u64, number }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(rate: f64, events: Option<u64>) -> Schedule {
        let origin = Instant::now();
        Schedule { origin, start: origin, sources: 3, rate, events, lasts: Some(Duration::from_secs(5)), octets: 64 }
    }

    #[test]
    fn events_go_round_the_sources() {
        let schedule = schedule(10.0, Some(8));
        assert_eq!([0, 1, 2].map(|source| schedule.share(source, 8)), [3, 3, 2]);
        assert_eq!(schedule.due(0, schedule.start), 1);
        assert_eq!(schedule.due(1, schedule.start), 0);
        assert_eq!(schedule.due(2, schedule.start + Duration::from_secs(60)), 2);
        assert_eq!(schedule.mark(1, 2, schedule.start).due, 700_000_000);
    }

    #[test]
    fn flat_out_everything_is_due_until_time_is_over() {
        let schedule = schedule(0.0, None);
        assert!(schedule.due(0, schedule.start) > u64::from(u32::MAX));
        assert!(!schedule.is_over(schedule.start));
        assert!(schedule.is_over(schedule.start + Duration::from_secs(5)));
    }
}
