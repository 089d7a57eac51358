//! The budgets that there are: made when somebody needs them, kept over restarts, and told of before they are used up.

use super::clock::Clock;
use super::journal::Save;
use crate::engine::allowance::Allowance;
use crate::engine::budget::{News, Note, Period, Purses, Scope, Shared, Shares, TenantLimits, Used, Watch};
use crate::engine::clock::Now;
use crate::model::{SourceId, TenantId};
use crate::store::row;
use crate::store::{Batch, Table};
use crate::telemetry::Telemetry;
use parking_lot::Mutex;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tracing::warn;

/// Lines about budgets of one kind that are logged in a minute; the metrics count all.
const LINES_PER_MINUTE: u32 = 10;
/// Nobody looks for what can be forgotten among fewer sources.
const FEW: usize = 1024;

/// All budgets.
pub struct Budgets {
    all: TenantLimits,
    others: Vec<(TenantId, TenantLimits)>,
    known: Mutex<Known>,
    watchman: Arc<Watchman>,
}

#[derive(Default)]
struct Known {
    tenants: HashMap<TenantId, OfTenant>,
    sources: HashMap<SourceId, Arc<Shared>>,
    /// What an earlier process has left of those that nobody has needed yet.
    found: HashMap<Vec<u8>, Used>,
    /// Rows that nobody needs any more.
    gone: Vec<Vec<u8>>,
    prune_at: usize,
}

struct OfTenant {
    purses: Option<Arc<Purses>>,
    shared: Option<Arc<Shared>>,
}

impl Default for Budgets {
    /// Nothing is limited.
    fn default() -> Self {
        Self::new(TenantLimits::default(), Vec::new(), Telemetry::detached(), false)
    }
}

impl Budgets {
    /// Budgets of every tenant, but for `others` that have other limits. `keeps` says whether there is a store.
    pub fn new(all: TenantLimits, others: Vec<(TenantId, TenantLimits)>, telemetry: Telemetry, keeps: bool) -> Self {
        let watchman = Watchman {
            keeps,
            changed: Mutex::default(),
            at_limit: Mutex::default(),
            earlier: Notify::new(),
            lines: Mutex::new(Allowance::new(LINES_PER_MINUTE, Duration::from_secs(60), Scope::LABELS.len())),
            telemetry,
        };
        Self { all, others, known: Mutex::default(), watchman: Arc::new(watchman) }
    }

    /// What pushes of this source's events are charged to; none if nothing is limited.
    pub fn shares(&self, clock: &Clock, source: &SourceId) -> Option<Arc<Shares>> {
        let tenant = source.tenant();
        let limits = self.others.iter().find(|(name, _)| name == tenant).map_or(self.all, |(_, limits)| *limits);
        if limits == TenantLimits::default() {
            return None;
        }
        let mut known = self.known.lock();
        if known.sources.len() >= known.prune_at.max(FEW) {
            known.prune(clock.now());
        }
        let (handset, shared) = known.tenant(tenant, &limits, &self.watchman);
        let source = known.source(source, &limits, &self.watchman);
        let shares = Shares { handset, source, tenant: shared };
        (!shares.is_unlimited()).then(|| Arc::new(shares))
    }

    /// A record of an earlier process; whether it still means something.
    pub fn restore(&self, now: Now, key: &[u8], (day, today): (u32, u32)) -> bool {
        let mut used = Used::on(day, today);
        let means_something = !used.is_forgotten(now);
        if means_something {
            self.known.lock().found.insert(key.to_vec(), used);
        }
        means_something
    }

    /// Watches who is at a limit no longer, for ever.
    pub async fn tend(self: Arc<Self>, clock: Clock) {
        loop {
            let now = clock.now();
            let wait = self.watchman.expire(now).map(|at| at.saturating_sub(now.monotonic));
            tokio::select! {
                () = tokio::time::sleep(wait.unwrap_or_default()), if wait.is_some() => {}
                () = self.watchman.earlier.notified() => {}
            }
        }
    }
}

impl Known {
    fn tenant(
        &mut self,
        tenant: &TenantId,
        limits: &TenantLimits,
        watchman: &Arc<Watchman>,
    ) -> (Option<Arc<Purses>>, Option<Arc<Shared>>) {
        let found = &mut self.found;
        let of = self.tenants.entry(tenant.clone()).or_insert_with(|| {
            let watch = || Arc::clone(watchman) as Arc<dyn Watch>;
            let purses = || Arc::new(Purses::new(limits.handset, watch()));
            let shared = || {
                let key = row::budget_key(Scope::Tenant as u8, tenant.as_str());
                let used = found.remove(&key).unwrap_or_default();
                Arc::new(Shared::new(Scope::Tenant, tenant.to_string(), key, limits.tenant, used, watch()))
            };
            OfTenant {
                purses: (!limits.handset.is_unlimited()).then(purses),
                shared: (!limits.tenant.is_unlimited()).then(shared),
            }
        });
        (of.purses.clone(), of.shared.clone())
    }

    fn source(&mut self, source: &SourceId, limits: &TenantLimits, watchman: &Arc<Watchman>) -> Option<Arc<Shared>> {
        if limits.source.is_unlimited() {
            return None;
        }
        if let Some(shared) = self.sources.get(source) {
            return Some(Arc::clone(shared));
        }
        let key = row::budget_key(Scope::Source as u8, &source.to_string());
        let used = self.found.remove(&key).unwrap_or_default();
        let watch = Arc::clone(watchman) as Arc<dyn Watch>;
        let shared = Arc::new(Shared::new(Scope::Source, source.logged(), key, limits.source, used, watch));
        self.sources.insert(source.clone(), Arc::clone(&shared));
        Some(shared)
    }

    /// Forgets sources that nobody wants, once nothing of their budgets is used.
    fn prune(&mut self, now: Now) {
        let gone = &mut self.gone;
        self.sources.retain(|_, shared| {
            let goes = Arc::strong_count(shared) == 1 && shared.is_forgotten(now);
            if goes {
                gone.push(shared.key().to_vec());
            }
            !goes
        });
        self.prune_at = self.sources.len() * 2;
    }
}

impl Save for Budgets {
    fn save(&self, _: Now, batch: &mut Batch) {
        for key in std::mem::take(&mut self.known.lock().gone) {
            if self.watchman.keeps {
                batch.remove(Table::Budgets, key);
            }
        }
        for shared in std::mem::take(&mut *self.watchman.changed.lock()) {
            batch.put(Table::Budgets, shared.key(), row::encode(&shared.save().on_day()));
        }
    }
}

/// Is told of budgets, counts, and tells people.
struct Watchman {
    keeps: bool,
    changed: Mutex<Vec<Arc<Shared>>>,
    at_limit: Mutex<AtLimit>,
    /// Somebody is at a limit who will be so no longer before anybody else.
    earlier: Notify,
    lines: Mutex<Allowance<&'static str>>,
    telemetry: Telemetry,
}

/// Who is at a limit, and until when.
#[derive(Default)]
struct AtLimit {
    until: HashMap<(Scope, u64), Duration>,
    ends: BinaryHeap<Reverse<(Duration, u64, u8)>>,
}

impl Watchman {
    /// Forgets who is at a limit no longer, and says when the next will be.
    fn expire(&self, now: Now) -> Option<Duration> {
        let mut at_limit = self.at_limit.lock();
        let AtLimit { until, ends } = &mut *at_limit;
        while let Some(Reverse((end, key, scope))) = ends.peek().copied() {
            if end > now.monotonic {
                return Some(end);
            }
            ends.pop();
            let scope = Scope::ALL[usize::from(scope) % Scope::ALL.len()];
            if until.get(&(scope, key)) == Some(&end) {
                until.remove(&(scope, key));
                self.telemetry.budgets_exhausted.lower(scope as usize);
            }
        }
        None
    }

    fn note_at_limit(&self, now: Now, scope: Scope, key: u64, end: Duration) {
        self.expire(now);
        let mut at_limit = self.at_limit.lock();
        let first = at_limit.ends.peek().is_none_or(|Reverse((first, ..))| end < *first);
        if at_limit.until.insert((scope, key), end).is_none() {
            self.telemetry.budgets_exhausted.raise(scope as usize);
        }
        at_limit.ends.push(Reverse((end, key, scope as u8)));
        drop(at_limit);
        if first {
            self.earlier.notify_one();
        }
    }
}

impl Watch for Watchman {
    fn note(&self, now: Now, note: &Note<'_>) {
        let Note { scope, key, holder, period, news } = note;
        match news {
            News::Announced => self.telemetry.budget_announced.add(*scope as usize, 1),
            News::Exhausted { until } => {
                self.telemetry.budget_exhausted.add(*scope as usize, 1);
                self.note_at_limit(now, *scope, *key, *until);
            }
        }
        if self.lines.lock().take(now.monotonic, scope.as_str()).is_err() {
            return;
        }
        let (scope, of) = (scope.as_str(), tracing::field::display(holder));
        let period = match period {
            Period::Minute => "minute",
            Period::Day => "day",
        };
        match news {
            News::Announced => warn!(scope, of, period, "a budget will soon be used up"),
            News::Exhausted { .. } => warn!(scope, of, period, "a budget is used up: its events wait, or are left out"),
        }
    }

    fn changed(&self, shared: &Arc<Shared>) {
        if self.keeps {
            self.changed.lock().push(Arc::clone(shared));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::budget::Holder;
    use crate::telemetry::Labels;
    use metrics_exporter_prometheus::PrometheusBuilder;

    #[tokio::test(start_paused = true)]
    async fn who_is_at_a_limit_no_longer_is_counted_no_longer() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let labels = Labels { scopes: &Scope::LABELS, ..Labels::default() };
        let telemetry = ::metrics::with_local_recorder(&recorder, || Telemetry::new(labels));
        let budgets = Arc::new(Budgets::new(TenantLimits::default(), Vec::new(), telemetry, false));
        let task = tokio::spawn(Arc::clone(&budgets).tend(Clock::default()));
        let at_limit = || {
            let text = recorder.handle().render();
            let line =
                text.lines().find_map(|line| line.strip_prefix("bellwire_budgets_exhausted{scope=\"handset\"} "));
            line.unwrap().parse::<u32>().unwrap()
        };
        let now = Clock::default().now();
        for (key, seconds) in [(1, 60), (2, 20), (1, 90)] {
            let news = News::Exhausted { until: now.monotonic + Duration::from_secs(seconds) };
            let note = Note { scope: Scope::Handset, key, holder: Holder::Name("a"), period: Period::Minute, news };
            budgets.watchman.note(now, &note);
        }
        for (after, count) in [(19, 2), (2, 1), (60, 1), (10, 0)] {
            tokio::time::sleep(Duration::from_secs(after)).await;
            assert_eq!(at_limit(), count);
        }
        task.abort();
    }

    #[test]
    fn what_is_not_limited_costs_nothing_and_what_is_one_is_shared_once() {
        let limits = |per_day| crate::engine::budget::Limits { per_minute: 0, per_day, announce_at: 80 };
        let all = TenantLimits { source: limits(5), tenant: limits(7), ..TenantLimits::default() };
        let other = TenantId::new("other").unwrap();
        let others = vec![(other.clone(), TenantLimits::default())];
        let budgets = Budgets::new(all, others, Telemetry::detached(), false);
        let feed = |tenant: TenantId, name: &str| {
            let origin = crate::model::SourceOrigin::Feed(crate::model::FeedName::new(name).unwrap());
            budgets.shares(&Clock::default(), &SourceId::new(tenant, origin, None))
        };
        assert!(feed(other, "a").is_none());
        let [a, again, b] = ["a", "a", "b"].map(|name| feed(TenantId::default(), name).unwrap());
        let same = |one: &Option<Arc<Shared>>, two: &Option<Arc<Shared>>| {
            Arc::ptr_eq(one.as_ref().unwrap(), two.as_ref().unwrap())
        };
        assert!(same(&a.source, &again.source) && !same(&a.source, &b.source) && same(&a.tenant, &b.tenant));
        assert!(a.handset.is_none());
    }
}
