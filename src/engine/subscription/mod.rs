//! One subscription: events in, pushes formed as late as possible, their answers, and how each event ends.
//!
//! `intake` takes events, `screening` ends those that need not be pushed, `forming` makes pushes of the others, `again`
//! those of an earlier process, `asking` says which of their segments want a receipt, `body` writes what they say,
//! `writing` gives their segments to a link, `answer` is what comes back for them, `settling` follows pushes to their end;
//! `relay` keeps events from being pushed while a stream brings them; `withdrawing` takes back what is not wanted any
//! more.

mod again;
mod answer;
mod asking;
mod body;
mod forming;
mod gap_mark;
mod intake;
mod keys;
mod limited;
mod relay;
mod screening;
mod settling;
mod withdrawing;
mod writing;

pub use answer::{Answer, Settlement};
pub use intake::{Backlog, BacklogRule, Roomy, Taken};
pub(super) use writing::Writing;

use super::budget::Shares;
use super::chunk::Chunk;
use super::clock::Now;
use super::ended::Ended;
use super::envelope::Envelope;
use super::naming::Naming;
use super::progress::{OpenPushes, Progress};
use super::push::Push;
use super::receipts::FateId;
use crate::codec::segments::{self, Cut, ReferenceWidth};
use crate::codec::udh::Ports;
use crate::model::{DropReason, Ids, Policy, SubscriptionId};
use limited::Hold;
use relay::Relay;
use screening::Screen;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// A subscription's events and pushes.
pub struct Subscription {
    id: SubscriptionId,
    policy: Policy,
    envelope: Envelope,
    /// Octets of it.
    around: usize,
    /// UDH ports.
    ports: Ports,
    /// How events are called whatever the policy.
    profile_naming: Naming,
    /// How events are called in pushes that are formed now.
    naming: Naming,
    /// The width of references that segments have room for.
    width: ReferenceWidth,
    /// Whether a push goes in one message, which the SMSC cuts.
    is_whole: bool,
    /// Octets of WSP PDU that the policy's segments hold.
    capacity: usize,
    chunks: VecDeque<Arc<Chunk>>,
    /// Octets of `chunks`.
    octets: usize,
    backlog: Backlog,
    /// Chunks were refused.
    behind: bool,
    /// Told when half of the backlog is free.
    roomy: Option<Roomy>,
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
    /// The push that was accepted last, if its receipts are awaited and nobody asked.
    accepted_last: Option<FateId>,
    /// Events before this one wait for no others.
    flushed: u64,
    /// Events lost since the last push told of it.
    gap: u64,
    watched: bool,
    /// It was told from which event on it is to have them.
    attached: bool,
    /// Events from `released` on that ended out of turn, each before a push was formed around it: before it started
    /// anew, or since they need not be pushed.
    ended: Ended,
    /// If not every event is pushed.
    screen: Option<Box<Screen>>,
    /// Pushes of an earlier process that are formed again as they were, before anything new is.
    again: VecDeque<OpenPushes>,
    /// Whether those of them that were sent go again.
    resends: bool,
    /// Something has to be saved.
    changed: bool,
    /// If streams bring events to the handset, or did.
    relay: Option<Box<Relay>>,
    /// Budgets that its pushes are charged to, beside its handset's.
    shares: Option<Arc<Shares>>,
    /// If it has met one of their limits.
    hold: Option<Box<Hold>>,
    /// It takes no more, and ends with what it has.
    draining: bool,
    closing: Option<DropReason>,
}

impl Subscription {
    /// A subscription that wants the events from number `from` on.
    pub fn new(
        id: SubscriptionId,
        policy: Policy,
        envelope: impl Into<Envelope>,
        cut: impl Into<Cut>,
        from: u64,
        backlog: Backlog,
    ) -> Self {
        let cut = cut.into();
        let width = cut.room_width();
        let capacity = segments::capacity(policy.max_segments.get(), width);
        let (envelope, ids) = (envelope.into(), policy.ids);
        let screen = Screen::of(&policy);
        let (around, profile_naming) = (envelope.octets(), Naming::of(envelope.key));
        Self {
            id,
            policy,
            envelope,
            around,
            ports: Ports { destination: 0, source: 0 },
            profile_naming,
            naming: profile_naming.with(ids == Ids::All),
            width,
            is_whole: cut.is_whole(),
            capacity,
            chunks: VecDeque::new(),
            octets: 0,
            backlog,
            behind: false,
            roomy: None,
            released: from,
            cursor: from,
            end: from,
            pending_octets: 0,
            pushes: VecDeque::new(),
            first_push: 0,
            unsent: 0,
            outstanding: 0,
            last_accepted: 0,
            accepted_last: None,
            flushed: 0,
            gap: 0,
            watched: false,
            attached: false,
            ended: Ended::default(),
            screen,
            again: VecDeque::new(),
            resends: true,
            changed: false,
            relay: None,
            shares: None,
            hold: None,
            draining: false,
            closing: None,
        }
    }

    /// Goes on from `progress`. Pushes that were sent go again only if `resends`.
    #[must_use]
    pub fn resumed(mut self, progress: &Progress, resends: bool) -> Self {
        self.handle_attached(progress.released);
        self.ended = Ended::new(progress.ended.clone());
        self.again = progress.open.iter().copied().filter(|run| run.events > 0 && run.count > 0).collect();
        (self.gap, self.resends) = (progress.gap, resends);
        self
    }

    /// How far it is, for another process to go on from; and nothing has to be saved until it changes.
    pub fn save(&mut self) -> Progress {
        self.changed = false;
        let mut progress = Progress { released: self.released, gap: self.gap, ..Progress::default() };
        for push in &self.pushes {
            match push.outcome {
                Some(_) => progress.add_ended(push.events.clone()),
                None => {
                    // Its octets follow from these, too.
                    self.ended.within(&push.events).for_each(|hole| progress.add_ended(hole));
                    progress.add_open(push.as_open());
                }
            }
        }
        self.ended.within(&(self.cursor..u64::MAX)).for_each(|ended| progress.add_ended(ended));
        self.again.iter().for_each(|run| progress.add_open(*run));
        progress
    }

    /// Which one.
    pub fn id(&self) -> SubscriptionId {
        self.id
    }

    /// Whether something has to be saved.
    pub fn is_changed(&self) -> bool {
        self.changed
    }

    /// The policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// What is put around its pushes.
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// Its pushes go by these ports, unless its envelope says others.
    pub(super) fn set_ports(&mut self, ports: Ports) {
        self.ports = self.envelope.ports.unwrap_or(ports);
    }

    /// Every event before this number is released.
    pub fn released(&self) -> u64 {
        self.released
    }

    /// Events that wait for a push.
    pub fn pending(&self) -> u64 {
        self.ended.count_open(&(self.cursor..self.end))
    }

    /// The first event that no push was formed of yet.
    pub fn next(&self) -> u64 {
        self.cursor
    }

    /// Pushes that are not settled.
    pub fn outstanding(&self) -> usize {
        self.outstanding
    }

    /// Segments that were sent, may have been accepted, and would be sent again if it started anew.
    pub fn awaited(&self) -> u64 {
        self.pushes.iter().filter(|push| push.outcome.is_none()).map(|push| u64::from(push.awaited)).sum()
    }

    /// Whether it is about to end.
    pub fn is_closing(&self) -> bool {
        self.closing.is_some() || self.draining
    }

    /// Whether it was closed, or has nothing left, and nothing of it is outstanding.
    pub fn is_finished(&self) -> bool {
        let nothing_waits = self.closing.is_some() || (self.draining && self.cursor == self.end);
        nothing_waits && self.outstanding == 0
    }

    /// It takes no more, and ends by itself when what it has is sent.
    pub fn drain(&mut self) {
        self.draining = true;
    }

    /// Whether the number of its next event says all about it.
    pub fn is_quiet(&self) -> bool {
        let nothing_waits = self.released == self.end && self.pushes.is_empty() && self.ended.is_empty();
        nothing_waits
            && self.again.is_empty()
            && self.gap == 0
            && self.attached
            && !self.behind
            && self.has_no_news()
            && !self.is_closing()
    }

    /// Changes the policy; pushes on their way keep what they were formed by.
    pub fn set_policy(&mut self, policy: Policy) {
        self.capacity = segments::capacity(policy.max_segments.get(), self.width);
        if self.policy.at_limit != policy.at_limit {
            self.hold = None;
        }
        if (&policy.types, &policy.coalesce) != (&self.policy.types, &self.policy.coalesce) {
            self.screen = Screen::of(&policy);
        }
        self.policy = policy;
        self.naming = self.naming_of(self.new_form());
        self.pending_octets = self.measure(self.cursor..self.end);
    }

    /// Its first event will be number `from`. Only the first word counts: what it misses later is lost, and told.
    pub fn handle_attached(&mut self, from: u64) {
        if !self.attached && self.end == self.released && self.chunks.is_empty() && self.pushes.is_empty() {
            (self.released, self.cursor, self.end) = (from, from, from);
        }
        self.attached = true;
    }

    /// Whether it was told which event is its first.
    pub fn is_attached(&self) -> bool {
        self.attached
    }

    /// One past the number of the last event that came.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// What waits for more events to go with it waits no longer.
    pub(super) fn flush(&mut self) {
        self.flushed = self.end;
    }

    /// The push that was accepted last, if its receipts are awaited and this was not asked before.
    #[inline]
    pub(super) fn take_released(&mut self) -> Option<FateId> {
        self.accepted_last.take()
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
        let waits = self.cursor < self.end && !self.waits_for_rest();
        let oldest = self.chunks.get(self.chunk_index(self.cursor)).filter(|_| waits)?.read_at().monotonic;
        let oldest = match &self.screen {
            None => oldest,
            Some(_) if self.cursor >= self.reach() && !self.screening_is_due() => return None,
            Some(_) => self.waiting_since(oldest.into()).into(),
        };
        let held_until = self.held_until()?;
        let window = if self.cursor < self.flushed { Duration::ZERO } else { self.policy.batch_window };
        let due = (oldest + window).max(held_until);
        let Some(limit_until) = self.limit_until() else { return Some(due) };
        Some(due.max(limit_until).min(self.expiry().unwrap_or(Duration::MAX).max(held_until)))
    }

    /// Whether events of a push had ended before it was formed.
    #[inline]
    fn has_holes(&self, events: &Range<u64>) -> bool {
        !self.ended.is_empty() && self.ended.within(events).next().is_some()
    }

    /// The numbers of the pushes there are.
    fn numbers(&self) -> Range<u64> {
        self.first_push..self.first_push + self.pushes.len() as u64
    }

    /// Where the push with this number is, unless it is gone.
    fn place(&self, number: u64) -> Option<usize> {
        let at = usize::try_from(number.checked_sub(self.first_push)?).ok()?;
        (at < self.pushes.len()).then_some(at)
    }

    #[inline]
    fn chunk_index(&self, seq: u64) -> usize {
        match self.chunks.front() {
            Some(first) if first.range().end > seq => 0,
            _ => self.chunks.partition_point(|chunk| chunk.range().end <= seq),
        }
    }
}
