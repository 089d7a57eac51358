//! An SMSC that outlives the router and counts what it accepted, segment by segment.
//!
//! It accepts when it reads, answers later, refuses a few for now, and sends the receipts that were asked for, those
//! that a dead router owes it an answer for once more.

use crate::check::Account;
use crate::origin::Log;
use crate::wire;
use bellwire::codec::smpp::{CommandStatus, SubmitSm};
use bellwire::codec::udh;
use bellwire::sim::{HandsetSettings, Handsets, Message};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// The longest that an answer takes, in milliseconds.
const ANSWER_MAX_MS: u64 = 30;
/// The longest from acceptance to a receipt, in milliseconds.
const RECEIPT_MAX_MS: u64 = 200;

pub struct Smsc {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    server: Option<JoinSet<()>>,
}

/// The moment at which something is to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// A submit has been accepted; its own answer is outstanding.
    Accepted,
    /// An answer has been written; at least another one is outstanding.
    Answered,
}

struct Trigger {
    moment: Moment,
    /// Once so many were accepted.
    accepted: u64,
    act: Box<dyn FnOnce() + Send>,
    done: oneshot::Sender<()>,
}

/// What all sessions have in common.
pub struct Shared {
    random: fastrand::Rng,
    account: Account,
    handsets: Handsets,
    log: Log,
    started: Instant,
    life: usize,
    accepted: u64,
    outstanding: u64,
    sessions: usize,
    trigger: Option<Trigger>,
    /// Receipts that wait for somebody to bind.
    receipts: VecDeque<Receipt>,
}

/// Says that a message has arrived.
#[derive(Clone, Debug)]
pub struct Receipt {
    pub message_id: String,
    pub source: Vec<u8>,
    pub destination: Vec<u8>,
}

/// What becomes of a submit.
pub enum Fate {
    Refused(CommandStatus),
    /// Accepted under this id, to be answered after this time.
    Accepted(String, Duration),
}

impl Smsc {
    pub async fn start(seed: u64, log: Log) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Shared {
            random: fastrand::Rng::with_seed(seed),
            account: Account::default(),
            handsets: Handsets::new(HandsetSettings::default()),
            log,
            started: Instant::now(),
            life: 0,
            accepted: 0,
            outstanding: 0,
            sessions: 0,
            trigger: None,
            receipts: VecDeque::new(),
        };
        let mut smsc = Self { address, shared: Arc::new(Mutex::new(shared)), server: None };
        smsc.serve(listener);
        smsc
    }

    fn serve(&mut self, listener: TcpListener) {
        let mut server = JoinSet::new();
        server.spawn(serve(listener, Arc::clone(&self.shared)));
        self.server = Some(server);
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes the port; whoever is connected is cut off.
    pub async fn close(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.shutdown().await;
        }
    }

    /// Opens the same port again.
    pub async fn open(&mut self) {
        assert!(self.server.is_none(), "it is open");
        self.serve(TcpListener::bind(self.address).await.unwrap());
    }

    pub fn expect(&self, number: &str, stream: usize, strict: bool) {
        let mut shared = self.shared.lock();
        let replays = shared.log.replays(stream);
        shared.account.expect(number, stream, strict, replays);
    }

    /// Does `act` at a `moment` after `more` segments have been accepted, before anything else happens here.
    pub fn at(&self, moment: Moment, more: u64, act: Box<dyn FnOnce() + Send>) -> oneshot::Receiver<()> {
        let (done, wait) = oneshot::channel();
        let mut shared = self.shared.lock();
        let accepted = shared.accepted + more;
        shared.trigger = Some(Trigger { moment, accepted, act, done });
        wait
    }

    /// What comes on sessions from now on comes from another process.
    pub fn begin_life(&self) -> usize {
        let mut shared = self.shared.lock();
        assert_eq!(shared.sessions, 0, "sessions of a process that has ended");
        shared.life += 1;
        shared.life
    }

    pub fn sessions(&self) -> usize {
        self.shared.lock().sessions
    }

    pub fn accepted(&self) -> u64 {
        self.shared.lock().accepted
    }

    pub fn look<T>(&self, look: impl FnOnce(&Account) -> T) -> T {
        look(&self.shared.lock().account)
    }
}

async fn serve(listener: TcpListener, shared: Arc<Mutex<Shared>>) {
    let mut sessions = JoinSet::new();
    loop {
        let (socket, _) = listener.accept().await.unwrap();
        while sessions.try_join_next().is_some() {}
        sessions.spawn(wire::converse(socket, Arc::clone(&shared)));
    }
}

impl Shared {
    pub fn enter(&mut self) -> usize {
        self.sessions += 1;
        self.life
    }

    /// A session ends; what it did not answer will never be.
    pub fn leave(&mut self, unanswered: u64, receipts: impl IntoIterator<Item = Receipt>) {
        self.sessions -= 1;
        self.outstanding -= unanswered;
        self.receipts.extend(receipts);
    }

    pub fn take_receipts(&mut self) -> VecDeque<Receipt> {
        std::mem::take(&mut self.receipts)
    }

    /// Accepts a message, or refuses it for now.
    pub fn take(&mut self, submit: &SubmitSm<'_>, life: usize) -> Fate {
        match self.random.u16(..1000) {
            0 => return Fate::Refused(CommandStatus::THROTTLED),
            1 | 2 => return Fate::Refused(CommandStatus::MSGQFUL),
            _ => {}
        }
        self.accepted += 1;
        self.outstanding += 1;
        self.account(submit, life);
        self.fire(Moment::Accepted);
        let delay = Duration::from_millis(self.random.u64(1..=ANSWER_MAX_MS));
        Fate::Accepted(format!("{:08X}", self.accepted), delay)
    }

    pub fn answered(&mut self, answers: u64) {
        self.outstanding -= answers;
        self.fire(Moment::Answered);
    }

    pub fn receipt_delay(&mut self) -> Duration {
        Duration::from_millis(self.random.u64(0..=RECEIPT_MAX_MS))
    }

    fn account(&mut self, submit: &SubmitSm<'_>, life: usize) {
        let (destination, user_data) = (submit.destination.addr, submit.user_data());
        let mut hasher = DefaultHasher::new();
        (destination, user_data).hash(&mut hasher);
        let text = |octets| String::from_utf8_lossy(octets).into_owned();
        let (source, number) = (text(submit.source.addr), text(destination));
        if !self.account.count_segment(&number, hasher.finish(), life) {
            return;
        }
        let message =
            Message { source: &source, destination: &number, esm_class: submit.esm_class, short_message: user_data };
        let total = udh::decode(user_data).ok().and_then(|(header, _)| Some(header.concatenation?.total().get()));
        match self.handsets.handle_message(message, self.started.elapsed()) {
            Ok(None) => {}
            Ok(Some(push)) => {
                self.account.count_push(&number, &push.events, total.unwrap_or(1).into(), life, &self.log);
                if let Some(gap) = push.gap {
                    self.note_gap(&number, &push.events, gap);
                }
            }
            Err(error) => self.account.complain(|| format!("{number}: {error}")),
        }
    }

    /// A gap that is told is a loss, unless the stream has no ids to tell by.
    fn note_gap(&mut self, number: &str, events: &[bellwire::sim::Event], gap: u64) {
        let place = events.first().and_then(|event| crate::origin::place(&event.data));
        if !place.is_some_and(|(stream, _)| stream < self.log.streams() && self.log.replays(stream)) {
            self.account.complain(|| format!("{number} was told a gap of {gap} events before {place:?}"));
        }
    }

    fn fire(&mut self, moment: Moment) {
        let (accepted, outstanding) = (self.accepted, self.outstanding);
        let is_now =
            |trigger: &mut Trigger| trigger.moment == moment && accepted >= trigger.accepted && outstanding > 0;
        if let Some(trigger) = self.trigger.take_if(is_now) {
            (trigger.act)();
            // Nobody waits any more when the test has failed meanwhile.
            let _ = trigger.done.send(());
        }
    }
}
