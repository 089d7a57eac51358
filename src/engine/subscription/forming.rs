//! Events become pushes: which ones, when, and what is passed over.

use super::body::Fit;
use super::{Subscription, gap_mark};
use crate::codec::segments;
use crate::engine::budget::Purse;
use crate::engine::clock::Now;
use crate::engine::naming::Naming;
use crate::engine::push::{Form, Push};
use crate::engine::references::Numbers;
use crate::engine::tally::{Stage, Tally};
use crate::model::{Content, DropReason, Outcome, Overflow};
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
        if self.screen.is_some() {
            if self.screening_is_due() {
                return true;
            }
            if self.cursor >= self.reach() {
                return false;
            }
        }
        if self.is_at_limit(now) {
            return self.expiry().is_some_and(|expiry| expiry <= now.monotonic);
        }
        let full = self.policy.max_events > 0 && self.pending() >= u64::from(self.policy.max_events);
        full || self.policy.batch_window.is_zero()
            || self.pending_octets + self.around >= self.capacity
            || self.poll_timeout().is_some_and(|due| due <= now.monotonic)
    }

    /// Forms the next push if one is due; false when there is nothing to send.
    pub(super) fn form(&mut self, now: Now, numbers: &mut Numbers, purse: &mut Purse, tally: &mut Tally) -> bool {
        if !self.is_due(now) {
            return false;
        }
        self.changed = true;
        if !self.again.is_empty() {
            let formed = self.form_again(now, numbers, tally);
            self.tell_if_roomy();
            match formed {
                Some(formed) => {
                    if formed {
                        self.charge_again(now, purse);
                    }
                    return formed;
                }
                None if !self.is_due(now) => return false,
                None => {}
            }
        }
        if (self.screen.is_some() || !self.ended.is_empty()) && !self.prepare(now, tally) {
            return false;
        }
        if self.is_at_limit(now) {
            self.skip_unsendable(now, tally);
            return false;
        }
        let mut gap = self.gap;
        let mut selection = self.select(gap, now);
        if selection.events.is_empty() {
            self.skip_unsendable(now, tally);
            if self.cursor >= self.again_start() {
                return self.form(now, numbers, purse, tally);
            }
            gap = self.gap;
            selection = self.select(gap, now);
        }
        if selection.events.is_empty() && gap > 0 {
            gap = 0; // no room for the mark beside a long event: the next push tells
            selection = self.select(gap, now);
        }
        let Ok(mut segments) = segments::count(selection.octets, self.width) else { return false };
        if selection.events.is_empty() {
            return false;
        }
        if !self.pay(now, segments.get(), purse) {
            if !self.stop_at_limit(now, tally) {
                return false;
            }
            gap = 0;
            selection = self.select_all(gap, now);
            let Ok(needed) = segments::count(selection.octets, self.width) else { return false };
            if selection.events.is_empty() || !self.pay_for_notice(now, needed.get(), purse) {
                return false;
            }
            segments = needed;
        }
        self.put(selection, segments.get(), gap, now, numbers, tally);
        true
    }

    /// The push that was selected is on its way.
    fn put(
        &mut self,
        selection: Selection,
        segments: u8,
        gap: u64,
        now: Now,
        numbers: &mut Numbers,
        tally: &mut Tally,
    ) {
        let Selection { at, events, octets: _, form, long, rule } = selection;
        let segments = if self.is_whole { 1 } else { segments };
        let (reference, transaction) = numbers.take(now.monotonic, segments);
        if segments > 1 {
            tally.references_reused += numbers.take_reused();
        }
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
        push.form = form;
        tally.oversize[rule as usize] += long;
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
        if !self.ended.is_empty() {
            self.pass_ended(tally);
        }
        self.note_formed();
    }

    /// Ends and passes over what need not be pushed; whether a push is due all the same.
    #[inline(never)]
    fn prepare(&mut self, now: Now, tally: &mut Tally) -> bool {
        self.screen(tally);
        self.pass_ended(tally);
        self.is_due(now)
    }

    /// Passes over events at the cursor that are missing or have ended.
    fn pass_over(&mut self, tally: &mut Tally) {
        let end = self.last_in_reach();
        while self.cursor < end {
            let Some(chunk) = self.chunks.get(self.chunk_index(self.cursor)) else { return };
            let missing = self.cursor..chunk.range().start.min(end);
            if !missing.is_empty() {
                self.lose(missing, tally);
                continue;
            }
            if self.ended.until(self.cursor).is_none() {
                return;
            }
            self.pass_ended(tally);
        }
    }

    /// Passes over events at the cursor whose time is over or that fit no push.
    fn skip_unsendable(&mut self, now: Now, tally: &mut Tally) {
        let end = self.last_in_reach();
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
            if self.policy.content == Content::Wake && self.wake_fits() || self.fits(chunk, self.cursor, measure) {
                return;
            }
            let is_encodable = measure.block.is_some() || self.policy.content == Content::Wake;
            let reason = if is_encodable { DropReason::Oversize } else { DropReason::Unencodable };
            tally.oversize[Overflow::Drop as usize] += u64::from(is_encodable);
            self.skip(self.cursor..self.cursor + 1, Outcome::Dropped(reason), tally);
        }
    }

    /// The events from the cursor on that one push can hold.
    fn select(&self, gap: u64, now: Now) -> Selection {
        if self.policy.content == Content::Wake {
            return self.select_all(gap, now);
        }
        if !self.ended.is_empty() {
            return self.select_around(gap, now);
        }
        let mut octets = self.around + gap_mark::octets(gap);
        let most = if self.policy.max_events == 0 { u64::MAX } else { u64::from(self.policy.max_events) };
        let last = self.last_in_reach().min(self.cursor.saturating_add(most));
        let (mut seq, mut notices) = (self.cursor, 0);
        let (at, room, by_origin) = (self.chunk_index(seq), self.room(), self.naming == Naming::ORIGIN);
        'chunks: for chunk in self.chunks.range(at..) {
            let own = chunk.range();
            let expired = !self.policy.ttl.is_zero() && now.since(chunk.read_at()) >= self.policy.ttl;
            if expired || own.start > seq {
                break;
            }
            while seq < last.min(own.end) {
                let Some(measure) = chunk.measure(seq) else { break 'chunks };
                let Some(block) = measure.block else { break 'chunks };
                let (head, mut block) = (self.head_octets(chunk, seq, measure), block.get() as usize);
                let id = match seq {
                    _ if seq == self.cursor => head,
                    _ if !by_origin => self.named_octets(chunk, seq, measure),
                    _ if seq == own.start => self.id_behind(seq),
                    _ => measure.id_behind as usize,
                };
                if head + block > room {
                    match self.fit_long(chunk, seq, head, block) {
                        Some(Fit::Notice(shorter)) if octets + id + shorter <= self.capacity => {
                            (block, notices) = (shorter, notices + 1);
                        }
                        Some(Fit::Alone(block)) if seq == self.cursor => {
                            return self.select_long(at, octets + id + block);
                        }
                        _ => break 'chunks,
                    }
                }
                if octets + id + block > self.capacity {
                    break 'chunks;
                }
                octets += id + block;
                seq += 1;
            }
        }
        let form = if notices == 0 { self.new_form() } else { self.new_form().with_notices(room) };
        Selection { at, events: self.cursor..seq, octets, form, long: notices, rule: Overflow::Notify }
    }

    /// As [`Subscription::select`], leaving out what has ended.
    #[inline(never)]
    fn select_around(&self, gap: u64, now: Now) -> Selection {
        let (last, most) = (self.last_in_reach(), self.policy.max_events);
        let (at, room) = (self.chunk_index(self.cursor), self.room());
        let mut octets = self.around + gap_mark::octets(gap);
        let (mut seq, mut end, mut count, mut notices, mut previous) = (self.cursor, self.cursor, 0, 0, None);
        'chunks: for chunk in self.chunks.range(at..) {
            let own = chunk.range();
            let expired = !self.policy.ttl.is_zero() && now.since(chunk.read_at()) >= self.policy.ttl;
            let full = seq >= last || (most > 0 && count == most);
            if full || expired || !self.ended.covers(&(seq..own.start)) {
                break;
            }
            seq = seq.max(own.start);
            while seq < last.min(own.end) && (most == 0 || count < most) {
                if let Some(until) = self.ended.until(seq) {
                    seq = until;
                    continue;
                }
                let Some((event, measure)) = chunk.get(seq).zip(chunk.measure(seq)) else { break 'chunks };
                let Some(block) = measure.block else { break 'chunks };
                let (head, mut block) = (self.head_octets(chunk, seq, measure), block.get() as usize);
                let id = match previous {
                    None => head,
                    Some(previous) => self.octets_behind(&event, head, previous),
                };
                if head + block > room {
                    match self.fit_long(chunk, seq, head, block) {
                        Some(Fit::Notice(shorter)) if octets + id + shorter <= self.capacity => {
                            (block, notices) = (shorter, notices + 1);
                        }
                        Some(Fit::Alone(block)) if previous.is_none() => {
                            return self.select_long(at, octets + id + block);
                        }
                        _ => break 'chunks,
                    }
                }
                if octets + id + block > self.capacity {
                    break 'chunks;
                }
                octets += id + block;
                count += 1;
                seq += 1;
                (end, previous) = (seq, Some(event.id));
            }
        }
        let form = if notices == 0 { self.new_form() } else { self.new_form().with_notices(room) };
        Selection { at, events: self.cursor..end, octets, form, long: notices, rule: Overflow::Notify }
    }

    /// The event at the cursor, which needs a push of its own of so many octets.
    fn select_long(&self, at: usize, octets: usize) -> Selection {
        let long = u64::from(octets <= self.most_octets());
        let events = self.cursor..self.cursor + long;
        Selection { at, events, octets, form: self.new_form(), long, rule: Overflow::Split }
    }

    /// All that wait: one push tells of them, whatever they are.
    fn select_all(&self, gap: u64, now: Now) -> Selection {
        let (last, at) = (self.last_in_reach(), self.chunk_index(self.cursor));
        let mut seq = self.cursor;
        for chunk in self.chunks.range(at..) {
            let own = chunk.range();
            let expired = !self.policy.ttl.is_zero() && now.since(chunk.read_at()) >= self.policy.ttl;
            if expired || seq >= last || !self.ended.covers(&(seq..own.start)) {
                break;
            }
            seq = last.min(own.end);
        }
        // The newest that it tells of is one that waits.
        seq = self.ended.since(seq).unwrap_or(seq).max(self.cursor);
        let form = self.wake_form(seq);
        let octets = self.around + gap_mark::octets(gap) + self.wake_octets(seq, form);
        let events = if octets <= self.capacity { self.cursor..seq } else { self.cursor..self.cursor };
        Selection { at, events, octets, form, long: 0, rule: Overflow::Notify }
    }

    /// One past the last event that the next push can have.
    fn last_in_reach(&self) -> u64 {
        self.reach().min(self.again_start())
    }

    fn time_batch(&self, at: usize, events: &Range<u64>, now: Now, tally: &mut Tally) {
        let mut seq = events.start;
        for chunk in self.chunks.range(at..) {
            let until = events.end.min(chunk.range().end);
            if seq >= until {
                break;
            }
            tally.time(Stage::Batch, now.since(chunk.read_at()), self.ended.count_open(&(seq..until)));
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
    form: Form,
    /// How many of them are too long.
    long: u64,
    /// What was done about those.
    rule: Overflow,
}
