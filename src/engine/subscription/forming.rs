//! Events become pushes: which ones, when, and what is passed over.

use super::{Subscription, gap_mark};
use crate::codec::segments;
use crate::codec::sse::{self, EventRef};
use crate::engine::chunk::{Chunk, Measure};
use crate::engine::clock::Now;
use crate::engine::push::Push;
use crate::engine::references::Numbers;
use crate::engine::tally::{Stage, Tally};
use crate::model::{DropReason, Outcome, Overflow};
use bytes::BytesMut;
use std::ops::Range;

impl Subscription {
    /// A push is due when its first event has waited for the batch window, or when it is full.
    pub(super) fn is_due(&self, now: Now) -> bool {
        if self.cursor == self.end || self.closing.is_some() {
            return false;
        }
        if !self.again.is_empty()
            && let Some(due) = self.again_is_due()
        {
            return due;
        }
        if self.is_held(now) {
            return false;
        }
        let full = self.policy.max_events > 0 && self.pending() >= u64::from(self.policy.max_events);
        full || self.policy.batch_window.is_zero()
            || self.pending_octets + self.envelope.octets() >= self.capacity
            || self.poll_timeout().is_some_and(|due| due <= now.monotonic)
    }

    /// Forms the next push if one is due; false when there is nothing to send.
    pub(super) fn form(&mut self, now: Now, numbers: &mut Numbers, tally: &mut Tally) -> bool {
        if !self.is_due(now) {
            return false;
        }
        self.changed = true;
        if !self.again.is_empty() {
            let formed = self.form_again(now, numbers, tally);
            self.tell_if_roomy();
            match formed {
                Some(formed) => return formed,
                None if !self.is_due(now) => return false,
                None => {}
            }
        }
        let mut gap = self.gap;
        let mut selection = self.select(gap, now);
        if selection.events.is_empty() {
            self.skip_unsendable(now, tally);
            if self.cursor >= self.again_start() {
                return self.form(now, numbers, tally);
            }
            gap = self.gap;
            selection = self.select(gap, now);
        }
        if selection.events.is_empty() && gap > 0 {
            gap = 0; // no room for the mark beside a long event: the next push tells
            selection = self.select(gap, now);
        }
        let Selection { at, events, octets, has_notice } = selection;
        let Ok(segments) = segments::count(octets, self.width) else { return false };
        if events.is_empty() {
            return false;
        }
        let segments = segments.get();
        let (reference, transaction) = numbers.take(now.monotonic, segments);
        self.time_batch(at, &events, now, tally);
        let ttl = self.policy.ttl;
        let oldest = self.chunks.get(at).map_or(now.monotonic, |chunk| chunk.read_at().monotonic);
        if !self.policy.batch_window.is_zero() {
            self.pending_octets = self.pending_octets.saturating_sub(self.measure(events.clone()));
        }
        self.cursor = events.end;
        self.gap -= gap;
        tally.gaps += u64::from(gap > 0);
        tally.pushes += 1;
        let mut push = Push::new(events, segments, gap);
        // 255 segments have fewer than 64 Ki octets.
        push.notice_above = has_notice.then(|| self.room() as u16);
        (push.reference, push.transaction) = (reference, transaction);
        push.formed_at = now.monotonic.into();
        if !ttl.is_zero() {
            push.expires_at = (oldest + ttl).into();
        }
        if self.pushes.capacity() == 0 {
            self.pushes.reserve_exact(1); // in strict order there are no more
        }
        self.pushes.push_back(push);
        self.unsent += 1;
        self.outstanding += 1;
        true
    }

    /// Passes over events at the cursor that are missing or have ended.
    fn pass_over(&mut self, tally: &mut Tally) {
        let end = self.end.min(self.again_start());
        while self.cursor < end {
            let Some(chunk) = self.chunks.get(self.chunk_index(self.cursor)) else { return };
            let missing = self.cursor..chunk.range().start.min(end);
            if !missing.is_empty() {
                self.lose(missing, tally);
                continue;
            }
            let Some(ended) = self.ended.iter().find(|range| range.contains(&self.cursor)) else { return };
            // Counted before: the outcome says nothing.
            self.skip(self.cursor..ended.end.min(end), Outcome::Accepted, tally);
        }
    }

    /// Passes over events at the cursor whose time is over or that fit no push.
    fn skip_unsendable(&mut self, now: Now, tally: &mut Tally) {
        let end = self.end.min(self.again_start());
        while self.cursor < end {
            self.pass_over(tally);
            if self.cursor >= end {
                return;
            }
            let Some(chunk) = self.chunks.get(self.chunk_index(self.cursor)) else { return };
            let expired = !self.policy.ttl.is_zero() && now.since(chunk.read_at()) >= self.policy.ttl;
            if expired {
                let until = chunk.range().end.min(end);
                self.skip(self.cursor..until, Outcome::Expired, tally);
                continue;
            }
            let Some(measure) = chunk.measure(self.cursor) else { return };
            if self.fit(chunk, self.cursor, measure).is_some() {
                return;
            }
            let reason = if measure.block.is_some() { DropReason::Oversize } else { DropReason::Unencodable };
            self.skip(self.cursor..self.cursor + 1, Outcome::Dropped(reason), tally);
        }
    }

    /// The events from the cursor on that one push can hold.
    fn select(&self, gap: u64, now: Now) -> Selection {
        let mut octets = self.envelope.octets() + gap_mark::octets(gap);
        let most = if self.policy.max_events == 0 { u64::MAX } else { u64::from(self.policy.max_events) };
        let ended = self.ended.iter().find(|range| range.end > self.cursor).map(|range| range.start);
        let last =
            self.end.min(self.cursor.saturating_add(most)).min(ended.unwrap_or(u64::MAX)).min(self.again_start());
        let (mut seq, mut has_notice) = (self.cursor, false);
        let at = self.chunk_index(self.cursor);
        'chunks: for chunk in self.chunks.range(at..) {
            let own = chunk.range();
            let expired = !self.policy.ttl.is_zero() && now.since(chunk.read_at()) >= self.policy.ttl;
            if expired || own.start > seq {
                break;
            }
            while seq < last.min(own.end) {
                let Some(measure) = chunk.measure(seq) else { break 'chunks };
                let Some(Fit { block, is_notice }) = self.fit(chunk, seq, measure) else { break 'chunks };
                let id = match seq {
                    _ if seq == self.cursor => measure.id as usize,
                    _ if seq == own.start => self.id_behind(seq),
                    _ => measure.id_behind as usize,
                };
                if octets + id + block > self.capacity {
                    break 'chunks;
                }
                octets += id + block;
                has_notice |= is_notice;
                seq += 1;
            }
        }
        Selection { at, events: self.cursor..seq, octets, has_notice }
    }

    /// How the event goes into a push: whole if it fits one alone, else as the policy says, or not at all.
    #[inline]
    fn fit(&self, chunk: &Chunk, seq: u64, measure: &Measure) -> Option<Fit> {
        let (id, block) = (measure.id as usize, measure.block?.get() as usize);
        if id + block <= self.room() {
            return Some(Fit { block, is_notice: false });
        }
        if self.policy.overflow != Overflow::Notify {
            return None;
        }
        let event = chunk.get(seq)?;
        let block = sse::encoded_len(&notice_of(&event), event.id);
        (id + block <= self.room()).then_some(Fit { block, is_notice: true })
    }

    /// Octets of the id of an event that is the first of its chunk, behind the last one of the chunk before.
    fn id_behind(&self, seq: u64) -> usize {
        let [before, event] = [seq - 1, seq].map(|seq| self.chunks.get(self.chunk_index(seq))?.get(seq));
        event.map_or(0, |event| sse::id_len(&event, before.map_or(b"", |before| before.id)))
    }

    /// Octets that a push has for one event alone.
    fn room(&self) -> usize {
        self.capacity.saturating_sub(self.envelope.octets())
    }

    /// Octets that the events of `range` need, each in a push of its own.
    pub(super) fn measure(&self, range: Range<u64>) -> usize {
        let mut octets = 0;
        for chunk in self.chunks.range(self.chunk_index(range.start)..) {
            let own = chunk.range();
            let both = own.start.max(range.start)..own.end.min(range.end);
            let measures = both.filter_map(|seq| Some((seq, chunk.measure(seq)?)));
            let fits =
                measures.filter_map(|(seq, measure)| Some(measure.id as usize + self.fit(chunk, seq, measure)?.block));
            octets += fits.sum::<usize>();
        }
        octets
    }

    /// Writes the events of `push`. Each body is a complete stream of its own (HTML §9.2.5), so the id in force at its
    /// start is written even when an earlier push has set it.
    /// `at` is where the chunk of its first event is.
    pub(super) fn write_body(&self, push: &Push, at: usize, out: &mut BytesMut) {
        gap_mark::write(push.gap(), out);
        let mut previous_id = &b""[..];
        let mut seq = push.events.start;
        for chunk in self.chunks.range(at..) {
            let until = push.events.end.min(chunk.range().end);
            while seq < until {
                if let Some(mut event) = chunk.get(seq) {
                    if push.notice_above.is_some_and(|room| sse::encoded_len(&event, b"") > usize::from(room)) {
                        event = notice_of(&event);
                    }
                    sse::encode_parsed(&event, previous_id, out);
                    previous_id = event.id;
                }
                seq += 1;
            }
        }
    }

    fn time_batch(&self, at: usize, events: &Range<u64>, now: Now, tally: &mut Tally) {
        let mut seq = events.start;
        for chunk in self.chunks.range(at..) {
            let until = events.end.min(chunk.range().end);
            if seq >= until {
                break;
            }
            tally.time(Stage::Batch, now.since(chunk.read_at()), until - seq);
            seq = until;
        }
    }
}

/// Events that go into one push, and the octets of its PDU.
struct Selection {
    /// Where the chunk of the first is.
    at: usize,
    events: Range<u64>,
    octets: usize,
    has_notice: bool,
}

/// How an event goes into a push: the octets of its block but for the id, and whether that is without its data.
struct Fit {
    block: usize,
    is_notice: bool,
}

/// Type and id of an event too long to be sent: the application then fetches it by HTTP.
fn notice_of<'e>(event: &EventRef<'e>) -> EventRef<'e> {
    EventRef { data: b"", ..*event }
}
