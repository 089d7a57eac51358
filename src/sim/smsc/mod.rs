//! An SMSC (SMPP v3.4): takes messages, hands them to handsets, reports what became of them, and does wrong what its
//! script says, for a seed the same each time.
//!
//! | file | holds |
//! |---|---|
//! | `script` | the script's format |
//! | `fault`, `faults` | what can go wrong; what goes wrong with which message, sans-IO |
//! | `latency` | how long something takes, sans-IO |
//! | `door`, `rate` | who gets in; how much |
//! | `session` | one session, sans-IO |
//! | `connection` | a session on a socket |
//! | `offline` | an SMSC without sockets, in virtual time |
//! | `shared` | what all connections have in common |
//! | `store` | messages that wait for their handset, and how others ended |
//! | `ids`, `receipts`, `backlog` | how messages are named and reported, and where reports wait |
//! | `noise` | what is no SMPP |
//! | `queue`, `stats`, `record` | what waits for its time; what is counted; what came and went |

mod airing;
mod backlog;
mod connection;
mod door;
mod fault;
mod faults;
mod ids;
mod latency;
mod noise;
mod offline;
mod queue;
mod rate;
mod receipts;
mod record;
mod script;
mod session;
mod shared;
mod stats;
mod store;

use super::chance;
use crate::codec::smpp::{DataCoding, EsmClass};
pub use fault::{BindFault, Kind, Kinds, LinkFault, Twist};
pub use faults::{Answer, Decision, Faults, ReceiptPlan};
pub use latency::Latency;
pub use offline::{OfflineSession, OfflineSmsc};
pub use record::{RecordPort, Recorded};
pub use script::{FaultScript, ReceiptForm, ReceiptScript, ScriptError, Wrong};
use shared::Shared;
pub use stats::{ConnectionStats, SmscStats};
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

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
        Self::start_recorded(listener, settings, handsets, None)
    }

    /// As [`Smsc::start`]; what comes and goes is also told to `record`.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn start_recorded(
        listener: TcpListener,
        settings: SmscSettings,
        handsets: DeliveryPort,
        record: Option<RecordPort>,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::new(settings, handsets, record));
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

    /// How often each fault of the script struck, by its name there.
    pub fn faults(&self) -> BTreeMap<&'static str, u64> {
        self.shared.ledger.faults()
    }

    /// Messages that wait for their handset.
    pub fn waiting(&self) -> usize {
        self.shared.store.lock().waiting()
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
    for outbind in &shared.settings.script.outbinds {
        connections.spawn(connection::call(outbind.clone(), shared.clone()));
    }
    loop {
        let changed = shared.store_changed.notified();
        shared.handle_time(shared.now());
        let due = shared.deadline().map(|due| shared.started + due);
        tokio::select! {
            _ = &mut stopped => break,
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => { connections.spawn(connection::converse(socket, shared.clone())); }
                // Most likely out of descriptors, which passes as connections end.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            Some(_) = connections.join_next() => {}
            () = changed => {}
            () = connection::until(due) => {}
        }
    }
    drop(listener);
    connections.shutdown().await;
}
