//! What else an ESME asks for: query_sm, cancel_sm and replace_sm (SMPP v3.4 §4.8 to §4.10), and the other ways to submit,
//! data_sm (§4.7) and submit_multi (§4.5).

use super::super::script::Dates;
use super::super::{receipts, store};
use super::Session;
use super::submitting::Taken;
use crate::codec::smpp::{
    Address, BindMode, CancelSm, CommandStatus, DataSm, Encode, Header, MultiDestination, QuerySm, QuerySmResp,
    RefusedBuffer, RefusedDestination, ReplaceSm, SubmitMulti, SubmitMultiResp, SubmitSm, Tlvs,
};
use bytes::BytesMut;
use std::time::Duration;

/// §4.6.1: what an address has that deliver_sm can carry back, without NUL.
const ADDRESS_OCTETS: usize = 20;

impl Session {
    pub(super) fn handle_query(&mut self, header: &Header, query: &QuerySm<'_>) {
        if !self.may_send(header) {
            return;
        }
        self.read.errands += 1;
        let known = self.shared.ids.parse(query.message_id);
        let brief = known.and_then(|n| self.shared.store.lock().find(n, query.source.addr));
        let Some(brief) = brief else {
            return header.answer(CommandStatus::INVMSGID).encode(&mut self.out);
        };
        // §7.1.1: tenths of a second, and the distance to UTC.
        let final_date = match brief.ended {
            0 => String::new(),
            ended => format!("{}000+", receipts::date(ended, Dates::Seconds)),
        };
        let resp = QuerySmResp {
            message_id: query.message_id,
            final_date: final_date.as_bytes(),
            message_state: brief.state,
            error_code: 0,
            tlvs: Tlvs::NONE,
        };
        // Its message id came in a field of the same length.
        let _ = resp.encode(header.sequence_number, &mut self.out);
    }

    pub(super) fn handle_cancel(&mut self, header: &Header, cancel: &CancelSm<'_>, now: Duration) {
        if !self.may_send(header) {
            return;
        }
        self.read.errands += 1;
        let status = self.cancel(cancel, now);
        header.answer(status).encode(&mut self.out);
    }

    fn cancel(&mut self, cancel: &CancelSm<'_>, now: Duration) -> CommandStatus {
        let CancelSm { service_type, message_id, source, destination } = cancel;
        let is_meant = |held: &store::Held| {
            *held.source.addr == *source.addr
                && (destination.addr.is_empty() || *held.destination.addr == *destination.addr)
        };
        let mut store = self.shared.store.lock();
        let meant = if message_id.is_empty() {
            // §4.9.1: with the service type, if there is one.
            store
                .waiting_for(|held| is_meant(held) && (service_type.is_empty() || *held.service_type == **service_type))
        } else {
            let known = self.shared.ids.parse(message_id).filter(|n| store.find(*n, source.addr).is_some());
            let Some(n) = known else { return CommandStatus::INVMSGID };
            if store.held(n).is_some_and(is_meant) { vec![n] } else { Vec::new() }
        };
        let events: Vec<_> = meant.iter().filter_map(|n| store.cancel(*n, now)).flatten().collect();
        drop(store);
        self.shared.store_changed.notify_one();
        self.shared.handle_events(events);
        if meant.is_empty() { CommandStatus::CANCELFAIL } else { CommandStatus::OK }
    }

    pub(super) fn handle_replace(&mut self, header: &Header, replace: &ReplaceSm<'_>, now: Duration) {
        if !self.may_send(header) {
            return;
        }
        self.read.errands += 1;
        let mut store = self.shared.store.lock();
        let known = self.shared.ids.parse(replace.message_id).filter(|n| store.find(*n, replace.source.addr).is_some());
        let status = match known {
            None => CommandStatus::INVMSGID,
            Some(n) if store.replace(n, replace, now) => CommandStatus::OK,
            // §4.10: only what was not delivered yet.
            Some(_) => CommandStatus::REPLACEFAIL,
        };
        drop(store);
        self.shared.store_changed.notify_one();
        header.answer(status).encode(&mut self.out);
    }

    pub(super) fn handle_data(&mut self, header: &Header, data: &DataSm<'_>, now: Duration) {
        // v3.3 has no data_sm.
        if !self.knows_tlvs() {
            return Header::nack(CommandStatus::INVCMDID, header.sequence_number).encode(&mut self.out);
        }
        if data.source.addr.len() > ADDRESS_OCTETS || data.destination.addr.len() > ADDRESS_OCTETS {
            return header.answer(CommandStatus::INVDSTADR).encode(&mut self.out);
        }
        let submit = SubmitSm {
            service_type: data.service_type,
            source: data.source,
            destination: data.destination,
            esm_class: data.esm_class,
            registered_delivery: data.registered_delivery,
            data_coding: data.data_coding,
            tlvs: data.tlvs,
            ..SubmitSm::default()
        };
        self.handle_submit(header, &submit, now);
    }

    /// Each destination counts as a submit; all have the message id of the first. What the script has for the first is
    /// done to the answer and to the connection.
    pub(super) fn handle_multi(&mut self, header: &Header, multi: &SubmitMulti<'_>, now: Duration) {
        if !self.may_send(header) {
            return;
        }
        let addresses: Option<Vec<Address<'_>>> = multi.destinations.iter().map(sme).collect();
        let Some(addresses) = addresses else {
            // There are no distribution lists here.
            return header.answer(CommandStatus::INVDLNAME).encode(&mut self.out);
        };
        self.outstanding += 1;
        self.read.max_outstanding = self.read.max_outstanding.max(self.outstanding);
        let mut refused = RefusedBuffer::default();
        let mut all: Vec<Taken> = Vec::new();
        for address in &addresses {
            let submit = SubmitSm {
                service_type: multi.service_type,
                source: multi.source,
                destination: *address,
                esm_class: multi.esm_class,
                protocol_id: multi.protocol_id,
                priority_flag: multi.priority_flag,
                schedule_delivery_time: multi.schedule_delivery_time,
                validity_period: multi.validity_period,
                registered_delivery: multi.registered_delivery,
                replace_if_present_flag: 0,
                data_coding: multi.data_coding,
                sm_default_msg_id: multi.sm_default_msg_id,
                short_message: multi.short_message,
                tlvs: multi.tlvs,
            };
            let taken = self.take(&submit, all.first().map(|taken| taken.n), now);
            if self.ending.is_some() {
                return;
            }
            if !taken.decision.status.is_ok() {
                // It came in a field of the same length, and there are as many at most.
                let _ = refused.push(&RefusedDestination { address: *address, status: taken.decision.status });
            }
            all.push(taken);
        }
        let Some(first) = all.first() else { return };
        let refused = refused.refused();
        let nobody = refused.len() == addresses.len();
        let id = self.shared.ids.response(first.n);
        let resp = match nobody {
            true => SubmitMultiResp::default(),
            false => SubmitMultiResp { message_id: id.as_bytes(), refused, tlvs: Tlvs::NONE },
        };
        let status = if nobody { first.decision.status } else { CommandStatus::OK };
        let mut answer = BytesMut::new();
        // As above.
        let _ = resp.encode_with_status(status, header.sequence_number, &mut answer);
        self.send_answer(&first.decision, answer, (first.n, first.due, now));
        all.iter().for_each(|taken| self.report_taken(taken, now));
        if let Some(fault) = first.decision.link {
            self.break_link(fault, header, &id);
        }
    }

    /// Whether the bind lets one ask; if not, it is answered.
    pub(super) fn may_send(&mut self, header: &Header) -> bool {
        let may = matches!(self.bound, Some(BindMode::Transmitter | BindMode::Transceiver));
        if !may {
            header.answer(CommandStatus::INVBNDSTS).encode(&mut self.out);
        }
        may
    }
}

fn sme(destination: MultiDestination<'_>) -> Option<Address<'_>> {
    match destination {
        MultiDestination::Sme(address) => Some(address),
        MultiDestination::DistributionList(_) => None,
    }
}
