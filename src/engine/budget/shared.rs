//! A budget that many handsets share.

use super::used::{Limits, Period, Used, Wait};
use super::{Holder, News, Note, Scope, Watch};
use crate::engine::clock::Now;
use parking_lot::{Mutex, MutexGuard};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A budget of a source or a tenant.
pub struct Shared {
    scope: Scope,
    name: String,
    key: Box<[u8]>,
    limits: Limits,
    watch: Arc<dyn Watch>,
    state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    pub used: Used,
    /// Of a minute's worth, what those with tickets will use.
    promised: Duration,
    /// Something was used since it was saved.
    changed: bool,
}

impl Shared {
    /// The budget of what people call `name` and the store `key`, of which so much is used.
    pub fn new(
        scope: Scope,
        name: String,
        key: impl Into<Box<[u8]>>,
        limits: Limits,
        used: Used,
        watch: Arc<dyn Watch>,
    ) -> Self {
        Self { scope, name, key: key.into(), limits, watch, state: Mutex::new(State { used, ..State::default() }) }
    }

    /// What the store calls it.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// What is used of it, to be kept.
    pub fn save(&self) -> Used {
        let mut state = self.state.lock();
        state.changed = false;
        state.used
    }

    /// Whether nothing of it is used.
    pub fn is_forgotten(&self, now: Now) -> bool {
        let mut state = self.state.lock();
        state.promised.is_zero() && state.used.is_forgotten(now)
    }

    /// A place in line for a push of so many segments.
    pub(in super::super) fn queue(this: &Arc<Self>, now: Now, segments: u8) -> Ticket {
        let mut state = this.state.lock();
        let at = state.used.ready_at(&this.limits, now, segments, state.promised);
        let cost = this.limits.cost(segments);
        state.promised += cost;
        drop(state);
        Ticket { of: Arc::clone(this), cost, at }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// What a push has to wait for; who has a ticket need not wait for others who have.
    pub(super) fn wait(
        &self,
        state: &mut State,
        now: Now,
        segments: u8,
        has_ticket: bool,
        beyond: bool,
    ) -> Option<Wait> {
        let promised = if has_ticket || beyond { Duration::ZERO } else { state.promised };
        state.used.wait(&self.limits, now, segments, promised, beyond)
    }

    pub(super) fn charge(self: &Arc<Self>, mut state: MutexGuard<'_, State>, now: Now, segments: u8) {
        let period = state.used.charge(&self.limits, now, segments);
        let was_changed = std::mem::replace(&mut state.changed, true);
        drop(state);
        if !was_changed {
            self.watch.changed(self);
        }
        if let Some(period) = period {
            self.tell(now, period, News::Announced);
        }
    }

    #[cold]
    pub(super) fn tell(self: &Arc<Self>, now: Now, period: Period, news: News) {
        let (holder, key) = (Holder::Name(&self.name), Arc::as_ptr(self).addr() as u64);
        self.watch.note(now, &Note { scope: self.scope, key, holder, period, news });
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("scope", &self.scope).field("name", &self.name).finish_non_exhaustive()
    }
}

/// A place in line for a shared budget, given back when it is dropped.
pub struct Ticket {
    of: Arc<Shared>,
    cost: Duration,
    /// When those before it will have gone.
    at: Duration,
}

impl Ticket {
    /// When its turn is.
    pub fn at(&self) -> Duration {
        self.at
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut state = self.of.state.lock();
        state.promised = state.promised.saturating_sub(self.cost);
    }
}
