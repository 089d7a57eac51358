//! What came to which handset, and how late.

use super::mark::Mark;
use hdrhistogram::Histogram;
use std::collections::BTreeSet;
use std::time::Instant;

/// Latencies above are counted as this, in nanoseconds: an hour.
const LATENCY_MAX: u64 = 3_600_000_000_000;
/// Before the handset's place in its number; country code 44 and what follows is no subscriber's.
const PREFIX: &str = "4477";

/// The number of handset `index`, below 100,000,000.
pub fn number(index: u32) -> String {
    format!("{PREFIX}{index:08}")
}

fn index(number: &[u8]) -> Option<usize> {
    std::str::from_utf8(number.strip_prefix(PREFIX.as_bytes())?).ok()?.parse().ok()
}

/// The count of a whole run.
#[derive(Debug)]
pub struct Arrivals {
    origin: Instant,
    handsets: Vec<Handset>,
    /// From when an event was due until it reached the SMSC, in nanoseconds.
    pub latency: Histogram<u64>,
    /// Events that arrived, each once per handset.
    pub distinct: u64,
    /// Events that arrived again.
    pub repeated: u64,
    /// Events that arrived for the first time after a later one had.
    pub disordered: u64,
    /// Segments at the SMSC.
    pub segments: u64,
    /// Segments that were refused.
    pub refused: u64,
    /// Messages for handsets that nobody subscribed.
    pub strange: u64,
    /// When the last event arrived.
    pub last: Option<Instant>,
}

/// Events of one handset: all below `next`, and those of `ahead`.
#[derive(Debug, Default)]
struct Handset {
    next: u32,
    ahead: BTreeSet<u32>,
}

enum Arrival {
    New,
    Late,
    Again,
}

impl Arrivals {
    /// Of `handsets` handsets, with marks that count from `origin`.
    ///
    /// # Errors
    /// When the histogram cannot be made.
    pub fn new(handsets: u32, origin: Instant) -> Result<Self, hdrhistogram::CreationError> {
        Ok(Self {
            origin,
            handsets: (0..handsets).map(|_| Handset::default()).collect(),
            latency: Histogram::new_with_bounds(1, LATENCY_MAX, 3)?,
            distinct: 0,
            repeated: 0,
            disordered: 0,
            segments: 0,
            refused: 0,
            strange: 0,
            last: None,
        })
    }

    /// Counts the marks in a message.
    pub fn take(&mut self, destination: &[u8], text: &[u8], now: Instant) {
        let Some(handset) = index(destination).and_then(|index| self.handsets.get_mut(index)) else {
            self.strange += 1;
            return;
        };
        let now_ns = now.saturating_duration_since(self.origin).as_nanos() as u64;
        for mark in Mark::find(text) {
            match handset.take(mark.number) {
                Arrival::New => {}
                Arrival::Late => self.disordered += 1,
                Arrival::Again => {
                    self.repeated += 1;
                    continue;
                }
            }
            self.distinct += 1;
            self.latency.saturating_record(now_ns.saturating_sub(mark.due).max(1));
            self.last = Some(now);
        }
    }
}

impl Handset {
    fn take(&mut self, number: u32) -> Arrival {
        if number < self.next || self.ahead.contains(&number) {
            return Arrival::Again;
        }
        let late = self.ahead.last().is_some_and(|last| *last > number);
        if number > self.next {
            self.ahead.insert(number);
        } else {
            self.next += 1;
            while self.ahead.remove(&self.next) {
                self.next += 1;
            }
        }
        if late { Arrival::Late } else { Arrival::New }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_and_disordered_events_are_told_apart() {
        let origin = Instant::now();
        let mut arrivals = Arrivals::new(2, origin).unwrap();
        for n in [0, 1, 1, 3, 2, 0, 3, 5] {
            let mut text = Vec::new();
            Mark { due: 0, number: n }.write(64, &mut text);
            arrivals.take(number(1).as_bytes(), &text, origin);
        }
        assert_eq!((arrivals.distinct, arrivals.repeated, arrivals.disordered), (5, 3, 1));
        arrivals.take(b"1555", b"", origin);
        arrivals.take(number(2).as_bytes(), b"", origin);
        assert_eq!(arrivals.strange, 2);
    }
}
