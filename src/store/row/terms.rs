//! What subscriptions ask for, as the store has it.

use super::{RowError, decode, encode};
use crate::model::{ApplicationId, EventTypes, Policy, TenantId};
use crate::store::{SourceNumber, Table};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU8;
use std::time::Duration;

/// What many subscriptions may ask for alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TermsRow {
    /// Whose it is.
    pub tenant: TenantId,
    /// Whose events.
    pub source: SourceNumber,
    /// For which application on the handset.
    pub application: ApplicationId,
    /// What is done with them.
    pub policy: Policy,
}

#[derive(Serialize, Deserialize)]
struct Written {
    tenant: String,
    source: SourceNumber,
    application: Application,
    batch_window: Duration,
    max_events: u32,
    max_segments: NonZeroU8,
    order: String,
    ttl: Duration,
    overflow: String,
    receipts: String,
    content: String,
    ids: String,
    priority: String,
    at_limit: String,
    types: Vec<String>,
    coalesce: String,
}

#[derive(Serialize, Deserialize)]
enum Application {
    Absent,
    Code(u32),
    Uri(String),
}

impl TermsRow {
    /// As the store keeps it.
    pub fn encode(&self) -> Vec<u8> {
        let Self { tenant, source, application, policy } = self;
        encode(&Written {
            tenant: tenant.as_str().to_owned(),
            source: *source,
            application: match application {
                ApplicationId::Absent => Application::Absent,
                ApplicationId::Code(code) => Application::Code(*code),
                ApplicationId::Uri(uri) => Application::Uri(uri.to_string()),
            },
            batch_window: policy.batch_window,
            max_events: policy.max_events,
            max_segments: policy.max_segments,
            order: policy.order.as_str().to_owned(),
            ttl: policy.ttl,
            overflow: policy.overflow.as_str().to_owned(),
            receipts: policy.receipts.as_str().to_owned(),
            content: policy.content.as_str().to_owned(),
            ids: policy.ids.as_str().to_owned(),
            priority: policy.priority.as_str().to_owned(),
            at_limit: policy.at_limit.as_str().to_owned(),
            types: policy.types.iter().map(str::to_owned).collect(),
            coalesce: policy.coalesce.to_string(),
        })
    }

    /// As it was kept.
    ///
    /// # Errors
    /// When it is not what was kept.
    pub fn decode(value: &[u8]) -> Result<Self, RowError> {
        let written: Written = decode(Table::Terms, value)?;
        let wrong = |what: String| RowError::new(Table::Terms, what);
        let policy = Policy {
            batch_window: written.batch_window,
            max_events: written.max_events,
            max_segments: written.max_segments,
            order: written.order.parse().map_err(|error| wrong(format!("{error}")))?,
            ttl: written.ttl,
            overflow: written.overflow.parse().map_err(|error| wrong(format!("{error}")))?,
            receipts: written.receipts.parse().map_err(|error| wrong(format!("{error}")))?,
            content: written.content.parse().map_err(|error| wrong(format!("{error}")))?,
            ids: written.ids.parse().map_err(|error| wrong(format!("{error}")))?,
            priority: written.priority.parse().map_err(|error| wrong(format!("{error}")))?,
            at_limit: written.at_limit.parse().map_err(|error| wrong(format!("{error}")))?,
            types: EventTypes::new(written.types).map_err(|error| wrong(error.to_string()))?,
            coalesce: written.coalesce.parse().map_err(|error| wrong(format!("{error}")))?,
        };
        policy.check().map_err(|error| wrong(error.to_string()))?;
        let application = match written.application {
            Application::Absent => ApplicationId::Absent,
            Application::Code(code) => ApplicationId::Code(code),
            Application::Uri(uri) => uri.parse().map_err(|error| wrong(format!("{error}")))?,
        };
        let tenant = TenantId::new(&written.tenant).map_err(|error| wrong(error.to_string()))?;
        Ok(Self { tenant, source: written.source, application, policy })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AtLimit, Content, Ids, Order, Overflow, Priority, Receipts};

    #[test]
    fn terms_are_read_back() {
        let policy = Policy {
            batch_window: Duration::from_millis(1500),
            order: Order::Pipelined,
            overflow: Overflow::Drop,
            content: Content::Wake,
            ids: Ids::All,
            receipts: Receipts::Sample,
            priority: Priority::Urgent,
            at_limit: AtLimit::Drop,
            types: EventTypes::new(["price", "a,b"]).unwrap(),
            coalesce: "field:symbol".parse().unwrap(),
            ..Policy::default()
        };
        for application in [ApplicationId::default(), ApplicationId::Code(0x8000), ApplicationId::Absent] {
            let row = TermsRow { tenant: TenantId::default(), source: 9, application, policy: policy.clone() };
            assert_eq!(TermsRow::decode(&row.encode()), Ok(row));
        }
    }

    #[test]
    fn a_policy_out_of_range_is_damage() {
        let policy = Policy { ttl: Duration::from_secs(1 << 30), ..Policy::default() };
        let (tenant, application) = (TenantId::default(), ApplicationId::default());
        let error = TermsRow::decode(&TermsRow { tenant, source: 9, application, policy }.encode()).unwrap_err();
        assert!(error.to_string().starts_with("a record of Terms cannot be read: ttl"), "{error}");
    }
}
