//! Metric handles, made once at start and handed down. Recording through one is an atomic operation without a look-up.
//!
//! Labels are fixed sets or configured names, never a user's input.

use super::names;
use ::metrics::{Counter, Gauge, Histogram, NoopRecorder, counter, gauge, histogram, with_local_recorder};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Every handle that does not belong to one SMSC.
#[derive(Clone, Debug)]
pub struct Telemetry {
    /// Events taken in from upstream streams.
    pub received_sse: Count,
    /// Events taken in by `Publish`.
    pub received_grpc: Count,
    /// Events that the proxy itself made, of `bellwire_events_received_total`.
    pub received_notice: Count,
    /// Final outcomes, by the index of the outcome.
    pub settled: CountFamily,
    /// Events left out for a subscription, by the index of the reason.
    pub dropped: CountFamily,
    /// Events too long for a push's segments, by the index of what was done about them.
    pub oversize: CountFamily,
    /// Events that a parser gave up because a line or the event exceeds its limit.
    pub dropped_oversize_line: Count,
    /// Events refused at the door for want of credits.
    pub dropped_no_credit: Count,
    /// How long each stage takes, by the index of the stage.
    pub stages: StageTimes,
    /// Subscriptions that are active.
    pub subscriptions_active: Gauge,
    /// Subscriptions of which nothing is on its way, kept small.
    pub subscriptions_dormant: Gauge,
    /// Sources whose stream is being opened.
    pub sources_connecting: Gauge,
    /// Sources that can deliver events.
    pub sources_open: Gauge,
    /// Sources that wait before they try again.
    pub sources_waiting: Gauge,
    /// Sources given up: the upstream said not to come again.
    pub sources_closed: Gauge,
    /// Streams that are relayed.
    pub relay_streams: Gauge,
    /// Events that were written to streams.
    pub relayed_events: Counter,
    /// Requests to the push proxy that came to nothing, by the class of their status.
    pub proxy_refused: [Counter; 2],
    /// Budgets that will soon be used up, by the index of whose they are.
    pub budget_announced: CounterFamily,
    /// Budgets that were used up, by the index of whose they are.
    pub budget_exhausted: CounterFamily,
    /// Budgets that are used up, by the index of whose they are.
    pub budgets_exhausted: GaugeFamily,
    /// Headers of a gateway that no gateway wrote.
    pub spoofed_headers: Counter,
    /// Octets of events that may still be taken in.
    pub credits_available: Gauge,
    /// Segments sent again without knowing whether the first arrived.
    pub resent: Counter,
    /// Pushes that may have overtaken an earlier one of their handset.
    pub reordered: Counter,
    /// Concatenation references given free before they had rested for long enough.
    pub references_reused: Counter,
    /// Places where a source's events are known to be missing.
    pub gaps: Counter,
    /// Events in which octets that are not UTF-8 were replaced.
    pub utf8_repaired: Counter,
    /// Times an upstream stream was opened again.
    pub upstream_reconnects: Counter,
    /// Events that came again when an upstream was opened again, and were left out.
    pub known_again: Counter,
    /// Receipts that are awaited.
    pub receipts_expected: Gauge,
    /// Receipts that nobody waited for.
    pub stray_receipts: Counter,
    /// Handsets that went on after the SMSC had no room for them: by a receipt, an alert, a message of theirs, or time.
    pub wakes: [Counter; 4],
    /// How long a commit of the store takes.
    pub store_commit: Histogram,
    /// Times that the store refused a batch, which it is then given again.
    pub store_refusals: Counter,
    verdicts: &'static [&'static str],
    receipts: &'static [&'static str],
    errands: TwoLabels,
    detached: bool,
}

/// The values of two labels: every pair is a member of the family.
type TwoLabels = (&'static [&'static str], &'static [&'static str]);

/// Labels of the families whose members others count by index.
#[derive(Clone, Copy, Debug, Default)]
pub struct Labels {
    /// How events end.
    pub outcomes: &'static [&'static str],
    /// Why events are dropped.
    pub reasons: &'static [&'static str],
    /// What is done about events that are too long.
    pub rules: &'static [&'static str],
    /// Whose budgets there are.
    pub scopes: &'static [&'static str],
    /// Where time goes.
    pub stages: &'static [&'static str],
    /// What answers to segments mean.
    pub verdicts: &'static [&'static str],
    /// What receipts turn out to be.
    pub receipts: &'static [&'static str],
    /// What is asked of an SMSC about a message, and what comes of it.
    pub errands: TwoLabels,
}

impl Telemetry {
    /// Makes the handles in the process's recorder: install the [`Exporter`](super::Exporter) first.
    pub fn new(labels: Labels) -> Self {
        names::describe();
        let received = |ingress| Count::new(counter!(names::EVENTS_RECEIVED, "ingress" => ingress));
        let dropped = |reason| Count::new(counter!(names::EVENTS_DROPPED, "reason" => reason));
        let sources = |state| gauge!(names::SOURCES, "state" => state);
        Self {
            received_sse: received("sse"),
            received_grpc: received("grpc"),
            received_notice: received("proxy"),
            settled: CountFamily::new(labels.outcomes, |outcome| {
                Count::new(counter!(names::EVENTS_SETTLED, "outcome" => outcome))
            }),
            dropped: CountFamily::new(labels.reasons, dropped),
            oversize: CountFamily::new(labels.rules, |rule| Count::new(counter!(names::OVERSIZE, "rule" => rule))),
            dropped_oversize_line: dropped("oversize_line"),
            dropped_no_credit: dropped("no_credit"),
            stages: StageTimes::new(labels.stages),
            subscriptions_active: gauge!(names::SUBSCRIPTIONS, "state" => "active"),
            subscriptions_dormant: gauge!(names::SUBSCRIPTIONS, "state" => "dormant"),
            sources_connecting: sources("connecting"),
            sources_open: sources("open"),
            sources_waiting: sources("waiting"),
            sources_closed: sources("closed"),
            relay_streams: gauge!(names::RELAY_STREAMS),
            relayed_events: counter!(names::RELAYED_EVENTS),
            proxy_refused: ["client", "server"].map(|blame| counter!(names::PROXY_REFUSED, "blame" => blame)),
            budget_announced: CounterFamily::new(
                labels.scopes,
                |scope| counter!(names::BUDGET_ANNOUNCED, "scope" => scope),
            ),
            budget_exhausted: CounterFamily::new(
                labels.scopes,
                |scope| counter!(names::BUDGET_EXHAUSTED, "scope" => scope),
            ),
            budgets_exhausted: GaugeFamily::new(
                labels.scopes,
                |scope| gauge!(names::BUDGETS_EXHAUSTED, "scope" => scope),
            ),
            spoofed_headers: counter!(names::SPOOFED_HEADERS),
            credits_available: gauge!(names::CREDITS_AVAILABLE),
            resent: counter!(names::RESENT),
            reordered: counter!(names::REORDERED),
            references_reused: counter!(names::REFERENCES_REUSED),
            gaps: counter!(names::GAPS),
            utf8_repaired: counter!(names::UTF8_REPAIRED),
            upstream_reconnects: counter!(names::UPSTREAM_RECONNECTS),
            known_again: counter!(names::KNOWN_AGAIN),
            receipts_expected: gauge!(names::RECEIPTS_EXPECTED),
            stray_receipts: counter!(names::STRAY_RECEIPTS),
            wakes: ["receipt", "alert", "mo", "timer"].map(|cause| counter!(names::WAKES, "cause" => cause)),
            store_commit: histogram!(names::STORE_COMMIT_SECONDS),
            store_refusals: counter!(names::STORE_REFUSALS),
            verdicts: labels.verdicts,
            receipts: labels.receipts,
            errands: labels.errands,
            detached: false,
        }
    }

    /// Handles that record nowhere, for tests.
    pub fn detached() -> Self {
        let silent = with_local_recorder(&NoopRecorder, || Self::new(Labels::default()));
        Self { detached: true, ..silent }
    }

    /// The handles of the SMSC that the configuration calls `name`.
    pub fn smsc(&self, name: &str) -> SmscMeters {
        if self.detached {
            return with_local_recorder(&NoopRecorder, || self.meters(name));
        }
        self.meters(name)
    }

    fn meters(&self, name: &str) -> SmscMeters {
        SmscMeters::new(name, self.verdicts, self.receipts, self.errands)
    }
}

/// A counter that can be read, and that goes on where an earlier process stopped.
#[derive(Clone, Debug)]
pub struct Count {
    counter: Counter,
    total: Arc<AtomicU64>,
}

impl Count {
    fn new(counter: Counter) -> Self {
        Self { counter, total: Arc::default() }
    }

    /// Adds `count`.
    pub fn increment(&self, count: u64) {
        self.counter.increment(count);
        self.total.fetch_add(count, Ordering::Relaxed);
    }

    /// What it has come to.
    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }
}

/// Counts that share a name and differ in one label, by a dense index.
#[derive(Clone, Debug)]
pub struct CountFamily(Vec<Count>);

impl CountFamily {
    fn new(labels: &[&'static str], count: impl Fn(&'static str) -> Count) -> Self {
        Self(labels.iter().copied().map(count).collect())
    }

    /// Adds `count` to the one at `index`; an index without a label counts nowhere.
    pub fn add(&self, index: usize, count: u64) {
        if let Some(one) = self.0.get(index) {
            one.increment(count);
        }
    }

    /// What each has come to, by its index.
    pub fn totals(&self) -> impl Iterator<Item = u64> {
        self.0.iter().map(Count::total)
    }
}

/// Counters that share a name and differ in one label, by a dense index.
#[derive(Clone, Debug)]
pub struct CounterFamily(Vec<Counter>);

impl CounterFamily {
    fn new(labels: &[&'static str], counter: impl Fn(&'static str) -> Counter) -> Self {
        Self(labels.iter().copied().map(counter).collect())
    }

    /// Adds `count` to the counter at `index`; an index without a label counts nowhere.
    pub fn add(&self, index: usize, count: u64) {
        if let Some(counter) = self.0.get(index) {
            counter.increment(count);
        }
    }
}

/// Gauges that share a name and differ in one label, by a dense index.
#[derive(Clone, Debug)]
pub struct GaugeFamily(Vec<Gauge>);

impl GaugeFamily {
    fn new(labels: &[&'static str], gauge: impl Fn(&'static str) -> Gauge) -> Self {
        Self(labels.iter().copied().map(gauge).collect())
    }

    /// There is one more at `index`; an index without a label counts nowhere.
    pub fn raise(&self, index: usize) {
        self.0.get(index).inspect(|gauge| gauge.increment(1));
    }

    /// There is one less at `index`.
    pub fn lower(&self, index: usize) {
        self.0.get(index).inspect(|gauge| gauge.decrement(1));
    }
}

/// One histogram for each stage of an event's way.
#[derive(Clone, Debug)]
pub struct StageTimes(Vec<Histogram>);

impl StageTimes {
    fn new(labels: &[&'static str]) -> Self {
        Self(labels.iter().map(|stage| histogram!(names::STAGE_SECONDS, "stage" => *stage)).collect())
    }

    /// Records that the stage at `index` took `elapsed`, `count` times.
    pub fn record(&self, index: usize, elapsed: Duration, count: u64) {
        if let Some(histogram) = self.0.get(index) {
            histogram.record_many(elapsed, usize::try_from(count).unwrap_or(usize::MAX));
        }
    }
}

/// The handles of one SMSC.
#[derive(Clone, Debug)]
pub struct SmscMeters {
    /// Pushes handed to it.
    pub pushes: Counter,
    /// Short messages submitted, repeats included.
    pub segments: Counter,
    /// Answers to segments, by the index of what they mean.
    pub answered: CounterFamily,
    /// Receipts, by the index of what they turned out to be.
    pub receipts: CounterFamily,
    /// Errands, by the index of their kind times the number of results, and the index of their result.
    pub errands: CounterFamily,
    /// Submits awaiting their response, over all links.
    pub window_in_use: Gauge,
    /// Submits that may await their response by now, over all links.
    pub window_limit: Gauge,
    /// Segments per second that may be sent by now, over the links that have a limit.
    pub rate_limit: Gauge,
    /// Handsets that it has no room for.
    pub parked: Gauge,
    /// Links that wait because their binds were refused.
    pub links_refused: Gauge,
    /// Responses that belong to no request.
    pub stray_responses: Counter,
    /// Connections to the outbind listener that were closed.
    pub outbinds_refused: Counter,
    /// Times that others had to stand in for it.
    pub failovers: Counter,
    /// Links that have a connection but no bind yet.
    pub links_open: Gauge,
    /// Links that carry traffic.
    pub links_bound: Gauge,
    /// Links without a connection.
    pub links_closed: Gauge,
    /// Links that finish what they have and take nothing new.
    pub links_draining: Gauge,
}

impl SmscMeters {
    fn new(
        name: &str,
        verdicts: &'static [&'static str],
        kinds: &'static [&'static str],
        (asked, results): TwoLabels,
    ) -> Self {
        let smsc = || name.to_owned();
        let answered = |verdict| counter!(names::SEGMENTS_ANSWERED, "smsc" => smsc(), "verdict" => verdict);
        let receipts = |kind| counter!(names::RECEIPTS, "smsc" => smsc(), "kind" => kind);
        let errand = |(kind, result)| counter!(names::ERRANDS, "smsc" => smsc(), "kind" => kind, "result" => result);
        let errands = asked.iter().flat_map(|kind| results.iter().map(|result| errand((*kind, *result))));
        let links = |state| gauge!(names::LINKS, "smsc" => smsc(), "state" => state);
        Self {
            pushes: counter!(names::PUSHES, "smsc" => smsc()),
            segments: counter!(names::SEGMENTS, "smsc" => smsc()),
            answered: CounterFamily::new(verdicts, answered),
            receipts: CounterFamily::new(kinds, receipts),
            errands: CounterFamily(errands.collect()),
            window_in_use: gauge!(names::WINDOW_IN_USE, "smsc" => smsc()),
            window_limit: gauge!(names::WINDOW_LIMIT, "smsc" => smsc()),
            rate_limit: gauge!(names::RATE_LIMIT, "smsc" => smsc()),
            parked: gauge!(names::HANDSETS_PARKED, "smsc" => smsc()),
            links_refused: links("refused"),
            stray_responses: counter!(names::STRAY_RESPONSES, "smsc" => smsc()),
            outbinds_refused: counter!(names::OUTBINDS_REFUSED, "smsc" => smsc()),
            failovers: counter!(names::FAILOVERS, "smsc" => smsc()),
            links_open: links("open"),
            links_bound: links("bound"),
            links_closed: links("closed"),
            links_draining: links("draining"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::exporter;

    fn rendered(use_it: impl FnOnce(&Telemetry)) -> String {
        let (recorder, exporter) = exporter::recorder();
        with_local_recorder(&recorder, || {
            use_it(&Telemetry::new(Labels {
                outcomes: &["accepted", "dropped"],
                reasons: &["lagged"],
                rules: &["split"],
                scopes: &["tenant"],
                stages: &["queue", "receipt"],
                verdicts: &["accepted", "throttled"],
                receipts: &["matched", "stray"],
                errands: (&["query", "cancel"], &["done", "lost"]),
            }))
        });
        exporter.render()
    }

    #[test]
    fn every_promised_series_is_there_from_the_start() {
        let text = rendered(|telemetry| {
            telemetry.smsc("main");
        });
        for series in [
            r#"bellwire_events_received_total{ingress="sse"} 0"#,
            r#"bellwire_events_received_total{ingress="grpc"} 0"#,
            r#"bellwire_events_settled_total{outcome="accepted"} 0"#,
            r#"bellwire_events_dropped_total{reason="lagged"} 0"#,
            r#"bellwire_events_dropped_total{reason="oversize_line"} 0"#,
            r#"bellwire_events_dropped_total{reason="no_credit"} 0"#,
            r#"bellwire_oversize_total{rule="split"} 0"#,
            r#"bellwire_budget_announced_total{scope="tenant"} 0"#,
            r#"bellwire_budget_exhausted_total{scope="tenant"} 0"#,
            r#"bellwire_budgets_exhausted{scope="tenant"} 0"#,
            r#"bellwire_pushes_total{smsc="main"} 0"#,
            r#"bellwire_segments_total{smsc="main"} 0"#,
            r#"bellwire_segments_answered_total{smsc="main",verdict="throttled"} 0"#,
            r#"bellwire_receipts_total{smsc="main",kind="stray"} 0"#,
            "bellwire_receipts_expected 0",
            r#"bellwire_errands_total{smsc="main",kind="cancel",result="lost"} 0"#,
            r#"bellwire_window_in_use{smsc="main"} 0"#,
            r#"bellwire_links{smsc="main",state="bound"} 0"#,
            r#"bellwire_links{smsc="main",state="refused"} 0"#,
            r#"bellwire_failovers_total{smsc="main"} 0"#,
            r#"bellwire_smpp_stray_total{smsc="main"} 0"#,
            r#"bellwire_outbinds_refused_total{smsc="main"} 0"#,
            r#"bellwire_subscriptions{state="active"} 0"#,
            r#"bellwire_sources{state="open"} 0"#,
            "bellwire_credits_available 0",
            "bellwire_resent_total 0",
            "bellwire_reordered_total 0",
            "bellwire_references_reused_total 0",
            "bellwire_gaps_total 0",
            "bellwire_utf8_repaired_total 0",
            "bellwire_upstream_reconnects_total 0",
            "bellwire_store_refusals_total 0",
            "# HELP bellwire_events_received_total Events taken in",
            "# TYPE bellwire_events_received_total counter",
        ] {
            assert!(text.contains(series), "{series} is missing in\n{text}");
        }
    }

    #[test]
    fn every_stage_is_a_histogram_with_buckets() {
        let text = rendered(|telemetry| {
            telemetry.stages.record(0, Duration::from_millis(3), 1);
            telemetry.stages.record(1, Duration::from_millis(3), 1);
            telemetry.stages.record(2, Duration::from_millis(3), 1);
        });
        for stage in ["queue", "receipt"] {
            assert!(text.contains(&format!("bellwire_stage_seconds_bucket{{stage=\"{stage}\",le=\"+Inf\"}} 1")));
            assert!(text.contains(&format!("bellwire_stage_seconds_sum{{stage=\"{stage}\"}} 0.003")), "{text}");
        }
    }

    #[test]
    fn a_family_counts_by_index_and_ignores_others() {
        let text = rendered(|telemetry| {
            telemetry.settled.add(1, 3);
            telemetry.settled.add(2, 5);
        });
        assert!(text.contains(r#"bellwire_events_settled_total{outcome="dropped"} 3"#));
        assert!(!text.contains(" 5\n"));
    }

    #[test]
    fn detached_handles_record_nowhere() {
        let (recorder, exporter) = exporter::recorder();
        with_local_recorder(&recorder, || {
            let telemetry = Telemetry::detached();
            telemetry.settled.add(0, 1);
            telemetry.gaps.increment(1);
            telemetry.smsc("main").pushes.increment(1);
        });
        assert!(!exporter.render().contains("bellwire_"));
    }
}
