//! One SMPP session as the ESME sees it: binding, the window, keeping alive, answers and receipts, unbinding.
//!
//! Octets come in by [`Session::handle_input`], time by [`Session::handle_timeout`]; whatever is to be written is
//! appended to the buffer that is passed in. What the session learns goes to a [`Sink`]. It never waits, and its own
//! PDUs need no room in the window.
//!
//! `settings` says what it is to be and why it is over, `handling` what each PDU of the peer means, `errands` what else
//! is asked of an SMSC than to take messages; `invariants` holds for any octets that come.

mod errands;
mod handling;
#[doc(hidden)]
pub mod invariants;
mod settings;

pub use settings::{SessionError, SessionSettings, State};

use super::clock::Now;
use super::in_flight::InFlight;
use super::pacing::Pacing;
use super::receipts::{Errand, ErrandAnswer};
use super::sign::Sign;
use super::subscription::Answer;
use super::verdict::Verdict;
use super::window::Window;
use crate::codec::smpp::{
    self, Address, Bind, BindMode, CommandId, CommandStatus, Encode, Header, InterfaceVersion, PDU_MAX_OCTETS, Pdu,
    Receipt,
};
use bytes::BytesMut;
use errands::OpenErrands;
use std::time::Duration;

/// Who learns what a session learns. `T` is what the caller remembers of a submit.
pub trait Sink<T> {
    /// A submit was answered, or will not be. The verdict is what the answer means for this link.
    fn handle_answer(&mut self, now: Now, item: T, written_at: Duration, answer: Answer<'_>) -> Verdict;
    /// A receipt came.
    fn handle_receipt(&mut self, now: Now, receipt: &Receipt<'_>);
    /// The handset with this number, whatever its type, was heard of.
    fn handle_sign(&mut self, _now: Now, _number: &[u8], _sign: Sign) {}
    /// An errand was answered, or will not be.
    fn handle_errand(&mut self, _now: Now, _errand: Errand, _answer: ErrandAnswer) {}
}

/// A session, from its bind on.
pub struct Session<T> {
    settings: SessionSettings,
    state: State,
    in_flight: InFlight<T>,
    /// They need room in the window, too.
    errands: OpenErrands,
    window: Window,
    pacing: Pacing,
    /// Submits accepted that pacing and window were not told of yet.
    accepted: u32,
    started_at: Duration,
    heard_at: Duration,
    enquired_at: Option<Duration>,
    /// When late responses were last looked for.
    checked_at: Duration,
    bind_number: u32,
    /// The last enquire_link that was not answered.
    enquiry: Option<u32>,
    /// What the peer says it speaks.
    peer_version: Option<InterfaceVersion>,
    bound_at: Option<Duration>,
    /// Whether the peer has answered anything but the bind.
    has_answered: bool,
    /// Responses that belong to nothing, since somebody asked.
    strays: u64,
    /// Why we have unbound, if not because we were told to.
    ending: Option<SessionError>,
}

/// How long a session has to be bound to have proven itself, whatever its peer answers.
const PROVEN_AFTER: Duration = Duration::from_secs(30);

impl<T> Session<T> {
    /// A session on a new connection; appends the bind to `out`.
    ///
    /// # Errors
    /// When a setting does not fit its field.
    pub fn new(settings: SessionSettings, now: Now, out: &mut BytesMut) -> Result<Self, SessionError> {
        let mut in_flight = InFlight::new(settings.window);
        let bind_number = in_flight.pass();
        let bind = Bind {
            mode: settings.mode,
            system_id: settings.system_id.as_bytes(),
            password: settings.password.as_bytes(),
            system_type: settings.system_type.as_bytes(),
            interface_version: settings.version,
            address_range: Address::default(),
        };
        bind.encode(bind_number, out)?;
        Ok(Self {
            window: Window::new(settings.window),
            pacing: Pacing::new(settings.pacing),
            accepted: 0,
            settings,
            state: State::Binding,
            in_flight,
            errands: OpenErrands::default(),
            started_at: now.monotonic,
            heard_at: now.monotonic,
            enquired_at: None,
            checked_at: now.monotonic,
            bind_number,
            enquiry: None,
            peer_version: None,
            bound_at: None,
            has_answered: false,
            strays: 0,
            ending: None,
        })
    }

    /// What it was to be.
    pub fn settings(&self) -> &SessionSettings {
        &self.settings
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// Whether it has shown that it works: bound, and either answered something or bound for a while.
    pub fn is_proven(&self, now: Now) -> bool {
        self.bound_at.is_some_and(|at| self.has_answered || now.monotonic >= at + PROVEN_AFTER)
    }

    /// Whether the peer may be sent optional parameters. An SMSC of v3.3 must not (SMPP v3.4 §3.4); one that does not
    /// say what it is would be such a one by the letter, but most that leave it out are of v3.4.
    pub fn takes_tlvs(&self) -> bool {
        let takes = |version: InterfaceVersion| version > InterfaceVersion::V3_3;
        takes(self.settings.version) && self.peer_version.is_none_or(takes)
    }

    /// What the peer says it speaks, if it does.
    pub fn peer_version(&self) -> Option<InterfaceVersion> {
        self.peer_version
    }

    /// Responses that belonged to nothing, since the last call.
    pub fn take_strays(&mut self) -> u64 {
        std::mem::take(&mut self.strays)
    }

    /// Why it has unbound by itself. It is over when the peer has answered that, or has had time to.
    pub fn take_ending(&mut self) -> Option<SessionError> {
        self.ending.take()
    }

    /// Whether it has unbound by itself.
    pub fn is_ending(&self) -> bool {
        self.ending.is_some()
    }

    /// Submits and errands awaiting their response.
    pub fn open(&self) -> usize {
        self.in_flight.open() + self.errands.len()
    }

    /// Segments per second that it may send by now; none for no limit.
    pub fn rate(&self, now: Now) -> Option<u32> {
        self.pacing.rate(now.monotonic)
    }

    /// Submits that may await their response by now.
    pub fn window(&self) -> usize {
        self.window.limit()
    }

    /// Submits that may be written now.
    pub fn room(&mut self, now: Now) -> usize {
        let sends = self.settings.mode != BindMode::Receiver;
        if self.state != State::Bound || !sends {
            return 0;
        }
        let room = self.window.limit().saturating_sub(self.open());
        room.min(self.pacing.room(now.monotonic))
    }

    /// The number for the next submit; the same until one is tracked.
    pub fn next_sequence_number(&self) -> u32 {
        self.in_flight.next_sequence_number()
    }

    /// A submit was appended to the buffer with `sequence_number`; `item` comes back with its answer.
    pub fn track(&mut self, now: Now, sequence_number: u32, item: T) {
        self.in_flight.insert(sequence_number, now.monotonic, item);
        self.pacing.spend(1);
    }

    /// Takes what was read. Returns how many octets were whole PDUs; the rest is to be given again with more behind it.
    ///
    /// # Errors
    /// When the session is over; the buffer may still hold a last word to the peer.
    pub fn handle_input(
        &mut self,
        now: Now,
        input: &[u8],
        out: &mut BytesMut,
        sink: &mut impl Sink<T>,
    ) -> Result<usize, SessionError> {
        let result = self.handle_pdus(now, input, out, sink);
        self.note_accepted(now);
        result
    }

    fn handle_pdus(
        &mut self,
        now: Now,
        input: &[u8],
        out: &mut BytesMut,
        sink: &mut impl Sink<T>,
    ) -> Result<usize, SessionError> {
        let mut taken = 0;
        loop {
            let rest = input.get(taken..).unwrap_or_default();
            let length = match smpp::frame(rest, PDU_MAX_OCTETS) {
                Ok(Some(length)) => length,
                Ok(None) => return Ok(taken),
                Err(error) => {
                    Header::nack(error.status(), 0).encode(out);
                    return Err(error.into());
                }
            };
            let (octets, _) = rest.split_at(length);
            taken += length;
            self.heard_at = now.monotonic;
            self.enquired_at = None;
            match Pdu::decode(octets) {
                Ok(pdu) => self.handle_pdu(now, &pdu, out, sink)?,
                Err(error) => self.handle_malformed(now, &error, out, sink)?,
            }
        }
    }

    /// Does what has become due. To be called at `poll_timeout`; earlier calls are harmless.
    ///
    /// # Errors
    /// When the session is over because the peer is silent.
    pub fn handle_timeout(
        &mut self,
        now: Now,
        out: &mut BytesMut,
        sink: &mut impl Sink<T>,
    ) -> Result<(), SessionError> {
        let at = now.monotonic;
        if self.state == State::Binding {
            let late = at >= self.started_at + self.settings.bind_timeout;
            return if late { Err(SessionError::BindTimeout(self.settings.bind_timeout)) } else { Ok(()) };
        }
        match self.enquired_at {
            Some(asked) if at >= asked + self.settings.response_timeout => {
                // It may be there and only slow: what it does not know to be over, it holds against our next bind.
                self.unbind(out);
                return Err(SessionError::Silent(at.saturating_sub(self.heard_at)));
            }
            None if self.state == State::Bound && at >= self.heard_at + self.settings.enquire_link => {
                let number = self.in_flight.pass();
                Header::bare(CommandId::ENQUIRE_LINK, CommandStatus::OK, number).encode(out);
                (self.enquired_at, self.enquiry) = (Some(at), Some(number));
            }
            _ => {}
        }
        self.checked_at = at;
        if let Some(before) = at.checked_sub(self.settings.response_timeout) {
            let late = self.in_flight.take_older(before);
            if !late.is_empty() {
                self.window.handle_late();
            }
            for item in late {
                sink.handle_answer(now, item, before, Answer::Unknown { resend: self.settings.resend_unknown });
            }
            for errand in self.errands.take_older(before) {
                sink.handle_errand(now, errand, ErrandAnswer::Lost);
            }
        }
        Ok(())
    }

    /// When [`Session::handle_timeout`] is to be called next, at the latest; and when there may be room again.
    pub fn poll_timeout(&self, now: Now) -> Duration {
        if self.state == State::Binding {
            return self.started_at + self.settings.bind_timeout;
        }
        let alive = match self.enquired_at {
            Some(asked) => Some(asked + self.settings.response_timeout),
            None => (self.state == State::Bound).then(|| self.heard_at + self.settings.enquire_link),
        };
        // Late responses are looked for in steps: nobody minds a second more.
        let step = Duration::from_secs(1).min(self.settings.response_timeout);
        let responses = (self.open() > 0).then(|| self.checked_at + step);
        // A time that is over is for `room` to find out: whoever sends asks it, and others need not wake for it.
        let paced = self.pacing.poll_timeout(now.monotonic).filter(|at| *at > now.monotonic);
        let due = [alive, responses, paced].into_iter().flatten().min();
        due.unwrap_or(now.monotonic + self.settings.enquire_link)
    }

    /// Says goodbye: nothing new goes from now on.
    pub fn unbind(&mut self, out: &mut BytesMut) {
        if self.state == State::Bound {
            let number = self.in_flight.pass();
            Header::bare(CommandId::UNBIND, CommandStatus::OK, number).encode(out);
            self.state = State::Unbinding;
        }
    }

    /// The connection is gone: what was not answered never will be.
    pub fn handle_lost(&mut self, now: Now, sink: &mut impl Sink<T>) {
        for item in self.in_flight.take_all() {
            sink.handle_answer(now, item, now.monotonic, Answer::Unknown { resend: self.settings.resend_unknown });
        }
        for errand in self.errands.take_older(Duration::MAX) {
            sink.handle_errand(now, errand, ErrandAnswer::Lost);
        }
    }
}
