//! How a subscription's policy is told; what is left out is the server's default.

use super::types;
use crate::control::proto;
use crate::model::{AtLimit, Coalesce, Content, EventTypes, Ids, Order, Overflow, Priority, Receipts};
use clap::Args;
use std::time::Duration;

/// What is to be done with the events.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Policy (what is left out is the server's default)")]
pub(super) struct PolicyArgs {
    /// How long the first event of a push waits for others, such as 30s; 0s to 24h
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub batch_window: Option<Duration>,
    /// Events per push at most; 0 for no limit
    #[arg(long, value_name = "COUNT")]
    pub max_events: Option<u32>,
    /// Segments per push at most, 1 to 255
    #[arg(long, value_name = "COUNT")]
    pub max_segments: Option<u32>,
    /// Order of pushes to the handset: strict or pipelined
    #[arg(long, value_name = "ORDER")]
    pub order: Option<Order>,
    /// How long an event is worth sending, such as 10m; 1s to 28days, or 0s for ever
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub ttl: Option<Duration>,
    /// What becomes of an event too long for max-segments: notify, drop or split
    #[arg(long, value_name = "CHOICE")]
    pub overflow: Option<Overflow>,
    /// What a push says of its events: all, or wake to say only that there are some
    #[arg(long, value_name = "CHOICE")]
    pub content: Option<Content>,
    /// Which events have an id in a push: origin for those that their origin gave one, or all
    #[arg(long, value_name = "CHOICE")]
    pub ids: Option<Ids>,
    /// Which segments ask for a delivery receipt: all, the last of a push, a sample, or none
    #[arg(long, value_name = "CHOICE")]
    pub receipts: Option<Receipts>,
    /// Whose turn it is when several handsets wait: low, normal, high or urgent
    #[arg(long, value_name = "CHOICE")]
    pub priority: Option<Priority>,
    /// What becomes of events while a budget is used up: hold, drop, or notify to say once that there are some
    #[arg(long, value_name = "CHOICE")]
    pub at_limit: Option<AtLimit>,
    /// Only events of these types, at most 32: price,alert or ["price","alert"]; [] for all
    #[arg(long, value_name = "LIST", value_parser = types::read)]
    pub types: Option<EventTypes>,
    /// Of events that wait and are alike only the latest is sent: none, latest, type, or field:NAME for those of a type
    /// that have the same NAME in their data
    #[arg(long, value_name = "CHOICE")]
    pub coalesce: Option<Coalesce>,
}

impl PolicyArgs {
    /// As a request says it.
    pub fn into_policy(self) -> proto::Policy {
        let mut policy = proto::Policy {
            batch_window: self.batch_window.map(duration),
            max_events: self.max_events,
            max_segments: self.max_segments,
            order: self.order.map(proto::Order::from).unwrap_or_default().into(),
            ttl: self.ttl.map(duration),
            overflow: self.overflow.map(proto::Overflow::from).unwrap_or_default().into(),
            receipts: self.receipts.map(proto::Receipts::from).unwrap_or_default().into(),
            content: self.content.map(proto::Content::from).unwrap_or_default().into(),
            ids: self.ids.map(proto::Ids::from).unwrap_or_default().into(),
            priority: self.priority.map(proto::Priority::from).unwrap_or_default().into(),
            at_limit: self.at_limit.map(proto::AtLimit::from).unwrap_or_default().into(),
            types: self.types.as_ref().map(proto::EventTypes::from),
            ..proto::Policy::default()
        };
        self.coalesce.iter().for_each(|coalesce| policy.set_coalescing(coalesce));
        policy
    }
}

/// One beyond what the type can say is beyond what the server allows too.
fn duration(duration: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(duration.subsec_nanos()).unwrap_or_default(),
    }
}
