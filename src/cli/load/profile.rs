//! Settings that belong together, under one name. An option that is given stands over its profile.

use clap::ValueEnum;

/// What a load test is to show. What is not said is as without a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Profile {
    /// 4 sources flat out: 1000000 events
    Throughput,
    /// 10000 sources flat out: 1000000 events
    Streams,
    /// 1 source with 100000 subscriptions: 10 events
    FanOut,
    /// 100 sources at 2000 events/s for 10 s, in strict order, to an SMSC that takes 20 ms
    Latency,
}

/// What ends a load test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// So many events over all sources.
    Events(u64),
    /// So many seconds.
    Seconds(u64),
}

impl Profile {
    /// What ends it.
    pub fn end(self) -> End {
        match self {
            Self::Throughput | Self::Streams => End::Events(1_000_000),
            Self::FanOut => End::Events(10),
            Self::Latency => End::Seconds(10),
        }
    }
}

/// Defaults of one option, for the profiles that are about the most events: these ask for a push per event, without
/// receipts. As clap takes them.
pub(super) const fn flat_out(value: &'static str) -> [(&'static str, &'static str, Option<&'static str>); 3] {
    [("profile", "throughput", Some(value)), ("profile", "streams", Some(value)), ("profile", "fan-out", Some(value))]
}
