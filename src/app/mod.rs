//! The router as a whole: wired once at start, drained at the end, in the order events flow.

mod identities;
mod keeping;
mod parts;

pub use identities::{IdentitiesError, identities};
pub use parts::PartError;

use crate::actors::CALL_TIMEOUT;
use crate::actors::admission::Admission;
use crate::actors::clock::{self, Clock};
use crate::actors::journal::Journal;
use crate::actors::ledger::Ledger;
use crate::actors::pool::PoolMessage;
use crate::actors::port::Port;
use crate::actors::reach::Reaches;
use crate::actors::router::{self, Load, RestoreError, Router, RouterMessage};
use crate::actors::upstream::Upstreams;
use crate::config::Config;
use crate::control::grpc;
use crate::egress::smpp::{self, Pool};
use crate::ingress::sse::SseUpstreams;
use crate::model::TenantId;
use crate::ops::{self, Readiness};
use crate::proxy::{CertificateError, Page};
use crate::store::StoreError;
use crate::telemetry::{Exporter, ExporterError, Telemetry};
use keeping::Keeping;
use ractor::{Actor, ActorRef, SpawnErr};
use std::fmt::Display;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::{error, info};

/// How often a router that stops looks whether it is empty.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A running router.
pub struct App {
    router: ActorRef<RouterMessage>,
    pool: ActorRef<PoolMessage>,
    admission: Admission,
    octets: usize,
    readiness: Readiness,
    exporter: Exporter,
    http: Option<SocketAddr>,
    grpc: SocketAddr,
    ops: SocketAddr,
    grace: Duration,
    stop_control: watch::Sender<bool>,
    stop_ops: watch::Sender<bool>,
    control_task: JoinHandle<()>,
    proxy_task: Option<JoinHandle<()>>,
    ops_task: JoinHandle<()>,
    journal: Journal,
    commits: JoinHandle<()>,
    budgets_task: JoinHandle<()>,
}

/// Why a router does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A listener cannot be opened.
    #[error("{key}: cannot listen on {address}: {error}")]
    Listen {
        /// The setting.
        key: &'static str,
        /// The address.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// A part cannot be made.
    #[error(transparent)]
    Part(#[from] PartError),
    /// The store cannot be used.
    #[error("node.data_dir: {0}")]
    Store(#[from] StoreError),
    /// What is in the store cannot be gone on with.
    #[error("node.data_dir: {0}")]
    Restore(#[from] RestoreError),
    /// Who may ask cannot be told.
    #[error(transparent)]
    Identities(#[from] IdentitiesError),
    /// The push proxy's certificate cannot be used.
    #[error("http.certificate: {0}")]
    Certificate(#[from] CertificateError),
    /// The metrics cannot be set up.
    #[error("metrics: {0}")]
    Metrics(#[from] ExporterError),
    /// An actor does not start.
    #[error("cannot start an actor: {0}")]
    Actor(#[from] SpawnErr),
}

/// How a router stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// What was left when the grace period was over.
    pub left: Load,
    /// Whether the store has what was left, for the next start.
    pub kept: bool,
}

impl Stopped {
    /// Whether everything in the house found its end in time; what waits in the store has none to find yet.
    pub fn is_clean(self) -> bool {
        self.left == Load::default() || self.kept
    }
}

impl App {
    /// Opens the listeners, then the links; returns when requests are taken.
    ///
    /// # Errors
    /// When something cannot be opened; nothing is left running then.
    pub async fn start(config: &Config) -> Result<Self, StartError> {
        Self::start_with(config, Vec::new()).await
    }

    /// As [`App::start`], with pages on the push proxy's listener.
    ///
    /// # Errors
    /// When something cannot be opened; nothing is left running then.
    pub async fn start_with(config: &Config, pages: Vec<Page>) -> Result<Self, StartError> {
        let exporter = Exporter::install()?;
        let telemetry = Telemetry::new(parts::LABELS);
        let upstreams: Arc<dyn Upstreams> =
            Arc::new(SseUpstreams::new(parts::upstreams(config)?).map_err(PartError::from)?);
        let proxy = parts::Proxy::open(config).await?;
        let grpc_listener = listen("grpc.listen", config.grpc.listen).await?;
        let ops_listener = listen("ops.listen", config.ops.listen).await?;
        let http = proxy.as_ref().map(parts::Proxy::address);
        let (grpc, ops) = (local(&grpc_listener, config.grpc.listen), local(&ops_listener, config.ops.listen));

        let admission = Admission::new(config.admission.octets);
        let readiness = Readiness::new(config.ops.ready_requires_link);
        let keeping = Keeping::open(&config.node)?;
        let routes = parts::routes(&config.smsc);
        let (smscs, links) = parts::smscs(config, &routes, &keeping.journal).await?;
        let reaches = Reaches::new(routes, smscs);
        let budgets = parts::budgets(&config.budgets, &telemetry, &keeping.journal);
        let restored = keeping.restore(config, &reaches, &budgets)?;
        let ledger = Arc::new(Ledger::new(telemetry.clone()));
        let commits = keeping.write(&ledger, &budgets, reaches.smscs(), &telemetry);
        let budgets_task = tokio::spawn(Arc::clone(&budgets).tend(Clock::default()));
        let arguments = router::Arguments {
            push: config.push.clone(),
            reaches,
            upstreams: Arc::clone(&upstreams),
            admission: admission.clone(),
            log_octets: config.upstream.log_octets,
            relay: parts::relay(&config.relay),
            suppressed: config.access.suppressed.clone(),
            journal: keeping.journal.clone(),
            ledger: Arc::clone(&ledger),
            telemetry: telemetry.clone(),
            clock: Clock::default(),
            budgets,
            restored,
        };
        let (router, _) = Router::spawn(None, Router, arguments).await?;
        let pool = spawn_pool(links, telemetry.clone(), &router, &readiness).await?;

        let (stop_control, stopping) = watch::channel(false);
        let settings = grpc::Settings {
            tenant: TenantId::default(),
            policy: config.policy.clone(),
            credentials: config.access.credentials.iter().map(|one| one.name.clone()).collect(),
            store: keeping.store,
            drain: config.node.grace,
        };
        let proxy_task = proxy.map(|proxy| {
            let (router, admission) = (router.clone(), admission.clone());
            tokio::spawn(proxy.serve(router, upstreams, admission, ledger, telemetry, pages, stopped(stopping.clone())))
        });
        let control = grpc::serve(grpc_listener, settings, router.clone(), pool.clone(), stopped(stopping));
        let control_task = spawn_listener("control", control);
        let (stop_ops, stopping) = watch::channel(false);
        let operations = ops::serve(ops_listener, exporter.clone(), readiness.clone(), stopped(stopping));
        let ops_task = spawn_listener("operations", operations);
        readiness.set_listeners(true);
        let octets = admission.available();
        let grace = config.node.grace;
        Ok(Self {
            router,
            pool,
            admission,
            octets,
            readiness,
            exporter,
            http,
            grpc,
            ops,
            grace,
            stop_control,
            stop_ops,
            control_task,
            proxy_task,
            ops_task,
            journal: keeping.journal,
            commits,
            budgets_task,
        })
    }

    /// Where the push proxy listens, if there is one.
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.http
    }

    /// Where the control plane listens.
    pub fn grpc_address(&self) -> SocketAddr {
        self.grpc
    }

    /// Where metrics and health are.
    pub fn ops_address(&self) -> SocketAddr {
        self.ops
    }

    /// The metrics.
    pub fn exporter(&self) -> &Exporter {
        &self.exporter
    }

    /// The router, for whoever lives in the same process.
    pub fn router(&self) -> &ActorRef<RouterMessage> {
        &self.router
    }

    /// Stops in the order events flow: nothing new comes in, what is in the house goes out, links unbind, listeners
    /// close. What is left when the grace period is over stays in the store, or without one is dropped and counted.
    pub async fn stop(self) -> Stopped {
        let deadline = clock::now().monotonic + self.grace;
        self.readiness.set_listeners(false);
        self.stop_control.send_replace(true);
        let _ = ractor::call_t!(self.router, RouterMessage::StopIngress, millis(CALL_TIMEOUT));
        // What waits is in the store, if there is one, and goes out after the next start.
        while !self.journal.is_on() && !self.is_empty().await && clock::now().monotonic < deadline {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        // Links have as long as the house for the answers they still wait for, and their goodbye.
        let links = self.grace + CALL_TIMEOUT * 2;
        let _ = ractor::call_t!(self.pool, PoolMessage::Stop, millis(links));
        let left = ractor::call_t!(self.router, RouterMessage::Abandon, millis(CALL_TIMEOUT)).unwrap_or_default();
        let kept = self.journal.is_on() && tokio::time::timeout(CALL_TIMEOUT, self.journal.flush()).await.is_ok();
        self.commits.abort();
        self.budgets_task.abort();
        self.router.stop(None);
        end(self.control_task).await;
        if let Some(proxy) = self.proxy_task {
            end(proxy).await;
        }
        self.stop_ops.send_replace(true);
        end(self.ops_task).await;
        let stopped = Stopped { left, kept };
        info!(
            clean = stopped.is_clean(),
            kept,
            events_left = left.pending,
            pushes_unanswered = left.outstanding,
            "router stopped"
        );
        stopped
    }

    /// Nothing waits, nothing is unanswered, and nothing is on its way between two actors: a chunk on its way keeps its
    /// credit.
    async fn is_empty(&self) -> bool {
        let load = ractor::call_t!(self.router, RouterMessage::Load, millis(CALL_TIMEOUT));
        load.is_ok_and(|load| load == Load::default()) && self.admission.available() == self.octets
    }
}

async fn spawn_pool(
    smscs: Vec<smpp::SmscLinks>,
    telemetry: Telemetry,
    router: &ActorRef<RouterMessage>,
    readiness: &Readiness,
) -> Result<ActorRef<PoolMessage>, StartError> {
    let (readiness, router) = (readiness.clone(), router.clone());
    let arguments = smpp::Arguments {
        smscs,
        telemetry,
        bound: Port::new(move |bound| readiness.set_links(bound)),
        broken: Port::new(move |handset| {
            let _ = router.cast(RouterMessage::Broken(handset));
        }),
        clock: Clock::default(),
    };
    let (pool, _) = Pool::spawn(None, Pool, arguments).await?;
    Ok(pool)
}

fn spawn_listener<E: Display>(
    name: &'static str,
    serve: impl Future<Output = Result<(), E>> + Send + 'static,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        if let Err(error) = serve.await {
            error!(%error, "{name} listener failed");
        }
    })
}

async fn listen(key: &'static str, address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|error| StartError::Listen { key, address, error })
}

/// The address with the port that the system chose, where it was left open.
fn local(listener: &TcpListener, asked: SocketAddr) -> SocketAddr {
    listener.local_addr().unwrap_or(asked)
}

async fn stopped(mut signal: watch::Receiver<bool>) {
    // An error means that the app is gone, which is the same.
    let _ = signal.wait_for(|stop| *stop).await;
}

/// Gives a listener's task a moment for the requests under way, then ends it.
async fn end(mut task: JoinHandle<()>) {
    if tokio::time::timeout(CALL_TIMEOUT, &mut task).await.is_err() {
        task.abort();
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
