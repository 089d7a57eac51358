//! What the engine did since somebody looked: plain numbers, written on the hot path and carried to the metrics once
//! per wake-up.

use super::sign::Sign;
use crate::model::{DropReason, Outcome, Overflow};
use std::time::Duration;

/// Where an event's time goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Read from upstream until its subscription has it.
    Queue,
    /// In the subscription until a push was formed of it: batching, and waiting for room.
    Batch,
    /// Turning a push into segments.
    Encode,
    /// A formed push's segment until it is in the link's buffer.
    Window,
    /// In the link's buffer until the socket took it.
    Submit,
    /// Written until the SMSC answered.
    Accept,
    /// Accepted until the receipt came.
    Receipt,
    /// Read from upstream until it was written to a stream.
    Relay,
}

impl Stage {
    /// Every stage, in the order of its index.
    pub const LABELS: [&'static str; 8] =
        ["queue", "batch", "encode", "window", "submit", "accept", "receipt", "relay"];
}

/// What became of a segment's answer, for counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// Accepted.
    Accepted,
    /// Refused because the whole link was too fast.
    Throttled,
    /// Refused for now, and going again.
    Retried,
    /// Refused for good.
    Failed,
    /// No answer came, and it goes once more.
    Resent,
    /// No answer came, and it is given up.
    Unknown,
}

impl Answered {
    /// Every verdict, in the order of its index.
    pub const LABELS: [&'static str; 6] = ["accepted", "throttled", "retried", "failed", "resent", "unknown"];
}

/// What is asked of an SMSC about a message that it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrandKind {
    /// How far it came.
    Query,
    /// Not to deliver it.
    Cancel,
}

impl ErrandKind {
    /// Every kind, in the order of its index.
    pub const LABELS: [&'static str; 2] = ["query", "cancel"];
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrandResult {
    /// The SMSC did it.
    Done,
    /// It did not.
    Refused,
    /// Nobody knows: the link was lost, or no answer came.
    Lost,
    /// It was not asked: too much waited.
    Dropped,
}

impl ErrandResult {
    /// Every result, in the order of its index.
    pub const LABELS: [&'static str; 4] = ["done", "refused", "lost", "dropped"];
}

/// What a receipt turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptKind {
    /// It named a message as the SMSC had named it before.
    Matched,
    /// It did but for blanks, leading zeros or case.
    Trimmed,
    /// It did in another base.
    Converted,
    /// It came before the response that named its message.
    Parked,
    /// Its message is still on its way.
    Intermediate,
    /// It said once more how its message ended.
    Duplicate,
    /// It said that its message ended otherwise than was said before.
    Contradicting,
    /// Nobody waited for it.
    Stray,
    /// It has no id or no state that can be read.
    Unreadable,
}

impl ReceiptKind {
    /// Every kind, in the order of its index.
    pub const LABELS: [&'static str; 9] = [
        "matched",
        "trimmed",
        "converted",
        "parked",
        "intermediate",
        "duplicate",
        "contradicting",
        "stray",
        "unreadable",
    ];
}

/// Runs of equal latencies kept per stage between two looks; more are recorded by whoever looks more often.
const MAX_RUNS: usize = 4096;

/// Counts since the last [`Tally::clear`].
#[derive(Debug, Default)]
pub struct Tally {
    /// Final outcomes by [`Outcome::index`].
    pub settled: [u64; Outcome::LABELS.len()],
    /// Drops by [`DropReason::index`].
    pub dropped: [u64; DropReason::LABELS.len()],
    /// Events too long for a push's segments, by what was done about them.
    pub oversize: [u64; Overflow::WORDS.len()],
    /// Answers by [`Answered`].
    pub answered: [u64; Answered::LABELS.len()],
    /// Pushes formed.
    pub pushes: u64,
    /// Segments written.
    pub segments: u64,
    /// Segments written again without knowing what became of the first time: an upper bound of repeats.
    pub resent: u64,
    /// Pushes accepted after one that was formed later.
    pub reordered: u64,
    /// Concatenation references given free before they had rested for long enough.
    pub references_reused: u64,
    /// Gap marks sent.
    pub gaps: u64,
    /// Receipts by [`ReceiptKind`].
    pub receipts: [u64; ReceiptKind::LABELS.len()],
    /// Errands by [`ErrandKind`] and [`ErrandResult`].
    pub errands: [[u64; ErrandResult::LABELS.len()]; ErrandKind::LABELS.len()],
    /// Handsets that went on after the SMSC had no room for them, by [`Sign`].
    pub wakes: [u64; Sign::LABELS.len()],
    /// Responses that belong to no request.
    pub stray_responses: u64,
    /// Subscriptions that woke for an event.
    pub woken: u64,
    /// Subscriptions that fell asleep.
    pub slept: u64,
    /// Latencies per [`Stage`], as runs of equal ones.
    pub stages: [Vec<(Duration, u64)>; Stage::LABELS.len()],
}

impl Tally {
    /// `events` ended as `outcome`.
    pub fn settle(&mut self, outcome: Outcome, events: u64) {
        self.settled[outcome.index()] += events;
        if let Outcome::Dropped(reason) = outcome {
            self.dropped[reason.index()] += events;
        }
    }

    /// A segment was answered.
    pub fn answer(&mut self, answered: Answered) {
        self.answered[answered as usize] += 1;
    }

    /// A receipt turned out to be of this kind.
    #[inline]
    pub fn receipt(&mut self, kind: ReceiptKind) {
        self.receipts[kind as usize] += 1;
    }

    /// This came of an errand.
    pub fn errand(&mut self, kind: ErrandKind, result: ErrandResult) {
        self.errands[kind as usize][result as usize] += 1;
    }

    /// `count` things took `latency` in `stage`.
    pub fn time(&mut self, stage: Stage, latency: Duration, count: u64) {
        let runs = &mut self.stages[stage as usize];
        let full = runs.len() >= MAX_RUNS;
        match runs.last_mut() {
            Some((last, n)) if *last == latency || full => *n += count,
            _ => runs.push((latency, count)),
        }
    }

    /// Starts again from nothing; keeps its memory.
    pub fn clear(&mut self) {
        let mut stages = std::mem::take(&mut self.stages);
        stages.iter_mut().for_each(Vec::clear);
        *self = Self { stages, ..Self::default() };
    }

    /// Whether nothing was counted.
    pub fn is_clear(&self) -> bool {
        let pushes = [self.pushes, self.segments, self.resent, self.reordered, self.references_reused, self.gaps];
        let subscriptions = [self.woken, self.slept, self.stray_responses];
        let events = self.settled.iter().chain(&self.dropped).chain(&self.oversize);
        let counted = self.answered.iter().chain(&self.receipts).chain(&self.wakes).chain(self.errands.as_flattened());
        let all = events.chain(counted).chain(&pushes).chain(&subscriptions);
        all.sum::<u64>() == 0 && self.stages.iter().all(Vec::is_empty)
    }
}
