//! A handset's budget: in its engine while that is awake, in a table of all that have used some today while it sleeps.

use super::used::{Limits, Period, Used, Wait, day_turns};
use super::{Holder, News, Note, Scope, Watch};
use crate::engine::clock::Now;
use crate::model::PackedMsisdn;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Sleeping handsets of which is remembered what they have used, at most; of more it is forgotten, and only the source's
/// and the tenant's budgets hold them.
const MAX_ASLEEP: usize = 1 << 22;
/// Nobody looks for what can be forgotten among fewer.
const FEW: usize = 1024;

/// The budgets of a tenant's handsets, which are alike.
pub struct Purses {
    limits: Limits,
    watch: Arc<dyn Watch>,
    asleep: Mutex<Asleep>,
}

/// What handsets have used that sleep. There may be millions.
#[derive(Default)]
struct Asleep {
    /// Which day is counted.
    day: u32,
    /// By what tells handsets apart.
    purses: HashMap<u64, Small>,
    /// Beyond so many it is looked for what can be forgotten.
    prune_at: usize,
}

/// What is kept of [`Used`].
#[derive(Clone, Copy)]
struct Small {
    today: u32,
    /// On the monotonic clock, rounded up.
    whole_at_seconds: u32,
}

impl Purses {
    /// Budgets with these limits.
    pub fn new(limits: Limits, watch: Arc<dyn Watch>) -> Self {
        Self { limits, watch, asleep: Mutex::default() }
    }

    /// The handset called `serial` has used so much in an earlier process.
    pub fn restore(&self, now: Now, serial: u64, used: Used) {
        self.asleep.lock().put(now, serial, used);
    }

    /// Sleeping handsets of which is remembered what they have used.
    pub fn remembered(&self) -> usize {
        self.asleep.lock().purses.len()
    }
}

impl fmt::Debug for Purses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Purses").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Asleep {
    fn put(&mut self, now: Now, serial: u64, mut used: Used) {
        self.day_turns(now);
        if used.is_forgotten(now) {
            return;
        }
        // One of them was counted before the clock was set back.
        self.day = self.day.max(used.day);
        if self.purses.len() >= self.prune_at.clamp(FEW, MAX_ASLEEP) {
            self.prune(now);
        }
        self.keep(serial, used);
    }

    fn keep(&mut self, serial: u64, used: Used) {
        if self.purses.len() < MAX_ASLEEP {
            let whole_at = Duration::from(used.whole_at);
            let whole_at_seconds = u32::try_from(whole_at.as_millis().div_ceil(1000)).unwrap_or(u32::MAX);
            self.purses.insert(serial, Small { today: used.today, whole_at_seconds });
        }
    }

    fn take(&mut self, serial: u64) -> Option<Used> {
        let Small { today, whole_at_seconds } = self.purses.remove(&serial)?;
        let whole_at = Duration::from_secs(whole_at_seconds.into());
        let mut used = Used::on(self.day, today);
        used.whole_at = whole_at.into();
        Some(used)
    }

    fn day_turns(&mut self, now: Now) {
        let (day, is_new) = day_turns(self.day, now);
        self.day = day;
        if is_new {
            self.purses.values_mut().for_each(|purse| purse.today = 0);
            self.prune(now);
        }
    }

    fn prune(&mut self, now: Now) {
        let seconds = now.monotonic.as_secs();
        self.purses.retain(|_, purse| purse.today > 0 || u64::from(purse.whole_at_seconds) > seconds);
        self.purses.shrink_to(self.purses.len() * 2);
        self.prune_at = self.purses.len() * 2;
    }
}

/// What one handset may use.
pub struct Purse {
    of: Option<Arc<Purses>>,
    /// Tells handsets apart.
    serial: u64,
    number: PackedMsisdn,
    used: Used,
    /// Something was used of the day since it was saved.
    changed: bool,
}

impl Purse {
    /// A handset's that may use what it wants, until it is one of several.
    pub fn new(serial: u64, number: PackedMsisdn) -> Self {
        Self { of: None, serial, number, used: Used::default(), changed: false }
    }

    /// It is one of these from now on, unless it is one of others.
    pub fn join(&mut self, purses: &Arc<Purses>) {
        if self.of.is_none() {
            self.used = purses.asleep.lock().take(self.serial).unwrap_or_default();
            self.of = Some(Arc::clone(purses));
        }
    }

    /// Whether nothing is limited.
    #[inline]
    pub(in super::super) fn is_unlimited(&self) -> bool {
        self.of.is_none()
    }

    /// What a push of so many segments has to wait for, if it has to.
    pub(in super::super) fn wait(&mut self, now: Now, segments: u8) -> Option<Wait> {
        let purses = self.of.as_ref()?;
        let wait = self.used.wait(&purses.limits, now, segments, Duration::ZERO, false)?;
        if let Some(news) = self.used.note_exhausted(now, &wait) {
            self.tell(now, wait.period, news);
        }
        Some(wait)
    }

    /// Uses so many segments.
    pub(in super::super) fn charge(&mut self, now: Now, segments: u8) {
        let Some(purses) = &self.of else { return };
        self.changed |= purses.limits.per_day > 0;
        if let Some(period) = self.used.charge(&purses.limits, now, segments) {
            self.tell(now, period, News::Announced);
        }
    }

    /// Whether something has to be saved.
    pub(in super::super) fn is_changed(&self) -> bool {
        self.changed
    }

    /// The day that is counted, and what was used on it, to be kept.
    pub(in super::super) fn save(&mut self) -> (u32, u32) {
        self.changed = false;
        self.used.on_day()
    }

    /// Its handset goes to sleep.
    pub(in super::super) fn put_away(&mut self, now: Now) {
        if let Some(purses) = self.of.take() {
            purses.asleep.lock().put(now, self.serial, self.used);
        }
    }

    /// Its handset's engine was taken out of service, and another follows: what was used stays used.
    #[cold]
    pub(in super::super) fn hand_on(&mut self) {
        if let Some(purses) = self.of.take() {
            let mut asleep = purses.asleep.lock();
            asleep.day = asleep.day.max(self.used.day);
            asleep.keep(self.serial, self.used);
        }
    }

    #[cold]
    fn tell(&self, now: Now, period: Period, news: News) {
        let Some(purses) = &self.of else { return };
        let number = self.number.unpack();
        let (scope, key, holder) = (Scope::Handset, self.serial, Holder::Number(&number));
        purses.watch.note(now, &Note { scope, key, holder, period, news });
    }
}
