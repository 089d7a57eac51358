//! How a subscription's policy is told; what is left out is the server's default.

use crate::control::proto;
use crate::model::{Content, Ids, Order, Overflow, Receipts};
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
    /// Which segments ask for a delivery receipt: all or none
    #[arg(long, value_name = "CHOICE")]
    pub receipts: Option<Receipts>,
}

impl PolicyArgs {
    /// As a request says it.
    pub fn into_policy(self) -> proto::Policy {
        let order = self.order.map_or(proto::Order::Unspecified, |order| match order {
            Order::Strict => proto::Order::Strict,
            Order::Pipelined => proto::Order::Pipelined,
        });
        let overflow = self.overflow.map_or(proto::Overflow::Unspecified, |overflow| match overflow {
            Overflow::Notify => proto::Overflow::Notify,
            Overflow::Drop => proto::Overflow::Drop,
            Overflow::Split => proto::Overflow::Split,
        });
        let content = self.content.map_or(proto::Content::Unspecified, |content| match content {
            Content::All => proto::Content::All,
            Content::Wake => proto::Content::Wake,
        });
        let ids = self.ids.map_or(proto::Ids::Unspecified, |ids| match ids {
            Ids::Origin => proto::Ids::Origin,
            Ids::All => proto::Ids::All,
        });
        let receipts = self.receipts.map_or(proto::Receipts::Unspecified, |receipts| match receipts {
            Receipts::All => proto::Receipts::All,
            Receipts::None => proto::Receipts::None,
        });
        proto::Policy {
            batch_window: self.batch_window.map(duration),
            max_events: self.max_events,
            max_segments: self.max_segments,
            order: order.into(),
            ttl: self.ttl.map(duration),
            overflow: overflow.into(),
            receipts: receipts.into(),
            content: content.into(),
            ids: ids.into(),
        }
    }
}

/// One beyond what the type can say is beyond what the server allows too.
fn duration(duration: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(duration.subsec_nanos()).unwrap_or_default(),
    }
}
