//! What a load test ends with.

use crate::cli::exposition::quantile;
use crate::engine::tally::Stage;
use crate::model::Order;
use crate::sim::load::Arrivals;
use serde::{Serialize, Serializer};
use std::fmt;
use std::time::{Duration, Instant};

/// The figures. Times are in seconds.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// Events sent over all sources.
    pub sent: u64,
    /// Events that should arrive: each sent one once per subscription.
    pub expected: u64,
    pub arrived: u64,
    pub repeated: u64,
    pub lost: u64,
    pub out_of_order: u64,
    /// Publications that the router did not take.
    pub rejected: u64,
    pub segments: u64,
    pub elapsed: f64,
    /// Events per second that arrived, from the first due to the last arrival.
    pub rate: f64,
    #[serde(serialize_with = "word")]
    pub order: Order,
    pub latency: Latency,
    pub stages: Vec<StageTimes>,
    /// CPU time of the router per million events that arrived.
    pub cpu_per_million: Option<f64>,
    /// Peak of the router's resident memory, in KiB.
    pub rss_peak: Option<u64>,
}

/// From when an event was due until it arrived at the SMSC.
#[derive(Debug, Serialize)]
pub(super) struct Latency {
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub p999: f64,
    pub max: f64,
}

/// A stage of the router, as its metrics tell.
#[derive(Debug, Serialize)]
pub(super) struct StageTimes {
    pub stage: &'static str,
    pub p50: f64,
    pub p99: f64,
}

/// What the report is made of beside the arrivals.
pub(super) struct Measured {
    pub sent: u64,
    pub subscriptions: u32,
    pub rejected: u64,
    pub start: Instant,
    pub order: Order,
    /// The router's metrics as text.
    pub metrics: String,
    /// CPU seconds of the router while events were on their way, and the peak of its memory.
    pub used: Option<(f64, u64)>,
}

impl Report {
    /// Adds it all up.
    pub fn new(arrivals: &Arrivals, measured: Measured) -> Self {
        let Measured { sent, subscriptions, rejected, start, order, metrics, used } = measured;
        let expected = sent * u64::from(subscriptions);
        let last = arrivals.last.map_or(Duration::ZERO, |last| last.saturating_duration_since(start));
        let elapsed = last.as_secs_f64();
        let arrived = arrivals.distinct;
        let seconds = |quantile: f64| arrivals.latency.value_at_quantile(quantile) as f64 / 1e9;
        let stage = |stage: &&'static str| {
            let at = |share| quantile(&metrics, stage, share);
            Some(StageTimes { stage, p50: at(0.50)?, p99: at(0.99)? })
        };
        Self {
            sent,
            expected,
            arrived,
            repeated: arrivals.repeated,
            lost: expected.saturating_sub(arrived),
            out_of_order: arrivals.disordered,
            rejected,
            segments: arrivals.segments,
            elapsed,
            rate: if elapsed > 0.0 { arrived as f64 / elapsed } else { 0.0 },
            order,
            latency: Latency {
                p50: seconds(0.50),
                p90: seconds(0.90),
                p99: seconds(0.99),
                p999: seconds(0.999),
                max: arrivals.latency.max() as f64 / 1e9,
            },
            stages: Stage::LABELS.iter().filter_map(stage).collect(),
            cpu_per_million: used.filter(|_| arrived > 0).map(|(cpu, _)| cpu / arrived as f64 * 1e6),
            rss_peak: used.map(|(_, peak)| peak),
        }
    }

    /// On one line.
    pub fn json(&self) -> String {
        // Numbers and names have a form in JSON.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What makes the run a failure.
    pub fn wrong(&self) -> Option<String> {
        match self {
            Self { arrived: 0, .. } => Some("nothing arrived".to_owned()),
            Self { lost: 1.., .. } => Some(format!("{} of {} events were lost", self.lost, self.expected)),
            Self { order: Order::Strict, out_of_order: 1.., .. } => {
                Some(format!("{} events arrived out of order", self.out_of_order))
            }
            _ => None,
        }
    }
}

fn word<S: Serializer>(order: &Order, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(order.as_str())
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sent, expected, arrived, repeated, lost, out_of_order, segments, .. } = self;
        writeln!(f, "events    {sent} sent, {arrived} of {expected} arrived in {segments} segments")?;
        writeln!(f, "          {lost} lost, {repeated} repeated, {out_of_order} out of order")?;
        if self.rejected > 0 {
            writeln!(f, "          {} publications rejected", self.rejected)?;
        }
        writeln!(f, "rate      {:.0} events/s over {:.3} s", self.rate, self.elapsed)?;
        let Latency { p50, p90, p99, p999, max } = &self.latency;
        let ms = |seconds: &f64| format!("{:.3}", seconds * 1e3);
        writeln!(
            f,
            "latency   p50 {} p90 {} p99 {} p99.9 {} max {} ms, from due to the SMSC",
            ms(p50),
            ms(p90),
            ms(p99),
            ms(p999),
            ms(max)
        )?;
        for StageTimes { stage, p50, p99 } in &self.stages {
            writeln!(f, "{stage:<9} p50 {} p99 {} ms", ms(p50), ms(p99))?;
        }
        match (self.cpu_per_million, self.rss_peak) {
            (Some(cpu), Some(peak)) => {
                writeln!(f, "router    {cpu:.3} CPU s per million events, RSS peak {:.1} MB", peak as f64 / 1024.0)
            }
            _ => writeln!(f, "router    CPU and memory unknown: not started here"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::load::{Mark, number};

    fn report(numbers: &[u32], order: Order) -> Report {
        let start = Instant::now();
        let mut arrivals = Arrivals::new(1, start).unwrap();
        for n in numbers {
            let mut text = Vec::new();
            Mark { due: 0, number: *n }.write(64, &mut text);
            arrivals.take(number(0).as_bytes(), &text, start + Duration::from_millis(2));
        }
        let (metrics, used) = (String::new(), Some((3.0, 2048)));
        let measured = Measured { sent: 3, subscriptions: 1, rejected: 0, start, order, metrics, used };
        Report::new(&arrivals, measured)
    }

    #[test]
    fn all_in_order_is_right() {
        let report = report(&[0, 1, 1, 2], Order::Strict);
        assert_eq!((report.arrived, report.repeated, report.lost, report.wrong()), (3, 1, 0, None));
        assert_eq!(report.rate.round(), 1500.0);
        assert_eq!(report.cpu_per_million, Some(1e6));
        let json: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
        assert_eq!(json["arrived"], 3);
        assert!(report.to_string().contains("RSS peak 2.0 MB"));
    }

    #[test]
    fn a_loss_is_wrong_and_in_strict_so_is_another_order() {
        assert!(report(&[0, 1], Order::Pipelined).wrong().is_some());
        assert!(report(&[0, 2, 1], Order::Strict).wrong().is_some());
        assert!(report(&[0, 2, 1], Order::Pipelined).wrong().is_none());
    }
}
