//! One session as the SMSC sees it (SMPP v3.4 §2.2): PDUs in, octets out, no I/O and no clock.
//!
//! After each call the owner writes what [`Session::take_output`] gives, and calls [`Session::handle_time`] no later
//! than [`Session::deadline`]; calling it more often does no harm. Left out: data_sm, query_sm and whatever else the
//! codec does not type; such requests get generic_nack.

use super::Shared;
use super::faults::{Answer, Decision, LinkFault};
use super::noise;
use super::queue::Queue;
use super::receipts::{Receipt, message_id};
use super::script::ReceiptForm;
use super::stats::SmscStats;
use super::{Delivered, chance};
use crate::codec::smpp::{
    self, Bind, BindMode, BindResp, Body, CommandId, CommandStatus, DecodeError, Encode, Header, InterfaceVersion, Pdu,
    SubmitSm, SubmitSmResp, TlvBuffer, TlvTag,
};
use bytes::{Buf, Bytes, BytesMut};
use std::collections::HashMap;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

/// deliver_sm that may be unanswered at once.
const RECEIPT_WINDOW: usize = 500;
/// Answers and receipts that may wait for their time; beyond that nothing is read until some have gone.
const PENDING_MAX: usize = 16 * 1024;
/// How long answers that are gathered to be shuffled wait for enough others: a sender's window may be too small.
const SHUFFLE_PATIENCE: Duration = Duration::from_millis(200);

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
    Answer(Bytes),
    Receipt(Receipt),
}

/// One session.
#[derive(Debug)]
pub(super) struct Session {
    shared: Arc<Shared>,
    number: u64,
    bound: Option<BindMode>,
    system_id: Box<[u8]>,
    out: BytesMut,
    pending: Queue<Pending>,
    /// Answers that are gathered, and until when.
    gathered: Vec<Bytes>,
    gather_until: Option<Duration>,
    /// Receipts sent and not answered, by sequence number.
    receipts: HashMap<u32, Receipt>,
    sequence_number: u32,
    /// Submits that are unanswered on the wire, and answers in `out`.
    outstanding: u64,
    answers: u64,
    read: SmscStats,
    taken: Vec<u64>,
    opened: Duration,
    enquire_at: Option<Duration>,
    enquired: bool,
    fault: Option<LinkFault>,
    ending: Option<Ending>,
}

impl Session {
    pub(super) fn new(shared: Arc<Shared>, number: u64, now: Duration) -> Self {
        let enquire_at = shared.settings.enquire_link.map(|every| now + every);
        Self {
            shared,
            number,
            bound: None,
            system_id: Box::default(),
            out: BytesMut::new(),
            pending: Queue::default(),
            gathered: Vec::new(),
            gather_until: None,
            receipts: HashMap::new(),
            sequence_number: 0,
            outstanding: 0,
            answers: 0,
            read: SmscStats::default(),
            taken: Vec::new(),
            opened: now,
            enquire_at,
            enquired: false,
            fault: None,
            ending: None,
        }
    }

    /// Takes the whole PDUs at the front of `input`. Those that it leaves, because too much is pending, are taken by a
    /// later call.
    pub(super) fn handle_input(&mut self, input: &mut BytesMut, now: Duration) {
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
        while let Some(pending) = self.pending.due(now) {
            match pending {
                Pending::Answer(answer) => self.put_answer(&answer),
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
        self.handle_backlog();
        self.report();
    }

    /// Sends receipts that wait for this account, as many as the window takes.
    pub(super) fn handle_backlog(&mut self) {
        if !self.receives() {
            return;
        }
        let room = RECEIPT_WINDOW.saturating_sub(self.receipts.len());
        for receipt in self.shared.backlog.take(&self.system_id, room) {
            self.put_receipt(receipt);
        }
    }

    /// What is to be written, empty if there is nothing. [`Session::handle_written`] says that it was.
    pub(super) fn take_output(&mut self) -> BytesMut {
        if self.fault == Some(LinkFault::HalfOpen) {
            self.out.clear();
        }
        self.out.split()
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

    /// Whether receipts can go this way.
    pub(super) fn receives(&self) -> bool {
        matches!(self.bound, Some(BindMode::Receiver | BindMode::Transceiver)) && self.ending.is_none()
    }

    /// How the connection ends, once everything is written.
    pub(super) fn ending(&self) -> Option<Ending> {
        self.ending
    }

    /// The connection is gone: receipts that were not answered wait for the next one.
    pub(super) fn handle_end(&mut self) {
        self.report();
        let mut unanswered: Vec<(u32, Receipt)> = self.receipts.drain().collect();
        unanswered.sort_unstable_by_key(|(sequence_number, _)| *sequence_number);
        let later = self.pending.drain().filter_map(|pending| match pending {
            Pending::Receipt(receipt) => Some(receipt),
            Pending::Answer(_) => None,
        });
        let all: Vec<Receipt> = unanswered.into_iter().map(|(_, receipt)| receipt).chain(later).collect();
        if !all.is_empty() {
            self.shared.keep_receipts(&self.system_id, all);
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
        let pdu = match Pdu::decode(octets) {
            Ok(pdu) => pdu,
            Err(error) => return self.refuse(&error),
        };
        match &pdu.body {
            Body::SubmitSm(submit) => self.handle_submit(&pdu.header, submit, now),
            Body::Bind(bind) => self.handle_bind(&pdu.header, bind),
            Body::DeliverSmResp(_) => {
                if self.receipts.remove(&pdu.header.sequence_number).is_some() {
                    self.read.receipts_answered += 1;
                }
                self.handle_backlog();
            }
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

    fn handle_bind(&mut self, header: &Header, bind: &Bind<'_>) {
        let status = match self.bound {
            Some(_) => CommandStatus::ALYBND,
            None => self.shared.admit(bind),
        };
        let version = TlvBuffer::new().u8(TlvTag::SC_INTERFACE_VERSION, InterfaceVersion::V3_4.0);
        let resp = BindResp { mode: bind.mode, system_id: b"bellwire-sim", tlvs: version.tlvs() };
        if !status.is_ok() {
            header.answer(status).encode(&mut self.out);
            self.shared.ledger.add(|total| total.binds_refused += 1);
            return;
        }
        // The name is shorter than 16 octets.
        let _ = resp.encode(header.sequence_number, &mut self.out);
        self.bound = Some(bind.mode);
        self.system_id = bind.system_id.into();
        self.shared.ledger.add(|total| total.binds += 1);
        let name = String::from_utf8_lossy(bind.system_id).into_owned();
        self.shared.ledger.update(self.number, |connection| connection.system_id = name);
        self.handle_backlog();
    }

    fn handle_submit(&mut self, header: &Header, submit: &SubmitSm<'_>, now: Duration) {
        if !matches!(self.bound, Some(BindMode::Transmitter | BindMode::Transceiver)) {
            header.answer(CommandStatus::INVBNDSTS).encode(&mut self.out);
            return;
        }
        self.read.submits += 1;
        self.outstanding += 1;
        self.read.max_outstanding = self.read.max_outstanding.max(self.outstanding);
        let (n, decision) = self.shared.decide(submit.destination.addr);
        self.read.faults += u64::from(decision.is_fault());
        let message = if decision.accept { self.accept(submit, n) } else { String::new() };
        let receipt = self.receipt(submit, n, &decision);
        if decision.receipt.first {
            self.schedule_receipts(&receipt, &decision, now);
        }
        self.answer(header, &decision, message.as_bytes(), (n, now));
        if !decision.receipt.first {
            self.schedule_receipts(&receipt, &decision, now);
        }
        if let Some(fault) = decision.link {
            self.break_link(fault);
        }
    }

    fn accept(&mut self, submit: &SubmitSm<'_>, n: u64) -> String {
        self.read.accepted += 1;
        let user_data = submit.user_data();
        self.taken.push(chance::hash(submit.destination.addr) ^ chance::hash(user_data).rotate_left(1));
        let id = message_id(n);
        self.shared.deliver(&Delivered {
            source: submit.source.addr,
            destination: submit.destination.addr,
            esm_class: submit.esm_class,
            data_coding: submit.data_coding,
            short_message: user_data,
            message_id: &id,
        });
        id
    }

    fn receipt(&self, submit: &SubmitSm<'_>, n: u64, decision: &Decision) -> Option<Receipt> {
        if !decision.accept || self.shared.receipts.form == ReceiptForm::None {
            return None;
        }
        Receipt::for_submit(submit, n, decision.receipt.state, self.shared.unix())
    }

    fn schedule_receipts(&mut self, receipt: &Option<Receipt>, decision: &Decision, now: Duration) {
        let Some(receipt) = receipt else { return };
        for _ in 0..decision.receipt.copies {
            if decision.receipt.delay.is_zero() {
                self.offer_receipt(receipt.clone());
            } else {
                self.pending.put(now + decision.receipt.delay, Pending::Receipt(receipt.clone()));
            }
        }
    }

    /// Sends a receipt, or leaves it to whoever can take it.
    fn offer_receipt(&mut self, receipt: Receipt) {
        if self.receives() && self.receipts.len() < RECEIPT_WINDOW {
            self.put_receipt(receipt);
        } else {
            self.shared.keep_receipts(&self.system_id, [receipt]);
        }
    }

    fn put_receipt(&mut self, receipt: Receipt) {
        self.sequence_number = self.sequence_number % 0x7FFF_FFFF + 1;
        receipt.write(self.shared.receipts, self.sequence_number, self.shared.unix(), &mut self.out);
        self.receipts.insert(self.sequence_number, receipt);
        self.read.receipts += 1;
    }

    fn answer(&mut self, header: &Header, decision: &Decision, message_id: &[u8], (n, now): (u64, Duration)) {
        let mut answer = BytesMut::new();
        if decision.answer == Answer::Never {
            return;
        }
        self.read.refused += u64::from(!decision.status.is_ok());
        let resp = SubmitSmResp::new(message_id);
        let out = match decision.answer {
            Answer::Now => &mut self.out,
            _ => &mut answer,
        };
        // A message id has 16 octets at most.
        let _ = resp.encode_with_status(decision.status, header.sequence_number, out);
        match decision.answer {
            Answer::Now => self.answers += 1,
            Answer::Twice => {
                self.put_answer(&answer);
                self.out.extend_from_slice(&answer);
            }
            Answer::After(delay) => self.pending.put(now + delay, Pending::Answer(answer.freeze())),
            Answer::Shuffled(within) => {
                self.gathered.push(answer.freeze());
                self.gather_until.get_or_insert(now + SHUFFLE_PATIENCE);
                if self.gathered.len() >= within {
                    self.scatter(n);
                }
            }
            Answer::Never => {}
        }
    }

    fn put_answer(&mut self, answer: &[u8]) {
        self.out.extend_from_slice(answer);
        self.answers += 1;
    }

    /// Gives what was gathered, in another order. `salt` is what the order depends on.
    fn scatter(&mut self, salt: u64) {
        self.gather_until = None;
        let gathered = mem::take(&mut self.gathered);
        let order = self.shared.faults.lock().shuffled(salt, gathered.len());
        for answer in order.into_iter().filter_map(|index| gathered.get(index)) {
            self.put_answer(answer);
        }
    }

    fn break_link(&mut self, fault: LinkFault) {
        match fault {
            LinkFault::Close => self.ending = Some(Ending::Close),
            LinkFault::Reset => self.ending = Some(Ending::Reset),
            LinkFault::Garbage => noise::garbage(self.sequence_number, &mut self.out),
            LinkFault::BrokenBody => noise::broken_body(&mut self.out),
            LinkFault::ShortLength => noise::length(0, &mut self.out),
            LinkFault::LongLength => noise::length(1 << 31, &mut self.out),
            LinkFault::UnknownCommand => noise::unknown_command(&mut self.out),
            LinkFault::Unbind => self.put_request(CommandId::UNBIND),
            LinkFault::Stall | LinkFault::HalfOpen | LinkFault::NoEnquire => self.fault = Some(fault),
        }
    }

    fn put_request(&mut self, command_id: CommandId) {
        self.sequence_number = self.sequence_number % 0x7FFF_FFFF + 1;
        Header::bare(command_id, CommandStatus::OK, self.sequence_number).encode(&mut self.out);
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

    fn report(&mut self) {
        let read = mem::take(&mut self.read);
        if read != SmscStats::default() {
            self.shared.ledger.add_read(self.number, &read, &self.taken);
            self.taken.clear();
        }
    }
}
