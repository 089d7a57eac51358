//! Segments are written to a link, one at a time, whenever it has room.

use super::{Settlement, Subscription, asking};
use crate::engine::budget::Purse;
use crate::engine::clock::{Now, Stamp};
use crate::engine::encoder::{Encoder, Frame, Owner, Piece};
use crate::engine::push::Doom;
use crate::engine::references::Numbers;
use bytes::BytesMut;

/// A link's side of writing a segment.
pub(in super::super) struct Writing<'a> {
    /// Encodes.
    pub encoder: &'a mut Encoder,
    /// Is written to.
    pub out: &'a mut BytesMut,
    /// The number that the submit_sm gets.
    pub sequence_number: u32,
    /// Names the handset's subscription among all that the encoder sees.
    pub owner: Owner,
}

impl Subscription {
    /// Writes the next segment to go and says which it is: the push's number and the segment's index.
    ///
    /// To be called again until it returns `None`; then again after any `handle_*` and at `poll_timeout`.
    pub(in super::super) fn poll_segment(
        &mut self,
        now: Now,
        may_form: bool,
        frame: &Frame<'_>,
        (numbers, purse): (&mut Numbers, &mut Purse),
        writing: &mut Writing<'_>,
        settlement: &mut Settlement<'_>,
    ) -> Option<(u64, u8)> {
        loop {
            if self.unsent == 0 {
                if !(may_form && self.form(now, numbers, purse, settlement.tally)) {
                    return None;
                }
                if settlement.receipts.is_withdrawing() {
                    self.supersede(settlement);
                }
            }
            let at = self.first_unsent()?;
            let push = &mut self.pushes[at];
            let index = push.to_send()?;
            if push.expires_at <= Stamp::from(now.monotonic) {
                push.doom(Doom::Expired);
                self.unsent -= 1;
                self.settle_if_done(at, now, numbers, settlement);
                continue;
            }
            let number = self.first_push + at as u64;
            let airtime = self.write_segment(at, index, now, frame, writing);
            if airtime == 0 {
                debug_assert!(false, "a push is measured before it is formed");
                self.pushes[at].doom(Doom::Failed);
                self.unsent -= 1;
                self.settle_if_done(at, now, numbers, settlement);
                continue;
            }
            if self.note_written(at, index, airtime, now, settlement.tally) {
                self.charge(now, airtime, purse);
            }
            return Some((number, index));
        }
    }

    /// Returns how many short messages it is on the air; 0 if it was not written.
    fn write_segment(&self, at: usize, index: u8, now: Now, frame: &Frame<'_>, writing: &mut Writing<'_>) -> u8 {
        let push = &self.pushes[at];
        let from = self.chunk_index(push.events.start);
        let chunk = self.chunks.get(from);
        let piece = Piece {
            frame,
            envelope: &self.envelope,
            ports: self.ports,
            priority: asking::priority_flag(self.policy.priority),
            push,
            chunk: chunk.filter(|chunk| {
                push.is_plain() && push.events.end <= chunk.range().end && !self.has_holes(&push.events)
            }),
            naming: self.naming_of(push.form),
            owner: (writing.owner, self.first_push + at as u64),
            index,
            registered_delivery: asking::registered_delivery(self.policy.receipts, &self.id, push, index),
            sequence_number: writing.sequence_number,
            now: now.monotonic,
        };
        writing.encoder.write(&piece, |out| self.write_body(push, from, out), writing.out)
    }
}
