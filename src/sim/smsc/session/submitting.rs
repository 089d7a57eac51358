//! Messages and their answers (SMPP v3.4 §4.4).

use super::super::fault::Twist;
use super::super::faults::{Answer, Decision};
use super::super::receipts::Receipt;
use super::super::script::{Congestion, Over, ReceiptForm};
use super::super::store::Placed;
use super::super::{Delivered, airing, chance};
use super::{Ending, Pending, Session};
use crate::codec::smpp::{
    CommandId, CommandStatus, DataSmResp, Encode, Header, InterfaceVersion, SubmitSm, SubmitSmResp, TlvBuffer, TlvTag,
    Tlvs,
};
use bytes::BytesMut;
use std::mem;
use std::time::Duration;

/// How long answers that are gathered to be shuffled wait for enough others: a sender's window may be too small.
const SHUFFLE_PATIENCE: Duration = Duration::from_millis(200);
/// Away from all sequence numbers that a peer has outstanding.
const STRAY_DISTANCE: u32 = 0x1000_0000;

/// Which submit, when its answer goes if not at once, and now.
type When = (u64, Option<Duration>, Duration);

/// A message that was looked at.
pub(super) struct Taken {
    pub(super) n: u64,
    pub(super) decision: Decision,
    /// As its answer names it; empty if it was not taken.
    pub(super) id: String,
    /// When its answer goes, if not at once.
    pub(super) due: Option<Duration>,
    placed: Placed,
    receipt: Option<Receipt>,
}

impl Session {
    pub(super) fn handle_submit(&mut self, header: &Header, submit: &SubmitSm<'_>, now: Duration) {
        if !self.may_send(header) {
            return;
        }
        self.outstanding += 1;
        self.read.max_outstanding = self.read.max_outstanding.max(self.outstanding);
        let taken = self.take(submit, None, now);
        if self.ending.is_some() {
            return;
        }
        let first = taken.decision.receipt.first;
        if first {
            self.report_taken(&taken, now);
        }
        self.answer(header, &taken.decision, &taken.id, (taken.n, taken.due, now));
        if !first {
            self.report_taken(&taken, now);
        }
        if let Some(fault) = taken.decision.link {
            self.break_link(fault, header, &taken.id);
        }
    }

    /// Decides on a message and takes it, if that is decided. `named` is the message whose id it has, if that is another.
    pub(super) fn take(&mut self, submit: &SubmitSm<'_>, named: Option<u64>, now: Duration) -> Taken {
        self.read.submits += 1;
        let (n, mut decision) = self.shared.decide(submit.destination.addr);
        self.limit(&mut decision, now);
        let due = self.due(&mut decision, now);
        decision.accept &= self.ending.is_none();
        if airing::check(submit).is_err() {
            decision.refuse(CommandStatus::INVOPTPARAMVAL);
        }
        let name = named.unwrap_or(n);
        let receipt = self.receipt(submit, name, &decision, now);
        let placed = self.place(submit, (n, name), &mut decision, receipt.as_ref(), now);
        self.shared.ledger.note(decision.kinds);
        self.read.faults += u64::from(decision.is_fault());
        let id = if decision.accept { self.accept(submit, (n, name), placed) } else { String::new() };
        let receipt = receipt.filter(|_| decision.accept);
        Taken { n, decision, id, due, placed, receipt }
    }

    /// The receipts of a message that was taken.
    pub(super) fn report_taken(&mut self, taken: &Taken, now: Duration) {
        let Some(receipt) = &taken.receipt else { return };
        if let Some(early) = receipt.intermediate(&self.shared.settings.script.receipts) {
            match taken.due.filter(|_| !taken.decision.receipt.first) {
                Some(due) => {
                    self.pending.put(due, Pending::Receipt(early));
                }
                None => self.offer_receipt(early),
            }
        }
        if taken.placed == Placed::Delivered {
            self.schedule_receipts(receipt, &taken.decision, now);
        }
    }

    /// What is beyond the window or the rate is refused, whatever the script has for it.
    fn limit(&mut self, decision: &mut Decision, now: Duration) {
        if let Some(window) = self.shared.settings.script.window
            && self.outstanding > window.outstanding
        {
            self.read.over_window += 1;
            match window.over {
                Over::Refuse(status) => decision.refuse(status),
                Over::Close => self.ending = Some(Ending::Close),
                Over::Unbind => {
                    decision.refuse(CommandStatus::SUBMITFAIL);
                    if !mem::replace(&mut self.unbinding, true) {
                        self.put_request(CommandId::UNBIND);
                    }
                }
            }
            return;
        }
        if let Some(gate) = &self.gate
            && !gate.lock().admit(now)
        {
            self.read.over_rate += 1;
            let status = self.shared.settings.script.rate.map_or(CommandStatus::THROTTLED, |rate| rate.status);
            decision.refuse(status);
        }
    }

    fn receipt(&self, submit: &SubmitSm<'_>, n: u64, decision: &Decision, now: Duration) -> Option<Receipt> {
        if !decision.accept || self.shared.settings.script.receipts.form == ReceiptForm::None {
            return None;
        }
        Receipt::for_submit(submit, n, self.shared.unix(now))
    }

    fn place(
        &mut self,
        submit: &SubmitSm<'_>,
        (n, named): (u64, u64),
        decision: &mut Decision,
        receipt: Option<&Receipt>,
        now: Duration,
    ) -> Placed {
        if !decision.accept {
            return Placed::Full;
        }
        let placed = self.shared.place((n, named, &self.system_id), submit, decision, receipt, now);
        if placed == Placed::Full {
            self.read.over_queue += 1;
            decision.refuse(CommandStatus::MSGQFUL);
        }
        placed
    }

    fn accept(&mut self, submit: &SubmitSm<'_>, (n, named): (u64, u64), placed: Placed) -> String {
        self.read.accepted += 1;
        let user_data = submit.user_data();
        self.taken.push(chance::hash(submit.destination.addr) ^ chance::hash(user_data).rotate_left(1));
        let id = self.shared.ids.response(named);
        if placed == Placed::Delivered {
            let message = Delivered {
                source: submit.source.addr,
                destination: submit.destination.addr,
                esm_class: submit.esm_class,
                data_coding: submit.data_coding,
                short_message: user_data,
                message_id: &id,
            };
            self.shared.deliver_with(n, &message, submit.tlvs);
        }
        id
    }

    fn answer(&mut self, header: &Header, decision: &Decision, id: &str, when: When) {
        if decision.answer == Answer::Now && when.1.is_none() {
            // What comes most goes straight to where it is written from.
            let mut out = mem::take(&mut self.out);
            self.write_answer(header, decision, id, when.0, &mut out);
            self.out = out;
            self.answers += 1;
            self.read.refused += u64::from(!decision.status.is_ok());
        } else if decision.answer != Answer::Never {
            let mut answer = BytesMut::new();
            self.write_answer(header, decision, id, when.0, &mut answer);
            self.send_answer(decision, answer, when);
        }
    }

    /// Sends an answer that is written, in the way that was decided.
    pub(super) fn send_answer(&mut self, decision: &Decision, answer: BytesMut, (n, due, now): When) {
        if decision.answer == Answer::Never {
            return;
        }
        self.read.refused += u64::from(!decision.status.is_ok());
        match (decision.answer, due) {
            (Answer::Now, None) => self.put_answer(&answer),
            (Answer::Twice, _) => {
                self.put_answer(&answer);
                self.out.extend_from_slice(&answer);
            }
            (Answer::Shuffled(within), _) => {
                self.gathered.push(answer.freeze());
                self.gather_until.get_or_insert(now + SHUFFLE_PATIENCE);
                if self.gathered.len() >= within {
                    self.scatter(n);
                }
            }
            (_, due) => {
                self.pending.put(due.unwrap_or(now), Pending::Answer(answer.freeze()));
            }
        }
    }

    /// When an answer goes, unless it goes at once. The receipt is moved by as much as order moves the answer.
    fn due(&mut self, decision: &mut Decision, now: Duration) -> Option<Duration> {
        let due = match decision.answer {
            Answer::After(delay) => Some(now + delay),
            _ => None,
        };
        if !self.shared.settings.script.latency.in_order || decision.answer == Answer::Never {
            return due;
        }
        let drawn = due.unwrap_or(now);
        let due = drawn.max(self.last_answer);
        self.last_answer = due;
        decision.receipt.delay += due - drawn;
        (due > now).then_some(due)
    }

    fn write_answer(&mut self, header: &Header, decision: &Decision, id: &str, n: u64, out: &mut BytesMut) {
        let (status, number) = (decision.status, header.sequence_number);
        let last = self.last_message;
        if status.is_ok() {
            self.last_message = n;
        }
        let again;
        let id = match decision.twist {
            Some(Twist::Nack) => {
                let status = if status.is_ok() { CommandStatus::SYSERR } else { status };
                return Header::nack(status, number).encode(out);
            }
            Some(Twist::Nameless) => "",
            Some(Twist::NameAgain) if last > 0 && status.is_ok() => {
                again = self.shared.ids.response(last);
                &again
            }
            _ => id,
        };
        let congestion = self.congestion(n);
        if decision.twist == Some(Twist::Stray) {
            put_answer(header, status, number ^ STRAY_DISTANCE, id, congestion.tlvs(), out);
        }
        put_answer(header, status, number, id, congestion.tlvs(), out);
    }

    /// v5.0 §4.8.4.18: any response may have it, and only v5.0 has it.
    fn congestion(&self, n: u64) -> TlvBuffer {
        let script = &self.shared.settings.script;
        if script.congestion == Congestion::Silent || self.version < InterfaceVersion::V5_0 {
            return TlvBuffer::new();
        }
        let state = match &script.congestion {
            Congestion::Silent => None,
            Congestion::OfRate => self.gate.as_ref().map(|gate| gate.lock().congestion(self.now)),
            Congestion::Steps(steps) => steps.iter().rev().find(|(from, _)| *from <= n).map(|(_, state)| *state),
        };
        state.map_or_else(TlvBuffer::new, |state| TlvBuffer::new().u8(TlvTag::CONGESTION_STATE, state))
    }

    pub(super) fn put_answer(&mut self, answer: &[u8]) {
        self.out.extend_from_slice(answer);
        self.answers += 1;
    }

    /// Gives what was gathered, in another order. `salt` is what the order depends on.
    pub(super) fn scatter(&mut self, salt: u64) {
        self.gather_until = None;
        let gathered = mem::take(&mut self.gathered);
        let order = self.shared.faults.lock().shuffled(salt, gathered.len());
        for answer in order.into_iter().filter_map(|index| gathered.get(index)) {
            self.put_answer(answer);
        }
    }
}

/// The response to a submit_sm or data_sm.
pub(super) fn put_answer(
    to: &Header,
    status: CommandStatus,
    number: u32,
    message_id: &str,
    tlvs: Tlvs<'_>,
    out: &mut BytesMut,
) {
    let message_id = message_id.as_bytes();
    // A message id is no longer than its field.
    let _ = match to.command_id {
        CommandId::DATA_SM => DataSmResp { message_id, tlvs }.encode_with_status(status, number, out),
        _ => SubmitSmResp { message_id, tlvs }.encode_with_status(status, number, out),
    };
}
