//! Looking on while events are on their way.

use super::options::Options;
use super::process::Usage;
use super::progress::{Progress, grouped};
use super::router::Router;
use crate::cli::{CommandError, exposition};
use crate::sim::load::{Schedule, Sink};
use std::time::{Duration, Instant};

/// Longest silence before what has not arrived is lost, beside twice what the SMSC takes to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest wait for the last answers to be counted by the router.
const SETTLE: Duration = Duration::from_secs(5);
/// After so long a silence the router is asked whether it still has something.
const SILENCE: Duration = Duration::from_secs(1);
/// How often it is looked at what has come.
pub(super) const LOOK: Duration = Duration::from_millis(20);

/// What was sent so far, and whether more is on its way to being sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    pub events: u64,
    pub more: bool,
}

/// Looks on.
pub(super) struct Watch<'a> {
    pub options: &'a Options,
    pub schedule: Schedule,
    pub sink: &'a Sink,
    pub router: &'a mut Router,
    /// Events that had their final outcome when the router began.
    pub settled: u64,
    /// What the router had used when last something arrived; at first, what it began with.
    pub last: Option<Usage>,
}

impl Watch<'_> {
    /// Ends when all that was sent has arrived, or nothing has for too long.
    ///
    /// # Errors
    /// When the router ends.
    pub async fn follow(&mut self, sent: impl Fn() -> Sent) -> Result<(), CommandError> {
        let patience = PATIENCE + self.sink_latency() * 2;
        let (mut before, mut changed, mut asked) = ((0, 0), Instant::now(), Instant::now());
        let (mut progress, mut shown) = (Progress::start(), Shown { arrived: 0, usage: self.last });
        loop {
            tokio::time::sleep(LOOK).await;
            if self.router.has_ended() {
                return Err(CommandError::Failed("load: the router has ended".to_owned()));
            }
            let Sent { events, more } = sent();
            let now = (events, self.sink.look(|arrivals| arrivals.distinct));
            if now != before {
                (before, changed) = (now, Instant::now());
                self.last = self.router.usage();
            }
            progress.show(|seconds| self.line(now, seconds, &mut shown));
            let over = self.schedule.is_over(Instant::now() - LOOK * 2);
            let all = (self.schedule.events == Some(events) || over) && !more;
            // Events are due every second at least, so silence means that nothing more comes.
            if all && now.1 >= self.expected(events) || changed.elapsed() > patience {
                return Ok(());
            }
            if all && changed.elapsed() > SILENCE && asked.elapsed() > SILENCE {
                if self.has_settled(events, &self.router.metrics().await) {
                    return Ok(());
                }
                asked = Instant::now();
            }
        }
    }

    /// Waits until the router knows the last outcome, so that its metrics are whole; they are returned.
    pub async fn settle(&self, sent: u64) -> String {
        let started = Instant::now();
        loop {
            let metrics = self.router.metrics().await;
            let late = started.elapsed() > SETTLE + self.sink_latency() * 2;
            if late || metrics.is_empty() || self.has_settled(sent, &metrics) {
                return metrics;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn has_settled(&self, sent: u64, metrics: &str) -> bool {
        exposition::settled(metrics) >= self.settled + self.expected(sent)
    }

    fn expected(&self, sent: u64) -> u64 {
        sent * u64::from(self.options.subscriptions)
    }

    fn sink_latency(&self) -> Duration {
        Duration::from_millis(self.options.latency)
    }

    fn line(&self, (sent, arrived): (u64, u64), seconds: f64, shown: &mut Shown) -> String {
        let usage = self.router.usage().unwrap_or_default();
        let rate = (arrived - shown.arrived) as f64 / seconds;
        let busy = (usage.cpu - shown.usage.unwrap_or_default().cpu) / seconds * 100.0;
        *shown = Shown { arrived, usage: Some(usage) };
        format!(
            "{:>5.0} s  {} events sent  {} arrived  {}/s  router {busy:.0} % CPU  {:.1} MB",
            self.schedule.start.elapsed().as_secs_f64(),
            grouped(sent),
            grouped(arrived),
            grouped(rate as u64),
            usage.rss as f64 / 1024.0,
        )
    }
}

/// What the last line said.
#[derive(Debug)]
struct Shown {
    arrived: u64,
    usage: Option<Usage>,
}
