//! Errands on a link: what else is asked of an SMSC than to take messages. They have the sequence numbers of submits, and
//! take room in the window as those do.

use super::{Session, SessionError, Sink};
use crate::codec::smpp::{Address, Body, CancelSm, CommandId, Encode, MessageState, Pdu, QuerySm};
use crate::engine::clock::Now;
use crate::engine::receipts::{Errand, ErrandAnswer};
use crate::engine::tally::ErrandKind;
use bytes::BytesMut;
use std::time::Duration;

/// Errands awaiting their response: few, so that they are looked for one by one.
#[derive(Debug, Default)]
pub(super) struct OpenErrands(Vec<Open>);

#[derive(Debug)]
struct Open {
    sequence_number: u32,
    written_at: Duration,
    errand: Errand,
}

impl OpenErrands {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn has(&self, sequence_number: u32) -> bool {
        self.0.iter().any(|open| open.sequence_number == sequence_number)
    }

    pub fn take(&mut self, sequence_number: u32) -> Option<Errand> {
        let at = self.0.iter().position(|open| open.sequence_number == sequence_number)?;
        Some(self.0.swap_remove(at).errand)
    }

    /// Takes those written at `before` or earlier.
    pub fn take_older(&mut self, before: Duration) -> Vec<Errand> {
        self.0.extract_if(.., |open| open.written_at <= before).map(|open| open.errand).collect()
    }
}

impl<T> Session<T> {
    /// Errands that may be written now: half of the room there is, so that they keep no message waiting for long.
    pub fn errand_room(&mut self, now: Now) -> usize {
        self.room(now).div_ceil(2)
    }

    /// Appends an errand about messages from `source`; it comes back with its answer. Gives it back at once if it fits no PDU.
    ///
    /// # Errors
    /// The errand.
    pub fn write_errand(
        &mut self,
        now: Now,
        errand: Errand,
        source: Address<'_>,
        out: &mut BytesMut,
    ) -> Result<(), Errand> {
        let (sequence_number, message_id) = (self.in_flight.pass(), errand.message_id());
        let encoded = match errand.kind {
            ErrandKind::Query => QuerySm { message_id, source }.encode(sequence_number, out),
            // The name says which: "service_type" and "destination_addr" may be left out then (§4.9.1).
            ErrandKind::Cancel => CancelSm { message_id, source, ..CancelSm::default() }.encode(sequence_number, out),
        };
        if encoded.is_err() {
            return Err(errand);
        }
        self.errands.0.push(Open { sequence_number, written_at: now.monotonic, errand });
        Ok(())
    }

    pub(super) fn answer_errand(
        &mut self,
        now: Now,
        pdu: &Pdu<'_>,
        sink: &mut impl Sink<T>,
    ) -> Result<(), SessionError> {
        let Some(errand) = self.errands.take(pdu.header.sequence_number) else {
            self.strays += 1;
            return Ok(());
        };
        self.has_answered = true;
        let is_ok = pdu.header.command_status.is_ok() && pdu.header.command_id != CommandId::GENERIC_NACK;
        let answer = match (&pdu.body, errand.kind) {
            (Body::QuerySmResp(response), ErrandKind::Query) if is_ok => ErrandAnswer::Done(response.message_state),
            (Body::CancelSmResp(_), ErrandKind::Cancel) if is_ok => ErrandAnswer::Done(MessageState::DELETED),
            _ => ErrandAnswer::Refused,
        };
        sink.handle_errand(now, errand, answer);
        Ok(())
    }
}
