//! Histograms with fixed buckets, behind the `metrics` facade: recording is two atomic additions, for however many equal
//! observations, and memory does not grow.
//!
//! The exporter's own histograms keep every sample until somebody folds them into buckets: at a million events a second
//! that is hundreds of megabytes between two scrapes, and a fifth of the router's time.

use ::metrics::{Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Label, Metadata, Recorder, SharedString, Unit};
use metrics_exporter_prometheus::PrometheusRecorder;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

const NANOS_PER_SECOND: f64 = 1e9;

/// Observations in seconds, counted by bucket.
struct Buckets {
    /// Upper bounds, rising.
    bounds: Arc<[f64]>,
    /// One for each bound, and one beyond.
    counts: Box<[AtomicU64]>,
    /// Sum of all observations.
    nanos: AtomicU64,
}

impl Buckets {
    fn new(bounds: Arc<[f64]>) -> Self {
        let counts = std::iter::repeat_with(AtomicU64::default).take(bounds.len() + 1).collect();
        Self { bounds, counts, nanos: AtomicU64::new(0) }
    }

    fn render(&self, name: &str, labels: &str, out: &mut String) {
        let mut count = 0;
        let bounds = self.bounds.iter().map(|bound| bound.to_string()).chain([String::from("+Inf")]);
        let separator = if labels.is_empty() { "" } else { "," };
        // Writing to a string does not fail.
        for (bound, own) in bounds.zip(&self.counts) {
            count += own.load(Relaxed);
            let _ = writeln!(out, "{name}_bucket{{{labels}{separator}le=\"{bound}\"}} {count}");
        }
        let sum = self.nanos.load(Relaxed) as f64 / NANOS_PER_SECOND;
        let _ = writeln!(out, "{name}_sum{{{labels}}} {sum}\n{name}_count{{{labels}}} {count}");
    }
}

impl HistogramFn for Buckets {
    fn record(&self, seconds: f64) {
        self.record_many(seconds, 1);
    }

    fn record_many(&self, seconds: f64, count: usize) {
        // A bucket holds what is at most its bound.
        let bucket = self.bounds.partition_point(|bound| *bound < seconds);
        if let Some(own) = self.counts.get(bucket) {
            own.fetch_add(count as u64, Relaxed);
        }
        self.nanos.fetch_add((seconds * NANOS_PER_SECOND) as u64 * count as u64, Relaxed);
    }
}

/// Every histogram of a process. Clones are handles to the same ones.
#[derive(Clone)]
pub(super) struct Histograms {
    bounds: Arc<[f64]>,
    inner: Arc<Mutex<BTreeMap<String, Family>>>,
}

#[derive(Default)]
struct Family {
    help: String,
    members: BTreeMap<String, Arc<Buckets>>,
}

impl Histograms {
    /// Histograms with these upper bounds, in seconds.
    pub fn new(bounds: Vec<f64>) -> Self {
        Self { bounds: bounds.into(), inner: Arc::default() }
    }

    /// Prometheus text format 0.0.4.
    pub fn render(&self, out: &mut String) {
        for (name, family) in &*self.inner.lock() {
            let _ = writeln!(out, "# HELP {name} {}\n# TYPE {name} histogram", family.help);
            family.members.iter().for_each(|(labels, buckets)| buckets.render(name, labels, out));
        }
    }

    fn describe(&self, name: &str, help: &str) {
        self.inner.lock().entry(name.to_owned()).or_default().help = help.to_owned();
    }

    fn register(&self, key: &Key) -> Arc<Buckets> {
        let label = |label: &Label| format!("{}=\"{}\"", label.key(), escaped(label.value()));
        let labels = key.labels().map(label).collect::<Vec<_>>().join(",");
        let mut inner = self.inner.lock();
        let family = inner.entry(key.name().to_owned()).or_default();
        let buckets = family.members.entry(labels).or_insert_with(|| Arc::new(Buckets::new(Arc::clone(&self.bounds))));
        Arc::clone(buckets)
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// Counters and gauges as the exporter keeps them, histograms of our own.
pub(super) struct HouseRecorder {
    pub prometheus: PrometheusRecorder,
    pub histograms: Histograms,
}

impl Recorder for HouseRecorder {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, help: SharedString) {
        self.prometheus.describe_counter(name, unit, help);
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, help: SharedString) {
        self.prometheus.describe_gauge(name, unit, help);
    }

    fn describe_histogram(&self, name: KeyName, _: Option<Unit>, help: SharedString) {
        self.histograms.describe(name.as_str(), &help);
    }

    fn register_counter(&self, key: &Key, metadata: &Metadata<'_>) -> Counter {
        self.prometheus.register_counter(key, metadata)
    }

    fn register_gauge(&self, key: &Key, metadata: &Metadata<'_>) -> Gauge {
        self.prometheus.register_gauge(key, metadata)
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.histograms.register(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn observations_fall_into_the_bucket_that_holds_them() {
        let histograms = Histograms::new(vec![0.001, 0.01]);
        histograms.describe("wait_seconds", "How long.");
        let buckets = histograms.register(&Key::from_parts("wait_seconds", vec![Label::new("stage", "a\"b")]));
        buckets.record(0.001);
        buckets.record_many(0.002, 3);
        buckets.record(7.0);
        let mut text = String::new();
        histograms.render(&mut text);
        let expected = "# HELP wait_seconds How long.\n\
            # TYPE wait_seconds histogram\n\
            wait_seconds_bucket{stage=\"a\\\"b\",le=\"0.001\"} 1\n\
            wait_seconds_bucket{stage=\"a\\\"b\",le=\"0.01\"} 4\n\
            wait_seconds_bucket{stage=\"a\\\"b\",le=\"+Inf\"} 5\n\
            wait_seconds_sum{stage=\"a\\\"b\"} 7.007\n\
            wait_seconds_count{stage=\"a\\\"b\"} 5\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn the_same_labels_are_the_same_histogram() {
        let histograms = Histograms::new(vec![1.0]);
        let key = Key::from_name("wait_seconds");
        histograms.register(&key).record(0.5);
        histograms.register(&key).record(0.5);
        let mut text = String::new();
        histograms.render(&mut text);
        assert!(text.contains("wait_seconds_bucket{le=\"1\"} 2\n"), "{text}");
    }
}
