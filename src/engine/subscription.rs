//! One subscription: events in, pushes formed as late as possible, their answers, and how each event ends.

use super::chunk::Chunk;
use super::clock::Now;
use super::encoder::{Encoder, Frame, Piece};
use super::push::{Doom, Push, SegmentSet};
use super::receipts::Receipts;
use super::references::Numbers;
use super::tally::{Answered, Stage, Tally};
use super::verdict::{self, MAX_RETRIES, Verdict};
use crate::codec::segments::{self, ReferenceWidth};
use crate::codec::smpp::CommandStatus;
use crate::codec::sse::{self, EventRef};
use crate::codec::wsp::PushTemplate;
use crate::model::{DropReason, Outcome, Overflow, Policy, Receipts as Wanted};
use bytes::{BufMut, BytesMut};
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// What came back for a segment.
#[derive(Clone, Copy, Debug)]
pub enum Answer<'a> {
    /// The SMSC accepted it under a name of its own.
    Accepted {
        /// The name, for receipts.
        message_id: &'a [u8],
    },
    /// The SMSC refused it.
    Refused {
        /// Why.
        status: CommandStatus,
    },
    /// Nobody knows: the link died, or no answer came in time.
    Unknown {
        /// Whether it may be sent once more.
        resend: bool,
    },
}

/// Where outcomes go: counted now, or when their receipts are in.
pub struct Settlement<'a> {
    /// Counts.
    pub tally: &'a mut Tally,
    /// Receipts of the SMSC.
    pub receipts: &'a mut Receipts,
}

/// A link's side of writing a segment.
pub(super) struct Writing<'a> {
    /// Encodes.
    pub encoder: &'a mut Encoder,
    /// Is written to.
    pub out: &'a mut BytesMut,
    /// The number that the submit_sm gets.
    pub sequence_number: u32,
    /// Names the handset's subscription among all that the encoder sees.
    pub owner: u64,
}

/// A subscription's events and pushes.
pub struct Subscription {
    policy: Policy,
    envelope: PushTemplate,
    width: ReferenceWidth,
    /// Octets of WSP PDU that the policy's segments hold.
    capacity: usize,
    chunks: VecDeque<Arc<Chunk>>,
    backlog: usize,
    backlog_limit: usize,
    /// Every event before this one has ended or was accepted.
    released: u64,
    /// The next event to be put into a push.
    cursor: u64,
    /// One past the last event that came.
    end: u64,
    /// Octets that the events from `cursor` on need; kept only while a batch window asks for it.
    pending_octets: usize,
    pushes: VecDeque<Push>,
    /// The number of the first of `pushes`.
    first_push: u64,
    /// Pushes with something to send.
    unsent: usize,
    /// Pushes that are not settled.
    outstanding: usize,
    last_accepted: u64,
    /// Events lost since the last push told of it.
    gap: u64,
    watched: bool,
    closing: Option<DropReason>,
}

impl Subscription {
    /// A subscription that wants the events from number `from` on and keeps at most `backlog_limit` octets waiting.
    pub fn new(policy: Policy, envelope: PushTemplate, width: ReferenceWidth, from: u64, backlog_limit: usize) -> Self {
        let capacity = segments::capacity(policy.max_segments.get(), width);
        Self {
            policy,
            envelope,
            width,
            capacity,
            chunks: VecDeque::new(),
            backlog: 0,
            backlog_limit,
            released: from,
            cursor: from,
            end: from,
            pending_octets: 0,
            pushes: VecDeque::new(),
            first_push: 0,
            unsent: 0,
            outstanding: 0,
            last_accepted: 0,
            gap: 0,
            watched: false,
            closing: None,
        }
    }

    /// The policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The WSP header block of its pushes.
    pub fn envelope(&self) -> &PushTemplate {
        &self.envelope
    }

    /// Every event before this number is released.
    pub fn released(&self) -> u64 {
        self.released
    }

    /// Events that wait for a push.
    pub fn pending(&self) -> u64 {
        self.end - self.cursor
    }

    /// Pushes that are not settled.
    pub fn outstanding(&self) -> usize {
        self.outstanding
    }

    /// Segments that were sent, may have been accepted, and would be sent again if it started anew.
    pub fn awaited(&self) -> u64 {
        self.pushes.iter().filter(|push| push.outcome.is_none()).map(|push| u64::from(push.awaited)).sum()
    }

    /// Whether it was closed and nothing of it is outstanding.
    pub fn is_finished(&self) -> bool {
        self.closing.is_some() && self.outstanding == 0
    }

    /// Changes the policy; pushes on their way keep what they were formed by.
    pub fn set_policy(&mut self, policy: Policy) {
        self.capacity = segments::capacity(policy.max_segments.get(), self.width);
        self.policy = policy;
        let waiting = (self.cursor..self.end).filter_map(|seq| self.event(seq));
        self.pending_octets = waiting.map(|event| self.measure(&event, b"")).sum();
    }

    /// Its first event will be number `from`; means nothing once events have come.
    pub fn handle_attached(&mut self, from: u64) {
        if self.end == self.released && self.chunks.is_empty() && self.pushes.is_empty() {
            (self.released, self.cursor, self.end) = (from, from, from);
        }
    }

    /// Tells subscribers that `lost` events before the next one are gone.
    pub fn handle_gap(&mut self, lost: u64) {
        self.gap += lost;
    }

    /// Takes events. What it has already is left out; what is missing in between is lost, and the handset will be told.
    pub fn handle_chunk(&mut self, now: Now, chunk: &Arc<Chunk>, tally: &mut Tally) {
        let range = chunk.range();
        if range.end <= self.end || self.closing.is_some() {
            return;
        }
        tally.time(Stage::Queue, now.since(chunk.read_at()), range.end - self.end.max(range.start));
        if !self.policy.batch_window.is_zero() {
            self.pending_octets += (self.end..range.end).filter_map(|seq| chunk.get(seq)).map(|e| self.measure(&e, b"")).sum::<usize>();
        }
        self.watched |= chunk.watch().is_some();
        self.backlog += chunk.octets();
        self.end = range.end;
        self.chunks.push_back(Arc::clone(chunk));
        while self.backlog > self.backlog_limit && self.drop_oldest_waiting(tally) {}
    }

    /// Whether a push was formed and has segments to be sent.
    pub fn has_unsent(&self) -> bool {
        self.unsent > 0
    }

    /// Whether `poll_segment` would write something now.
    pub fn is_ready(&self, now: Now, may_form: bool) -> bool {
        self.unsent > 0 || (may_form && self.is_due(now))
    }

    /// When [`Subscription::is_ready`] may turn true by itself.
    pub fn poll_timeout(&self) -> Option<Duration> {
        let oldest = self.chunks.get(self.chunk_index(self.cursor)).filter(|_| self.cursor < self.end)?;
        Some(oldest.read_at().monotonic + self.policy.batch_window)
    }

    /// Writes the next segment to go and says which it is: the push's number and the segment's index.
    ///
    /// To be called again until it returns `None`; then again after any `handle_*` and at `poll_timeout`.
    pub(super) fn poll_segment(
        &mut self,
        now: Now,
        may_form: bool,
        frame: &Frame<'_>,
        numbers: &mut Numbers,
        writing: &mut Writing<'_>,
        settlement: &mut Settlement<'_>,
    ) -> Option<(u64, u8)> {
        loop {
            if self.unsent == 0 && !(may_form && self.form(now, numbers, settlement.tally)) {
                return None;
            }
            let at = self.first_unsent()?;
            let push = &mut self.pushes[at];
            let index = push.to_send.lowest()?;
            if push.expires_at.is_some_and(|until| until <= now.monotonic) {
                push.doom(Doom::Expired);
                self.unsent -= 1;
                self.settle_if_done(at, now, numbers, settlement);
                continue;
            }
            let number = self.first_push + at as u64;
            if !self.write_segment(at, index, now, frame, writing) {
                debug_assert!(false, "a push is measured before it is formed");
                self.pushes[at].doom(Doom::Failed);
                self.unsent -= 1;
                self.settle_if_done(at, now, numbers, settlement);
                continue;
            }
            self.note_written(at, index, now, settlement.tally);
            return Some((number, index));
        }
    }

    /// Takes the answer to a segment and says what it means for handset and link. An answer to a push that is gone
    /// means nothing.
    pub(super) fn handle_answer(
        &mut self,
        now: Now,
        (number, index): (u64, u8),
        answer: Answer<'_>,
        numbers: &mut Numbers,
        settlement: &mut Settlement<'_>,
    ) -> Verdict {
        let Some(at) = self.place(number) else { return Verdict::Accept };
        let push = &mut self.pushes[at];
        push.awaited = push.awaited.saturating_sub(1);
        let had_unsent = !push.to_send.is_empty();
        let verdict = match answer {
            Answer::Accepted { message_id } => {
                push.accepted = push.accepted.saturating_add(1);
                push.refusals = 0;
                settlement.tally.answer(Answered::Accepted);
                if self.policy.receipts == Wanted::All {
                    let fate = *push.fate.get_or_insert_with(|| settlement.receipts.open(push.segments));
                    settlement.receipts.handle_accepted(now.monotonic, fate, message_id, settlement.tally);
                }
                Verdict::Accept
            }
            Answer::Refused { status } => refuse(push, index, verdict::judge(status), settlement.tally),
            Answer::Unknown { resend } => {
                numbers.quarantine(now.monotonic, push.reference);
                lose_answer(push, index, resend, settlement.tally);
                Verdict::Accept
            }
        };
        let has_unsent = !push.to_send.is_empty();
        self.unsent = self.unsent + usize::from(has_unsent && !had_unsent) - usize::from(!has_unsent && had_unsent);
        self.settle_if_done(at, now, numbers, settlement);
        verdict
    }

    /// Ends what waits, for `reason`; what was sent is still answered.
    pub(super) fn close(&mut self, now: Now, reason: DropReason, numbers: &mut Numbers, settlement: &mut Settlement<'_>) {
        self.closing = Some(reason);
        self.skip(self.cursor..self.end, Outcome::Dropped(reason), settlement.tally);
        for number in self.numbers() {
            let Some(at) = self.place(number) else { continue };
            let push = &mut self.pushes[at];
            if !push.to_send.is_empty() && !push.was_sent() {
                push.doom(Doom::Withdrawn(reason));
                self.unsent -= 1;
                self.settle_if_done(at, now, numbers, settlement);
            }
        }
    }

    /// Ends everything, answered or not, for `reason`: the last thing done to it.
    pub(super) fn abandon(&mut self, now: Now, reason: DropReason, numbers: &mut Numbers, settlement: &mut Settlement<'_>) {
        self.close(now, reason, numbers, settlement);
        for number in self.numbers() {
            let Some(at) = self.place(number) else { continue };
            let push = &mut self.pushes[at];
            push.doom(Doom::Unknown);
            push.awaited = 0;
            self.settle_if_done(at, now, numbers, settlement);
        }
        self.unsent = 0;
    }

    // === forming pushes ===

    /// A push is due when its first event has waited for the batch window, or when it is full.
    fn is_due(&self, now: Now) -> bool {
        if self.cursor == self.end || self.closing.is_some() {
            return false;
        }
        let full = self.policy.max_events > 0 && self.pending() >= u64::from(self.policy.max_events);
        full || self.policy.batch_window.is_zero()
            || self.pending_octets + self.envelope.octets() >= self.capacity
            || self.poll_timeout().is_some_and(|due| due <= now.monotonic)
    }

    /// Forms the next push if one is due; false when there is nothing to send.
    fn form(&mut self, now: Now, numbers: &mut Numbers, tally: &mut Tally) -> bool {
        if !self.is_due(now) {
            return false;
        }
        self.skip_unsendable(now, tally);
        let mut gap = self.gap;
        let mut selection = self.select(gap, now);
        if selection.events.is_empty() && gap > 0 {
            gap = 0; // no room for the mark beside a long event: the next push tells
            selection = self.select(gap, now);
        }
        let Selection { events, octets } = selection;
        let Ok(segments) = segments::count(octets, self.width) else { return false };
        if events.is_empty() {
            return false;
        }
        let segments = segments.get();
        let (reference, transaction) = numbers.take(now.monotonic, segments);
        self.time_batch(&events, now, tally);
        let ttl = self.policy.ttl;
        let oldest = self.chunk_of(events.start).map_or(now.monotonic, |chunk| chunk.read_at().monotonic);
        if !self.policy.batch_window.is_zero() {
            let taken = events.clone().filter_map(|seq| self.event(seq)).map(|e| self.measure(&e, b"")).sum();
            self.pending_octets = self.pending_octets.saturating_sub(taken);
        }
        self.cursor = events.end;
        self.gap -= gap;
        tally.gaps += u64::from(gap > 0);
        tally.pushes += 1;
        self.pushes.push_back(Push {
            events,
            gap,
            room: self.room(),
            segments,
            reference,
            transaction,
            formed_at: now.monotonic,
            expires_at: (!ttl.is_zero()).then(|| oldest + ttl),
            to_send: SegmentSet::first(segments),
            awaited: 0,
            accepted: 0,
            resent: SegmentSet::default(),
            refusals: 0,
            doom: None,
            outcome: None,
            fate: None,
        });
        self.unsent += 1;
        self.outstanding += 1;
        true
    }

    /// Passes over events at the cursor whose time is over or that fit no push.
    fn skip_unsendable(&mut self, now: Now, tally: &mut Tally) {
        while self.cursor < self.end {
            let Some(chunk) = self.chunks.get(self.chunk_index(self.cursor)) else { return };
            let missing = self.cursor..chunk.range().start;
            if !missing.is_empty() {
                self.gap += missing.end - missing.start;
                self.skip(missing, Outcome::Dropped(DropReason::Lagged), tally);
                continue;
            }
            let expired = !self.policy.ttl.is_zero() && now.since(chunk.read_at()) >= self.policy.ttl;
            if expired {
                let until = chunk.range().end.min(self.end);
                self.skip(self.cursor..until, Outcome::Expired, tally);
                continue;
            }
            let Some(event) = chunk.get(self.cursor) else { return };
            if self.as_sent(&event).is_some() {
                return;
            }
            let reason = if is_encodable(&event) { DropReason::Oversize } else { DropReason::Unencodable };
            self.skip(self.cursor..self.cursor + 1, Outcome::Dropped(reason), tally);
        }
    }

    /// The events from the cursor on that one push can hold.
    fn select(&self, gap: u64, now: Now) -> Selection {
        let mut octets = self.envelope.octets() + gap_mark_octets(gap);
        let most = if self.policy.max_events == 0 { u64::MAX } else { u64::from(self.policy.max_events) };
        let last = self.end.min(self.cursor.saturating_add(most));
        let (mut seq, mut previous_id) = (self.cursor, &b""[..]);
        'chunks: for chunk in self.chunks.range(self.chunk_index(self.cursor)..) {
            let expired = !self.policy.ttl.is_zero() && now.since(chunk.read_at()) >= self.policy.ttl;
            if expired || chunk.range().start > seq {
                break;
            }
            while seq < last.min(chunk.range().end) {
                let Some(event) = chunk.get(seq).and_then(|event| self.as_sent(&event)) else { break 'chunks };
                let more = sse::encoded_len(&event, previous_id);
                if octets + more > self.capacity {
                    break 'chunks;
                }
                octets += more;
                previous_id = event.id;
                seq += 1;
            }
        }
        Selection { events: self.cursor..seq, octets }
    }

    /// The event as it goes into a push: whole if it fits one alone, else as the policy says, or not at all.
    fn as_sent<'e>(&self, event: &EventRef<'e>) -> Option<EventRef<'e>> {
        let sent = whole_or_notice(event, self.room());
        let whole = sent.data.len() == event.data.len();
        let fits = is_encodable(event) && (whole || (self.policy.overflow == Overflow::Notify && sse::encoded_len(&sent, b"") <= self.room()));
        fits.then_some(sent)
    }

    /// Octets that a push has for one event alone.
    fn room(&self) -> usize {
        self.capacity.saturating_sub(self.envelope.octets())
    }

    fn measure(&self, event: &EventRef<'_>, previous_id: &[u8]) -> usize {
        self.as_sent(event).map_or(0, |event| sse::encoded_len(&event, previous_id))
    }

    /// Writes the events of `push`. Each body is a complete stream of its own (HTML §9.2.5), so the id in force at its
    /// start is written even when an earlier push has set it.
    fn write_body(&self, push: &Push, out: &mut BytesMut) {
        write_gap_mark(push.gap, out);
        let mut previous_id = &b""[..];
        let mut seq = push.events.start;
        for chunk in self.chunks.range(self.chunk_index(seq)..) {
            while seq < push.events.end.min(chunk.range().end) {
                if let Some(event) = chunk.get(seq).map(|event| whole_or_notice(&event, push.room)) {
                    // The parser and the builder let nothing in that the writer refuses.
                    let written = sse::encode(&event, previous_id, out);
                    debug_assert!(written.is_ok(), "{written:?}");
                    previous_id = event.id;
                }
                seq += 1;
            }
        }
    }

    // === the way of a push ===

    /// Refused pushes go before new ones, so the oldest with something to send is next.
    fn first_unsent(&self) -> Option<usize> {
        if self.unsent == 1 && self.pushes.back().is_some_and(|push| !push.to_send.is_empty()) {
            return Some(self.pushes.len() - 1);
        }
        self.pushes.iter().position(|push| !push.to_send.is_empty())
    }

    fn write_segment(&self, at: usize, index: u8, now: Now, frame: &Frame<'_>, writing: &mut Writing<'_>) -> bool {
        let push = &self.pushes[at];
        let piece = Piece {
            frame,
            envelope: &self.envelope,
            push,
            owner: (writing.owner, self.first_push + at as u64),
            index,
            sequence_number: writing.sequence_number,
            now: now.monotonic,
        };
        writing.encoder.write(&piece, |out| self.write_body(push, out), writing.out)
    }

    fn note_written(&mut self, at: usize, index: u8, now: Now, tally: &mut Tally) {
        let push = &mut self.pushes[at];
        push.to_send.remove(index);
        push.awaited += 1;
        tally.segments += 1;
        tally.time(Stage::Window, now.monotonic.saturating_sub(push.formed_at), 1);
        self.unsent -= usize::from(push.to_send.is_empty());
    }

    fn settle_if_done(&mut self, at: usize, now: Now, numbers: &mut Numbers, settlement: &mut Settlement<'_>) {
        let push = &mut self.pushes[at];
        if !push.is_done() || push.outcome.is_some() {
            return;
        }
        numbers.release(push.reference);
        let (events, count, fate) = (push.events.clone(), push.events.end - push.events.start, push.fate);
        let outcome = push.doom.map_or(Outcome::Accepted, Doom::outcome);
        push.outcome = Some(outcome);
        self.outstanding -= 1;
        match fate {
            Some(fate) if outcome == Outcome::Accepted => {
                settlement.receipts.handle_released(now.monotonic, fate, count, settlement.tally);
            }
            fate => {
                fate.into_iter().for_each(|fate| settlement.receipts.forget(fate));
                settlement.tally.settle(outcome, count);
            }
        }
        if outcome == Outcome::Accepted {
            let number = self.first_push + at as u64;
            settlement.tally.reordered += u64::from(number < self.last_accepted);
            self.last_accepted = self.last_accepted.max(number);
        }
        self.tell_watchers(&events, outcome);
        self.pop_settled();
    }

    /// Moves the released position over what has ended, and lets go of the chunks before it.
    fn pop_settled(&mut self) {
        while let Some(push) = self.pushes.pop_front_if(|push| push.outcome.is_some()) {
            self.released = push.events.end;
            self.first_push += 1;
        }
        while let Some(chunk) = self.chunks.pop_front_if(|chunk| chunk.range().end <= self.released) {
            self.backlog -= chunk.octets();
            chunk.release();
        }
    }

    // === what never becomes a push ===

    /// Ends the events of `range`, which starts at the cursor.
    fn skip(&mut self, range: Range<u64>, outcome: Outcome, tally: &mut Tally) {
        if range.is_empty() {
            return;
        }
        tally.settle(outcome, range.end - range.start);
        self.tell_watchers(&range, outcome);
        if !self.policy.batch_window.is_zero() {
            let taken = range.clone().filter_map(|seq| self.event(seq)).map(|e| self.measure(&e, b"")).sum();
            self.pending_octets = self.pending_octets.saturating_sub(taken);
        }
        self.cursor = range.end;
        match self.pushes.back_mut() {
            Some(last) if last.segments == 0 => last.events.end = range.end,
            _ => self.pushes.push_back(Push::passed_over(range, outcome)),
        }
        self.pop_settled();
    }

    /// Gives up the oldest events that wait: the backlog is longer than what the source keeps.
    fn drop_oldest_waiting(&mut self, tally: &mut Tally) -> bool {
        let at = self.chunk_index(self.cursor);
        let Some(chunk) = self.chunks.get(at).filter(|_| at + 1 < self.chunks.len()) else { return false };
        let (range, octets) = (chunk.range(), chunk.octets());
        let lost = self.cursor..range.end;
        let needed = range.start < self.cursor; // by a push that is outstanding
        self.gap += lost.end - lost.start;
        self.skip(lost, Outcome::Dropped(DropReason::Lagged), tally);
        if !needed && let Some(at) = self.chunks.iter().position(|chunk| chunk.range() == range) {
            self.chunks.remove(at);
            self.backlog -= octets;
        }
        true
    }

    // === looking things up ===

    /// The numbers of the pushes there are.
    fn numbers(&self) -> Range<u64> {
        self.first_push..self.first_push + self.pushes.len() as u64
    }

    /// Where the push with this number is, unless it is gone.
    fn place(&self, number: u64) -> Option<usize> {
        let at = usize::try_from(number.checked_sub(self.first_push)?).ok()?;
        (at < self.pushes.len()).then_some(at)
    }

    fn chunk_index(&self, seq: u64) -> usize {
        match self.chunks.front() {
            Some(first) if first.range().end > seq => 0,
            _ => self.chunks.partition_point(|chunk| chunk.range().end <= seq),
        }
    }

    fn chunk_of(&self, seq: u64) -> Option<&Arc<Chunk>> {
        self.chunks.get(self.chunk_index(seq)).filter(|chunk| chunk.range().contains(&seq))
    }

    fn event(&self, seq: u64) -> Option<EventRef<'_>> {
        self.chunk_of(seq)?.get(seq)
    }

    fn tell_watchers(&self, range: &Range<u64>, outcome: Outcome) {
        if !self.watched {
            return;
        }
        for chunk in self.chunks.range(self.chunk_index(range.start)..) {
            let own = chunk.range();
            let both = own.start.max(range.start)..own.end.min(range.end);
            if both.is_empty() {
                break;
            }
            if let Some(watch) = chunk.watch() {
                watch(outcome, both.end - both.start);
            }
        }
    }

    fn time_batch(&self, events: &Range<u64>, now: Now, tally: &mut Tally) {
        let mut seq = events.start;
        for chunk in self.chunks.range(self.chunk_index(seq)..) {
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
    events: Range<u64>,
    octets: usize,
}

/// A stream may carry a NUL in an event's type (HTML §9.2.6 bars it from ids only), but the writer refuses it.
fn is_encodable(event: &EventRef<'_>) -> bool {
    memchr::memchr(0, event.event_type).is_none()
}

/// The event, or its type and id alone if it needs more than `room` octets: the application then fetches it by HTTP.
fn whole_or_notice<'e>(event: &EventRef<'e>, room: usize) -> EventRef<'e> {
    if sse::encoded_len(event, b"") <= room {
        return *event;
    }
    EventRef { data: b"", ..*event }
}

fn refuse(push: &mut Push, index: u8, verdict: Verdict, tally: &mut Tally) -> Verdict {
    let doomed = push.doom.is_some();
    match verdict {
        Verdict::Accept => {}
        Verdict::HoldLink | Verdict::Rebind | Verdict::ParkHandset if !doomed => {
            push.to_send.insert(index);
            push.refusals = push.refusals.saturating_add(1);
            let throttled = verdict == Verdict::HoldLink;
            tally.answer(if throttled { Answered::Throttled } else { Answered::Retried });
        }
        Verdict::Retry if !doomed && push.refusals < MAX_RETRIES => {
            push.to_send.insert(index);
            push.refusals += 1;
            tally.answer(Answered::Retried);
        }
        _ => {
            push.doom(Doom::Failed);
            tally.answer(Answered::Failed);
        }
    }
    verdict
}

/// The segment goes once more, octet for octet as before, or is given up.
fn lose_answer(push: &mut Push, index: u8, resend: bool, tally: &mut Tally) {
    if resend && push.doom.is_none() && !push.resent.contains(index) {
        push.to_send.insert(index);
        push.resent.insert(index);
        tally.resent += 1;
        tally.answer(Answered::Resent);
    } else {
        push.doom(Doom::Unknown);
        tally.answer(Answered::Unknown);
    }
}

/// A comment line, which every parser of event streams ignores (HTML §9.2.6) and ours can read.
fn write_gap_mark(lost: u64, out: &mut BytesMut) {
    if lost == 0 {
        return;
    }
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = lost;
    while rest > 0 {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    out.put_slice(b":gap ");
    out.put_slice(&digits[at..]);
    out.put_u8(b'\n');
}

fn gap_mark_octets(lost: u64) -> usize {
    lost.checked_ilog10().map_or(0, |log| b":gap \n".len() + log as usize + 1)
}
