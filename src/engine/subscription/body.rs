//! What a push says: which octets of an event go into it, and how many there are.

use super::{Subscription, gap_mark};
use crate::codec::segments;
use crate::codec::sse::{self, EventRef};
use crate::engine::chunk::{Chunk, Measure};
use crate::engine::push::{Form, Push};
use crate::model::{Content, Overflow};
use bytes::BytesMut;
use std::ops::Range;

/// The type of the event that says that there are others.
const WAKE: &[u8] = b"bellwire-wake";

/// How an event goes into a push: with so many octets beside its id.
pub(super) enum Fit {
    /// Whole.
    Whole(usize),
    /// Without its data.
    Notice(usize),
    /// Whole, in a push of its own that has more segments than others.
    Alone(usize),
}

impl Fit {
    fn block(&self) -> usize {
        let (Self::Whole(block) | Self::Notice(block) | Self::Alone(block)) = self;
        *block
    }
}

impl Subscription {
    /// How the event goes into a push: whole if it fits one alone, else as the policy says, or not at all.
    #[inline]
    pub(super) fn fit(&self, chunk: &Chunk, seq: u64, measure: &Measure) -> Option<Fit> {
        let (id, block) = (measure.id as usize, measure.block?.get() as usize);
        match id + block <= self.room() {
            true => Some(Fit::Whole(block)),
            false => self.fit_long(chunk, seq, id, block),
        }
    }

    #[cold]
    fn fit_long(&self, chunk: &Chunk, seq: u64, id: usize, block: usize) -> Option<Fit> {
        match self.policy.overflow {
            Overflow::Drop => return None,
            Overflow::Split if self.envelope.octets() + id + block <= self.most_octets() => {
                return Some(Fit::Alone(block));
            }
            Overflow::Notify | Overflow::Split => {}
        }
        let event = chunk.get(seq)?;
        let block = sse::encoded_len(&notice_of(&event), event.id);
        (id + block <= self.room()).then_some(Fit::Notice(block))
    }

    /// Octets of the id of an event that is the first of its chunk, behind the last one of the chunk before.
    pub(super) fn id_behind(&self, seq: u64) -> usize {
        let [before, event] = [seq - 1, seq].map(|seq| self.chunks.get(self.chunk_index(seq))?.get(seq));
        event.map_or(0, |event| sse::id_len(&event, before.map_or(b"", |before| before.id)))
    }

    /// Octets that a push has for one event alone.
    pub(super) fn room(&self) -> usize {
        self.capacity.saturating_sub(self.envelope.octets())
    }

    /// Octets that a push has if it may have as many segments as there can be.
    pub(super) fn most_octets(&self) -> usize {
        segments::capacity(u8::MAX, self.width)
    }

    /// Octets that the events of `range` need, each in a push of its own; none if pushes only say that there are some.
    pub(super) fn measure(&self, range: Range<u64>) -> usize {
        if self.policy.content == Content::Wake {
            return 0;
        }
        let mut octets = 0;
        for chunk in self.chunks.range(self.chunk_index(range.start)..) {
            let own = chunk.range();
            let both = own.start.max(range.start)..own.end.min(range.end);
            let measures = both.filter_map(|seq| Some((seq, chunk.measure(seq)?)));
            let fits = measures.filter_map(|(seq, one)| Some(one.id as usize + self.fit(chunk, seq, one)?.block()));
            octets += fits.sum::<usize>();
        }
        octets
    }

    /// Writes the events of `push`. Each body is a complete stream of its own (HTML §9.2.5), so the id in force at its
    /// start is written even when an earlier push has set it.
    /// `at` is where the chunk of its first event is.
    pub(super) fn write_body(&self, push: &Push, at: usize, out: &mut BytesMut) {
        gap_mark::write(push.gap(), out);
        if push.form.is_wake {
            return sse::encode_parsed(&self.wake(push.events.end, push.form), b"", out);
        }
        let mut previous_id = &b""[..];
        let mut seq = push.events.start;
        for chunk in self.chunks.range(at..) {
            let until = push.events.end.min(chunk.range().end);
            while seq < until {
                if let Some(mut event) = chunk.get(seq) {
                    if push.form != Form::PLAIN && push.form.is_notice(sse::encoded_len(&event, b"")) {
                        event = notice_of(&event);
                    }
                    sse::encode_parsed(&event, previous_id, out);
                    previous_id = event.id;
                }
                seq += 1;
            }
        }
    }

    /// How a push says that there are events before number `end`: with the id of the newest, if there is room for it.
    pub(super) fn wake_form(&self, end: u64) -> Form {
        match self.wake_octets(end, Form::WAKE) <= self.room() {
            true => Form::WAKE,
            false => Form::WAKE.with_notices(self.room()),
        }
    }

    /// Octets of that.
    pub(super) fn wake_octets(&self, end: u64, form: Form) -> usize {
        sse::encoded_len(&self.wake(end, form), b"")
    }

    /// Whether a push can say that there are events.
    pub(super) fn wake_fits(&self) -> bool {
        sse::encoded_len(&EventRef { event_type: WAKE, data: b"", id: b"" }, b"") <= self.room()
    }

    /// The event that says that there are others, before number `end`. Its data is empty, and it is dispatched all the
    /// same: "If the data buffer is an empty string" is asked while the LF of its only line is in it (HTML §9.2.6).
    fn wake(&self, end: u64, form: Form) -> EventRef<'_> {
        let newest = end.saturating_sub(1);
        let id =
            self.chunks.get(self.chunk_index(newest)).and_then(|chunk| chunk.get(newest)).map_or(&b""[..], |e| e.id);
        let whole = EventRef { event_type: WAKE, data: b"", id };
        match form.is_notice(sse::encoded_len(&whole, b"")) {
            true => EventRef { id: b"", ..whole },
            false => whole,
        }
    }
}

/// Type and id of an event too long to be sent: the application then fetches it by HTTP.
fn notice_of<'e>(event: &EventRef<'e>) -> EventRef<'e> {
    EventRef { data: b"", ..*event }
}
