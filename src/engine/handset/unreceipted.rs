//! Pushes that the SMSC has and that the handset may not have yet: what is more than a few of them waits here, where it
//! can still be batched, replaced or expire, and not there.

use crate::engine::clock::Stamp;
use crate::engine::receipts::{FateId, Receipts};
use std::collections::VecDeque;
use std::time::Duration;

/// How long a push counts without a receipt. A receipt that is lost must not stop a handset for good, and a handset that
/// is switched off must not have its backlog moved to the SMSC in an hour: it has its few every ten minutes, unless it
/// says before that it is there.
const COUNTS_FOR: Duration = Duration::from_secs(600);

/// Accepted pushes of one handset whose receipts are awaited, oldest first.
#[derive(Debug, Default)]
pub(super) struct Unreceipted {
    /// The most of them; 0 for any number.
    most: u16,
    pushes: VecDeque<Awaited>,
}

#[derive(Debug)]
struct Awaited {
    until: Stamp,
    fate: FateId,
    /// The table tells when its receipts are in.
    watched: bool,
}

impl Unreceipted {
    pub fn new(most: u16) -> Self {
        Self { most, pushes: VecDeque::new() }
    }

    pub fn is_limited(&self) -> bool {
        self.most > 0
    }

    /// Whether no more may be sent, with so many on their way to the SMSC.
    #[inline]
    pub fn is_full(&self, on_their_way: usize) -> bool {
        self.most > 0 && self.pushes.len() + on_their_way >= usize::from(self.most)
    }

    /// Whether no more may be sent at `now`.
    pub fn is_full_at(&self, now: Duration, on_their_way: usize) -> bool {
        if !self.is_full(on_their_way) {
            return false;
        }
        let over = self.pushes.iter().take_while(|push| push.until <= Stamp::from(now)).count();
        self.pushes.len() - over + on_their_way >= usize::from(self.most)
    }

    /// When the oldest counts no more.
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.pushes.front().map(|push| push.until.into())
    }

    /// The SMSC has accepted the whole of a push.
    pub fn handle_accepted(&mut self, now: Duration, fate: FateId) {
        if self.most > 0 {
            self.pushes.push_back(Awaited { until: (now + COUNTS_FOR).into(), fate, watched: false });
        }
    }

    /// The receipts of a push are in, or not awaited any more. An SMSC keeps the order of a handset's messages, so
    /// receipts of earlier ones that are not here are lost.
    pub fn handle_told(&mut self, fate: FateId) {
        if let Some(at) = self.pushes.iter().position(|push| push.fate == fate) {
            self.pushes.drain(..=at);
        }
    }

    /// Forgets those that count no more; they go by this SMSC.
    pub fn look(&mut self, now: Duration, receipts: &Receipts, smsc: u8) {
        // Where receipts never come there is nothing to wait for.
        if receipts.is_silent(now, smsc) {
            self.pushes.clear();
        }
        let ended = self.pushes.iter().rposition(|push| push.until <= Stamp::from(now) || !receipts.is_open(push.fate));
        self.pushes.drain(..ended.map_or(0, |last| last + 1));
    }

    /// Those that the table is to tell of, if that is what is waited for.
    pub fn watch_for(&mut self) -> impl Iterator<Item = FateId> {
        let full = self.is_full(0);
        let new = self.pushes.iter_mut().filter(move |push| full && !push.watched);
        new.map(|push| {
            push.watched = true;
            push.fate
        })
    }

    /// The handset is there: what the SMSC has for it is on its way.
    pub fn clear(&mut self) {
        self.pushes.clear();
    }

    pub fn is_empty(&self) -> bool {
        self.pushes.is_empty()
    }
}
