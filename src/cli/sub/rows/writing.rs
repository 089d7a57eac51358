//! A subscription as a row, which says all that is needed to activate it again.

use super::column::{Column, Row};
use super::{Format, csv, jsonl};
use crate::cli::shown::{duration, word};
use crate::cli::sub::types;
use crate::control::proto::{Subscription, source::Origin};
use crate::model::{HandsetId, Msisdn, TenantId};

/// The columns that a subscription fills. Its handset's own name is not kept, only the identity that follows from it.
const EXPORTED: [Column; 20] = [
    Column::Tenant,
    Column::Source,
    Column::Feed,
    Column::Credential,
    Column::To,
    Column::HandsetId,
    Column::Application,
    Column::BatchWindow,
    Column::MaxEvents,
    Column::MaxSegments,
    Column::Order,
    Column::Ttl,
    Column::Overflow,
    Column::Content,
    Column::Ids,
    Column::Receipts,
    Column::Priority,
    Column::AtLimit,
    Column::Types,
    Column::Coalesce,
];

impl Format {
    /// The line before all others, if there is one.
    pub fn header(self) -> Option<String> {
        match self {
            Self::Csv => Some(csv::line(EXPORTED.iter().map(|column| Some(column.name())))),
            Self::Jsonl => None,
        }
    }

    /// The line for a row.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn line(self, row: &Row) -> serde_json::Result<String> {
        match self {
            Self::Csv => Ok(csv::line(EXPORTED.iter().map(|column| row.get(*column)))),
            Self::Jsonl => jsonl::line(row),
        }
    }
}

/// The row for a subscription.
pub(in crate::cli::sub) fn row(one: &Subscription) -> Row {
    let mut row = Row::default();
    row.set(Column::Tenant, Some(one.tenant.clone()));
    if let Some(source) = &one.source {
        match &source.origin {
            Some(Origin::Url(url)) => row.set(Column::Source, Some(url.clone())),
            Some(Origin::Feed(name)) => row.set(Column::Feed, Some(name.clone())),
            None => {}
        }
        row.set(Column::Credential, Some(source.credential.clone()).filter(|name| !name.is_empty()));
    }
    row.set(Column::To, Some(one.to.clone()));
    row.set(Column::HandsetId, Some(one.handset.clone()).filter(|handset| !follows(one, handset)));
    row.set(Column::Application, Some(one.application.clone()));
    let policy = one.policy.clone().unwrap_or_default();
    row.set(Column::BatchWindow, Some(duration(policy.batch_window)));
    row.set(Column::MaxEvents, Some(policy.max_events().to_string()));
    row.set(Column::MaxSegments, Some(policy.max_segments().to_string()));
    row.set(Column::Order, Some(word(policy.order().as_str_name(), "ORDER_")));
    row.set(Column::Ttl, Some(duration(policy.ttl)));
    row.set(Column::Overflow, Some(word(policy.overflow().as_str_name(), "OVERFLOW_")));
    row.set(Column::Content, Some(word(policy.content().as_str_name(), "CONTENT_")));
    row.set(Column::Ids, Some(word(policy.ids().as_str_name(), "IDS_")));
    row.set(Column::Receipts, Some(word(policy.receipts().as_str_name(), "RECEIPTS_")));
    row.set(Column::Priority, Some(word(policy.priority().as_str_name(), "PRIORITY_")));
    row.set(Column::AtLimit, Some(word(policy.at_limit().as_str_name(), "AT_LIMIT_")));
    row.set(Column::Types, Some(types::written(policy.types.as_ref().map_or(&[], |types| &types.types))));
    row.set(Column::Coalesce, Some(policy.coalescing()));
    row
}

/// Whether the identity of its handset follows from tenant and number.
fn follows(one: &Subscription, handset: &str) -> bool {
    let (tenant, number) = (TenantId::new(&one.tenant), one.to.parse::<Msisdn>());
    let named = tenant.ok().zip(number.ok()).map(|(tenant, number)| HandsetId::from_first_number(&tenant, &number));
    named.is_some_and(|id| id.to_string() == handset)
}
