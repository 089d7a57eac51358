//! A router with everything around it in the test's hand.

use crate::link::FakeLink;
use crate::shelf::Shelf;
use crate::upstreams::FakeUpstreams;
use bellwire::actors::admission::Admission;
use bellwire::actors::budgets::Budgets;
use bellwire::actors::clock::Clock;
use bellwire::actors::journal::{Commits, Journal, Save, Settings};
use bellwire::actors::ledger::Ledger;
use bellwire::actors::port::Port;
use bellwire::actors::reach::Reaches;
use bellwire::actors::router::{
    ActivateError, Activated, Activation, Arguments, Before, Filter, Load, Page, Publication, RelaySettings, Restored,
    Router, RouterMessage, View,
};
use bellwire::actors::smsc::Smsc;
use bellwire::actors::source::{PublishError, Taken};
use bellwire::actors::upstream::{Resume, UpstreamFact};
use bellwire::codec::segments::Payload;
use bellwire::codec::sse::Events;
use bellwire::codec::udh::{Ports, ReferenceWidth};
use bellwire::engine::budget::{Scope, TenantLimits};
use bellwire::engine::clock::Now;
use bellwire::engine::envelope::{self, Addressing, SenderSettings};
use bellwire::engine::receipts::Receipts as Table;
use bellwire::engine::routing::{Route, Routes};
use bellwire::engine::tally::{Answered, ErrandKind, ErrandResult, ReceiptKind, Stage};
use bellwire::model::{
    DropReason, FeedName, Outcome, Overflow, Policy, PushSettings, Receipts, SourceId, SourceOrigin, SubscriptionId,
    TenantId,
};
use bellwire::telemetry::{Labels, Telemetry};
use bytes::Bytes;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use parking_lot::Mutex;
use ractor::{Actor, ActorRef, RpcReplyPort};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// How streams give way to pushes in here.
pub const RELAY: RelaySettings = RelaySettings {
    linger: Duration::from_secs(30),
    push_after: Duration::from_secs(3),
    lifetime: Duration::from_secs(3600),
    subscriptions_per_handset: 3,
    probe_within: Duration::from_secs(300),
};

const LABELS: Labels = Labels {
    outcomes: &Outcome::LABELS,
    reasons: &DropReason::LABELS,
    rules: Overflow::WORDS,
    scopes: &Scope::LABELS,
    stages: &Stage::LABELS,
    verdicts: &Answered::LABELS,
    receipts: &ReceiptKind::LABELS,
    errands: (&ErrandKind::LABELS, &ErrandResult::LABELS),
};

/// Segments that may be accepted without the store knowing.
pub const MAX_UNSAVED: u64 = 100;

pub const URL: &str = "http://example.com/events";

/// A clock that stands still, and panics when it is told to.
pub struct Hands {
    now: Mutex<Now>,
    fuse: AtomicU32,
}

impl Hands {
    pub fn advance(&self, by: Duration) {
        let mut now = self.now.lock();
        *now = now.after(by);
    }

    /// Somebody sets the wall clock.
    pub fn set_wall(&self, unix_ms: u64) {
        self.now.lock().unix_ms = unix_ms;
    }

    /// The next reading panics, once.
    pub fn arm(&self) {
        self.arm_in(1);
    }

    /// The reading that comes so many readings from now panics.
    pub fn arm_in(&self, readings: u32) {
        self.fuse.store(readings, Ordering::Relaxed);
    }

    /// Whether nothing has read the clock since it was armed.
    pub fn is_armed(&self) -> bool {
        self.fuse.load(Ordering::Relaxed) > 0
    }

    fn read(&self) -> Now {
        let left = self.fuse.load(Ordering::Relaxed);
        self.fuse.store(left.saturating_sub(1), Ordering::Relaxed);
        assert_ne!(left, 1, "the clock was told to fail");
        *self.now.lock()
    }
}

pub struct House {
    pub router: ActorRef<RouterMessage>,
    pub upstreams: Arc<FakeUpstreams>,
    pub admission: Admission,
    pub hands: Arc<Hands>,
    pub journal: Journal,
    commits: tokio::task::JoinHandle<()>,
    log_octets: usize,
    before: bool,
    limits: TenantLimits,
    /// The link to the SMSC of numbers that start with 1.
    pub link: FakeLink,
    /// The link to the SMSC of numbers that start with 44.
    pub other: FakeLink,
    counts: PrometheusHandle,
}

impl House {
    pub async fn new() -> Self {
        Self::with_log(1 << 20).await
    }

    /// A house whose sources keep `log_octets`. It reaches the numbers that start with 1, and by another SMSC those
    /// that start with 44.
    pub async fn with_log(log_octets: usize) -> Self {
        Self::open(None, log_octets).await
    }

    /// As [`House::with_log`]; what is to outlive it is put on `shelf`, and it goes on with what is there.
    pub async fn durable(shelf: &Arc<Shelf>, log_octets: usize) -> Self {
        Self::open(Some(shelf), log_octets).await
    }

    /// Its process is killed, and another one begins.
    pub async fn crash(self, shelf: &Arc<Shelf>) -> Self {
        self.commits.abort();
        self.router.kill();
        let _ = self.router.wait(None).await;
        settle().await;
        // The clock goes on.
        Self::begin(Some(shelf), self.log_octets, self.hands, self.before, self.limits).await
    }

    async fn open(shelf: Option<&Arc<Shelf>>, log_octets: usize) -> Self {
        let now = Now { monotonic: Duration::from_secs(1000), unix_ms: 1_790_000_000_000 };
        let hands = Arc::new(Hands { now: Mutex::new(now), fuse: AtomicU32::new(0) });
        Self::begin(shelf, log_octets, hands, false, TenantLimits::default()).await
    }

    /// As [`House::durable`]; events are sent only when they are on the shelf.
    pub async fn careful(shelf: &Arc<Shelf>, log_octets: usize) -> Self {
        let House { hands, .. } = Self::open(None, log_octets).await;
        Self::begin(Some(shelf), log_octets, hands, true, TenantLimits::default()).await
    }

    /// As [`House::durable`]; this is what may be sent.
    pub async fn limited(shelf: &Arc<Shelf>, limits: TenantLimits) -> Self {
        let House { hands, log_octets, .. } = Self::new().await;
        Self::begin(Some(shelf), log_octets, hands, false, limits).await
    }

    async fn begin(
        shelf: Option<&Arc<Shelf>>,
        log_octets: usize,
        hands: Arc<Hands>,
        before: bool,
        limits: TenantLimits,
    ) -> Self {
        let settings = Settings { before, max_unsaved: MAX_UNSAVED };
        let journal = shelf.map_or_else(Journal::none, |shelf| Journal::new(Arc::clone(shelf) as _, settings));
        let recorder = PrometheusBuilder::new().build_recorder();
        let telemetry = ::metrics::with_local_recorder(&recorder, || Telemetry::new(LABELS));
        let now = *hands.now.lock();
        let read = Arc::clone(&hands);
        let clock = Clock::new(move || read.read());
        let receipts = Arc::new(Mutex::new(Table::new(Duration::from_secs(3600), 100_000)));
        let smscs = [(0, "main"), (1, "other")].map(|(number, name)| {
            let smsc = Smsc::new(number, name.into(), addressing(), 1, Arc::clone(&receipts));
            smsc.set_open(0, true, now);
            Arc::new(smsc.with_journal(journal.clone(), true))
        });
        let prefixes = ["1", "44"].map(|prefix| [prefix.to_owned()]);
        let upstreams = Arc::new(FakeUpstreams::default());
        let admission = Admission::new(64 << 20);
        let push = PushSettings::default();
        let routes = Routes::new(prefixes.map(|prefix| Route { prefixes: prefix.to_vec(), ..Route::default() }));
        let reaches = Reaches::new(routes, smscs.to_vec());
        let budgets = Arc::new(Budgets::new(limits, Vec::new(), telemetry.clone(), journal.is_on()));
        let restored = shelf.map(|shelf| {
            let (reaches, push, budgets, backlog) = (&reaches, &push, &budgets, journal.backlog(log_octets));
            Restored::load(&Before { store: &**shelf, reaches, push, budgets, backlog, now }).unwrap()
        });
        let ledger = Arc::new(Ledger::new(telemetry.clone()));
        let mut always = vec![Arc::clone(&ledger) as Arc<dyn Save>, Arc::clone(&budgets) as Arc<dyn Save>];
        always.extend(smscs.iter().map(|smsc| Arc::clone(smsc) as Arc<dyn Save>));
        let opened = Port::new(|()| {});
        let commits = Commits { always, opened, telemetry: telemetry.clone(), clock: clock.clone() };
        let commits = tokio::spawn(commits.run(journal.clone()));
        let arguments = Arguments {
            push,
            reaches,
            upstreams: Arc::clone(&upstreams) as _,
            admission: admission.clone(),
            log_octets,
            relay: RELAY,
            suppressed: vec!["15559999".parse().unwrap()],
            journal: journal.clone(),
            ledger,
            telemetry: telemetry.clone(),
            clock: clock.clone(),
            budgets,
            restored: restored.unwrap_or_default(),
        };
        let (router, _) = Router::spawn(None, Router, arguments).await.unwrap();
        let [link, other] = smscs.map(|smsc| FakeLink::new(smsc, clock.clone(), router.clone(), telemetry.clone()));
        let counts = recorder.handle();
        Self { router, upstreams, admission, hands, journal, commits, log_octets, before, limits, link, other, counts }
    }

    pub async fn ask<T: Send + 'static>(&self, message: impl FnOnce(RpcReplyPort<T>) -> RouterMessage) -> T {
        within(async { ractor::call!(self.router, message) }).await.expect("the router lives")
    }

    pub async fn try_activate(&self, activation: Activation) -> Result<Activated, ActivateError> {
        self.ask(|reply| RouterMessage::Activate(Box::new(activation), reply)).await
    }

    pub async fn activate(&self, number: &str) -> View {
        self.try_activate(activation(number)).await.unwrap().view
    }

    pub async fn deactivate(&self, id: SubscriptionId) -> Option<Box<View>> {
        self.ask(|reply| RouterMessage::Deactivate(TenantId::default(), id, reply)).await
    }

    pub async fn get(&self, id: SubscriptionId) -> Option<Box<View>> {
        self.ask(|reply| RouterMessage::Get(TenantId::default(), id, reply)).await
    }

    pub async fn list(&self, after: Option<SubscriptionId>, limit: usize) -> Vec<View> {
        let page = Page { tenant: TenantId::default(), after, limit, filter: Filter::default() };
        self.ask(|reply| RouterMessage::List(Box::new(page), reply)).await.views
    }

    pub async fn load(&self) -> Load {
        self.ask(RouterMessage::Load).await
    }

    pub async fn publish(&self, source: SourceId, events: Events, publish_id: &str) -> Result<Taken, PublishError> {
        let watch = Arc::new(|_, _| {});
        let publication = Publication { source, events, publish_id: publish_id.into(), watch };
        self.ask(|reply| RouterMessage::Publish(Box::new(publication), reply)).await
    }

    pub fn now(&self) -> Now {
        *self.hands.now.lock()
    }

    /// The last upstream that was opened goes on behind the first `after` events.
    pub fn resumed(&self, after: u64) {
        let upstream = self.upstreams.last();
        let resume = Resume { id: upstream.last_event_id.clone(), from: after, after };
        upstream.facts.send(UpstreamFact::Opened { resumed: Some(resume) });
    }

    /// Events of the last upstream that was opened; false if the door is full.
    pub fn feed(&self, data: &[&str]) -> bool {
        self.upstreams.last().feed(self.now(), data)
    }

    /// Lets the link work until `done` says so.
    pub async fn run_until(&mut self, mut done: impl FnMut(&FakeLink) -> bool) {
        within(async {
            loop {
                self.link.run();
                if done(&self.link) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    /// Takes segments, unanswered, until there are `count`.
    pub async fn take(&mut self, count: usize) -> Vec<crate::link::Written> {
        within(async {
            let mut all = Vec::new();
            while all.len() < count {
                all.extend(self.link.take());
                tokio::task::yield_now().await;
            }
            all
        })
        .await
    }

    /// Events that ended so.
    pub fn settled(&self, outcome: &str) -> u64 {
        self.count(&format!("bellwire_events_settled_total{{outcome=\"{outcome}\"}} "))
    }

    /// Events that were dropped for this.
    pub fn dropped(&self, reason: &str) -> u64 {
        self.count(&format!("bellwire_events_dropped_total{{reason=\"{reason}\"}} "))
    }

    pub fn count(&self, series: &str) -> u64 {
        let text = self.counts.render();
        let line = text.lines().find_map(|line| line.strip_prefix(series));
        line.unwrap_or_else(|| panic!("no {series} in\n{text}")).parse().unwrap()
    }
}

/// Waits for `future`, but not for ever: by tokio's clock while it sleeps, and by the wall's while it is busy, for then
/// a paused clock stands still.
pub async fn within<F: Future>(future: F) -> F::Output {
    const PATIENCE: Duration = Duration::from_secs(20);
    let begun = std::time::Instant::now();
    let mut future = std::pin::pin!(future);
    let busy = std::future::poll_fn(|context| {
        assert!(begun.elapsed() < PATIENCE, "it should have happened by now");
        future.as_mut().poll(context)
    });
    tokio::time::timeout(PATIENCE, busy).await.expect("it should have happened by now")
}

pub async fn until(mut done: impl FnMut() -> bool) {
    within(async {
        while !done() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// Long enough for every message that is on its way to have arrived: each turn of this thread's runtime carries each
/// of them one actor further.
pub async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

pub fn source(url: &str) -> SourceId {
    SourceId::new(TenantId::default(), SourceOrigin::Url(url.parse().unwrap()), None)
}

pub fn feed(name: &str) -> SourceId {
    SourceId::new(TenantId::default(), SourceOrigin::Feed(FeedName::new(name).unwrap()), None)
}

pub fn policy() -> Policy {
    Policy { receipts: Receipts::None, ttl: Duration::ZERO, ..Policy::default() }
}

pub fn activation(number: &str) -> Activation {
    Activation {
        tenant: TenantId::default(),
        handset: None,
        number: number.parse().unwrap(),
        source: source(URL),
        application: None,
        policy: policy(),
        last_event_id: Bytes::new(),
    }
}

pub fn addressing() -> Addressing {
    let sender = SenderSettings {
        service_type: String::new(),
        source_address: "12345".into(),
        source_ton: 3,
        source_npi: 1,
        dest_ton: 1,
        dest_npi: 1,
        data_coding: 4,
        reference_width: ReferenceWidth::Bits8,
        references: None,
        payload: Payload::Udh,
    };
    envelope::addressing(&sender, Ports { destination: 2948, source: 9200 }).unwrap()
}
