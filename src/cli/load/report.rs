//! What a load test ends with.

use super::options::Options;
use super::process::Usage;
use super::progress::grouped;
use crate::cli::exposition::{Buckets, by_label};
use crate::engine::tally::Stage;
use crate::model::Order;
use crate::sim::load::Arrivals;
use clap::ValueEnum;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

/// The fields of [`Report`], for those who read it.
pub(super) const FIELDS: &str = "\
Fields of --output json, one object; seconds and KiB unless said otherwise, null where it is not known:
  setup          the options as they were meant
  sent           events of all sources; `expected` to arrive is that times subscriptions
  arrived, lost  of those expected; `repeated`, `out_of_order`: arrivals that were not the first, or after a later one
  rejected       publications that the router did not take
  unknown_numbers  messages at the SMSC for numbers that nobody subscribed
  segments, refused  at the SMSC, and how many of these it refused (--refuse)
  elapsed, rate  from the first event offered to the last arrival, and arrivals per second within
  activation     of all subscriptions, and activation_rate per second
  latency        from when an event was due to its arrival: p50 p90 p99 p999 max
  stages         the same by stage of the router, from its histograms: true to a third
  outcomes, dropped  the router's final outcomes of events, and its reasons for those it dropped
  cpu_total      of the router since it began, cpu_measured within elapsed, cpu_per_million of arrivals within
  rss_start, rss_idle, rss_peak  before the first subscription, with all of them, and at most
  rss_per_subscription  octets: what idle is above start
  interrupted    whether Ctrl-C ended it; what had not arrived is then lost only in these figures
  wrong          why the exit code is 1, null if it is 0";

/// The figures. Times are in seconds, memory in KiB.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    setup: Setup,
    sent: u64,
    expected: u64,
    arrived: u64,
    lost: u64,
    repeated: u64,
    out_of_order: u64,
    rejected: u64,
    unknown_numbers: u64,
    segments: u64,
    refused: u64,
    elapsed: f64,
    rate: f64,
    activation: f64,
    activation_rate: f64,
    latency: Quantiles,
    stages: Vec<StageTimes>,
    outcomes: BTreeMap<String, u64>,
    dropped: BTreeMap<String, u64>,
    cpu_total: Option<f64>,
    cpu_measured: Option<f64>,
    cpu_per_million: Option<f64>,
    rss_start: Option<u64>,
    rss_idle: Option<u64>,
    rss_peak: Option<u64>,
    rss_per_subscription: Option<u64>,
    interrupted: bool,
    wrong: Option<String>,
}

/// What was asked for.
#[derive(Debug, Serialize)]
struct Setup {
    profile: Option<String>,
    sources: u32,
    subscriptions: u32,
    rate: u32,
    events: Option<u64>,
    seconds: Option<u64>,
    octets: u32,
    latency_ms: u64,
    window: u32,
    links: u32,
    order: &'static str,
    max_events: u32,
    receipts: &'static str,
    publish: bool,
    own_router: bool,
}

#[derive(Debug, Serialize)]
struct Quantiles {
    p50: f64,
    p90: f64,
    p99: f64,
    p999: f64,
    max: f64,
}

#[derive(Debug, Serialize)]
struct StageTimes {
    stage: &'static str,
    #[serde(flatten)]
    times: Quantiles,
}

/// What the report is made of beside the arrivals.
pub(super) struct Measured {
    pub sent: u64,
    pub rejected: u64,
    /// When the first event was offered.
    pub start: Instant,
    /// How long activation took.
    pub activation: Duration,
    /// The router's metrics as text, when the first event was offered and at the end.
    pub metrics: [String; 2],
    pub used: Used,
    pub interrupted: bool,
}

/// What the router had used; nothing of one that is not on this machine.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Used {
    /// Before the first subscription.
    pub start: Option<Usage>,
    /// When all were active, and nothing was left to do.
    pub idle: Option<Usage>,
    /// When the first event was offered.
    pub first: Option<Usage>,
    /// When the last event had arrived.
    pub last: Option<Usage>,
    /// At the end.
    pub end: Option<Usage>,
}

impl Report {
    /// Adds it all up.
    pub fn new(options: &Options, arrivals: &Arrivals, measured: Measured) -> Self {
        let Measured { sent, rejected, start, activation, metrics, used, interrupted } = measured;
        let expected = sent * u64::from(options.subscriptions);
        let elapsed = arrivals.last.map_or(0.0, |last| last.saturating_duration_since(start).as_secs_f64());
        let arrived = arrivals.distinct;
        let cpu_measured = used.last.zip(used.first).map(|(last, first)| hundredths(last.cpu - first.cpu));
        let grown = used.idle.zip(used.start).map(|(idle, start)| idle.rss.saturating_sub(start.rss) * 1024);
        let mut report = Self {
            setup: Setup::new(options),
            sent,
            expected,
            arrived,
            lost: expected.saturating_sub(arrived),
            repeated: arrivals.repeated,
            out_of_order: arrivals.disordered,
            rejected,
            unknown_numbers: arrivals.strange,
            segments: arrivals.segments,
            refused: arrivals.refused,
            elapsed,
            rate: per_second(arrived, elapsed),
            activation: activation.as_secs_f64(),
            activation_rate: per_second(options.handsets(), activation.as_secs_f64()),
            latency: Quantiles::of(|share| Some(arrivals.latency.value_at_quantile(share) as f64 / 1e9)),
            stages: stages(&metrics),
            outcomes: counted(&metrics, "bellwire_events_settled_total", "outcome"),
            dropped: counted(&metrics, "bellwire_events_dropped_total", "reason"),
            cpu_total: used.end.map(|end| end.cpu),
            cpu_measured,
            cpu_per_million: cpu_measured.filter(|_| arrived > 0).map(|cpu| cpu / arrived as f64 * 1e6),
            rss_start: used.start.map(|start| start.rss),
            rss_idle: used.idle.map(|idle| idle.rss),
            rss_peak: used.end.map(|end| end.peak),
            rss_per_subscription: grown.map(|octets| octets / options.handsets()),
            interrupted,
            wrong: None,
        };
        report.wrong = report.complaints(options.order);
        report
    }

    /// On one line.
    pub fn json(&self) -> String {
        // Numbers and names have a form in JSON.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What makes the run a failure, on one line.
    pub fn wrong(&self) -> Option<&str> {
        self.wrong.as_deref()
    }

    fn complaints(&self, order: Order) -> Option<String> {
        let strict = u64::from(order == Order::Strict);
        let (lost, waiting) = if self.interrupted { (0, self.lost) } else { (self.lost, 0) };
        let what = [
            (u64::from(self.arrived == 0), "nothing arrived".to_owned()),
            (u64::from(self.interrupted), format!("interrupted with {} events on their way", grouped(waiting))),
            (lost, format!("{} of {} events were lost", grouped(lost), grouped(self.expected))),
            (self.out_of_order * strict, format!("{} events arrived out of order", grouped(self.out_of_order))),
            (self.repeated, format!("{} events arrived more than once", grouped(self.repeated))),
            (self.rejected, format!("{} publications were rejected", grouped(self.rejected))),
            (self.refused, format!("the SMSC refused {} segments", grouped(self.refused))),
            (self.unknown_numbers, format!("{} messages were for unknown numbers", grouped(self.unknown_numbers))),
        ];
        let wrong: Vec<String> = what.into_iter().filter(|(count, _)| *count > 0).map(|(_, what)| what).collect();
        (!wrong.is_empty()).then(|| wrong.join("; "))
    }
}

impl Setup {
    fn new(options: &Options) -> Self {
        let profile = options.profile.and_then(|profile| profile.to_possible_value());
        Self {
            profile: profile.map(|profile| profile.get_name().to_owned()),
            sources: options.sources,
            subscriptions: options.subscriptions,
            rate: options.rate,
            events: options.limit(),
            seconds: options.lasts().map(|lasts| lasts.as_secs()),
            octets: options.octets,
            latency_ms: options.latency,
            window: options.window,
            links: options.links,
            order: options.order.as_str(),
            max_events: options.max_events,
            receipts: options.receipts.as_str(),
            publish: options.publish,
            own_router: options.server.is_none(),
        }
    }
}

impl Quantiles {
    fn of(at: impl Fn(f64) -> Option<f64>) -> Self {
        let at = |share| at(share).unwrap_or_default();
        Self { p50: at(0.50), p90: at(0.90), p99: at(0.99), p999: at(0.999), max: at(1.0) }
    }
}

/// Stages that were passed between the two metrics.
fn stages([before, after]: &[String; 2]) -> Vec<StageTimes> {
    let times = |stage: &&'static str| {
        let buckets = Buckets::read(after, stage).since(&Buckets::read(before, stage));
        buckets.quantile(1.0)?;
        Some(StageTimes { stage, times: Quantiles::of(|share| buckets.quantile(share)) })
    };
    Stage::LABELS.iter().filter_map(times).collect()
}

/// By how much a metric's counts have grown.
fn counted([before, after]: &[String; 2], metric: &str, label: &str) -> BTreeMap<String, u64> {
    let before = by_label(before, metric, label);
    let earlier = |name: &str| before.iter().find(|(known, _)| known == name).map_or(0.0, |(_, count)| *count);
    let grown = by_label(after, metric, label).into_iter().map(|(name, count)| {
        let more = (count - earlier(&name)) as u64;
        (name, more)
    });
    grown.filter(|(_, count)| *count > 0).collect()
}

/// A difference of times that count in hundredths of a second.
fn hundredths(seconds: f64) -> f64 {
    (seconds * 100.0).round() / 100.0
}

fn per_second(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { count as f64 / seconds } else { 0.0 }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [sent, expected, arrived] = [self.sent, self.expected, self.arrived].map(grouped);
        writeln!(f, "events    {sent} sent, {arrived} of {expected} arrived in {} segments", grouped(self.segments))?;
        let [lost, repeated, disordered] = [self.lost, self.repeated, self.out_of_order].map(grouped);
        let lost_as = if self.interrupted { "on their way" } else { "lost" };
        writeln!(f, "          {lost} {lost_as}, {repeated} repeated, {disordered} out of order")?;
        for (what, counts) in [("settled", &self.outcomes), ("dropped", &self.dropped)] {
            let counts: Vec<String> =
                counts.iter().map(|(name, count)| format!("{} {name}", grouped(*count))).collect();
            if !counts.is_empty() {
                writeln!(f, "{what:<9} {}", counts.join(", "))?;
            }
        }
        writeln!(f, "rate      {} events/s over {:.3} s", grouped(self.rate as u64), self.elapsed)?;
        writeln!(
            f,
            "activated {} subscriptions/s over {:.3} s",
            grouped(self.activation_rate as u64),
            self.activation
        )?;
        writeln!(f, "latency   {} ms, from due to the SMSC", self.latency)?;
        for StageTimes { stage, times } in &self.stages {
            writeln!(f, "{stage:<9} {times} ms")?;
        }
        self.router(f)
    }
}

impl Report {
    fn router(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mb = |kib: Option<u64>| kib.unwrap_or_default() as f64 / 1024.0;
        let (Some(total), Some(measured)) = (self.cpu_total, self.cpu_measured) else {
            return writeln!(f, "router    CPU and memory unknown");
        };
        let per_million = self.cpu_per_million.unwrap_or_default();
        writeln!(f, "CPU       {per_million:.3} s per million events: {measured:.2} s of {total:.2} s")?;
        let (start, idle, peak) = (mb(self.rss_start), mb(self.rss_idle), mb(self.rss_peak));
        let each = self.rss_per_subscription.unwrap_or_default();
        writeln!(
            f,
            "memory    {start:.1} MB, with subscriptions {idle:.1} MB ({} octets each), peak {peak:.1} MB",
            grouped(each)
        )
    }
}

impl fmt::Display for Quantiles {
    /// In milliseconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [p50, p90, p99, p999, max] =
            [self.p50, self.p90, self.p99, self.p999, self.max].map(|time| format!("{:.3}", time * 1e3));
        write!(f, "p50 {p50} p90 {p90} p99 {p99} p99.9 {p999} max {max}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::load::options::tests::typed;
    use crate::sim::load::{Mark, number};

    fn report(numbers: &[u32], order: &str, interrupted: bool) -> Report {
        let start = Instant::now();
        let mut arrivals = Arrivals::new(1, start).unwrap();
        for n in numbers {
            let mut text = Vec::new();
            Mark { due: 0, number: *n }.write(64, &mut text);
            arrivals.take(number(0).as_bytes(), &text, start + Duration::from_millis(2));
        }
        let usage = |cpu, rss| Some(Usage { cpu, rss, peak: 2048 });
        let used = Used {
            start: usage(1.0, 1024),
            idle: usage(2.0, 1536),
            first: usage(2.0, 1536),
            last: usage(5.0, 1800),
            end: usage(6.0, 1800),
        };
        let metrics = [1, 4].map(|count| format!("bellwire_events_settled_total{{outcome=\"accepted\"}} {count}\n"));
        let activation = Duration::from_millis(500);
        let measured = Measured { sent: 3, rejected: 0, start, activation, metrics, used, interrupted };
        let options = typed(&["--sources", "1", "--order", order]).unwrap();
        Report::new(&options, &arrivals, measured)
    }

    #[test]
    fn all_in_order_is_right() {
        let report = report(&[0, 1, 2], "strict", false);
        assert_eq!((report.arrived, report.lost, report.wrong()), (3, 0, None));
        assert_eq!((report.rate.round(), report.activation_rate), (1500.0, 2.0));
        assert_eq!((report.cpu_total, report.cpu_measured, report.cpu_per_million), (Some(6.0), Some(3.0), Some(1e6)));
        assert_eq!(report.rss_per_subscription, Some(512 * 1024));
        assert_eq!(report.outcomes, BTreeMap::from([("accepted".to_owned(), 3)]));
        assert!(report.to_string().contains("peak 2.0 MB"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let wrong = |numbers: &[u32], order| report(numbers, order, false).wrong().unwrap_or_default().to_owned();
        assert_eq!(wrong(&[0, 1], "pipelined"), "1 of 3 events were lost");
        assert_eq!(wrong(&[0, 2, 1], "pipelined"), "");
        assert_eq!(wrong(&[0, 2, 1], "strict"), "1 events arrived out of order");
        assert_eq!(wrong(&[0, 1, 1], "strict"), "1 of 3 events were lost; 1 events arrived more than once");
        assert_eq!(report(&[0], "strict", true).wrong(), Some("interrupted with 2 events on their way"));
    }

    #[test]
    fn every_field_is_explained() {
        let json: serde_json::Value = serde_json::from_str(&report(&[0], "strict", false).json()).unwrap();
        let words: Vec<&str> = FIELDS.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        for field in json.as_object().unwrap().keys() {
            assert!(words.contains(&field.as_str()), "{field}");
        }
    }
}
