//! Budgets from the configuration to the lane: shared by those who share them, kept over restarts, and shown.

use crate::house::{House, activation, policy, settle};
use crate::shelf::Shelf;
use bellwire::actors::router::Activation;
use bellwire::engine::budget::{Limits, Scope, TenantLimits};
use bellwire::model::{AtLimit, Policy};
use bellwire::store::Table;
use std::sync::Arc;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

fn per_day(handset: u32, source: u32, tenant: u32) -> TenantLimits {
    let limits = |per_day| Limits { per_minute: 0, per_day, announce_at: 80 };
    TenantLimits { handset: limits(handset), source: limits(source), tenant: limits(tenant) }
}

/// One push for each event.
fn asked(number: &str, at_limit: AtLimit) -> Activation {
    Activation { policy: Policy { at_limit, max_events: 1, ttl: Duration::ZERO, ..policy() }, ..activation(number) }
}

impl House {
    fn budget(&self, series: &str, scope: &str) -> u64 {
        self.count(&format!("bellwire_{series}{{scope=\"{scope}\"}} "))
    }

    /// Lets the link do what it can.
    async fn work(&mut self) {
        for _ in 0..3 {
            settle().await;
            self.link.run();
        }
    }
}

#[tokio::test]
async fn a_process_goes_on_with_what_was_used_before() {
    for (limits, scope) in
        [(per_day(3, 0, 0), Scope::Handset), (per_day(0, 3, 0), Scope::Source), (per_day(0, 0, 3), Scope::Tenant)]
    {
        let shelf = Arc::new(Shelf::default());
        let mut house = House::limited(&shelf, limits).await;
        let view = house.try_activate(asked("15550001", AtLimit::Hold)).await.unwrap().view;
        assert!(house.feed(&["1", "2"]));
        house.run_until(|link| link.seen("15550001").len() == 2).await;
        house.journal.flush().await;

        let mut house = house.crash(&shelf).await;
        crate::house::until(|| house.upstreams.count() == 1).await;
        house.resumed(2);
        assert!(house.feed(&["3", "4"]));
        house.run_until(|link| link.seen("15550001").len() == 1).await;
        house.work().await;
        assert_eq!(house.link.seen("15550001"), ["3"], "{scope:?}");
        let (held_by, until) = house.get(view.id).await.unwrap().held_by.unwrap();
        assert_eq!(held_by, scope);
        assert_eq!((until - 1) % DAY.as_millis() as u64, 0, "midnight");
        assert_eq!(house.budget("budget_exhausted_total", scope.as_str()), 1);
        assert_eq!(house.budget("budgets_exhausted", scope.as_str()), 1);

        house.hands.advance(DAY);
        house.run_until(|link| link.seen("15550001").len() == 2).await;
        assert!(house.get(view.id).await.unwrap().held_by.is_none());
        house.journal.flush().await;
    }
}

#[tokio::test]
async fn what_one_source_uses_the_others_of_its_tenant_lack() {
    let shelf = Arc::new(Shelf::default());
    let mut house = House::limited(&shelf, per_day(0, 0, 5)).await;
    for number in ["15550001", "15550002"] {
        let source = crate::house::feed(number);
        house.try_activate(Activation { source, ..asked(number, AtLimit::Drop) }).await.unwrap();
    }
    let events = crate::upstreams::events(&["1", "2", "3", "4"]);
    house.publish(crate::house::feed("15550001"), events.clone(), "").await.unwrap();
    house.run_until(|link| link.seen("15550001").len() == 4).await;
    assert_eq!(house.budget("budget_announced_total", "tenant"), 1);
    house.publish(crate::house::feed("15550002"), events, "").await.unwrap();
    house.run_until(|link| !link.seen("15550002").is_empty()).await;
    house.work().await;
    assert_eq!((house.link.seen("15550002").len(), house.dropped("budget")), (1, 3));
}

#[tokio::test]
async fn what_was_used_on_another_day_is_not_kept() {
    let shelf = Arc::new(Shelf::default());
    let mut house = House::limited(&shelf, per_day(0, 3, 3)).await;
    house.try_activate(asked("15550001", AtLimit::Hold)).await.unwrap();
    assert!(house.feed(&["1", "2"]));
    house.run_until(|link| link.seen("15550001").len() == 2).await;
    house.journal.flush().await;
    assert_eq!(shelf.count(Table::Budgets), 2);
    house.hands.advance(DAY);
    let house = house.crash(&shelf).await;
    house.journal.flush().await;
    assert_eq!(shelf.count(Table::Budgets), 0);
}

#[tokio::test(start_paused = true)]
async fn a_handset_that_has_slept_knows_what_it_has_used() {
    let shelf = Arc::new(Shelf::default());
    let mut house = House::limited(&shelf, per_day(2, 0, 0)).await;
    house.try_activate(asked("15550001", AtLimit::Drop)).await.unwrap();
    let asleep = |house: &House| house.count("bellwire_subscriptions{state=\"dormant\"} ");
    assert!(house.feed(&["1"]));
    house.run_until(|link| link.seen("15550001").len() == 1).await;
    house.journal.flush().await;
    for _ in 0..4 {
        tokio::time::advance(Duration::from_secs(30)).await;
        settle().await;
    }
    assert_eq!(asleep(&house), 1);
    assert!(house.feed(&["2", "3"]));
    house.run_until(|link| link.seen("15550001").len() == 2).await;
    house.work().await;
    assert_eq!((house.link.seen("15550001").len(), house.dropped("budget")), (2, 1));
}
