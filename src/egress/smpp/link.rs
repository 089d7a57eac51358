//! One link over its whole life: connect, work, lose the connection, wait, connect again.

use super::meters::Meters;
use super::settings::LinkSettings;
use super::wire::{Surroundings, Wanted, Wire, WireError};
use crate::actors::clock::Clock;
use crate::actors::lane::Lane;
use crate::actors::pool::{LinkName, LinkState, LinkView};
use crate::actors::port::Port;
use crate::actors::smsc::Smsc;
use crate::codec::smpp::BindMode;
use crate::engine::backoff::Backoff;
use crate::engine::session::{Session, SessionError, State};
use crate::model::HandsetId;
use bytes::BytesMut;
use parking_lot::Mutex;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::{debug, info, warn};

/// Time bound after which a link has proven itself, and the next failure is the first again.
const PROVEN_AFTER: Duration = Duration::from_secs(30);

/// What the pool wants of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Work,
    Drain,
    Stop,
}

/// What a link shows of itself.
#[derive(Debug)]
pub(super) struct Shown {
    state: Mutex<(LinkState, u64, Option<String>)>,
}

impl Default for Shown {
    fn default() -> Self {
        Self { state: Mutex::new((LinkState::Closed, 0, None)) }
    }
}

/// A link, and everything it needs.
pub(super) struct Link {
    pub name: LinkName,
    pub settings: LinkSettings,
    pub smsc: Arc<Smsc>,
    /// The lane it serves and its number among the SMSC's; a receiver serves none.
    pub lane: Option<usize>,
    pub meters: Meters,
    pub broken: Port<HandsetId>,
    pub clock: Clock,
    pub commands: watch::Receiver<Command>,
    pub shown: Arc<Shown>,
    /// Told whenever the state of the link changes.
    pub changed: Port<()>,
}

impl Link {
    /// Lives until it is told to stop.
    pub async fn run(mut self) {
        let mut backoff = Backoff::new(self.settings.backoff_base, self.settings.backoff_max);
        while self.command() != Command::Stop {
            let started = self.clock.now();
            let result = self.connect_and_work().await;
            if let Some(lane) = self.lane {
                self.smsc.set_open(lane, false, self.clock.now());
            }
            self.show(LinkState::Closed, 0);
            let Err(error) = result else { continue };
            if self.clock.now().since(started) > PROVEN_AFTER {
                backoff.reset();
            }
            // Never at once: a peer that drops every connection must not be asked in a loop.
            let wait = backoff.next(fastrand::f64()).max(self.settings.backoff_base / 2);
            self.report(&error, wait, backoff.attempt());
            self.wait(wait).await;
        }
        debug!(smsc = self.name.smsc, link = self.name.index, "link stopped");
    }

    pub fn view(name: &LinkName, settings: &LinkSettings, shown: &Shown) -> LinkView {
        let (state, open, last_error) = shown.state.lock().clone();
        LinkView {
            name: name.clone(),
            address: settings.address.clone(),
            mode: match settings.session.mode {
                BindMode::Transceiver => "transceiver",
                BindMode::Transmitter => "transmitter",
                BindMode::Receiver => "receiver",
            },
            state,
            open,
            window: settings.session.window as u64,
            last_error,
        }
    }

    /// `Ok` when it was told to stop and did so in good order.
    async fn connect_and_work(&mut self) -> Result<(), WireError> {
        let lane = self.lane.and_then(|at| self.smsc.lanes().get(at).cloned());
        let around = Surroundings {
            smsc: Arc::clone(&self.smsc),
            lane: lane.unwrap_or_else(|| Arc::new(Lane::default())),
            meters: self.meters.clone(),
            broken: self.broken.clone(),
            clock: self.clock.clone(),
        };
        let stream = self.connect().await?;
        self.show(LinkState::Open, 0);
        let mut out = BytesMut::new();
        let session = Session::new(self.settings.session.clone(), self.clock.now(), &mut out)?;
        let mut wire = Wire::new(&around, stream, session, out);
        let result = self.work(&mut wire).await;
        wire.close();
        result
    }

    async fn connect(&mut self) -> Result<TcpStream, WireError> {
        let connecting = timeout(self.settings.connect_timeout, TcpStream::connect(self.settings.address.as_str()));
        let stream = tokio::select! {
            stream = connecting => stream.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??,
            () = stopped(&mut self.commands) => return Err(io::Error::from(io::ErrorKind::Interrupted).into()),
        };
        // Nagle would hold a lone segment back until the last one is acknowledged.
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    async fn work(&mut self, wire: &mut Wire<'_>) -> Result<(), WireError> {
        let mut commands = self.commands.clone();
        let mut stop_by = None;
        loop {
            let command = *commands.borrow_and_update();
            let wanted = match command {
                Command::Work => Wanted::Work,
                Command::Drain => Wanted::Drain,
                Command::Stop => {
                    let now = self.clock.now().monotonic;
                    Wanted::Stop { by: *stop_by.get_or_insert(now + self.settings.drain_timeout) }
                }
            };
            let mut was = None;
            let working = poll_fn(|cx| {
                let result = wire.poll(wanted, cx);
                let is = (wire.session().state(), command);
                if was != Some(is) {
                    was = Some(is);
                    self.follow(is.0, command);
                }
                self.shown.state.lock().1 = wire.session().open() as u64;
                result
            });
            // Commands first: nothing is submitted on a link that was shown as draining.
            tokio::select! {
                biased;
                changed = commands.changed() => if changed.is_err() {
                    return Ok(()); // the pool is gone
                },
                result = working => return result,
            }
        }
    }

    /// The session has come to another state, or is wanted otherwise.
    fn follow(&self, state: State, command: Command) {
        let (shown, open) = match (state, command) {
            (State::Bound, Command::Work) => (LinkState::Bound, true),
            (State::Bound, _) | (State::Unbinding, _) => (LinkState::Draining, false),
            (State::Binding, _) => (LinkState::Open, false),
            (State::Unbound, _) => (LinkState::Closed, false),
        };
        if shown == LinkState::Bound {
            info!(smsc = self.name.smsc, link = self.name.index, address = self.settings.address, "link bound");
        }
        if let Some(lane) = self.lane {
            self.smsc.set_open(lane, open, self.clock.now());
        }
        let in_flight = self.shown.state.lock().1;
        self.show(shown, in_flight);
    }

    fn show(&self, state: LinkState, open: u64) {
        {
            let mut shown = self.shown.state.lock();
            (shown.0, shown.1) = (state, open);
        }
        self.changed.send(());
    }

    /// The first failure of an outage is worth a warning, the others are not.
    fn report(&self, error: &WireError, wait: Duration, attempt: u32) {
        self.shown.state.lock().2 = Some(error.to_string());
        let Link { name, .. } = self;
        if self.command() == Command::Stop {
            debug!(smsc = name.smsc, link = name.index, %error, "link lost while stopping");
        } else if attempt <= 1 || matches!(error, WireError::Session(SessionError::BindRefused(_))) {
            warn!(smsc = name.smsc, link = name.index, retry_in = ?wait, %error, "link lost");
        } else {
            debug!(smsc = name.smsc, link = name.index, retry_in = ?wait, attempt, %error, "link still lost");
        }
    }

    async fn wait(&mut self, wait: Duration) {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stopped(&mut self.commands) => {}
        }
    }

    fn command(&self) -> Command {
        *self.commands.borrow()
    }
}

/// Ends when the link is told to stop, or the pool is gone.
async fn stopped(commands: &mut watch::Receiver<Command>) {
    // An error means that nobody can tell it anything any more, which is the same.
    let _ = commands.wait_for(|command| *command == Command::Stop).await;
}
