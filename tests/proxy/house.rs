//! A router with its proxy, and an SMSC whose handsets remember what they saw.

use crate::client::{Answer, Stream, ask, encoded};
use crate::origin::Origin;
use bellwire::actors::router::RouterMessage;
use bellwire::app::App;
use bellwire::config::Config;
use bellwire::model::{ApplicationId, HandsetId, SourceId, SourceOrigin, SubscriptionId, TenantId};
use bellwire::sim::{Delivered, Event, FaultScript, HandsetSettings, Handsets, Message, Smsc, SmscSettings};
use http::Method;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use parking_lot::Mutex;
use serde_json::json;
use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;

pub const SECRET: &str = "0123456789abcdefghijklmnopqrstuv";
pub const NUMBER: &str = "15555550100";
const PATIENCE: Duration = Duration::from_secs(30);

pub struct House {
    pub app: App,
    pub origin: Origin,
    pub http: SocketAddr,
    phones: Arc<Mutex<Phones>>,
    _smsc: Smsc,
}

struct Phones {
    handsets: Handsets,
    seen: BTreeMap<String, Vec<Event>>,
    /// Gaps that pushes told of.
    gaps: u64,
    begun: Instant,
}

impl Phones {
    fn take(&mut self, message: &Delivered<'_>) {
        let text = |octets| String::from_utf8_lossy(octets).into_owned();
        let (source, destination) = (text(message.source), text(message.destination));
        let segment = Message {
            source: &source,
            destination: &destination,
            esm_class: message.esm_class,
            short_message: message.short_message,
        };
        if let Ok(Some(push)) = self.handsets.handle_message(segment, self.begun.elapsed())
            && !push.duplicate
        {
            self.gaps += push.gap.unwrap_or_default();
            self.seen.entry(push.number).or_default().extend(push.events);
        }
    }
}

impl House {
    /// A house with more in its configuration, and an SMSC that plays a script.
    pub async fn with(more: &str, script: &str) -> Self {
        let origin = Origin::start().await;
        let phones = Phones {
            handsets: Handsets::new(HandsetSettings::default()),
            seen: BTreeMap::new(),
            gaps: 0,
            begun: Instant::now(),
        };
        let phones = Arc::new(Mutex::new(phones));
        let taking = Arc::clone(&phones);
        let take = Box::new(move |message: &Delivered<'_>| taking.lock().take(message));
        let script: FaultScript = script.parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let smsc = Smsc::start(listener, SmscSettings { script, ..SmscSettings::default() }, take).unwrap();
        let sets = [
            "node.data_dir=",
            "http.listen=127.0.0.1:0",
            "grpc.listen=127.0.0.1:0",
            "ops.listen=127.0.0.1:0",
            "policy.receipts=none",
        ];
        let text = format!(
            "[[smsc]]\nname = \"main\"\naddress = \"{}\"\nsource_address = \"12345\"\n\
             [[access.token.key]]\nsecret = \"{SECRET}\"\n{more}",
            smsc.address()
        );
        let config = Config::parse("house", &text, std::iter::empty(), &sets.map(str::to_owned)).unwrap();
        let app = App::start(&config).await.unwrap();
        let http = app.http_address().unwrap();
        Self { app, origin, http, phones, _smsc: smsc }
    }

    /// A house that knows handsets by their tokens, believes them, and pushes as soon as a stream is lost.
    pub async fn quick() -> Self {
        Self::with(QUICK, "").await
    }

    /// The proxy's URL for a stream of the origin.
    pub fn relay(&self, path: &str, more: &str) -> String {
        format!("/?eventsource={}{more}", encoded(&self.origin.url(path)))
    }

    /// Opens a stream as the handset with this number.
    pub async fn open_as(&self, number: &str, path: &str, last_event_id: &str) -> Stream {
        let token = token(number);
        let path = self.relay(path, &format!("&token={token}&acks=1&lastEventId={}", encoded(last_event_id)));
        Stream::open(self.http, &path).await
    }

    /// What the handset with this number asks for.
    pub async fn act(&self, number: &str, action: &str, path: &str, more: &str) -> Answer {
        let bearer = format!("Bearer {}", token(number));
        let query = format!("{}&action={action}{more}", self.relay(path, ""));
        ask(self.http, Method::POST, &query, &[("authorization", &bearer)], "").await
    }

    /// The events that a handset had by push.
    pub fn pushed(&self, number: &str) -> Vec<Event> {
        self.phones.lock().seen.get(number).cloned().unwrap_or_default()
    }

    pub fn pushed_data(&self, number: &str) -> Vec<String> {
        self.pushed(number).into_iter().map(|event| event.data).collect()
    }

    pub fn gaps_pushed(&self) -> u64 {
        self.phones.lock().gaps
    }

    /// How far the handset's subscription is; none if it has none.
    pub async fn released(&self, number: &str, path: &str) -> Option<u64> {
        let (tenant, number) = (TenantId::default(), number.parse().unwrap());
        let source = SourceId::new(tenant.clone(), SourceOrigin::Url(self.origin.url(path).parse().unwrap()), None);
        let handset = HandsetId::from_first_number(&tenant, &number);
        let id = SubscriptionId::derive(&tenant, &handset, &source, &ApplicationId::default());
        let view = ractor::call!(self.app.router(), |reply| RouterMessage::Get(tenant, id, reply)).unwrap();
        view.map(|view| view.released)
    }

    /// The value of a metric, which all houses of the process share.
    pub fn metric(&self, series: &str) -> u64 {
        let text = self.app.exporter().render();
        let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.map_or(0, |value| value.parse().unwrap())
    }
}

pub const QUICK: &str = "[relay]\nprobe = false\npush_after = \"0s\"\nlinger = \"1s\"\n\
                         [access]\nprefixes = [\"1555\"]\nallow_private_sources = true\n[access.token]\naudience = \"proxy\"\n";

/// A token that says who somebody is, for an hour.
pub fn token(number: &str) -> String {
    token_with(json!({ "sub": number, "aud": "proxy", "exp": unix_seconds() + 3600 }), SECRET)
}

pub fn token_with(claims: serde_json::Value, secret: &str) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap()
}

pub fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Waits for `future`, but not for ever.
pub async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future).await.expect("it should have happened by now")
}

/// Looks again and again until something holds.
pub async fn until(mut holds: impl FnMut() -> bool) {
    within(async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}
