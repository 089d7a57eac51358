//! One session as the SMSC sees it (SMPP v3.4 §2.2): PDUs in, octets out, no I/O and no clock.
//!
//! After each call the owner writes what [`Session::take_output`] gives, and calls [`Session::handle_time`] no later
//! than [`Session::deadline`]; calling it more often does no harm. Left out: broadcasts and whatever else the codec does
//! not type; such requests get generic_nack.
//!
//! | file | holds |
//! |---|---|
//! | `binding` | who is there, and in which version |
//! | `submitting` | messages and their answers |
//! | `errands` | query, cancel, replace, and other ways to submit |
//! | `reporting` | receipts and alerts on their way out |
//! | `breaking` | faults of the connection |

mod binding;
mod breaking;
mod errands;
mod reporting;
mod submitting;
#[cfg(test)]
mod tests;

use super::fault::LinkFault;
use super::queue::Queue;
use super::rate::SharedGate;
use super::receipts::Receipt;
use super::record::{self, Recorded};
use super::shared::{Alarms, Shared};
use super::stats::SmscStats;
use crate::codec::smpp::{self, BindMode, Body, CommandId, CommandStatus, DecodeError, Header, InterfaceVersion, Pdu};
use bytes::{Buf, Bytes, BytesMut};
use std::collections::HashMap;
use std::mem;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// Answers and receipts that may wait for their time; beyond that nothing is read until some have gone.
const PENDING_MAX: usize = 256 * 1024;

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Everything is written, then FIN.
    Close,
    /// RST.
    Reset,
}

/// What waits for its time.
#[derive(Debug)]
enum Pending {
    /// To a submit.
    Answer(Bytes),
    /// To the bind.
    BindAnswer(Bytes),
    Receipt(Receipt),
}

/// One session.
#[derive(Debug)]
pub(super) struct Session {
    shared: Arc<Shared>,
    number: u64,
    peer: Option<IpAddr>,
    now: Duration,
    bound: Option<BindMode>,
    /// Whether the bind was answered: nothing else is sent before.
    introduced: bool,
    /// What both sides speak.
    version: InterfaceVersion,
    system_id: Box<[u8]>,
    gate: Option<SharedGate>,
    out: BytesMut,
    pending: Queue<Pending>,
    /// Before it no answer goes, if answers are in order.
    last_answer: Duration,
    /// Answers that are gathered, and until when.
    gathered: Vec<Bytes>,
    gather_until: Option<Duration>,
    /// Receipts sent and not answered, by sequence number.
    receipts: HashMap<u32, Receipt>,
    sequence_number: u32,
    /// The message accepted last.
    last_message: u64,
    /// Submits that are unanswered on the wire, and answers in `out`.
    outstanding: u64,
    answers: u64,
    read: SmscStats,
    taken: Vec<u64>,
    opened: Duration,
    enquire_at: Option<Duration>,
    enquired: bool,
    fault: Option<LinkFault>,
    alarms: Alarms,
    unbinding: bool,
    ending: Option<Ending>,
}

impl Session {
    pub(super) fn new(shared: Arc<Shared>, number: u64, peer: Option<IpAddr>, now: Duration) -> Self {
        let enquire_at = shared.settings.enquire_link.map(|every| now + every);
        let alarms = shared.alarms();
        Self {
            shared,
            number,
            peer,
            now,
            bound: None,
            introduced: false,
            version: InterfaceVersion::V3_4,
            system_id: Box::default(),
            gate: None,
            out: BytesMut::new(),
            pending: Queue::default(),
            last_answer: Duration::ZERO,
            gathered: Vec::new(),
            gather_until: None,
            receipts: HashMap::new(),
            sequence_number: 0,
            last_message: 0,
            outstanding: 0,
            answers: 0,
            read: SmscStats::default(),
            taken: Vec::new(),
            opened: now,
            enquire_at,
            enquired: false,
            fault: None,
            alarms,
            unbinding: false,
            ending: None,
        }
    }

    /// Takes the whole PDUs at the front of `input`. Those that it leaves, because too much is pending, are taken by a
    /// later call.
    pub(super) fn handle_input(&mut self, input: &mut BytesMut, now: Duration) {
        self.now = now;
        let mut at = 0;
        while self.ending.is_none() && self.wants_input() {
            let rest = input.get(at..).unwrap_or_default();
            match smpp::frame(rest, smpp::PDU_MAX_OCTETS) {
                Ok(Some(octets)) => {
                    self.handle_pdu(rest.get(..octets).unwrap_or_default(), now);
                    at += octets;
                }
                Ok(None) => break,
                Err(error) => {
                    self.read.malformed += 1;
                    self.record(true, rest);
                    Header::nack(error.status(), 0).encode(&mut self.out);
                    self.ending = Some(Ending::Close);
                }
            }
        }
        input.advance(at);
        self.report();
    }

    /// Does what is due.
    pub(super) fn handle_time(&mut self, now: Duration) {
        self.now = now;
        while let Some(pending) = self.pending.due(now) {
            match pending {
                Pending::Answer(answer) => self.put_answer(&answer),
                Pending::BindAnswer(answer) => self.introduce(&answer),
                Pending::Receipt(receipt) => self.offer_receipt(receipt),
            }
        }
        if self.gather_until.is_some_and(|until| until <= now) {
            self.scatter(self.gathered.len() as u64);
        }
        if self.bound.is_none() && now.saturating_sub(self.opened) >= self.shared.settings.session_init {
            self.ending.get_or_insert(Ending::Close);
        }
        if self.enquire_at.is_some_and(|at| at <= now) {
            self.enquire(now);
        }
        self.handle_alarms();
        self.handle_backlog();
        self.report();
    }

    /// What is to be written, empty if there is nothing. [`Session::handle_written`] says that it was.
    pub(super) fn take_output(&mut self) -> BytesMut {
        if self.fault == Some(LinkFault::HalfOpen) {
            self.out.clear();
        }
        let out = self.out.split();
        if self.shared.is_recorded() {
            record::pieces(&out).for_each(|piece| self.record(false, piece));
        }
        out
    }

    /// Everything that was taken has been written.
    pub(super) fn handle_written(&mut self) {
        self.outstanding = self.outstanding.saturating_sub(mem::take(&mut self.answers));
    }

    /// When something is due next.
    pub(super) fn deadline(&self) -> Option<Duration> {
        let init = self.bound.is_none().then_some(self.opened + self.shared.settings.session_init);
        [self.pending.next(), self.gather_until, self.enquire_at, init].into_iter().flatten().min()
    }

    /// Whether the owner should read.
    pub(super) fn wants_input(&self) -> bool {
        self.fault != Some(LinkFault::Stall) && self.pending.len() < PENDING_MAX
    }

    /// How the connection ends, once everything is written.
    pub(super) fn ending(&self) -> Option<Ending> {
        self.ending
    }

    /// The connection is gone: receipts that were not answered wait for the next one.
    pub(super) fn handle_end(&mut self) {
        self.report();
        self.leave_receipts();
        if self.bound.is_some() {
            self.shared.door.leave(&self.system_id);
        }
        let unanswered = self.outstanding;
        self.shared.ledger.add(|total| {
            total.open -= 1;
            total.unanswered += unanswered;
        });
        self.shared.ledger.update(self.number, |connection| connection.open = false);
    }

    fn handle_pdu(&mut self, octets: &[u8], now: Duration) {
        self.enquired = false;
        self.enquire_at = self.shared.settings.enquire_link.map(|every| now + every);
        self.record(true, octets);
        let pdu = match Pdu::decode(octets) {
            Ok(pdu) => pdu,
            Err(error) => return self.refuse(&error),
        };
        match &pdu.body {
            Body::SubmitSm(submit) => self.handle_submit(&pdu.header, submit, now),
            Body::DataSm(data) => self.handle_data(&pdu.header, data, now),
            Body::SubmitMulti(multi) => self.handle_multi(&pdu.header, multi, now),
            Body::QuerySm(query) => self.handle_query(&pdu.header, query),
            Body::CancelSm(cancel) => self.handle_cancel(&pdu.header, cancel, now),
            Body::ReplaceSm(replace) => self.handle_replace(&pdu.header, replace, now),
            Body::Bind(bind) => self.handle_bind(&pdu.header, bind, now),
            Body::DeliverSmResp(_) => self.handle_receipt_answer(&pdu.header, now),
            Body::EnquireLink => {
                self.read.enquire_links += 1;
                if self.fault != Some(LinkFault::NoEnquire) {
                    pdu.header.answer(CommandStatus::OK).encode(&mut self.out);
                }
            }
            Body::Unbind => {
                pdu.header.answer(CommandStatus::OK).encode(&mut self.out);
                self.ending = Some(Ending::Close);
            }
            Body::UnbindResp => self.ending = Some(Ending::Close),
            _ if pdu.header.command_id.is_response() => {}
            _ => Header::nack(CommandStatus::INVCMDID, pdu.header.sequence_number).encode(&mut self.out),
        }
    }

    fn refuse(&mut self, error: &DecodeError) {
        self.read.malformed += 1;
        if let DecodeError::Body { header, .. } = error
            && header.command_id.wants_response()
        {
            header.answer(CommandStatus::INVMSGLEN).encode(&mut self.out);
        }
    }

    fn next_number(&mut self) -> u32 {
        self.sequence_number = self.sequence_number % 0x7FFF_FFFF + 1;
        self.sequence_number
    }

    fn put_request(&mut self, command_id: CommandId) {
        let number = self.next_number();
        Header::bare(command_id, CommandStatus::OK, number).encode(&mut self.out);
    }

    fn enquire(&mut self, now: Duration) {
        // §2.8: without an answer the other side is taken to be gone.
        if mem::replace(&mut self.enquired, true) {
            self.ending.get_or_insert(Ending::Close);
            return;
        }
        self.enquire_at = self.shared.settings.enquire_link.map(|every| now + every);
        self.put_request(CommandId::ENQUIRE_LINK);
    }

    fn record(&self, came: bool, octets: &[u8]) {
        self.shared.record(&Recorded { at: self.now, link: self.number, came, octets });
    }

    fn report(&mut self) {
        let read = mem::take(&mut self.read);
        if read != SmscStats::default() {
            self.shared.ledger.add_read(self.number, &read, &self.taken);
            self.taken.clear();
        }
    }
}
