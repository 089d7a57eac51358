//! `[budgets]`: how many segments may go, in a minute and on a day.
//!
//! The defaults are for an operator who has set nothing. A handset that gets a push a second, or two thousand on a day,
//! has a source that went mad. At a few cents a segment, a source costs a thousand or two on the worst day, and a tenant
//! twice as much. Whoever sends more has set it.

use super::explain::Explained;
use super::section::{Section, text};
use crate::engine::budget::{Limits, TenantLimits};
use crate::model::TenantId;

/// How many segments may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetsConfig {
    /// For a tenant that is not named.
    pub all: TenantLimits,
    /// `[[budgets.tenant]]`: what another gets instead.
    pub tenants: Vec<(TenantId, TenantLimits)>,
}

/// Percent of a limit after which it is announced.
const ANNOUNCE_AT: u8 = 80;

const DEFAULT: TenantLimits = TenantLimits {
    handset: Limits { per_minute: 60, per_day: 2_000, announce_at: ANNOUNCE_AT },
    source: Limits { per_minute: 6_000, per_day: 50_000, announce_at: ANNOUNCE_AT },
    tenant: Limits { per_minute: 12_000, per_day: 100_000, announce_at: ANNOUNCE_AT },
};

impl BudgetsConfig {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let announce_at = section.integer("announce_at", ANNOUNCE_AT, 1..=100);
        let all = limits(&mut section, DEFAULT, announce_at);
        let mut names = Vec::new();
        let tenants = section.entries("tenant", |mut section| {
            let name = tenant(&mut section, &mut names);
            let limits = limits(&mut section, all, announce_at);
            section.finish();
            name.map(|name| (name, limits))
        });
        section.finish();
        Self { all, tenants: tenants.into_iter().flatten().collect() }
    }

    pub(super) fn explain(&self, explained: &mut Explained) {
        explain(&self.all, explained.section("[budgets]")).plain("announce_at", self.all.handset.announce_at);
        for (name, limits) in &self.tenants {
            explain(limits, explained.section("[[budgets.tenant]]").text("name", name));
        }
    }
}

fn limits(section: &mut Section<'_>, default: TenantLimits, announce_at: u8) -> TenantLimits {
    let mut read = |minute: &'static str, day: &'static str, default: Limits| Limits {
        per_minute: section.integer(minute, default.per_minute, 0..=u32::MAX),
        per_day: section.integer(day, default.per_day, 0..=u32::MAX),
        announce_at,
    };
    TenantLimits {
        handset: read("handset_per_minute", "handset_per_day", default.handset),
        source: read("source_per_minute", "source_per_day", default.source),
        tenant: read("tenant_per_minute", "tenant_per_day", default.tenant),
    }
}

fn tenant(section: &mut Section<'_>, names: &mut Vec<TenantId>) -> Option<TenantId> {
    const ALLOWED: &str = "a tenant's name: 1 to 64 of a-z, 0-9, '-', '_', '.', and unlike every other";
    if section.written("name").is_none() {
        section.miss("name", ALLOWED);
        return None;
    }
    let name = section.read("name", None, ALLOWED, |value| {
        let name = TenantId::new(text(value)?).ok()?;
        (!names.contains(&name)).then_some(Some(name))
    });
    names.extend(name.clone());
    name
}

fn explain<'a>(limits: &TenantLimits, explained: &'a mut Explained) -> &'a mut Explained {
    let TenantLimits { handset, source, tenant } = limits;
    explained
        .plain("handset_per_minute", handset.per_minute)
        .plain("handset_per_day", handset.per_day)
        .plain("source_per_minute", source.per_minute)
        .plain("source_per_day", source.per_day)
        .plain("tenant_per_minute", tenant.per_minute)
        .plain("tenant_per_day", tenant.per_day)
}
