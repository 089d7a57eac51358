//! One connection at work: octets between a socket and a session, and segments from whoever is in line.
//!
//! One poll does, in this order: read answers, which frees the window; fill the write buffer from the lane; write once.
//! So a link with work to do refills in the same turn that read the responses.
//!
//! `answers` takes what its session learns to whom it concerns, `shown` tells the metrics of it.

use super::answers::{Answers, Ticket};
use super::meters::Meters;
use super::shown::Shown;
use super::stream::Stream;
use super::tls;
use super::turns::Turns;
use crate::actors::clock::{self, Clock};
use crate::actors::handset::HandsetCell;
use crate::actors::lane::Lane;
use crate::actors::port::Port;
use crate::actors::smsc::Smsc;
use crate::codec::smpp::PDU_MAX_OCTETS;
use crate::engine::clock::Now;
use crate::engine::crowding::Crowd;
use crate::engine::encoder::Encoder;
use crate::engine::line::Turn;
use crate::engine::receipts::ErrandAnswer;
use crate::engine::session::{Session, SessionError, State};
use crate::engine::subscription::Settlement;
use crate::engine::tally::{Answered, Stage, Tally};
use crate::model::HandsetId;
use bytes::{Buf, BytesMut};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// Octets read at once; more than the longest PDU, so that one always fits.
const READ_OCTETS: usize = 128 * 1024;
const _: () = assert!(READ_OCTETS > PDU_MAX_OCTETS);
/// Octets that may wait for the socket before no more segments are taken from the lane.
const WRITE_OCTETS: usize = 64 * 1024;
/// Octets that may wait for the socket before nothing more is read: a peer that asks and takes no answers waits too.
const READ_STOPS_OCTETS: usize = 2 * WRITE_OCTETS;
/// Rounds of one poll before others on this thread have theirs.
const MAX_ROUNDS: usize = 8;
/// How long the last words of a session may take.
const GOODBYE: Duration = Duration::from_secs(5);
/// How long they may take when the session is of no use any more.
const FAREWELL: Duration = Duration::from_secs(1);

/// How a connection ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error("connection lost: {0}")]
    Io(io::Error),
    #[error("{0}")]
    Tls(String),
    #[error("the peer has read nothing for {0:?}")]
    Stalled(Duration),
    #[error("the peer closed the connection")]
    Closed,
}

impl From<io::Error> for WireError {
    fn from(error: io::Error) -> Self {
        tls::trouble(&error).map_or_else(|| Self::Io(error), Self::Tls)
    }
}

/// What the link wants of its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Work.
    Work,
    /// Take nothing new.
    Drain,
    /// Finish what has begun by then, and unbind.
    Stop { by: Duration },
}

/// What all connections of an SMSC share.
pub(super) struct Surroundings {
    pub smsc: Arc<Smsc>,
    pub lane: Arc<Lane>,
    pub meters: Meters,
    pub broken: Port<HandsetId>,
    pub clock: Clock,
}

/// A connection and its session.
pub(super) struct Wire<'a> {
    around: &'a Surroundings,
    stream: Stream,
    session: Session<Ticket>,
    turns: Turns,
    encoder: Encoder,
    tally: Tally,
    input: Vec<u8>,
    have: usize,
    out: BytesMut,
    /// Segments of the last turn that the lane gave.
    used: usize,
    /// The socket has been given something that it may still hold back.
    unflushed: bool,
    /// Since when the socket has taken nothing of what waits for it.
    stuck_since: Option<Duration>,
    /// Segments in `out`, and since when.
    unsent: Option<(Duration, u64)>,
    sleep: Pin<Box<Sleep>>,
    sleeps_until: Duration,
    goodbye_at: Option<Duration>,
    /// Handsets that the SMSC had no room for of late.
    crowd: Crowd,
    shown: Shown,
    /// Handsets that are parked, as the metrics were last told.
    shown_parked: usize,
}

impl<'a> Wire<'a> {
    pub fn new(around: &'a Surroundings, stream: Stream, session: Session<Ticket>, out: BytesMut) -> Self {
        Self {
            around,
            stream,
            session,
            turns: Turns::default(),
            encoder: Encoder::default(),
            tally: Tally::default(),
            input: vec![0; READ_OCTETS],
            have: 0,
            out,
            used: 0,
            unflushed: false,
            stuck_since: None,
            unsent: None,
            sleep: Box::pin(tokio::time::sleep(Duration::ZERO)),
            sleeps_until: Duration::ZERO,
            goodbye_at: None,
            crowd: Crowd::new(around.smsc.crowding()),
            shown: Shown::default(),
            shown_parked: 0,
        }
    }

    pub fn session(&self) -> &Session<Ticket> {
        &self.session
    }

    /// Works until the session is over: `Ok` if we ended it.
    pub fn poll(&mut self, wanted: Wanted, cx: &mut Context<'_>) -> Poll<Result<(), WireError>> {
        self.around.lane.register(cx.waker());
        let now = self.around.clock.now();
        let result = self.poll_rounds(now, wanted, cx);
        self.show(now);
        result
    }

    fn show(&mut self, now: Now) {
        let shown = Shown {
            open: self.session.open() as u32,
            window: self.session.window() as u32,
            rate: self.session.rate(now).unwrap_or(0),
        };
        self.shown.change(shown, &self.around.meters);
        let parked = self.around.smsc.parked();
        if parked != self.shown_parked {
            self.around.meters.smsc.parked.set(parked as f64);
            self.shown_parked = parked;
        }
        self.tally.stray_responses += self.session.take_strays();
        self.around.smsc.journal().note_accepted(self.tally.answered[Answered::Accepted as usize]);
        self.around.meters.carry(&mut self.tally);
    }

    /// The connection is gone: answers what was not answered.
    pub fn close(mut self) {
        let now = self.around.clock.now();
        self.learn(now, |session, _, _, answers| session.handle_lost(now, answers));
        self.show(now);
        self.shown.change(Shown::default(), &self.around.meters);
    }

    fn poll_rounds(&mut self, first: Now, wanted: Wanted, cx: &mut Context<'_>) -> Poll<Result<(), WireError>> {
        for round in 0..MAX_ROUNDS {
            let now = if round == 0 { first } else { self.around.clock.now() };
            let reads = self.out.len() < READ_STOPS_OCTETS;
            let read = if reads { self.poll_read(now, cx) } else { Poll::Pending };
            if let Poll::Ready(Err(error)) = read {
                let _ = self.poll_write(now, cx); // a last word, if the socket takes it
                return Poll::Ready(Err(self.session.take_ending().map_or(error, WireError::Session)));
            }
            if self.session.state() == State::Unbound {
                return Poll::Ready(self.ended());
            }
            if let Err(error) = self.handle_time(now) {
                let _ = self.poll_write(now, cx);
                return Poll::Ready(Err(error));
            }
            self.follow(wanted, now);
            if wanted == Wanted::Work {
                if self.around.smsc.errands() > 0 {
                    self.run_errands(now);
                }
                self.fill(now);
            }
            let written = self.poll_write(now, cx)?;
            if self.goodbye_at.is_some_and(|at| at <= now.monotonic) {
                return Poll::Ready(self.ended());
            }
            if let Some(since) = self.stuck_since.filter(|since| *since + self.patience() <= now.monotonic) {
                return Poll::Ready(Err(WireError::Stalled(now.monotonic.saturating_sub(since))));
            }
            let wants_turn = wanted == Wanted::Work && (self.wants_turn(now) || self.wants_errand(now));
            let more = read.is_ready() || (written.is_ready() && (wants_turn || !reads));
            if !more && self.poll_sleep(now, cx).is_pending() {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// One read and what it brought.
    fn poll_read(&mut self, now: Now, cx: &mut Context<'_>) -> Poll<Result<(), WireError>> {
        let mut buffer = ReadBuf::new(&mut self.input[self.have..]);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
        let read = buffer.filled().len();
        if read == 0 {
            return Poll::Ready(Err(WireError::Closed));
        }
        self.have += read;
        let have = self.have;
        let taken =
            self.learn(now, |session, input, out, answers| session.handle_input(now, &input[..have], out, answers))?;
        self.input.copy_within(taken..self.have, 0);
        self.have -= taken;
        Poll::Ready(Ok(()))
    }

    fn handle_time(&mut self, now: Now) -> Result<(), WireError> {
        if now.monotonic < self.session.poll_timeout(now) {
            return Ok(());
        }
        Ok(self.learn(now, |session, _, out, answers| session.handle_timeout(now, out, answers))?)
    }

    /// Lets the session learn something, and takes that to whom it concerns.
    fn learn<R>(
        &mut self,
        now: Now,
        work: impl FnOnce(&mut Session<Ticket>, &[u8], &mut BytesMut, &mut Answers<'_>) -> R,
    ) -> R {
        let Self { around, session, turns, tally, input, out, crowd, .. } = self;
        let mut receipts = around.smsc.receipts().lock();
        let mut answers = Answers::new(around, turns, tally, &mut receipts, crowd);
        let result = work(session, input, out, &mut answers);
        let signs = answers.end(now);
        let tidings = receipts.take_tidings();
        drop(receipts);
        tidings.into_iter().for_each(|(told, fate)| told.handle_told(now, fate));
        signs.into_iter().for_each(|(number, sign)| around.smsc.handle_sign(now, &number, sign, tally));
        result
    }

    /// How it ended: well, unless the session found that it is of no use.
    fn ended(&mut self) -> Result<(), WireError> {
        self.session.take_ending().map_or(Ok(()), |error| Err(error.into()))
    }

    /// How long the socket may take nothing.
    fn patience(&self) -> Duration {
        self.session.settings().response_timeout
    }

    /// Says goodbye when that is wanted and nothing is owed any more.
    fn follow(&mut self, wanted: Wanted, now: Now) {
        if self.goodbye_at.is_none() && self.session.is_ending() {
            self.goodbye_at = Some(now.monotonic + FAREWELL);
        }
        let Wanted::Stop { by } = wanted else { return };
        if self.goodbye_at.is_none() && (self.session.open() == 0 || by <= now.monotonic) {
            self.session.unbind(&mut self.out);
            self.goodbye_at = Some(now.monotonic + GOODBYE);
            if self.session.state() != State::Unbinding {
                self.goodbye_at = Some(now.monotonic);
            }
        }
    }

    /// Appends errands of the SMSC; whichever of its links has room does some.
    #[cold]
    fn run_errands(&mut self, now: Now) {
        let smsc = &self.around.smsc;
        let mut receipts = smsc.receipts().lock();
        for _ in 0..self.session.errand_room(now) {
            if self.out.len() >= WRITE_OCTETS {
                break;
            }
            let Some(errand) = receipts.take_errand(smsc.number()) else { break };
            let source = smsc.addressing().sender.address();
            if let Err(errand) = self.session.write_errand(now, errand, source, &mut self.out) {
                let refused = ErrandAnswer::Refused;
                receipts.handle_errand(now.monotonic, smsc.number(), errand, refused, &mut self.tally);
            }
        }
    }

    fn wants_errand(&mut self, now: Now) -> bool {
        self.around.smsc.errands() > 0 && self.session.errand_room(now) > 0
    }

    /// Appends segments while there is room for them, taking turns among the handsets in line.
    fn fill(&mut self, now: Now) {
        let mut room = self.session.room(now);
        if room == 0 || !self.may_send() || self.out.len() >= WRITE_OCTETS || !self.wants_turn(now) {
            return;
        }
        let started = self.around.clock.now().monotonic;
        let before = self.tally.segments;
        let mut receipts = self.around.smsc.receipts().lock();
        while room > 0 && self.out.len() < WRITE_OCTETS {
            let next = self.around.lane.pop(now, std::mem::take(&mut self.used));
            let Some(Turn { item: handset, most, .. }) = next else { break };
            let (turn, most, mut tracked) = (self.turns.next(), room.min(most), 0);
            let (session, encoder, out, tally) = (&mut self.session, &mut self.encoder, &mut self.out, &mut self.tally);
            let mut whole = out.len();
            let served = HandsetCell::serve(&handset, now, |engine| {
                let mut settlement = Settlement { tally, receipts: &mut receipts, smsc: self.around.smsc.number() };
                while tracked < most {
                    let number = session.next_sequence_number();
                    let Some(segment) = engine.poll_segment(now, number, encoder, out, &mut settlement) else { break };
                    session.track(now, number, Ticket { turn, segment });
                    (tracked, whole) = (tracked + 1, out.len());
                }
            });
            if served.is_none() {
                // Segments that were tracked before the panic stay; half of one must not.
                self.out.truncate(whole);
                self.around.broken.send(handset.id());
            }
            room -= tracked;
            self.used = tracked;
            self.turns.begin(handset, tracked);
        }
        drop(receipts);
        let written = self.tally.segments - before;
        if written > 0 {
            let elapsed = self.around.clock.now().monotonic.saturating_sub(started);
            self.tally.time(Stage::Encode, elapsed / u32::try_from(written).unwrap_or(u32::MAX), written);
            let (since, waiting) = self.unsent.unwrap_or((now.monotonic, 0));
            self.unsent = Some((since, waiting + written));
        }
    }

    fn poll_write(&mut self, now: Now, cx: &mut Context<'_>) -> Poll<Result<(), WireError>> {
        while !self.out.is_empty() {
            let Poll::Ready(written) = Pin::new(&mut self.stream).poll_write(cx, &self.out)? else {
                self.stuck_since.get_or_insert(now.monotonic);
                return Poll::Pending;
            };
            if written == 0 {
                return Poll::Ready(Err(io::Error::from(io::ErrorKind::WriteZero).into()));
            }
            self.out.advance(written);
            (self.unflushed, self.stuck_since) = (true, None);
        }
        self.out.clear();
        if self.unflushed {
            if Pin::new(&mut self.stream).poll_flush(cx)?.is_pending() {
                self.stuck_since.get_or_insert(now.monotonic);
                return Poll::Pending;
            }
            (self.unflushed, self.stuck_since) = (false, None);
        }
        if let Some((since, segments)) = self.unsent.take() {
            self.tally.time(Stage::Submit, now.monotonic.saturating_sub(since), segments);
        }
        Poll::Ready(Ok(()))
    }

    /// Whether the store knows of enough that was accepted, what this poll has read included.
    fn may_send(&self) -> bool {
        self.around.smsc.journal().is_open(self.tally.answered[Answered::Accepted as usize])
    }

    /// Whether somebody is in line and there is room.
    fn wants_turn(&mut self, now: Now) -> bool {
        let in_line = !self.around.lane.is_empty();
        (in_line || self.around.lane.poll_timeout().is_some_and(|at| at <= now.monotonic))
            && self.session.room(now) > 0
            && self.may_send()
    }

    /// Ready when something is due; else the timer is set. It is set anew only for an earlier time: spurious wake-ups
    /// are harmless, and setting it for every segment is not.
    fn poll_sleep(&mut self, now: Now, cx: &mut Context<'_>) -> Poll<()> {
        let own = self.session.poll_timeout(now);
        // Those whose time has come wait for room now, and what makes room wakes us.
        let lane = self.around.lane.poll_timeout().filter(|at| *at > now.monotonic).unwrap_or(own);
        let stuck = self.stuck_since.map_or(own, |since| since + self.patience());
        let due = own.min(lane).min(self.goodbye_at.unwrap_or(own)).min(stuck);
        if due < self.sleeps_until || self.sleeps_until <= now.monotonic {
            self.sleep.as_mut().reset(clock::instant(due));
            self.sleeps_until = due;
        }
        self.sleep.as_mut().poll(cx)
    }
}
