//! What each PDU of the peer means to a session, and what it is answered with.

use super::{Session, SessionError, Sink, State};
use crate::codec::smpp::{
    self, BindResp, Body, CommandId, CommandStatus, DataSmResp, DeliverSm, DeliverSmResp, Encode, Header, Pdu, Receipt,
};
use crate::engine::clock::Now;
use crate::engine::receipts::{self, ErrandAnswer};
use crate::engine::sign::Sign;
use crate::engine::subscription::Answer;
use crate::engine::verdict::Verdict;
use bytes::BytesMut;

impl<T> Session<T> {
    pub(super) fn handle_pdu(
        &mut self,
        now: Now,
        pdu: &Pdu<'_>,
        out: &mut BytesMut,
        sink: &mut impl Sink<T>,
    ) -> Result<(), SessionError> {
        let Header { command_id, command_status: status, sequence_number, .. } = pdu.header;
        if let Body::SubmitSmResp(response) = &pdu.body
            && !response.tlvs.is_empty()
            && let Some(state) = response.tlvs.congestion_state()
        {
            self.note_accepted(now);
            self.pacing.handle_congestion(now.monotonic, state);
        }
        match &pdu.body {
            Body::SubmitSmResp(response) if status.is_ok() => {
                let answer = Answer::Accepted { message_id: response.message_id };
                self.answer(now, sequence_number, answer, out, sink);
                Ok(())
            }
            // Nothing else is open then, and there are SMSCs that answer with a number of their own.
            Body::BindResp(response) if self.state == State::Binding => {
                self.handle_bind_response(now, status, response)
            }
            Body::GenericNack if sequence_number == self.bind_number && self.state == State::Binding => {
                Err(SessionError::BindRefused(status))
            }
            Body::QuerySmResp(_) | Body::CancelSmResp(_) => self.answer_errand(now, pdu, sink),
            Body::GenericNack if self.errands.has(sequence_number) => self.answer_errand(now, pdu, sink),
            Body::EnquireLinkResp(_) | Body::GenericNack if self.enquiry == Some(sequence_number) => {
                (self.enquiry, self.has_answered) = (None, true);
                Ok(())
            }
            // A submit that the peer cannot even parse comes back as generic_nack (SMPP v3.4 §4.3.1).
            Body::SubmitSmResp(_) | Body::GenericNack => {
                let verdict = self.settings.judge.judge(status);
                self.answer(now, sequence_number, Answer::Refused { status, verdict }, out, sink);
                Ok(())
            }
            Body::DeliverSm(message) => {
                deliver(now, message, sink);
                // Always accepted, known or not: an SMSC repeats a receipt that is refused, or unbinds.
                DeliverSmResp::new(b"").encode(sequence_number, out)?;
                Ok(())
            }
            Body::DataSm(message) => {
                // Receipts come by it too (SMPP v3.4 §4.7).
                deliver(now, &message.as_deliver_sm(), sink);
                DataSmResp::new(b"").encode(sequence_number, out)?;
                Ok(())
            }
            // It has no response (SMPP v3.4 §4.12).
            Body::AlertNotification(alert) => {
                sink.handle_sign(now, alert.source.addr, Sign::Alert);
                Ok(())
            }
            Body::EnquireLink => {
                Header::bare(CommandId::ENQUIRE_LINK_RESP, CommandStatus::OK, sequence_number).encode(out);
                Ok(())
            }
            Body::Unbind => {
                Header::bare(CommandId::UNBIND_RESP, CommandStatus::OK, sequence_number).encode(out);
                self.state = State::Unbound;
                Err(SessionError::PeerUnbound)
            }
            Body::UnbindResp if self.state == State::Unbinding => {
                self.state = State::Unbound;
                Ok(())
            }
            // What only an SMSC should get, and what nobody knows.
            _ if command_id.wants_response() => {
                Header::nack(CommandStatus::INVCMDID, sequence_number).encode(out);
                Ok(())
            }
            // Responses nobody waits for, and outbind, which is too late.
            _ => {
                self.strays += u64::from(command_id.is_response());
                Ok(())
            }
        }
    }

    /// A PDU that is framed but wrong: a request is refused, a response to a submit counts as no answer.
    pub(super) fn handle_malformed(
        &mut self,
        now: Now,
        error: &smpp::DecodeError,
        out: &mut BytesMut,
        sink: &mut impl Sink<T>,
    ) -> Result<(), SessionError> {
        if let Some(answer) = error.answer() {
            answer.encode(out);
        }
        match error.header() {
            Some(header) if header.command_id == CommandId::SUBMIT_SM_RESP => {
                let answer = Answer::Unknown { resend: self.settings.resend_unknown };
                self.answer(now, header.sequence_number, answer, out, sink);
            }
            Some(header) if header.command_id.is_response() => {
                if let Some(errand) = self.errands.take(header.sequence_number) {
                    sink.handle_errand(now, errand, ErrandAnswer::Lost);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn answer(
        &mut self,
        now: Now,
        sequence_number: u32,
        answer: Answer<'_>,
        out: &mut BytesMut,
        sink: &mut impl Sink<T>,
    ) {
        let Some((item, written_at)) = self.in_flight.take(sequence_number) else {
            self.strays += 1;
            return;
        };
        self.has_answered = true;
        match (sink.handle_answer(now, item, written_at, answer), answer) {
            (Verdict::Accept, Answer::Accepted { .. }) => {
                self.accepted += 1;
                if self.pacing.is_in_doubt() {
                    self.pacing.handle_probe_accepted(written_at);
                }
            }
            (Verdict::HoldLink, _) => {
                self.note_accepted(now);
                self.pacing.handle_throttled(now.monotonic, written_at);
            }
            (Verdict::NarrowWindow, _) => self.window.handle_refused(self.open() + 1),
            // The answers to what else is open are on their way, and each is worth more than none.
            (Verdict::Rebind, Answer::Refused { status, .. }) if self.state == State::Bound => {
                self.ending = Some(SessionError::WrongState(status));
                self.unbind(out);
            }
            _ => {}
        }
    }

    /// Tells of what was accepted: once for what was read at once, not for each.
    pub(super) fn note_accepted(&mut self, now: Now) {
        let count = std::mem::take(&mut self.accepted);
        if count > 0 {
            self.pacing.handle_accepted(now.monotonic, count);
            self.window.handle_accepted(count as usize);
        }
    }

    fn handle_bind_response(
        &mut self,
        now: Now,
        status: CommandStatus,
        response: &BindResp<'_>,
    ) -> Result<(), SessionError> {
        if !status.is_ok() {
            return Err(SessionError::BindRefused(status));
        }
        // A parameter that makes no sense says nothing.
        self.peer_version = response.sc_interface_version().unwrap_or_default();
        if self.settings.needs_tlvs && !self.takes_tlvs() {
            return Err(SessionError::NoTlvs);
        }
        (self.state, self.bound_at) = (State::Bound, Some(now.monotonic));
        Ok(())
    }
}

fn deliver<T>(now: Now, message: &DeliverSm<'_>, sink: &mut impl Sink<T>) {
    let number = message.source.addr;
    let Some(receipt) = Receipt::decode(message) else { return sink.handle_sign(now, number, Sign::MobileOriginated) };
    sink.handle_receipt(now, &receipt);
    if !receipt.is_intermediate && receipt.state.is_some_and(receipts::is_final) {
        sink.handle_sign(now, number, Sign::Receipt);
    }
}
