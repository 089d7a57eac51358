//! Messages and their answers (SMPP v3.4 §4.4).

use super::super::fault::Twist;
use super::super::faults::{Answer, Decision};
use super::super::receipts::Receipt;
use super::super::script::{Congestion, Over, ReceiptForm};
use super::super::store::Placed;
use super::super::{Delivered, chance};
use super::{Ending, Pending, Session};
use crate::codec::smpp::{
    BindMode, CommandId, CommandStatus, Encode, Header, InterfaceVersion, SubmitSm, SubmitSmResp, TlvBuffer, TlvTag,
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

impl Session {
    pub(super) fn handle_submit(&mut self, header: &Header, submit: &SubmitSm<'_>, now: Duration) {
        if !matches!(self.bound, Some(BindMode::Transmitter | BindMode::Transceiver)) {
            header.answer(CommandStatus::INVBNDSTS).encode(&mut self.out);
            return;
        }
        self.read.submits += 1;
        self.outstanding += 1;
        self.read.max_outstanding = self.read.max_outstanding.max(self.outstanding);
        let (n, mut decision) = self.shared.decide(submit.destination.addr);
        self.limit(&mut decision, now);
        if self.ending.is_some() {
            return;
        }
        let due = self.due(&mut decision, now);
        let receipt = self.receipt(submit, n, &decision, now);
        let placed = self.place(submit, n, &mut decision, receipt.as_ref(), now);
        self.shared.ledger.note(decision.kinds);
        self.read.faults += u64::from(decision.is_fault());
        let id = if decision.accept { self.accept(submit, n, placed) } else { String::new() };
        let receipt = receipt.filter(|_| decision.accept);
        if let Some(receipt) = &receipt
            && placed == Placed::Delivered
            && decision.receipt.first
        {
            self.schedule_receipts(receipt, &decision, now);
        }
        self.answer(header, &decision, &id, (n, due, now));
        if let Some(receipt) = &receipt {
            if let Some(early) = receipt.intermediate(&self.shared.settings.script.receipts) {
                match due {
                    Some(due) => self.pending.put(due, Pending::Receipt(early)),
                    None => self.offer_receipt(early),
                }
            }
            if placed == Placed::Delivered && !decision.receipt.first {
                self.schedule_receipts(receipt, &decision, now);
            }
        }
        if let Some(fault) = decision.link {
            self.break_link(fault, header, id.as_bytes());
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
        n: u64,
        decision: &mut Decision,
        receipt: Option<&Receipt>,
        now: Duration,
    ) -> Placed {
        if !decision.accept {
            return Placed::Full;
        }
        let placed = self.shared.place((n, &self.system_id), submit, decision, receipt, now);
        if placed == Placed::Full {
            self.read.over_queue += 1;
            decision.refuse(CommandStatus::MSGQFUL);
        }
        placed
    }

    fn accept(&mut self, submit: &SubmitSm<'_>, n: u64, placed: Placed) -> String {
        self.read.accepted += 1;
        let user_data = submit.user_data();
        self.taken.push(chance::hash(submit.destination.addr) ^ chance::hash(user_data).rotate_left(1));
        let id = self.shared.ids.response(n);
        if placed == Placed::Delivered {
            self.shared.deliver(&Delivered {
                source: submit.source.addr,
                destination: submit.destination.addr,
                esm_class: submit.esm_class,
                data_coding: submit.data_coding,
                short_message: user_data,
                message_id: &id,
            });
        }
        id
    }

    fn answer(&mut self, header: &Header, decision: &Decision, id: &str, (n, due, now): When) {
        if decision.answer == Answer::Never {
            return;
        }
        self.read.refused += u64::from(!decision.status.is_ok());
        let mut answer = BytesMut::new();
        let at_once = due.is_none() && decision.answer == Answer::Now;
        if at_once {
            mem::swap(&mut answer, &mut self.out);
        }
        self.write_answer(header, decision, id, n, &mut answer);
        if at_once {
            mem::swap(&mut answer, &mut self.out);
            self.answers += 1;
            return;
        }
        match (decision.answer, due) {
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
            (_, due) => self.pending.put(due.unwrap_or(now), Pending::Answer(answer.freeze())),
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
        let resp = SubmitSmResp { message_id: id.as_bytes(), tlvs: congestion.tlvs() };
        if decision.twist == Some(Twist::Stray) {
            // A message id is no longer than its field, here and below.
            let _ = resp.encode_with_status(status, number ^ STRAY_DISTANCE, out);
        }
        let _ = resp.encode_with_status(status, number, out);
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
