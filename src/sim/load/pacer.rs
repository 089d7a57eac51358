//! Waiting for what is due next, in a thread: the runtime's timer counts in milliseconds.

use super::schedule::Schedule;
use std::time::{Duration, Instant};

/// How often what could not be written is tried again.
const AGAIN: Duration = Duration::from_millis(1);

/// Calls `send` with a source whenever events of it are due, again after a while if it says that it is behind, until all
/// is sent or time is over, or `send` says `None`. Waits, so call it in a thread of its own; unparking that thread makes
/// it try at once what is behind.
pub fn pace(schedule: &Schedule, mut send: impl FnMut(u32) -> Option<bool>) {
    let (mut passed, mut behind) = (0, Vec::new());
    loop {
        let now = Instant::now();
        if schedule.is_over(now) {
            return;
        }
        let total = schedule.total(now.saturating_duration_since(schedule.start));
        let mut again = std::mem::take(&mut behind);
        // More events than sources: each source once.
        let first = passed.max(total.saturating_sub(u64::from(schedule.sources)));
        again.extend((first..total).map(|event| (event % u64::from(schedule.sources)) as u32));
        again.sort_unstable();
        again.dedup();
        for source in again {
            match send(source) {
                Some(true) => behind.push(source),
                Some(false) => {}
                None => return,
            }
        }
        passed = total;
        if behind.is_empty() && schedule.events == Some(total) {
            return;
        }
        let next = schedule.due_at(total).saturating_duration_since(Instant::now());
        std::thread::park_timeout(if behind.is_empty() { next } else { next.min(AGAIN) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_has_its_turn_and_those_behind_another() {
        let origin = Instant::now();
        let schedule =
            Schedule { origin, start: origin, sources: 2, rate: 1e9, events: Some(4), lasts: None, octets: 0 };
        let mut calls = Vec::new();
        pace(&schedule, |source| {
            calls.push(source);
            Some(source == 1 && calls.iter().filter(|one| **one == 1).count() < 3)
        });
        assert!(calls.contains(&0) && calls.iter().filter(|one| **one == 1).count() >= 3, "{calls:?}");
    }
}
