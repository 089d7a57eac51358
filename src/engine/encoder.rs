//! Events become segments: straight into the link's buffer, without a copy in between and without an allocation.

use super::chunk::Chunk;
use super::clock::Stamp;
use super::envelope::Envelope;
use super::naming::Naming;
use super::push::Push;
use crate::codec::segments::{self, Cut, Payload, ReferenceWidth};
use crate::codec::smpp::{Destination, Open, RegisteredDelivery, SubmitTemplate, ValidityPeriod};
use crate::codec::udh::{Concatenation, Ports, Reference, UserDataHeader};
use bytes::BytesMut;
use std::num::NonZeroU8;
use std::ops::Range;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// What all segments for one handset have in common.
pub struct Frame<'a> {
    /// submit_sm up to the message.
    pub template: &'a SubmitTemplate,
    /// The handset's address.
    pub destination: &'a Destination,
    /// How its pushes are cut.
    pub cut: Cut,
}

/// Names a subscription among all that an encoder sees: its handset, and its place there.
pub type Owner = (u64, u32);

/// One segment to be written.
pub struct Piece<'a> {
    /// What all segments for its handset have in common.
    pub frame: &'a Frame<'a>,
    /// What is put around its push.
    pub envelope: &'a Envelope,
    /// The ports it goes by.
    pub ports: Ports,
    /// priority_flag.
    pub priority: u8,
    /// Its push.
    pub push: &'a Push,
    /// What holds all its events, if its body is nothing but them: then another subscription may have the same.
    pub chunk: Option<&'a Arc<Chunk>>,
    /// How its events are called.
    pub naming: Naming,
    /// Names the push among all that an encoder sees.
    pub owner: (Owner, u64),
    /// Which segment of the push.
    pub index: u8,
    /// Whether it asks for a receipt.
    pub registered_delivery: RegisteredDelivery,
    /// The number that its submit_sm gets.
    pub sequence_number: u32,
    /// When it is written, for what is left of its validity.
    pub now: Duration,
}

/// Writes segments; belongs to a link. A push in several segments is encoded once and cut.
#[derive(Debug, Default)]
pub struct Encoder {
    whole: BytesMut,
    /// Whose push `whole` is.
    owner: Option<(Owner, u64)>,
    /// The body that the last push had.
    shared: Shared,
    /// The last validity that was written and its seconds: most segments of a second have the same.
    validity: Option<(u64, ValidityPeriod)>,
}

impl Encoder {
    /// Appends a segment to `out` as a submit_sm; `body` writes the events that follow the WSP headers.
    ///
    /// Returns how many short messages it will be on the air, which is more than one only for a push that the SMSC cuts.
    /// 0 if it was not written, and `out` is as before: that happens only to a push longer than it was measured.
    pub fn write(&mut self, piece: &Piece<'_>, body: impl FnOnce(&mut BytesMut), out: &mut BytesMut) -> u8 {
        let Piece { frame, envelope, push, .. } = piece;
        let start = out.len();
        let validity = self.validity(push.expires_at, piece.now.into());
        let Frame { template, destination, .. } = frame;
        let open = template.begin(piece.sequence_number, destination, validity, piece.registered_delivery, out);
        if piece.priority != 0 {
            template.set_priority(&open, destination, piece.priority, out);
        }
        if frame.cut.payload != Payload::Udh {
            return self.write_by_tlvs(piece, open, body, start, out);
        }
        let concatenation = concatenation(frame.cut.width, push, piece.index);
        UserDataHeader { concatenation, ports: Some(piece.ports) }.write(out);
        match NonZeroU8::new(push.segments) {
            Some(total) if total.get() > 1 => {
                self.write_slice(piece, total, body, out);
            }
            _ => {
                envelope.write(push.transaction, out);
                self.shared.write(piece, body, out);
            }
        }
        let written = open.finish(out).is_ok();
        if !written {
            out.truncate(start);
        }
        u8::from(written)
    }

    /// One of several segments, without what says that it is one.
    #[inline]
    fn write_slice(
        &mut self,
        piece: &Piece<'_>,
        total: NonZeroU8,
        body: impl FnOnce(&mut BytesMut),
        out: &mut BytesMut,
    ) {
        if self.owner != Some(piece.owner) {
            self.whole.clear();
            piece.envelope.write(piece.push.transaction, &mut self.whole);
            self.shared.write(piece, body, &mut self.whole);
            self.owner = Some(piece.owner);
        }
        let cut = segments::slice(piece.index, total, piece.frame.cut.room_width(), self.whole.len());
        out.extend_from_slice(self.whole.get(cut).unwrap_or_default());
    }

    /// Ports and parts in optional parameters, never beside a header of ours.
    #[inline(never)]
    fn write_by_tlvs(
        &mut self,
        piece: &Piece<'_>,
        open: Open,
        body: impl FnOnce(&mut BytesMut),
        start: usize,
        out: &mut BytesMut,
    ) -> u8 {
        let Piece { frame, envelope, push, ports, .. } = piece;
        let mut airtime = NonZeroU8::MIN;
        let written = match NonZeroU8::new(push.segments) {
            _ if frame.cut.is_whole() => open.begin_payload(*ports, out).and_then(|open| {
                let payload = out.len();
                envelope.write(push.transaction, out);
                self.shared.write(piece, body, out);
                airtime = segments::count(out.len() - payload, frame.cut.room_width()).unwrap_or(NonZeroU8::MAX);
                open.finish(out)
            }),
            Some(total) if total.get() > 1 => {
                self.write_slice(piece, total, body, out);
                open.finish_with_ports(concatenation(frame.cut.width, push, piece.index), *ports, out)
            }
            _ => {
                envelope.write(push.transaction, out);
                self.shared.write(piece, body, out);
                open.finish_with_ports(None, *ports, out)
            }
        };
        if written.is_err() {
            out.truncate(start);
        }
        written.map_or(0, |_| airtime.get())
    }

    fn validity(&mut self, expires_at: Stamp, now: Stamp) -> Option<ValidityPeriod> {
        if expires_at == Stamp::NEVER {
            return None;
        }
        let seconds = expires_at.seconds_since(now);
        if self.validity.is_none_or(|(of, _)| of != seconds) {
            // A time to live is at most 28 days, so it always has a relative form.
            self.validity = ValidityPeriod::relative(Duration::from_secs(seconds)).ok().map(|period| (seconds, period));
        }
        self.validity.map(|(_, period)| period)
    }
}

/// An event for many handsets makes as many pushes of the same body: it is written once, and once more to be copied.
#[derive(Debug, Default)]
struct Shared {
    /// What the last push held.
    of: Option<Content>,
    /// Its body, from the second push on.
    body: BytesMut,
}

/// What a body follows from.
#[derive(Debug)]
struct Content {
    /// Where its events were. The chunk may be gone, but no other takes its address.
    chunk: Weak<Chunk>,
    events: Range<u64>,
    naming: Naming,
}

impl Shared {
    fn write(&mut self, piece: &Piece<'_>, body: impl FnOnce(&mut BytesMut), out: &mut BytesMut) {
        let Some(chunk) = piece.chunk else { return body(out) };
        let (events, naming) = (&piece.push.events, piece.naming);
        match &mut self.of {
            Some(known) if std::ptr::eq(known.chunk.as_ptr(), Arc::as_ptr(chunk)) => {
                if known.events == *events && known.naming == naming {
                    if self.body.is_empty() {
                        body(&mut self.body);
                    }
                    return out.extend_from_slice(&self.body);
                }
                known.events.clone_from(events);
                known.naming = naming;
            }
            of => *of = Some(Content { chunk: Arc::downgrade(chunk), events: events.clone(), naming }),
        }
        self.body.clear();
        body(out);
    }
}

/// Which part of which message a segment is; a message of one part needs no telling.
fn concatenation(width: ReferenceWidth, push: &Push, index: u8) -> Option<Concatenation> {
    if push.segments < 2 {
        return None;
    }
    let reference = match width {
        ReferenceWidth::Bits8 => Reference::Bits8(push.reference as u8),
        ReferenceWidth::Bits16 => Reference::Bits16(push.reference),
    };
    Concatenation::new(reference, push.segments, index + 1)
}
