//! What a push says: which octets of an event go into it, and how many there are.

use super::{Subscription, gap_mark};
use crate::codec::segments;
use crate::codec::sse::{self, EventRef};
use crate::engine::chunk::{Chunk, Measure};
use crate::engine::naming::Naming;
use crate::engine::push::{Form, Push};
use crate::model::{Content, Ids, Overflow, OwnId};
use bytes::BytesMut;
use std::ops::Range;

/// The event that says that there are others. Its data is empty, and it is dispatched all the same: "If the data buffer is
/// an empty string" is asked while the LF of its only line is in it (HTML §9.2.6).
const WAKE: &[u8] = b"event:bellwire-wake\ndata\n\n";

/// How an event goes into a push that it does not fit as it is: with so many octets beside its id.
pub(super) enum Fit {
    /// Without its data.
    Notice(usize),
    /// Whole, in a push of its own that has more segments than others.
    Alone(usize),
}

impl Subscription {
    /// Whether the event goes into a push: whole if it fits one alone, else as the policy says, or not at all.
    pub(super) fn fits(&self, chunk: &Chunk, seq: u64, measure: &Measure) -> bool {
        self.alone_octets(chunk, seq, measure).is_some()
    }

    /// Octets that the event takes in a push of its own, if it goes into one.
    fn alone_octets(&self, chunk: &Chunk, seq: u64, measure: &Measure) -> Option<usize> {
        let (id, block) = (self.head_octets(chunk, seq, measure), measure.block?.get() as usize);
        if id + block <= self.room() {
            return Some(id + block);
        }
        let (Fit::Notice(block) | Fit::Alone(block)) = self.fit_long(chunk, seq, id, block)?;
        Some(id + block)
    }

    /// How an event goes that takes so many octets at the head of a push, which has fewer.
    #[cold]
    pub(super) fn fit_long(&self, chunk: &Chunk, seq: u64, id: usize, block: usize) -> Option<Fit> {
        match self.policy.overflow {
            Overflow::Drop => return None,
            Overflow::Split if self.around + id + block <= self.most_octets() => {
                return Some(Fit::Alone(block));
            }
            Overflow::Notify | Overflow::Split => {}
        }
        let event = chunk.get(seq)?;
        // With the id in force already, none is written.
        let block = sse::encoded_len(&notice_of(&event), event.id);
        (id + block <= self.room()).then_some(Fit::Notice(block))
    }

    /// Octets of an event's id at the head of a push.
    #[inline]
    pub(super) fn head_octets(&self, chunk: &Chunk, seq: u64, measure: &Measure) -> usize {
        match self.naming == Naming::ORIGIN {
            true => measure.id as usize,
            false => id_octets(self.naming, chunk, seq),
        }
    }

    /// Octets of an event's id in the push that begins at the cursor, if not only ids of its origin are in it.
    #[inline(never)]
    pub(super) fn named_octets(&self, chunk: &Chunk, seq: u64, measure: &Measure) -> usize {
        let is_another = match seq {
            _ if seq == self.cursor => true,
            _ if seq == chunk.range().start => self.naming.is_another(id_of(chunk, seq), self.id_before(seq)),
            _ => measure.id_behind > 0 || self.naming.is_another(id_of(chunk, seq), id_of(chunk, seq)),
        };
        if is_another { id_octets(self.naming, chunk, seq) } else { 0 }
    }

    /// Octets of the id of an event, `head` of them at the head of a push, behind one that its origin called `previous`.
    pub(super) fn octets_behind(&self, event: &EventRef<'_>, head: usize, previous: &[u8]) -> usize {
        match self.naming {
            Naming::ORIGIN => sse::id_len(event, previous),
            naming if naming.is_another(event.id, previous) => head,
            _ => 0,
        }
    }

    fn id_before(&self, seq: u64) -> &[u8] {
        let before = seq.saturating_sub(1);
        self.chunks.get(self.chunk_index(before)).map_or(b"", |chunk| id_of(chunk, before))
    }

    /// How events are called in a push that is written so.
    pub(super) fn naming_of(&self, form: Form) -> Naming {
        self.profile_naming.with(form.own_ids())
    }

    /// How events are written in pushes that are formed now.
    pub(super) fn new_form(&self) -> Form {
        Form::new(self.policy.ids == Ids::All)
    }

    /// Octets of the id of an event that is the first of its chunk, behind the last one of the chunk before.
    pub(super) fn id_behind(&self, seq: u64) -> usize {
        let [before, event] = [seq - 1, seq].map(|seq| self.chunks.get(self.chunk_index(seq))?.get(seq));
        event.map_or(0, |event| sse::id_len(&event, before.map_or(b"", |before| before.id)))
    }

    /// Octets that a push has for one event alone.
    pub(super) fn room(&self) -> usize {
        self.capacity.saturating_sub(self.around)
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
            let open = both.filter(|seq| self.ended.is_empty() || self.ended.until(*seq).is_none());
            let measures = open.filter_map(|seq| Some((seq, chunk.measure(seq)?)));
            let fits = measures.filter_map(|(seq, measure)| self.alone_octets(chunk, seq, measure));
            octets += fits.sum::<usize>();
        }
        octets
    }

    /// Writes the events of `push`. Each body is a complete stream of its own (HTML §9.2.5), so the id in force at its
    /// start is written even when an earlier push has set it.
    /// `at` is where the chunk of its first event is.
    pub(super) fn write_body(&self, push: &Push, at: usize, out: &mut BytesMut) {
        gap_mark::write(push.gap(), out);
        if push.form != Form::PLAIN || self.profile_naming != Naming::ORIGIN || !self.ended.is_empty() {
            return self.write_other_body(push, at, out);
        }
        let mut previous_id = &b""[..];
        let mut seq = push.events.start;
        for chunk in self.chunks.range(at..) {
            let until = push.events.end.min(chunk.range().end);
            while seq < until {
                if let Some(event) = chunk.get(seq) {
                    sse::encode_parsed(&event, previous_id, out);
                    previous_id = event.id;
                }
                seq += 1;
            }
        }
    }

    /// Writes a body in which not every event is as its origin has it, or from which some are left out: those that had
    /// ended before the push was formed.
    #[inline(never)]
    fn write_other_body(&self, push: &Push, at: usize, out: &mut BytesMut) {
        let naming = self.naming_of(push.form);
        if push.form.is_wake() {
            return self.write_wake(push, naming, out);
        }
        let mut previous_id = &b""[..];
        for chunk in self.chunks.range(at..) {
            let own = chunk.range();
            if own.start >= push.events.end {
                break;
            }
            for seq in own.start.max(push.events.start)..own.end.min(push.events.end) {
                if self.ended.until(seq).is_none()
                    && let Some(mut event) = chunk.get(seq)
                {
                    let alone = |event: &EventRef<'_>| {
                        naming.octets(event.id, chunk.own_id(seq)) + sse::encoded_len(event, event.id)
                    };
                    if push.form.is_notice(alone(&event)) {
                        event = notice_of(&event);
                    }
                    if naming == Naming::ORIGIN {
                        sse::encode_parsed(&event, previous_id, out);
                    } else {
                        if seq == push.events.start || naming.is_another(event.id, previous_id) {
                            naming.write(event.id, chunk.own_id(seq), out);
                        }
                        // With the id in force already, none is written.
                        sse::encode_parsed(&event, event.id, out);
                    }
                    previous_id = event.id;
                }
            }
        }
    }

    /// How a push says that there are events before number `end`: with the id of the newest, if there is room for it.
    pub(super) fn wake_form(&self, end: u64) -> Form {
        let form = self.new_form().wake();
        match self.wake_octets(end, form) <= self.room() {
            true => form,
            false => form.with_notices(self.room()),
        }
    }

    /// Octets of that.
    pub(super) fn wake_octets(&self, end: u64, form: Form) -> usize {
        let with_id = self.newest_before(end).map_or(0, |(id, own)| self.naming_of(form).octets(id, own));
        if form.is_notice(with_id + WAKE.len()) { WAKE.len() } else { with_id + WAKE.len() }
    }

    /// Whether a push can say that there are events.
    pub(super) fn wake_fits(&self) -> bool {
        WAKE.len() <= self.room()
    }

    fn write_wake(&self, push: &Push, naming: Naming, out: &mut BytesMut) {
        if let Some((id, own)) = self.newest_before(push.events.end)
            && !push.form.is_notice(naming.octets(id, own) + WAKE.len())
        {
            naming.write(id, own, out);
        }
        out.extend_from_slice(WAKE);
    }

    /// What the event before number `end` is called, by its origin and by us.
    fn newest_before(&self, end: u64) -> Option<(&[u8], OwnId)> {
        let newest = end.checked_sub(1)?;
        let chunk = self.chunks.get(self.chunk_index(newest))?;
        Some((chunk.get(newest)?.id, chunk.own_id(newest)))
    }
}

fn id_of(chunk: &Chunk, seq: u64) -> &[u8] {
    chunk.get(seq).map_or(b"", |event| event.id)
}

fn id_octets(naming: Naming, chunk: &Chunk, seq: u64) -> usize {
    naming.octets(id_of(chunk, seq), chunk.own_id(seq))
}

/// Type and id of an event too long to be sent: the application then fetches it by HTTP.
fn notice_of<'e>(event: &EventRef<'e>) -> EventRef<'e> {
    EventRef { data: b"", ..*event }
}
