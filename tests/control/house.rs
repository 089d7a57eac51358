//! A server with a real router, a pool that is told what to answer, and clients.

use bellwire::actors::admission::{Admission, Door};
use bellwire::actors::clock::Clock;
use bellwire::actors::journal::Journal;
use bellwire::actors::ledger::Ledger;
use bellwire::actors::pool::{LinkName, LinkState, LinkView, NoSuchLink, PoolMessage};
use bellwire::actors::port::Port;
use bellwire::actors::reach::Reaches;
use bellwire::actors::router::{Arguments, RelaySettings, Restored, Router, RouterMessage};
use bellwire::actors::smsc::Smsc;
use bellwire::actors::upstream::{ResumePoint, UpstreamFact, UpstreamHandle, Upstreams};
use bellwire::codec::segments::Payload;
use bellwire::codec::udh::{Ports, ReferenceWidth};
use bellwire::control::grpc::{ServeError, Settings, serve};
use bellwire::control::proto::control_client::ControlClient;
use bellwire::control::proto::smsc_client::SmscClient;
use bellwire::control::proto::{ActivateRequest, Source, Subscription, source::Origin};
use bellwire::engine::envelope::{self, SenderSettings};
use bellwire::engine::receipts::Receipts;
use bellwire::engine::routing::{Route, Routes};
use bellwire::model::{CredentialRef, Policy, PushSettings, SourceId, TenantId};
use bellwire::store::Store;
use bellwire::telemetry::Telemetry;
use parking_lot::Mutex;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::Status;
use tonic::transport::Channel;
use tonic_types::StatusExt;

/// Longest wait for anything.
const LIMIT: Duration = Duration::from_secs(10);

pub struct House {
    address: SocketAddr,
    pub channel: Channel,
    pub router: ActorRef<RouterMessage>,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<Result<(), ServeError>>,
}

impl House {
    pub async fn open() -> Self {
        Self::with_log(1 << 20).await
    }

    /// A house whose sources keep `log_octets`, and take half of that at a time.
    pub async fn with_log(log_octets: usize) -> Self {
        Self::furnished(log_octets, None).await
    }

    /// A house that keeps what there is in `store`, or so it says.
    pub async fn with_store(store: Arc<dyn Store>) -> Self {
        Self::furnished(1 << 20, Some(store)).await
    }

    async fn furnished(log_octets: usize, store: Option<Arc<dyn Store>>) -> Self {
        let (router, _) = Router::spawn(None, Router, arguments(log_octets)).await.unwrap();
        let (pool, _) = Pool::spawn(None, Pool, ()).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let settings = Settings {
            tenant: TenantId::default(),
            policy: Policy { max_events: 7, ..Policy::default() },
            credentials: vec![CredentialRef::new("ticker")],
            store,
            drain: LIMIT,
        };
        let (stop, stopped) = oneshot::channel();
        let shutdown = async move {
            let _ = stopped.await;
        };
        let served = tokio::spawn(serve(listener, settings, router.clone(), pool, shutdown));
        let channel = Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
        Self { address, channel, router, stop: Some(stop), served }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn control(&self) -> ControlClient<Channel> {
        ControlClient::new(self.channel.clone())
    }

    pub fn smsc(&self) -> SmscClient<Channel> {
        SmscClient::new(self.channel.clone())
    }

    /// Tells the server to stop; no call is ended by that alone.
    pub fn begin_stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    /// Waits until the server has ended.
    pub async fn ended(self) {
        let Self { channel, served, .. } = self;
        drop(channel);
        within(served).await.unwrap().unwrap();
    }

    /// Activates a feed for a number.
    pub async fn activate(&self, name: &str, to: &str) -> Subscription {
        let request = ActivateRequest { to: to.to_owned(), source: feed(name), ..ActivateRequest::default() };
        let response = self.control().activate(request).await.unwrap().into_inner();
        response.subscription.unwrap()
    }
}

pub async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(LIMIT, future).await.expect("nothing happened for 10 s")
}

pub fn feed(name: &str) -> Option<Source> {
    Some(Source { origin: Some(Origin::Feed(name.to_owned())), credential: String::new() })
}

pub fn url(url: &str) -> Option<Source> {
    Some(Source { origin: Some(Origin::Url(url.to_owned())), credential: String::new() })
}

/// The wrong fields that an error names.
pub fn fields(status: &Status) -> Vec<String> {
    let violations = status.get_details_bad_request().map(|details| details.field_violations).unwrap_or_default();
    violations.into_iter().map(|violation| violation.field).collect()
}

/// Numbers that begin with 1 have a route.
fn arguments(log_octets: usize) -> Arguments {
    let receipts = Arc::new(Mutex::new(Receipts::new(Duration::from_secs(60), 1000)));
    let sender = SenderSettings {
        service_type: String::new(),
        source_address: "12345".to_owned(),
        source_ton: 0,
        source_npi: 0,
        dest_ton: 1,
        dest_npi: 1,
        data_coding: 4,
        reference_width: ReferenceWidth::Bits16,
        references: None,
        payload: Payload::Udh,
    };
    let addressing = envelope::addressing(&sender, Ports { destination: 2948, source: 9200 }).unwrap();
    let (prefixes, smsc) = (vec!["1".to_owned()], Smsc::new(0, "main".to_owned(), addressing, 1, receipts));
    Arguments {
        push: PushSettings::default(),
        reaches: Reaches::new(Routes::new([Route { prefixes, ..Route::default() }]), vec![Arc::new(smsc)]),
        upstreams: Arc::new(Silent),
        admission: Admission::new(1 << 20),
        log_octets,
        relay: RelaySettings {
            linger: Duration::ZERO,
            push_after: Duration::ZERO,
            lifetime: Duration::from_secs(3600),
            subscriptions_per_handset: 16,
            probe_within: Duration::from_secs(300),
        },
        suppressed: Vec::new(),
        journal: Journal::none(),
        budgets: Arc::default(),
        restored: Restored::default(),
        ledger: Arc::new(Ledger::new(Telemetry::detached())),
        telemetry: Telemetry::detached(),
        clock: Clock::default(),
    }
}

/// Upstreams that never answer.
struct Silent;

impl Upstreams for Silent {
    fn open(&self, _: &SourceId, _: ResumePoint, _: Door, _: Port<UpstreamFact>) -> UpstreamHandle {
        UpstreamHandle::new(tokio::spawn(std::future::pending()))
    }
}

/// A pool with one link, `main` 0.
struct Pool;

impl Actor for Pool {
    type Msg = PoolMessage;
    type State = LinkState;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<PoolMessage>, (): ()) -> Result<LinkState, ActorProcessingErr> {
        Ok(LinkState::Bound)
    }

    async fn handle(
        &self,
        _: ActorRef<PoolMessage>,
        message: PoolMessage,
        state: &mut LinkState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            PoolMessage::List(reply) => reply.send(vec![link(*state)])?,
            PoolMessage::Drain(name, reply) => reply.send(set(name, state, LinkState::Draining))?,
            PoolMessage::Resume(name, reply) => reply.send(set(name, state, LinkState::Bound))?,
            PoolMessage::Changed | PoolMessage::Stop(_) => {}
        }
        Ok(())
    }
}

fn set(name: LinkName, state: &mut LinkState, to: LinkState) -> Result<LinkView, NoSuchLink> {
    if name != link(*state).name {
        return Err(NoSuchLink(name));
    }
    *state = to;
    Ok(link(to))
}

fn link(state: LinkState) -> LinkView {
    LinkView {
        name: LinkName { smsc: "main".to_owned(), index: 0 },
        address: "smsc.example:2775".to_owned(),
        mode: "transceiver",
        state,
        open: 3,
        window: 10,
        last_error: Some("connection refused".to_owned()),
    }
}
