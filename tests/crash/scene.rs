//! An origin with four streams, a router with three subscriptions to each, an SMSC; and what has to hold at the end.

use crate::origin::{Drops, Ids, Log, Origin, Stream};
use crate::router::{Lines, Router, write_config};
use crate::smsc::{Moment, Smsc};
use bellwire::control::proto::control_client::ControlClient;
use bellwire::control::proto::source::Origin as From;
use bellwire::control::proto::{self, ActivateRequest};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The longest that nothing may happen.
const PATIENCE: Duration = Duration::from_secs(30);
const LINKS: u64 = 2;
const WINDOW: u64 = 20;
/// Segments that may be accepted beyond the last commit before the router takes no more work.
const UNCOMMITTED: u64 = 10_000;
/// What that comes to with a disk that works: a commit takes milliseconds, and the SMSC accepts less than a thousand
/// segments a second.
const UNCOMMITTED_MOSTLY: u64 = 300;
const SUBSCRIPTIONS: u64 = 3;
const STREAMS: [Stream; 4] = [
    Stream { ids: Ids::Unique, rate: 100.0, most: usize::MAX },
    Stream { ids: Ids::Runs, rate: 60.0, most: usize::MAX },
    Stream { ids: Ids::Inherited, rate: 60.0, most: usize::MAX },
    Stream { ids: Ids::Missing, rate: 20.0, most: 200 },
];

pub struct Scene {
    pub seed: u64,
    pub random: fastrand::Rng,
    pub origin: Origin,
    pub smsc: Smsc,
    log: Log,
    /// None while no process runs.
    router: Option<Router>,
    config: PathBuf,
    lines: Lines,
    /// How each life that is over ended.
    endings: Vec<Ending>,
    _directory: TempDir,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Killed,
    Stopped,
}

/// Where the router keeps its state.
pub enum Keeping<'a> {
    InMemory,
    /// In a directory of the scene's own.
    OnDisk,
    In(&'a Path),
}

impl Scene {
    /// Starts everything; events come once every subscription is active.
    pub async fn start(seed: u64, keeping: Keeping<'_>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (data_dir, drops) = match keeping {
            Keeping::InMemory => (String::new(), Drops::BetweenIds),
            Keeping::OnDisk => (directory.path().join("data").display().to_string(), Drops::Anywhere),
            Keeping::In(path) => (path.display().to_string(), Drops::Anywhere),
        };
        let mut random = fastrand::Rng::with_seed(seed);
        let origin = Origin::start(random.u64(..), &STREAMS, drops).await;
        let smsc = Smsc::start(random.u64(..), origin.log()).await;
        let mut scene = Self {
            seed,
            random,
            config: write_config(directory.path(), &data_dir, smsc.address(), LINKS, WINDOW),
            log: origin.log(),
            origin,
            smsc,
            router: None,
            lines: Lines::default(),
            endings: Vec::new(),
            _directory: directory,
        };
        scene.start_router().await;
        scene.activate_all().await;
        scene.origin.begin();
        scene
    }

    async fn activate_all(&self) {
        let server = format!("http://{}", self.router().grpc);
        let mut control = ControlClient::connect(server).await.unwrap();
        for stream in 0..STREAMS.len() {
            for subscription in 0..SUBSCRIPTIONS {
                let (number, policy) = terms(stream, subscription);
                self.smsc.expect(&number, stream, policy.order() == proto::Order::Strict);
                let source = proto::Source { origin: Some(From::Url(self.origin.url(stream))), ..Default::default() };
                let (to, policy) = (format!("+{number}"), Some(policy));
                let request = ActivateRequest { to, source: Some(source), policy, ..Default::default() };
                control.activate(request).await.unwrap();
            }
        }
    }

    fn router(&self) -> &Router {
        self.router.as_ref().expect("a router runs")
    }

    /// Starts a process on what the last one left.
    pub async fn start_router(&mut self) {
        match Router::start(&self.config, &self.lines).await {
            Ok(router) => self.router = Some(router),
            Err(why) => self.fail(&why),
        }
    }

    /// Kills the router at a moment that the seed decides, when the SMSC has a segment that it has not answered.
    pub async fn kill(&mut self) {
        let moment = if self.random.bool() { Moment::Accepted } else { Moment::Answered };
        // Sometimes hardly anything has happened since the last one.
        let more = if self.random.u8(..4) == 0 { self.random.u64(1..12) } else { self.random.u64(50..500) };
        let mut killed = self.smsc.at(moment, more, self.router().killer());
        let what = format!("{more} segments more, to kill the router when one is {moment:?}");
        self.wait(&what, |_| killed.try_recv().is_ok()).await;
        self.bury(Ending::Killed).await;
    }

    /// Kills the router now.
    pub async fn kill_now(&mut self) {
        (self.router().killer())();
        self.bury(Ending::Killed).await;
    }

    /// Has the router stop in its own way.
    pub async fn stop(&mut self) {
        let mut router = self.router.take().expect("a router runs");
        router.terminate();
        let mut ended = None;
        self.wait("the router to stop", |_| {
            ended = router.ended();
            ended.is_some()
        })
        .await;
        if !ended.is_some_and(|status| status.success()) {
            self.fail(&format!("the router stopped with {ended:?}"));
        }
        self.bury(Ending::Stopped).await;
    }

    async fn bury(&mut self, ending: Ending) {
        self.router = None;
        // What is left in the sockets is read before the next process comes.
        self.wait("the sessions to end", |scene| scene.smsc.sessions() == 0).await;
        self.endings.push(ending);
        assert_eq!(self.smsc.begin_life(), self.endings.len());
    }

    /// Lets the router run until so many more segments are accepted.
    pub async fn accept(&self, more: u64) {
        let enough = self.smsc.accepted() + more;
        self.wait("segments", |scene| scene.smsc.accepted() >= enough).await;
    }

    /// Events that the router says it has received, in all its lives.
    pub async fn received(&self) -> u64 {
        self.router().metric("bellwire_events_received_total").await
    }

    /// Lets the router run until it has received so many more events.
    pub async fn receive(&self, more: u64) {
        let enough = self.received().await + more;
        let mut patience = Patience::default();
        while self.received().await < enough {
            self.pause(&mut patience, "events to be received", enough).await;
        }
    }

    /// Lets the router run while it receives nothing, until so many more events are waiting for it. `meanwhile` is done
    /// again and again.
    pub async fn starve(&self, events: usize, mut meanwhile: impl FnMut()) {
        let mut patience = Patience::default();
        let (mut received, mut made) = (self.received().await, self.log.made_in_all());
        while self.log.made_in_all() < made + events {
            meanwhile();
            let now = self.received().await;
            if now != received {
                (received, made) = (now, self.log.made_in_all());
            }
            self.pause(&mut patience, "intake to stop", 0).await;
        }
    }

    /// Ends the stream of events, waits for the last one, and checks everything.
    pub async fn finish(mut self) {
        self.origin.finish().await;
        let mut accepted = (self.smsc.accepted(), Instant::now());
        self.wait("everything to arrive", |scene| {
            // As long as something arrives there is hope.
            if accepted.0 != scene.smsc.accepted() {
                accepted = (scene.smsc.accepted(), Instant::now());
            }
            let complete = scene.smsc.look(|account| account.is_complete(|stream| scene.log.made(stream)));
            complete || accepted.1.elapsed() > PATIENCE
        })
        .await;
        self.check_arrivals();
        self.check_balance().await;
        self.check_requests();
        self.stop().await;
        self.check_arrivals();
        println!("seed {}: {}", self.seed, self.figures());
    }

    /// What the SMSC has seen.
    fn check_arrivals(&self) {
        let wrong = self.smsc.look(|account| account.wrong(|stream| self.log.made(stream)));
        if !wrong.is_empty() {
            self.fail("not everything arrived as it should");
        }
        for (life, ending) in self.endings.iter().enumerate() {
            let repeats = self.smsc.look(|account| account.repeats(life));
            let (most, mostly) = match ending {
                Ending::Killed => (WINDOW * LINKS + UNCOMMITTED, WINDOW * LINKS + UNCOMMITTED_MOSTLY),
                Ending::Stopped => (0, 0),
            };
            if repeats > most || repeats > mostly {
                let bounds = format!("at most {most}, and {mostly} if the disk works");
                self.fail(&format!("{repeats} segments of life {life} came again, {bounds}: it was {ending:?}"));
            }
        }
    }

    /// Every event has one outcome for each subscription, over all lives.
    async fn check_balance(&self) {
        let (mut patience, mut before) = (Patience::default(), 0);
        loop {
            let received = self.received().await;
            let settled = self.router().metric("bellwire_events_settled_total").await;
            if settled == received * SUBSCRIPTIONS {
                return;
            }
            if settled != before {
                (before, patience) = (settled, Patience::default());
            }
            let what = format!("{received} events received, {settled} outcomes settled, to balance as 1 to");
            self.pause(&mut patience, &what, SUBSCRIPTIONS).await;
        }
    }

    /// The router asked the origin for nothing that it could not know of.
    fn check_requests(&self) {
        for stream in 0..STREAMS.len() {
            for (at, asked) in self.log.asked(stream).into_iter().enumerate() {
                if let Some(wrong) = asked.wrong {
                    self.fail(&format!("request {at} for stream {stream}: {wrong}"));
                }
                if asked.last_event_id.is_some() && self.log.replays(stream) {
                    self.fail(&format!("request {at} for stream {stream} has an id, and its events have none"));
                }
            }
        }
    }

    /// Looks again and again until something holds; fails when that takes too long.
    async fn wait(&self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let mut patience = Patience::default();
        let mut accepted = self.smsc.accepted();
        while !holds(self) {
            if accepted != self.smsc.accepted() {
                (accepted, patience) = (self.smsc.accepted(), Patience::default());
            }
            self.pause(&mut patience, what, 0).await;
        }
    }

    async fn pause(&self, patience: &mut Patience, what: &str, figure: u64) {
        if patience.0.elapsed() > PATIENCE {
            self.fail(&format!("waited too long for {what} ({figure})"));
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }

    fn figures(&self) -> String {
        let made: Vec<usize> = (0..STREAMS.len()).map(|stream| self.log.made(stream)).collect();
        let asked: Vec<usize> = (0..STREAMS.len()).map(|stream| self.log.asked(stream).len()).collect();
        let repeats: Vec<u64> =
            (0..=self.endings.len()).map(|life| self.smsc.look(|account| account.repeats(life))).collect();
        format!(
            "{made:?} events made by stream, {asked:?} requests, {} segments accepted, {repeats:?} repeated by life",
            self.smsc.accepted()
        )
    }

    fn fail(&self, what: &str) -> ! {
        let wrong = self.smsc.look(|account| account.wrong(|stream| self.log.made(stream)));
        panic!(
            "{what}\n--- by the SMSC's account:\n{wrong}\n{}\n--- the last of the router's log:{}\n\
             again: BELLWIRE_CRASH_SEED={} cargo test --test crash",
            self.figures(),
            self.lines.text(),
            self.seed
        )
    }
}

/// How long nothing has happened.
struct Patience(Instant);

impl Default for Patience {
    fn default() -> Self {
        Self(Instant::now())
    }
}

/// Number and policy: single events in parallel; whatever is there, with receipts; a few at a time. The last of the first
/// two streams go to one handset.
fn terms(stream: usize, subscription: u64) -> (String, proto::Policy) {
    let shared = if subscription == 2 && stream < 2 { 9 } else { stream };
    let (order, max_events, receipts) = match subscription {
        0 => (proto::Order::Pipelined, 1, proto::Receipts::None),
        1 => (proto::Order::Strict, 0, proto::Receipts::All),
        _ => (proto::Order::Strict, 4, proto::Receipts::None),
    };
    let policy = proto::Policy {
        order: order.into(),
        max_events: Some(max_events),
        receipts: receipts.into(),
        max_segments: Some(4),
        ttl: Some(prost_types::Duration::default()),
        ..Default::default()
    };
    (format!("155555501{shared}{subscription}"), policy)
}
