//! The course of a load test: peers, router, subscriptions, events, figures.

use super::options::Options;
use super::publisher::{Publisher, feed};
use super::report::{Measured, Report};
use super::router::Router;
use super::subscriber;
use crate::cli::CommandError;
use crate::cli::exposition;
use crate::cli::server::{Output, ServerArgs};
use crate::control::proto::control_client::ControlClient;
use crate::control::proto::source::Origin;
use crate::sim::load::{Arrivals, Schedule, Sink, SinkSettings, Streams};
use std::io::{self, IsTerminal};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tonic::transport::Channel;

/// Longest wait for the router to start, for its links and for its streams.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// Longest silence before what has not arrived is lost, beside twice what the SMSC takes to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest wait for the last answers to be counted by the router.
const SETTLE: Duration = Duration::from_secs(5);
/// How often it is looked at what has come.
const LOOK: Duration = Duration::from_millis(20);
const SECOND: Duration = Duration::from_secs(1);

/// Runs a load test to its end, or to Ctrl-C.
///
/// # Errors
/// When the router or a peer does not start, or a subscription is refused.
pub(super) async fn run(options: &Options) -> Result<Report, CommandError> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        report = play(options) => report,
        _ = interrupt.recv() => Err(CommandError::Failed("load: interrupted".to_owned())),
    }
}

async fn play(options: &Options) -> Result<Report, CommandError> {
    let origin = Instant::now();
    let arrivals = Arrivals::new(options.handsets() as u32, origin).map_err(io::Error::other)?;
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let settings = SinkSettings { latency: Duration::from_millis(options.latency) };
    let sink = Sink::start(TcpListener::bind(options.smsc_listen.unwrap_or(any)).await?, settings, arrivals)?;
    let streams = Streams::serve(TcpListener::bind(any).await?, options.sources)?;
    let mut router = Router::start(options, sink.address())?;
    let control = connect(&mut router).await?;
    until("a link of the router", || sink.binds() > 0).await?;
    let source = |source| if options.publish { feed(source) } else { Origin::Url(streams.url(source)) };
    subscriber::activate(&control, options, source).await?;
    let opened = || options.publish || streams.open() == options.sources as usize;
    until("the event streams to be opened", opened).await?;

    let before = router.usage().unwrap_or_default();
    let schedule = schedule(options, origin);
    let publisher = match options.publish {
        true => Publisher::start(control, schedule).await?,
        false => Arc::default(),
    };
    if !options.publish {
        streams.start(schedule);
    }
    let sent = || streams.sent() + publisher.sent();
    let mut watch = Watch { options, schedule, sink: &sink, router: &mut router };
    watch.follow(sent).await?;
    watch.settle(sent()).await;
    let used = router.usage().map(|after| (after.cpu - before.cpu, after.peak));
    let measured = Measured {
        sent: sent(),
        subscriptions: options.subscriptions,
        rejected: publisher.rejected(),
        start: schedule.start,
        order: options.order,
        metrics: router.metrics().await,
        used,
    };
    Ok(sink.look(|arrivals| Report::new(arrivals, measured)))
}

fn schedule(options: &Options, origin: Instant) -> Schedule {
    Schedule {
        origin,
        start: Instant::now(),
        sources: options.sources,
        rate: f64::from(options.rate),
        events: options.limit(),
        lasts: options.lasts(),
        octets: options.octets as usize,
    }
}

/// Connects to the router as soon as it listens.
async fn connect(router: &mut Router) -> Result<ControlClient<Channel>, CommandError> {
    let started = Instant::now();
    let server = ServerArgs::at(router.server.clone(), Output::Text);
    loop {
        match server.connect().await {
            Ok(channel) => return Ok(ControlClient::new(channel)),
            Err(error) if error.is_usage() || started.elapsed() > START_TIMEOUT => return Err(error.into()),
            Err(_) if router.has_ended() => return Err(ended()),
            Err(_) => tokio::time::sleep(LOOK).await,
        }
    }
}

async fn until(what: &str, holds: impl Fn() -> bool) -> Result<(), CommandError> {
    let started = Instant::now();
    while !holds() {
        if started.elapsed() > START_TIMEOUT {
            return Err(CommandError::Failed(format!("load: waited {START_TIMEOUT:?} for {what}")));
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

fn ended() -> CommandError {
    CommandError::Failed("load: the router has ended".to_owned())
}

/// Looks on while events are on their way.
struct Watch<'a> {
    options: &'a Options,
    schedule: Schedule,
    sink: &'a Sink,
    router: &'a mut Router,
}

impl Watch<'_> {
    /// Ends when all that was sent has arrived, or nothing has for too long.
    async fn follow(&mut self, sent: impl Fn() -> u64) -> Result<(), CommandError> {
        let patience = PATIENCE + self.sink_latency() * 2;
        let shows = io::stderr().is_terminal();
        let (mut last, mut changed, mut shown) = ((0, 0), Instant::now(), Shown::new());
        loop {
            tokio::time::sleep(LOOK).await;
            if self.router.has_ended() {
                return Err(ended());
            }
            let now = (sent(), self.sink.look(|arrivals| arrivals.distinct));
            if now != last {
                (last, changed) = (now, Instant::now());
            }
            if shows && shown.at.elapsed() >= SECOND {
                self.show(now.0, &mut shown);
            }
            let all = self.schedule.events == Some(now.0) || self.schedule.is_over(Instant::now() - LOOK * 2);
            // Events are due every second at least, so silence means that nothing more comes.
            if all && now.1 >= now.0 * u64::from(self.options.subscriptions) || changed.elapsed() > patience {
                return Ok(());
            }
        }
    }

    /// Waits until the router knows the last outcome, so that its metrics are whole.
    async fn settle(&self, sent: u64) {
        let (started, expected) = (Instant::now(), sent * u64::from(self.options.subscriptions));
        while started.elapsed() < SETTLE + self.sink_latency() * 2 {
            let metrics = self.router.metrics().await;
            if metrics.is_empty() || exposition::settled(&metrics) >= expected {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn sink_latency(&self) -> Duration {
        Duration::from_millis(self.options.latency)
    }

    /// One line a second.
    fn show(&self, sent: u64, shown: &mut Shown) {
        let (seconds, segments) = (shown.at.elapsed().as_secs_f64(), self.sink.look(|arrivals| arrivals.segments));
        let usage = self.router.usage().unwrap_or_default();
        eprintln!(
            "{:>5.0} s  {sent} events sent  {segments} segments at the SMSC  {:.0}/s  router {:.0} % CPU  {:.1} MB",
            self.schedule.start.elapsed().as_secs_f64(),
            (segments - shown.segments) as f64 / seconds,
            (usage.cpu - shown.cpu) / seconds * 100.0,
            usage.rss as f64 / 1024.0,
        );
        *shown = Shown { at: Instant::now(), segments, cpu: usage.cpu };
    }
}

/// What the last line said.
struct Shown {
    at: Instant,
    segments: u64,
    cpu: f64,
}

impl Shown {
    fn new() -> Self {
        Self { at: Instant::now(), segments: 0, cpu: 0.0 }
    }
}
