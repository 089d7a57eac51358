//! What the demo ends with: what was sent, what arrived, what it cost and how long it took.

use super::board::Board;
use crate::app::Stopped;
use crate::cli::exposition::{quantile, sum, value};
use crate::engine::tally::Stage;
use crate::model::Outcome;
use crate::sim::smsc::SmscStats;
use crate::sim::{HandsetStats, Report};
use std::fmt;
use std::time::Duration;

/// The end of a demo.
pub(super) struct Summary {
    endless: bool,
    report: Report,
    handset: HandsetStats,
    smsc: SmscStats,
    elapsed: Duration,
    stopped: Stopped,
    pushes: u64,
    segments: u64,
    outcomes: Vec<(&'static str, u64)>,
    stages: Vec<(&'static str, f64, f64)>,
}

impl Summary {
    /// Reads the metrics of the router, and what the simulated peers counted.
    pub fn new(metrics: &str, board: &Board, smsc: SmscStats, elapsed: Duration, stopped: Stopped) -> Self {
        let outcome = |label: &&'static str| {
            let series = format!("bellwire_events_settled_total{{outcome=\"{label}\"}}");
            (*label, value(metrics, &series) as u64)
        };
        let stage =
            |label: &&'static str| Some((*label, quantile(metrics, label, 0.50)?, quantile(metrics, label, 0.99)?));
        Self {
            endless: board.is_endless(),
            report: board.report(),
            handset: board.handset(),
            smsc,
            elapsed,
            stopped,
            pushes: sum(metrics, "bellwire_pushes_total") as u64,
            segments: sum(metrics, "bellwire_segments_total") as u64,
            outcomes: Outcome::LABELS.iter().map(outcome).filter(|(_, count)| *count > 0).collect(),
            stages: Stage::LABELS.iter().filter_map(stage).collect(),
        }
    }

    /// Whether every event arrived equal to what was sent, once and in order, and the router's books say the same.
    pub fn is_complete(&self) -> bool {
        let Report { sent, repeated, out_of_order, .. } = self.report;
        let settled: u64 = self.outcomes.iter().map(|(_, count)| count).sum();
        self.report.is_complete()
            && repeated == 0
            && out_of_order == 0
            && self.handset.malformed == 0
            // Without an end there is the console, which has its events by streams as well.
            && (self.endless || settled == sent)
            && self.stopped.is_clean()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { sent, arrived, lost, repeated, out_of_order, altered, strange } = self.report;
        let per_event = self.segments as f64 / arrived.max(1) as f64;
        writeln!(f, "\n\n  events     {sent} sent, {arrived} arrived equal (type, data, lastEventId), {lost} lost")?;
        writeln!(
            f,
            "             {repeated} repeated, {out_of_order} out of order, {altered} altered, {strange} never sent"
        )?;
        let (pushes, segments) = (self.pushes, self.segments);
        writeln!(f, "  airtime    {pushes} pushes in {segments} segments: {per_event:.3} segments an event")?;
        let (duplicates, receipts) = (self.handset.duplicates + self.handset.duplicate_segments, self.smsc.receipts);
        writeln!(f, "  handset    {duplicates} duplicates removed; {receipts} receipts sent by the SMSC")?;
        let outcomes: Vec<String> = self.outcomes.iter().map(|(label, count)| format!("{count} {label}")).collect();
        writeln!(f, "  outcomes   {}", outcomes.join(", "))?;
        writeln!(f, "  time       {:.2} s\n", self.elapsed.as_secs_f64())?;
        writeln!(f, "  stage         p50         p99")?;
        for (stage, median, tail) in &self.stages {
            writeln!(f, "  {stage:<10}{:>10}  {:>10}", milliseconds(*median), milliseconds(*tail))?;
        }
        let verdict = if self.is_complete() { "complete" } else { "NOT COMPLETE" };
        write!(f, "\n  {verdict}; router stopped {}", if self.stopped.is_clean() { "clean" } else { "with work left" })
    }
}

fn milliseconds(seconds: f64) -> String {
    format!("{:.3} ms", seconds * 1000.0)
}
