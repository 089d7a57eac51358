//! An SMSC (SMPP v3.4): takes messages, hands them to handsets, reports what became of them, and does wrong what its
//! script says, for a seed the same each time.
//!
//! | file | holds |
//! |---|---|
//! | `script` | the script's format |
//! | `faults` | what goes wrong with which message, sans-IO |
//! | `session` | one session, sans-IO |
//! | `connection` | a session on a socket |
//! | `receipts` | delivery receipts, and where they wait |
//! | `noise` | what is no SMPP |
//! | `queue`, `stats` | what waits for its time; what is counted |

mod connection;
mod faults;
mod noise;
mod queue;
mod receipts;
mod script;
mod session;
mod stats;

use super::chance;
use crate::codec::smpp::{Bind, CommandStatus, DataCoding, EsmClass};
pub use faults::{Answer, Decision, Faults, LinkFault, ReceiptPlan};
use parking_lot::Mutex;
use receipts::{Backlog, Receipt};
pub use script::{FaultScript, ReceiptForm, ReceiptIds, ReceiptScript, ScriptError};
use stats::Ledger;
pub use stats::{ConnectionStats, SmscStats};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

/// How an SMSC behaves.
#[derive(Clone, Debug)]
pub struct SmscSettings {
    /// Decides all chance.
    pub seed: u64,
    /// What goes wrong, and how receipts are sent.
    pub script: FaultScript,
    /// Who may bind; `None` for everybody.
    pub system_id: Option<String>,
    /// With which password; `None` for any.
    pub password: Option<String>,
    /// Silence after which the SMSC sends enquire_link; without an answer for as long again it closes.
    pub enquire_link: Option<Duration>,
    /// How long a connection may take to bind (SMPP v3.4 §7.2, session_init_timer).
    pub session_init: Duration,
}

impl Default for SmscSettings {
    /// Everybody may bind, nothing goes wrong.
    fn default() -> Self {
        Self {
            seed: 1,
            script: FaultScript::default(),
            system_id: None,
            password: None,
            enquire_link: Some(Duration::from_secs(30)),
            session_init: Duration::from_secs(10),
        }
    }
}

/// A message on its way to a handset, as it lies in the receive buffer.
#[derive(Clone, Copy, Debug)]
pub struct Delivered<'a> {
    /// source_addr.
    pub source: &'a [u8],
    /// destination_addr.
    pub destination: &'a [u8],
    /// Whether there is a user data header.
    pub esm_class: EsmClass,
    /// What the text is.
    pub data_coding: DataCoding,
    /// The text: short_message or message_payload.
    pub short_message: &'a [u8],
    /// As submit_sm_resp names the message.
    pub message_id: &'a str,
}

/// Takes messages; called on the connection's task, so it must not wait.
pub type DeliveryPort = Box<dyn Fn(&Delivered<'_>) + Send + Sync>;

/// A running SMSC. It ends, with all its connections, when this is dropped.
#[derive(Debug)]
pub struct Smsc {
    address: SocketAddr,
    shared: Arc<Shared>,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    /// The server stops when this is used or dropped.
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

impl Smsc {
    /// Serves on `listener`; messages taken go to `handsets`.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn start(listener: TcpListener, settings: SmscSettings, handsets: DeliveryPort) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::new(settings, handsets));
        let running = Some(Running::start(listener, shared.clone()));
        Ok(Self { address, shared, running })
    }

    /// Where it listens, or listened.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Dies: the port is closed and all connections are gone when this returns, without a word to anybody. What it
    /// counted, took and still has to report is kept.
    pub async fn kill(&mut self) {
        if let Some(Running { stop, server }) = self.running.take() {
            let _ = stop.send(());
            let _ = server.await;
        }
    }

    /// Comes back on the same port; does nothing if it is alive.
    ///
    /// # Errors
    /// When the port cannot be had.
    pub async fn revive(&mut self) -> io::Result<()> {
        if self.running.is_none() {
            let listener = TcpListener::bind(self.address).await?;
            self.running = Some(Running::start(listener, self.shared.clone()));
        }
        Ok(())
    }

    /// What it counted so far.
    pub fn stats(&self) -> SmscStats {
        self.shared.ledger.stats()
    }

    /// Counts by connection, of the last 1024.
    pub fn connections(&self) -> Vec<ConnectionStats> {
        self.shared.ledger.connections()
    }
}

impl Running {
    fn start(listener: TcpListener, shared: Arc<Shared>) -> Self {
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(serve(listener, shared, stopped));
        Self { stop, server }
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>, mut stopped: oneshot::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => { connections.spawn(connection::converse(socket, shared.clone())); }
                // Most likely out of descriptors, which passes as connections end.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    connections.shutdown().await;
}

/// What all connections have in common.
struct Shared {
    settings: SmscSettings,
    receipts: ReceiptScript,
    faults: Mutex<Faults>,
    submits: AtomicU64,
    binds: AtomicU64,
    ledger: Ledger,
    backlog: Backlog,
    receipts_kept: Notify,
    handsets: DeliveryPort,
    started: Instant,
}

impl Shared {
    fn new(settings: SmscSettings, handsets: DeliveryPort) -> Self {
        Self {
            receipts: settings.script.receipts,
            faults: Mutex::new(Faults::new(settings.seed, &settings.script)),
            submits: AtomicU64::new(0),
            binds: AtomicU64::new(0),
            ledger: Ledger::default(),
            backlog: Backlog::default(),
            receipts_kept: Notify::new(),
            handsets,
            started: Instant::now(),
            settings,
        }
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    fn unix(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }

    /// Whether somebody may bind.
    fn admit(&self, bind: &Bind<'_>) -> CommandStatus {
        let decided = self.faults.lock().decide_bind(self.binds.fetch_add(1, Relaxed) + 1);
        if !decided.is_ok() {
            return decided;
        }
        let SmscSettings { system_id, password, .. } = &self.settings;
        if system_id.as_ref().is_some_and(|only| only.as_bytes() != bind.system_id) {
            return CommandStatus::INVSYSID;
        }
        if password.as_ref().is_some_and(|only| only.as_bytes() != bind.password) {
            return CommandStatus::INVPASWD;
        }
        CommandStatus::OK
    }

    /// Which submit this is, over all connections, and what is to be done with it.
    fn decide(&self, destination: &[u8]) -> (u64, Decision) {
        let mut faults = self.faults.lock();
        let n = self.submits.fetch_add(1, Relaxed) + 1;
        (n, faults.decide(n, destination))
    }

    fn deliver(&self, message: &Delivered<'_>) {
        (self.handsets)(message);
    }

    fn keep_receipts(&self, system_id: &[u8], receipts: impl IntoIterator<Item = Receipt>) {
        let dropped = self.backlog.keep(system_id, receipts);
        if dropped > 0 {
            self.ledger.add(|total| total.receipts_dropped += dropped);
        }
        self.receipts_kept.notify_waiters();
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}
