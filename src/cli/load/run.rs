//! The course of a load test: peers, router, subscriptions, events, figures.

use super::options::Options;
use super::process::Usage;
use super::progress::{Progress, grouped};
use super::publisher::{Publisher, feed};
use super::report::{Measured, Report, Used};
use super::router::Router;
use super::subscriber::Subscriptions;
use super::watch::{LOOK, Sent, Watch};
use crate::cli::server::{Output, ServerArgs};
use crate::cli::{CommandError, exposition};
use crate::control::proto::control_client::ControlClient;
use crate::control::proto::source::Origin;
use crate::sim::load::{Arrivals, Schedule, Sink, SinkSettings, Streams};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tonic::transport::Channel;

/// Longest wait for the router, and for the next of its links and streams.
const PATIENCE: Duration = Duration::from_secs(60);
/// A router that used no CPU time for so long is idle.
const IDLE: Duration = Duration::from_millis(200);
/// Longest wait for a router to be idle: a running one may have other things to do.
const IDLE_TIMEOUT: Duration = Duration::from_secs(5);

/// Runs a load test to its end, or to Ctrl-C, after which it reports as far as it came.
///
/// # Errors
/// When the router or a peer does not start, a subscription is refused, or Ctrl-C comes before the first event.
pub(super) async fn run(options: &Options) -> Result<Report, CommandError> {
    let mut stop = Stop { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? };
    let scene = tokio::select! {
        scene = Scene::set(options) => scene?,
        () = stop.told() => return Err(CommandError::Failed("load: interrupted before the first event".to_owned())),
    };
    scene.play(options, &mut stop).await
}

/// What ends a test early.
struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    async fn told(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Everything in its place before the first event.
struct Scene {
    origin: Instant,
    sink: Sink,
    streams: Streams,
    router: Router,
    control: ControlClient<Channel>,
    subscriptions: Subscriptions,
    used: Used,
}

impl Scene {
    async fn set(options: &Options) -> Result<Self, CommandError> {
        let origin = Instant::now();
        let arrivals = Arrivals::new(options.handsets() as u32, origin).map_err(io::Error::other)?;
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let settings = SinkSettings {
            latency: Duration::from_millis(options.latency),
            refuse: options.refuse,
            close: options.close,
        };
        let sink = Sink::start(TcpListener::bind(options.smsc_listen.unwrap_or(any)).await?, settings, arrivals)?;
        let streams = Streams::serve(TcpListener::bind(any).await?, options.streams())?;
        let mut router = Router::start(options, sink.address()).await?;
        let control = connect(&mut router).await?;
        grow("links", 1, || sink.binds()).await?;
        let start = router.usage();
        let source = |source| if options.publish { feed(source) } else { Origin::Url(streams.url(source)) };
        let subscriptions = Subscriptions::activate(&control, options, source).await?;
        grow("event streams", options.streams().into(), || streams.open() as u64).await?;
        let idle = idle(&router).await;
        let used = Used { start, idle, ..Used::default() };
        Ok(Self { origin, sink, streams, router, control, subscriptions, used })
    }

    async fn play(mut self, options: &Options, stop: &mut Stop) -> Result<Report, CommandError> {
        let before = self.router.metrics().await;
        self.used.first = self.router.usage();
        let schedule = schedule(options, self.origin);
        let publisher = match options.publish {
            true => Publisher::start(self.control.clone(), schedule).await?,
            false => Arc::default(),
        };
        if !options.publish {
            self.streams.start(schedule);
        }
        let streams = &self.streams;
        let sent = || Sent { events: streams.sent() + publisher.sent(), more: publisher.waits() };
        let settled = exposition::settled(&before);
        let (sink, router, last) = (&self.sink, &mut self.router, self.used.first);
        let mut watch = Watch { options, schedule, sink, router, settled, last };
        let interrupted = tokio::select! {
            followed = watch.follow(sent) => followed.map(|()| false)?,
            () = stop.told() => true,
        };
        let after = match interrupted {
            true => watch.router.metrics().await,
            false => watch.settle(sent().events).await,
        };
        let used = Used { last: watch.last, end: watch.router.usage(), ..self.used };
        let measured = Measured {
            sent: sent().events,
            rejected: publisher.rejected(),
            start: schedule.start,
            activation: self.subscriptions.took,
            metrics: [before, after],
            used,
            interrupted,
        };
        let report = self.sink.look(|arrivals| Report::new(options, arrivals, measured));
        self.subscriptions.end(&self.control).await?;
        Ok(report)
    }
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
            Err(error) if error.is_usage() || started.elapsed() > PATIENCE => return Err(error.into()),
            Err(_) if router.has_ended() => return Err(CommandError::Failed("load: the router has ended".to_owned())),
            Err(_) => tokio::time::sleep(LOOK).await,
        }
    }
}

/// Waits until there are so many of something; gives up when their number stands still for too long.
async fn grow(what: &str, wanted: u64, count: impl Fn() -> u64) -> Result<(), CommandError> {
    let (mut known, mut changed, mut progress) = (0, Instant::now(), Progress::start());
    loop {
        let now = count();
        if now >= wanted {
            return Ok(());
        }
        if now != known {
            (known, changed) = (now, Instant::now());
        }
        let figures = || format!("{} of {} {what}", grouped(now), grouped(wanted));
        if changed.elapsed() > PATIENCE {
            return Err(CommandError::Failed(format!("load: the router opened {} in {PATIENCE:?}", figures())));
        }
        progress.show(|_| format!("opened {}", figures()));
        tokio::time::sleep(LOOK).await;
    }
}

/// What the router has used when it has nothing to do any more.
async fn idle(router: &Router) -> Option<Usage> {
    let started = Instant::now();
    let mut usage = router.usage()?;
    while started.elapsed() < IDLE_TIMEOUT {
        tokio::time::sleep(IDLE).await;
        let now = router.usage()?;
        if now.cpu <= usage.cpu {
            return Some(now);
        }
        usage = now;
    }
    Some(usage)
}
