//! The way from handsets to one link: whoever has something to send waits here until the link has room.
//!
//! Handsets wait, not pushes: a push is formed only when the link asks for it, so what waits can still be batched,
//! expire or be given up. Each handset stands in line once. Who is next, [`line`](crate::engine::line) says.

use super::handset::HandsetCell;
use crate::engine::clock::Now;
use crate::engine::line::{Line, Turn};
use crate::model::PackedMsisdn;
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Waker;
use std::time::Duration;

/// Handsets waiting for one link.
#[derive(Default)]
pub struct Lane {
    waiting: Mutex<Waiting>,
    link: AtomicWaker,
    open: AtomicBool,
    ready: AtomicUsize,
}

#[derive(Default)]
struct Waiting {
    ready: Line<Arc<HandsetCell>>,
    /// By time, then by handset; and with which priority each is to stand in line.
    later: BTreeMap<(Duration, usize), (Arc<HandsetCell>, u8)>,
    /// The time of each by its number, so that it is found, and leaves nothing behind when its time changes.
    times: BTreeMap<(PackedMsisdn, usize), Duration>,
}

impl Lane {
    /// Whether its link is bound and takes work.
    pub fn is_open(&self) -> bool {
        self.open.load(Ordering::Relaxed)
    }

    /// The link is bound, or is no more.
    pub fn set_open(&self, open: bool) {
        self.open.store(open, Ordering::Relaxed);
        self.link.wake();
    }

    /// Lets its link look again.
    pub fn wake(&self) {
        self.link.wake();
    }

    /// Handsets in line.
    pub fn len(&self) -> usize {
        self.ready.load(Ordering::Relaxed)
    }

    /// Whether nobody is in line.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts a handset in line for what it has to send with this priority; the caller has made sure that it is not there.
    pub(super) fn push(&self, handset: Arc<HandsetCell>, priority: u8) {
        let mut waiting = self.waiting.lock();
        waiting.ready.push(handset.tenant(), priority, handset);
        self.ready.store(waiting.ready.len(), Ordering::Relaxed);
        drop(waiting);
        self.link.wake();
    }

    /// Puts a handset in line at the time `at`, or earlier if it was to come earlier.
    pub(super) fn push_later(&self, at: Duration, handset: &Arc<HandsetCell>, priority: u8) {
        // Whole microseconds, rounded up: one that comes a moment too early is not ready, and would come again at once
        // and for ever.
        let at = Duration::from_micros(at.as_nanos().div_ceil(1000) as u64);
        let key = Arc::as_ptr(handset).addr();
        let mut waiting = self.waiting.lock();
        let found = (handset.packed_number(), key);
        let before = waiting.times.get(&found).copied();
        if before.is_some_and(|before| before <= at) {
            return;
        }
        let earlier = waiting.later.first_key_value().is_none_or(|((first, _), _)| at < *first);
        if let Some(before) = before {
            waiting.later.remove(&(before, key));
        }
        waiting.later.insert((at, key), (Arc::clone(handset), priority));
        waiting.times.insert(found, at);
        drop(waiting);
        if earlier {
            self.link.wake();
        }
    }

    /// The handset that has the next turn; in the last one that was given, `used` segments were written.
    pub fn pop(&self, now: Now, used: usize) -> Option<Turn<Arc<HandsetCell>>> {
        let mut waiting = self.waiting.lock();
        let Waiting { ready, later, times } = &mut *waiting;
        while let Some(first) = later.first_entry().filter(|first| first.key().0 <= now.monotonic) {
            let ((_, key), (handset, priority)) = first.remove_entry();
            times.remove(&(handset.packed_number(), key));
            if handset.enters_line(priority) {
                ready.push(handset.tenant(), priority, handset);
            }
        }
        let mut turn = ready.pop(used);
        while turn.as_ref().is_some_and(|turn| !turn.item.leaves_line(turn.class)) {
            turn = ready.pop(0);
        }
        self.ready.store(ready.len(), Ordering::Relaxed);
        turn
    }

    /// Those with this number who are to come later.
    pub(super) fn waiting(&self, number: PackedMsisdn) -> Vec<Arc<HandsetCell>> {
        let waiting = self.waiting.lock();
        let times = waiting.times.range((number, 0)..=(number, usize::MAX));
        let found = times.filter_map(|((_, key), at)| waiting.later.get(&(*at, *key)));
        found.map(|(handset, _)| Arc::clone(handset)).collect()
    }

    /// When somebody comes in line by the passing of time.
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.waiting.lock().later.first_key_value().map(|((at, _), _)| *at)
    }

    /// Everybody, to be put in line elsewhere.
    pub fn take_all(&self) -> Vec<Arc<HandsetCell>> {
        let mut waiting = self.waiting.lock();
        let stood = waiting.ready.take_all();
        let later = std::mem::take(&mut waiting.later).into_values();
        waiting.times.clear();
        self.ready.store(0, Ordering::Relaxed);
        drop(waiting);
        stood.iter().for_each(|(handset, priority)| _ = handset.leaves_line(*priority));
        stood.into_iter().chain(later).map(|(handset, _)| handset).collect()
    }

    /// Whom to wake when there is work.
    pub fn register(&self, link: &Waker) {
        self.link.register(link);
    }
}
