//! A router between a ticker and an SMSC whose handsets remember what they saw.

use bellwire::actors::router::{Activation, RouterMessage, View};
use bellwire::app::{App, Stopped};
use bellwire::config::Config;
use bellwire::model::{Msisdn, Policy, SourceId, SourceOrigin, SubscriptionId, TenantId};
use bellwire::sim::{
    Afterwards, Check, Delivered, FaultScript, HandsetSettings, HandsetStats, Handsets, Message, Report, Sequence,
    Smsc, SmscSettings, Ticker, TickerSettings,
};
use bytes::Bytes;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Scene {
    pub app: App,
    pub smsc: Smsc,
    /// Where the ticker listens; until it is started, connections wait there.
    listener: Option<TcpListener>,
    ticker_settings: TickerSettings,
    ticker: Option<Ticker>,
    url: String,
    phones: Arc<Mutex<Phones>>,
    sequence: Arc<Sequence>,
}

struct Phones {
    handsets: Handsets,
    check: Check,
    started: Instant,
}

impl Phones {
    /// What the SMSC sends on; repeats are dropped, as a handset does.
    fn take(&mut self, message: &Delivered<'_>) {
        let text = |octets| String::from_utf8_lossy(octets).into_owned();
        let segment = Message {
            source: &text(message.source),
            destination: &text(message.destination),
            esm_class: message.esm_class,
            short_message: message.short_message,
        };
        let now = self.started.elapsed();
        if let Ok(Some(push)) = self.handsets.handle_message(segment, now)
            && !push.duplicate
        {
            push.events.iter().for_each(|event| self.check.receive(&push.number, event));
        }
    }
}

pub struct Setting {
    pub seed: u64,
    pub events: u64,
    pub rate: f64,
    pub script: String,
    /// How long it may take to stop.
    pub grace: &'static str,
    /// More of `[[smsc]]`.
    pub smsc: &'static str,
}

impl Default for Setting {
    fn default() -> Self {
        Self { seed: 1, events: 1000, rate: 0.0, script: String::new(), grace: "10s", smsc: "" }
    }
}

impl Scene {
    pub async fn start(setting: Setting) -> Self {
        let Setting { seed, events, rate, script, grace, smsc: more } = setting;
        let settings = TickerSettings { seed, events: Some(events), rate, afterwards: Afterwards::KeepOpen };
        let listener_of_ticker = listener().await;
        let url = format!("http://{}/stocks", listener_of_ticker.local_addr().unwrap());
        let phones = Phones {
            handsets: Handsets::new(HandsetSettings::default()),
            check: Check::new(),
            started: Instant::now(),
        };
        let phones = Arc::new(Mutex::new(phones));
        let script: FaultScript = script.parse().unwrap();
        let smsc_settings = SmscSettings { seed, script, ..SmscSettings::default() };
        let taking = Arc::clone(&phones);
        let take = Box::new(move |message: &Delivered<'_>| taking.lock().take(message));
        let smsc = Smsc::start(listener().await, smsc_settings, take).unwrap();
        let address = smsc.address();
        let text = format!(
            r#"
            [node]
            data_dir = ""
            grace = "{grace}"
            [http]
            listen = ""
            [grpc]
            listen = "127.0.0.1:0"
            [ops]
            listen = "127.0.0.1:0"
            [access]
            allow_private_sources = true
            [budgets]
            handset_per_minute = 0
            handset_per_day = 0
            source_per_minute = 0
            source_per_day = 0
            tenant_per_minute = 0
            tenant_per_day = 0
            [[smsc]]
            name = "main"
            address = "{address}"
            source_address = "12345"
            {more}
            "#
        );
        let config = Config::parse("scene", &text, std::iter::empty(), &[]).unwrap();
        let app = App::start(&config).await.unwrap();
        Self {
            app,
            smsc,
            listener: Some(listener_of_ticker),
            ticker_settings: settings,
            ticker: None,
            url,
            phones,
            sequence: Sequence::new(Ticker::sequence(seed, events)),
        }
    }

    /// Starts the ticker: whoever has subscribed so far sees every event.
    pub fn start_ticker(&mut self) {
        let listener = self.listener.take().expect("started once");
        self.ticker = Some(Ticker::start(listener, self.ticker_settings).unwrap());
    }

    /// Streams that the ticker was asked for.
    pub fn streams(&self) -> u64 {
        self.ticker.as_ref().map_or(0, |ticker| ticker.stats().streams)
    }

    /// Sends the ticker's stream to `number`, which is expected to see all of it.
    pub async fn activate(&self, number: &str, policy: Policy) -> SubscriptionId {
        self.phones.lock().check.expect(number, Arc::clone(&self.sequence));
        let tenant = TenantId::default();
        let activation = Activation {
            tenant: tenant.clone(),
            handset: None,
            number: number.parse::<Msisdn>().unwrap(),
            source: SourceId::new(tenant, SourceOrigin::Url(self.url.parse().unwrap()), None),
            application: None,
            policy,
            last_event_id: Bytes::new(),
        };
        let answer = ractor::call_t!(self.app.router(), RouterMessage::Activate, 5000, Box::new(activation));
        answer.unwrap().unwrap().view.id
    }

    pub async fn deactivate(&self, id: SubscriptionId) {
        let answer = ractor::call_t!(self.app.router(), RouterMessage::Deactivate, 5000, TenantId::default(), id);
        answer.unwrap().unwrap();
    }

    pub async fn view(&self, id: SubscriptionId) -> View {
        let answer = ractor::call_t!(self.app.router(), RouterMessage::Get, 5000, TenantId::default(), id);
        *answer.unwrap().unwrap()
    }

    pub fn report(&self) -> Report {
        self.phones.lock().check.report()
    }

    /// What became of the events of one handset.
    pub fn report_of(&self, number: &str) -> Report {
        self.phones.lock().check.report_of(number)
    }

    /// Waits until every event before this number has ended for the subscription.
    pub async fn released(&self, id: SubscriptionId, events: u64) {
        let (started, mut interval) = (Instant::now(), tokio::time::interval(Duration::from_millis(20)));
        loop {
            let View { released, pending, outstanding, .. } = self.view(id).await;
            if released >= events {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "waited too long: {released}, {pending}, {outstanding} of {events}");
            interval.tick().await;
        }
    }

    pub fn handsets(&self) -> HandsetStats {
        self.phones.lock().handsets.stats()
    }

    /// Waits until so many events have arrived, each counted once.
    pub async fn arrived(&self, events: u64) {
        until(|| self.report().arrived >= events, || format!("{} of {events}", self.report())).await;
    }

    pub async fn stop(self) -> Stopped {
        self.app.stop().await
    }
}

/// Looks again and again until something holds; fails when that takes too long.
pub async fn until(mut holds: impl FnMut() -> bool, what: impl Fn() -> String) {
    let started = Instant::now();
    let mut interval = tokio::time::interval(Duration::from_millis(2));
    while !holds() {
        assert!(started.elapsed() < PATIENCE, "waited too long: {}", what());
        interval.tick().await;
    }
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}
