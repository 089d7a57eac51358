//! Budgets: how many segments may go to a handset, come of a source, and be sent for a tenant, in a minute and on a day.
//!
//! A minute's worth may go at once, and what was used comes back evenly within a minute (GCRA, ITU-T I.371): so in any
//! stretch of time T no more goes than `per_minute` × (1 + T / 1 min). A day is one of the UTC calendar, and a clock that
//! is set back gives nothing back. A push is asked for before it is formed, and goes whole or not yet; one that alone has
//! more segments than the limit goes when nothing of it is used. What is sent again was decided before: it is charged
//! and never held, so it alone can go beyond a limit.
//!
//! Thousands may wait for what they share. Each is given its own moment, when those before it will have gone, so that it
//! wakes once and not whenever somebody else might go.

mod purse;
mod shared;
mod used;

pub use purse::{Purse, Purses};
pub use shared::{Shared, Ticket};
pub use used::{Limits, Period, TenantLimits, Used, Wait};

use super::clock::Now;
use crate::model::Msisdn;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Whose budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// All pushes to a handset.
    Handset,
    /// All pushes of a source's events.
    Source,
    /// All pushes of a tenant.
    Tenant,
}

impl Scope {
    /// Every scope, in the order of the choices.
    pub const LABELS: [&'static str; 3] = ["handset", "source", "tenant"];

    /// Every scope.
    pub const ALL: [Self; 3] = [Self::Handset, Self::Source, Self::Tenant];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        Self::LABELS[self as usize]
    }
}

/// What is to be told of a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// So much of it is used that somebody should know.
    Announced,
    /// It is used up, and that is so until this moment at least.
    Exhausted {
        /// On the monotonic clock.
        until: Duration,
    },
}

/// Whose budget it is, for whoever is told.
#[derive(Clone, Copy)]
pub enum Holder<'a> {
    /// A handset, by its number.
    Number(&'a Msisdn),
    /// A source or a tenant, by what it is called.
    Name(&'a str),
}

impl fmt::Display for Holder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// News of a budget.
pub struct Note<'a> {
    /// Of whose kind.
    pub scope: Scope,
    /// Tells it apart from others of its kind.
    pub key: u64,
    /// Whose.
    pub holder: Holder<'a>,
    /// Which of its two limits.
    pub period: Period,
    /// What happened.
    pub news: News,
}

/// Is told what few pushes have to do with. It is called while a handset's engine is in use: it must not wait.
pub trait Watch: Send + Sync {
    /// A budget is nearly or wholly used up.
    fn note(&self, now: Now, note: &Note<'_>);

    /// Of a budget that has to outlive the process something was used, for the first time since [`Shared::save`].
    fn changed(&self, shared: &Arc<Shared>);
}

/// Nobody has to be told.
impl Watch for () {
    fn note(&self, _: Now, _: &Note<'_>) {}

    fn changed(&self, _: &Arc<Shared>) {}
}

/// The budgets that a subscription's pushes are charged to.
#[derive(Debug, Default)]
pub struct Shares {
    /// Its handset's.
    pub handset: Option<Arc<Purses>>,
    /// Its source's.
    pub source: Option<Arc<Shared>>,
    /// Its tenant's.
    pub tenant: Option<Arc<Shared>>,
}

impl Shares {
    /// Whether nothing is limited.
    pub fn is_unlimited(&self) -> bool {
        self.handset.is_none() && self.source.is_none() && self.tenant.is_none()
    }

    /// The budget that others of this scope share.
    pub(super) fn shared(&self, scope: Scope) -> Option<&Arc<Shared>> {
        match scope {
            Scope::Handset => None,
            Scope::Source => self.source.as_ref(),
            Scope::Tenant => self.tenant.as_ref(),
        }
    }

    /// Charges a push to both that are shared, or to none; `holds` says of which it has a ticket, and `beyond` whether
    /// it may go a little beyond the limits.
    pub(super) fn try_charge(
        &self,
        now: Now,
        segments: u8,
        holds: impl Fn(Scope) -> bool,
        beyond: bool,
    ) -> Result<(), (Scope, Wait)> {
        let both = [Scope::Source, Scope::Tenant].map(|scope| self.shared(scope).map(|shared| (scope, shared)));
        // Always in this order.
        let mut open = both.map(|one| one.map(|(scope, shared)| (scope, shared, shared.lock())));
        for (scope, shared, state) in open.iter_mut().flatten() {
            if let Some(wait) = shared.wait(state, now, segments, holds(*scope), beyond) {
                let (scope, shared) = (*scope, Arc::clone(shared));
                let news = state.used.note_exhausted(now, &wait);
                drop(open);
                news.inspect(|news| shared.tell(now, wait.period, *news));
                return Err((scope, wait));
            }
        }
        for (_, shared, state) in open.into_iter().flatten() {
            shared.charge(state, now, segments);
        }
        Ok(())
    }

    /// Charges what goes whatever the limits are.
    pub(super) fn charge(&self, now: Now, segments: u8) {
        for shared in [&self.source, &self.tenant].into_iter().flatten() {
            shared.charge(shared.lock(), now, segments);
        }
    }
}
