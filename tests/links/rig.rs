//! A pool, and handsets whose events the test makes.

use crate::smsc::within;
use bellwire::actors::clock::{self, Clock};
use bellwire::actors::handset::HandsetCell;
use bellwire::actors::pool::{LinkName, LinkState, LinkView, PoolMessage};
use bellwire::actors::port::Port;
use bellwire::actors::reach::Reaches;
use bellwire::actors::smsc::{SharedReceipts, Smsc};
use bellwire::codec::segments::Payload;
use bellwire::codec::smpp::{BindMode, InterfaceVersion};
use bellwire::codec::sse::EventsBuilder;
use bellwire::codec::udh::{Ports, ReferenceWidth};
use bellwire::egress::smpp::{Arguments, LinkSettings, OutbindListener, Pool, SmscLinks};
use bellwire::engine::availability::Patience;
use bellwire::engine::binding::BindingSettings;
use bellwire::engine::budget::Scope;
use bellwire::engine::chunk::Chunk;
use bellwire::engine::envelope::{SenderSettings, addressing, push_template};
use bellwire::engine::handset::{Memo, Place};
use bellwire::engine::pacing::PacingSettings;
use bellwire::engine::receipts::Receipts as Table;
use bellwire::engine::routing::{Route, Routes};
use bellwire::engine::session::SessionSettings;
use bellwire::engine::subscription::{Backlog, BacklogRule, Settlement, Subscription};
use bellwire::engine::tally::{Answered, ErrandKind, ErrandResult, ReceiptKind, Stage, Tally};
use bellwire::engine::verdict::Judge;
use bellwire::model::{
    ApplicationId, DropReason, HandsetId, Order, Outcome, Overflow, Policy, Profile, Receipts, SubscriptionId, TenantId,
};
use bellwire::telemetry::{Labels, Telemetry};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use parking_lot::Mutex;
use ractor::{Actor, ActorRef};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::watch;

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

/// As fast as it goes.
pub const BINDING: BindingSettings =
    BindingSettings { attempts: 3, retry: Duration::from_secs(3600), spread: Duration::ZERO };

pub struct Rig {
    pub pool: ActorRef<PoolMessage>,
    pub smsc: Arc<Smsc>,
    reaches: Reaches,
    pub bound: watch::Receiver<usize>,
    pub broken: Arc<AtomicUsize>,
    /// How often a link has looked at the clock: at least once whenever it wakes.
    pub looks: Arc<AtomicUsize>,
    counts: PrometheusHandle,
    _recording: metrics::LocalRecorderGuard<'static>,
}

/// Patient where a test would wait, quick where it has to.
pub fn settings(address: SocketAddr) -> LinkSettings {
    LinkSettings {
        address: address.to_string(),
        tls: None,
        session: SessionSettings {
            mode: BindMode::Transceiver,
            system_id: "bellwire".into(),
            password: "secret".into(),
            system_type: String::new(),
            version: InterfaceVersion::V3_4,
            needs_tlvs: false,
            window: 10,
            pacing: PacingSettings::default(),
            judge: Judge::default(),
            enquire_link: Duration::from_secs(30),
            response_timeout: Duration::from_secs(30),
            bind_timeout: Duration::from_secs(30),
            resend_unknown: true,
        },
        connect_timeout: Duration::from_secs(10),
        backoff_base: Duration::from_millis(4),
        backoff_max: Duration::from_millis(20),
        drain_timeout: Duration::from_secs(10),
    }
}

fn receipts() -> SharedReceipts {
    Arc::new(Mutex::new(Table::new(Duration::from_secs(60), 10_000)))
}

fn smsc(number: u8, name: &str, lanes: usize, receipts: &SharedReceipts) -> Smsc {
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
    let addressing = addressing(&sender, Ports { destination: 2948, source: 9200 }).unwrap();
    Smsc::new(number, name.into(), addressing, lanes, Arc::clone(receipts))
}

pub fn with_session(address: SocketAddr, change: impl FnOnce(&mut SessionSettings)) -> LinkSettings {
    let mut settings = settings(address);
    change(&mut settings.session);
    settings
}

impl Rig {
    /// A pool of one SMSC with `lanes` links that send, and maybe receivers behind them.
    pub async fn new(lanes: usize, links: Vec<LinkSettings>) -> Self {
        Self::with(lanes, links, BINDING, None).await
    }

    /// As [`Rig::new`], of an SMSC that is told more.
    pub async fn with_smsc(lanes: usize, links: Vec<LinkSettings>, told: impl FnOnce(Smsc) -> Smsc) -> Self {
        let smsc = Arc::new(told(smsc(0, "main", lanes, &receipts())));
        Self::alone(SmscLinks { smsc, links, binding: BINDING, outbind: None }).await
    }

    /// As [`Rig::new`], with links that bind as `binding` says, or wait for outbinds.
    pub async fn with(
        lanes: usize,
        links: Vec<LinkSettings>,
        binding: BindingSettings,
        outbind: Option<OutbindListener>,
    ) -> Self {
        let smsc = Arc::new(smsc(0, "main", lanes, &receipts()));
        Self::alone(SmscLinks { smsc, links, binding, outbind }).await
    }

    async fn alone(links: SmscLinks) -> Self {
        let reaches = Reaches::new(Routes::new([Route::default()]), vec![Arc::clone(&links.smsc)]);
        Self::start(vec![links], reaches).await
    }

    /// A pool of two SMSCs with a link each, of which the second stands in for the first.
    pub async fn standing_in(links: Vec<LinkSettings>, patience: Patience) -> Self {
        let receipts = receipts();
        let smscs = [(0, "main"), (1, "other")];
        let smscs = smscs.map(|(number, name)| Arc::new(smsc(number, name, 1, &receipts).with_stand_ins(patience)));
        let routes = [0, 1].map(|priority| Route { priority, ..Route::default() });
        let reaches = Reaches::new(Routes::new(routes), smscs.to_vec());
        let links = smscs.into_iter().zip(links);
        let links = links.map(|(smsc, link)| SmscLinks { smsc, links: vec![link], binding: BINDING, outbind: None });
        Self::start(links.collect(), reaches).await
    }

    async fn start(smscs: Vec<SmscLinks>, reaches: Reaches) -> Self {
        let smsc = Arc::clone(&smscs[0].smsc);
        let recorder = Box::leak(Box::new(PrometheusBuilder::new().build_recorder()));
        let counts = recorder.handle();
        let recording = metrics::set_default_local_recorder(recorder);
        let (tell, bound) = watch::channel(0);
        let (broken, looks): (Arc<AtomicUsize>, Arc<AtomicUsize>) = Default::default();
        let (told, looked) = (Arc::clone(&broken), Arc::clone(&looks));
        let arguments = Arguments {
            smscs,
            telemetry: Telemetry::new(LABELS),
            bound: Port::new(move |count| {
                tell.send_replace(count);
            }),
            broken: Port::new(move |_| {
                told.fetch_add(1, Ordering::Relaxed);
            }),
            clock: Clock::new(move || {
                looked.fetch_add(1, Ordering::Relaxed);
                clock::now()
            }),
        };
        let (pool, _) = Pool::spawn(None, Pool, arguments).await.unwrap();
        Self { pool, smsc, reaches, bound, broken, looks, counts, _recording: recording }
    }

    /// Waits until so many links are bound.
    pub async fn until_bound(&mut self, count: usize) {
        within(self.bound.wait_for(|bound| *bound == count)).await.unwrap();
    }

    pub async fn views(&self) -> Vec<LinkView> {
        within(async { ractor::call!(self.pool, PoolMessage::List) }).await.unwrap()
    }

    /// Waits until the link at `index` is like that.
    pub async fn until(&self, index: usize, done: impl Fn(&LinkView) -> bool) -> LinkView {
        within(async {
            loop {
                let view = self.views().await.swap_remove(index);
                if done(&view) {
                    return view;
                }
                tokio::task::yield_now().await;
            }
        })
        .await
    }

    pub async fn until_state(&self, index: usize, state: LinkState) -> LinkView {
        self.until(index, |view| view.state == state).await
    }

    pub fn count(&self, series: &str) -> u64 {
        let text = self.counts.render();
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{series} ")));
        line.unwrap_or_else(|| panic!("no {series} in\n{text}")).parse().unwrap()
    }

    pub fn settled(&self, outcome: &str) -> u64 {
        self.count(&format!("bellwire_events_settled_total{{outcome=\"{outcome}\"}}"))
    }

    pub fn segments(&self) -> u64 {
        self.count("bellwire_segments_total{smsc=\"main\"}")
    }

    pub fn window_in_use(&self) -> u64 {
        self.count("bellwire_window_in_use{smsc=\"main\"}")
    }

    pub async fn until_settled(&self, outcome: &str, events: u64) {
        within(async {
            while self.settled(outcome) < events {
                tokio::task::yield_now().await;
            }
        })
        .await;
        assert_eq!(self.settled(outcome), events);
    }

    pub fn phone(&self, preference: usize, policy: Policy) -> Phone {
        self.phone_of("default", preference, policy)
    }

    /// A handset of this tenant.
    pub fn phone_of(&self, tenant: &str, preference: usize, policy: Policy) -> Phone {
        Phone::new(&self.reaches, &TenantId::new(tenant).unwrap(), self.smsc.lanes().len(), preference, policy)
    }
}

pub fn name(index: u32) -> LinkName {
    LinkName { smsc: "main".into(), index }
}

/// One event to a push and no receipts, so that each segment is known by its event.
pub fn strict() -> Policy {
    Policy { max_events: 1, receipts: Receipts::None, ttl: Duration::ZERO, ..Policy::default() }
}

pub fn pipelined() -> Policy {
    Policy { order: Order::Pipelined, ..strict() }
}

/// A handset with one subscription.
pub struct Phone {
    pub cell: Arc<HandsetCell>,
    place: Place,
    next: u64,
}

impl Phone {
    fn new(reaches: &Reaches, tenant: &TenantId, lanes: usize, preference: usize, policy: Policy) -> Self {
        let number = format!("1555{preference:07}");
        let id = |name: u64| HandsetId::from_name(tenant, &format!("{number} {name}"));
        let prefers = |id: &HandsetId| id.half() as usize % lanes == preference % lanes;
        let id = (0..).map(id).find(prefers).unwrap();
        let number = number.parse().unwrap();
        let reach = reaches.find(tenant, id, &number).unwrap();
        let cell = Arc::new(HandsetCell::new(id, &number, reach, Memo::default()));
        let envelope = push_template(Profile::Standard, &ApplicationId::default()).unwrap();
        let (one, backlog) =
            (SubscriptionId::from_octets([1; 16]), Backlog { limit: 64 << 20, rule: BacklogRule::DropOldest });
        let subscription = Subscription::new(one, policy, envelope, ReferenceWidth::Bits8, 0, backlog);
        let place = cell.wake(|engine| engine.insert(subscription)).unwrap();
        Self { cell, place, next: 0 }
    }

    /// Gives it events of this data.
    pub fn feed<T: AsRef<str>>(&mut self, data: &[T]) {
        let mut builder = EventsBuilder::new();
        for text in data {
            builder.push(b"message", text.as_ref().as_bytes(), b"").unwrap();
        }
        let now = clock::now();
        let chunk = Arc::new(Chunk::new(builder.finish(), self.next, now, None, None));
        self.next = chunk.range().end;
        HandsetCell::serve(&self.cell, now, |engine| {
            engine.handle_chunk(now, self.place, &chunk, &mut Tally::default());
        });
    }

    /// Ends its subscription, as its actor would.
    pub fn deactivate(&mut self) {
        let (smsc, now) = (self.cell.smsc(), clock::now());
        HandsetCell::settle(&self.cell, now, |engine, receipts| {
            let mut tally = Tally::default();
            let mut settlement = Settlement { tally: &mut tally, receipts, smsc: smsc.number() };
            engine.close(now, self.place, DropReason::Deactivated, self.next, &mut settlement);
        });
        smsc.offer_errands();
    }

    /// Whether every event has ended or was accepted.
    pub fn is_released(&self) -> bool {
        self.cell.look(|engine| engine.get(self.place).unwrap().released() == self.next).unwrap()
    }

    pub async fn until_released(&self) {
        within(async {
            while !self.is_released() {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}
