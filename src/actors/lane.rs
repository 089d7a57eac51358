//! The way from handsets to one link: whoever has something to send waits here until the link has room.
//!
//! Handsets wait, not pushes: a push is formed only when the link asks for it, so what waits can still be batched,
//! expire or be given up. Each handset stands in line once.

use super::handset::HandsetCell;
use crate::engine::clock::Now;
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Waker;
use std::time::Duration;

/// Handsets waiting for one link.
#[derive(Default)]
pub struct Lane {
    line: Mutex<Line>,
    link: AtomicWaker,
    open: AtomicBool,
    ready: AtomicUsize,
}

#[derive(Default)]
struct Line {
    ready: VecDeque<Arc<HandsetCell>>,
    /// By time, then by handset.
    later: BTreeMap<(Duration, usize), Arc<HandsetCell>>,
    /// The time of each, so that one whose time changes leaves nothing behind.
    times: HashMap<usize, Duration>,
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

    /// Puts a handset in line; the caller has made sure that it is not there.
    pub(super) fn push(&self, handset: Arc<HandsetCell>) {
        let mut line = self.line.lock();
        line.ready.push_back(handset);
        self.ready.store(line.ready.len(), Ordering::Relaxed);
        drop(line);
        self.link.wake();
    }

    /// Puts a handset in line at the time `at`, or earlier if it was to come earlier.
    pub(super) fn push_later(&self, at: Duration, handset: &Arc<HandsetCell>) {
        // Whole microseconds, rounded up: one that comes a moment too early is not ready, and would come again at once
        // and for ever.
        let at = Duration::from_micros(at.as_nanos().div_ceil(1000) as u64);
        let key = Arc::as_ptr(handset).addr();
        let mut line = self.line.lock();
        let before = line.times.get(&key).copied();
        if before.is_some_and(|before| before <= at) {
            return;
        }
        let earlier = line.later.first_key_value().is_none_or(|((first, _), _)| at < *first);
        if let Some(before) = before {
            line.later.remove(&(before, key));
        }
        line.later.insert((at, key), Arc::clone(handset));
        line.times.insert(key, at);
        drop(line);
        if earlier {
            self.link.wake();
        }
    }

    /// The next handset in line.
    pub fn pop(&self, now: Now) -> Option<Arc<HandsetCell>> {
        let mut line = self.line.lock();
        while let Some(first) = line.later.first_entry().filter(|first| first.key().0 <= now.monotonic) {
            let ((_, key), handset) = first.remove_entry();
            line.times.remove(&key);
            if handset.enters_line() {
                line.ready.push_back(handset);
            }
        }
        let handset = line.ready.pop_front();
        self.ready.store(line.ready.len(), Ordering::Relaxed);
        drop(line);
        if let Some(handset) = &handset {
            handset.leaves_line();
        }
        handset
    }

    /// When somebody comes in line by the passing of time.
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.line.lock().later.first_key_value().map(|((at, _), _)| *at)
    }

    /// Everybody, to be put in line elsewhere.
    pub fn take_all(&self) -> Vec<Arc<HandsetCell>> {
        let mut line = self.line.lock();
        let mut all: Vec<_> = line.ready.drain(..).collect();
        all.extend(std::mem::take(&mut line.later).into_values());
        line.times.clear();
        self.ready.store(0, Ordering::Relaxed);
        drop(line);
        all.iter().for_each(|handset| handset.leaves_line());
        all
    }

    /// Whom to wake when there is work.
    pub fn register(&self, link: &Waker) {
        self.link.register(link);
    }
}
