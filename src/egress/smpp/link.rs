//! One link over its whole life: connect, work, lose the connection, wait, connect again.

use super::connecting::{Gate, await_outbind, dial};
use super::meters::Meters;
use super::outbind::Outbinds;
use super::settings::LinkSettings;
use super::stream::Stream;
use super::wire::{Surroundings, Wanted, Wire, WireError};
use crate::actors::clock::Clock;
use crate::actors::lane::Lane;
use crate::actors::pool::{LinkName, LinkState, LinkView};
use crate::actors::port::Port;
use crate::actors::smsc::Smsc;
use crate::codec::smpp::{BindMode, CommandStatus};
use crate::engine::backoff::Backoff;
use crate::engine::binding::{self, Turn};
use crate::engine::session::{Session, SessionError, State};
use crate::model::HandsetId;
use bytes::BytesMut;
use parking_lot::Mutex;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tracing::{debug, info, warn};

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
    /// What it shares with the other links of the SMSC.
    pub gate: Arc<Gate>,
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
            self.await_turn().await;
            if self.command() == Command::Stop {
                break;
            }
            let (result, proven) = self.connect_and_work().await;
            self.gate.binding.lock().handle_ended(self.index());
            if let Some(lane) = self.lane {
                self.smsc.set_open(lane, false, self.clock.now());
            }
            self.show(LinkState::Closed, 0);
            let Err(error) = result else { continue };
            if proven {
                backoff.reset();
            }
            let refused = refusal(&error).and_then(|status| self.handle_refused(status));
            // Never at once: a peer that drops every connection must not be asked in a loop.
            let wait = refused.unwrap_or_else(|| self.pause(&mut backoff));
            self.report(&error, wait, backoff.attempt());
            if refused.is_some() {
                warn!(
                    smsc = self.name.smsc,
                    link = self.name.index,
                    "refused too often: the link waits, or for `bellwire links resume`"
                );
            }
            if refused.is_none() {
                self.wait(wait).await;
            }
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

    /// `Ok` when it was told to stop and did so in good order; and whether it has proven itself before it ended.
    async fn connect_and_work(&mut self) -> (Result<(), WireError>, bool) {
        let stream = match self.connect().await {
            Ok(stream) => stream,
            Err(error) => return (Err(error), false),
        };
        let lane = self.lane.and_then(|at| self.smsc.lanes().get(at).cloned());
        let around = Surroundings {
            smsc: Arc::clone(&self.smsc),
            lane: lane.unwrap_or_else(|| Arc::new(Lane::default())),
            meters: self.meters.clone(),
            broken: self.broken.clone(),
            clock: self.clock.clone(),
        };
        self.show(LinkState::Open, 0);
        let mut out = BytesMut::new();
        let session = match Session::new(self.settings.session.clone(), self.clock.now(), &mut out) {
            Ok(session) => session,
            Err(error) => return (Err(error.into()), false),
        };
        let mut wire = Wire::new(&around, stream, session, out);
        let result = self.work(&mut wire).await;
        let proven = wire.session().is_proven(self.clock.now());
        wire.close();
        (result, proven)
    }

    async fn connect(&self) -> Result<Stream, WireError> {
        let mut commands = self.commands.clone();
        let connecting = async {
            match self.outbinds() {
                Some(outbinds) => await_outbind(outbinds).await,
                None => dial(&self.settings).await,
            }
        };
        tokio::select! {
            stream = connecting => stream,
            () = stopped(&mut commands) => Err(io::Error::from(io::ErrorKind::Interrupted).into()),
        }
    }

    /// How long to wait after a failure. Not long where the SMSC connects to us: it waits itself, and is refused meanwhile.
    fn pause(&self, backoff: &mut Backoff) -> Duration {
        let floor = self.settings.backoff_base / 2;
        let wait = backoff.next_from(floor, fastrand::f64());
        if self.outbinds().is_some() { floor } else { wait }
    }

    /// Whoever connects to us, if this link waits for that. An SMSC that does asks for its messages to be taken; ours go
    /// the other way.
    fn outbinds(&self) -> Option<&Outbinds> {
        self.gate.outbinds.as_deref().filter(|_| self.settings.session.mode != BindMode::Transmitter)
    }

    /// Waits until it may connect: the links of an SMSC do so one after the other, and one that was refused does not for
    /// a long time.
    async fn await_turn(&mut self) {
        loop {
            let gate = Arc::clone(&self.gate);
            let mut freed = std::pin::pin!(gate.freed.notified());
            freed.as_mut().enable();
            let now = self.clock.now();
            let turn = gate.binding.lock().turn(now.monotonic, self.index());
            match turn {
                Turn::At(at) => {
                    self.wait(at.saturating_sub(now.monotonic)).await;
                    if self.command() == Command::Stop || !gate.is_refused(self.clock.now(), self.index()) {
                        return;
                    }
                }
                Turn::Refused(until) => {
                    self.show(LinkState::Refused, 0);
                    if *self.commands.borrow_and_update() == Command::Stop {
                        return;
                    }
                    let wait = until.saturating_sub(now.monotonic);
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        () = freed => {}
                        changed = self.commands.changed() => match *self.commands.borrow() {
                            _ if changed.is_err() => return, // the pool is gone
                            Command::Stop => return,
                            Command::Work => gate.binding.lock().resume(self.index()),
                            Command::Drain => {}
                        },
                    }
                    self.show(LinkState::Closed, 0);
                }
            }
        }
    }

    /// A bind was refused; how long to wait if that was once too often.
    fn handle_refused(&self, status: CommandStatus) -> Option<Duration> {
        let now = self.clock.now().monotonic;
        let until = self.gate.binding.lock().handle_refused(now, self.index(), status);
        until.map(|until| until.saturating_sub(now))
    }

    fn index(&self) -> usize {
        self.name.index as usize
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
        if state == State::Bound {
            self.gate.note_bound(self.index());
        }
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
        let Link { name, .. } = self;
        let advice = refusal(error).map(binding::advice);
        let told = advice.map_or_else(|| error.to_string(), |advice| format!("{error}: {advice}"));
        self.shown.state.lock().2 = Some(told);
        if self.command() == Command::Stop {
            debug!(smsc = name.smsc, link = name.index, %error, "link lost while stopping");
        } else if let Some(advice) = advice {
            warn!(smsc = name.smsc, link = name.index, retry_in = ?wait, %error, advice, "bind refused");
        } else if attempt <= 1 {
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

/// The status with which a bind was refused, if it was.
fn refusal(error: &WireError) -> Option<CommandStatus> {
    match error {
        WireError::Session(SessionError::BindRefused(status)) => Some(*status),
        _ => None,
    }
}

/// Ends when the link is told to stop, or the pool is gone.
async fn stopped(commands: &mut watch::Receiver<Command>) {
    // An error means that nobody can tell it anything any more, which is the same.
    let _ = commands.wait_for(|command| *command == Command::Stop).await;
}
