//! `[relay]`: streams to handsets, and when pushes take their place.

use super::explain::Explained;
use super::section::Section;
use std::num::NonZeroU64;
use std::time::Duration;

/// Streams to handsets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayConfig {
    /// A comment is written to a stream that was quiet for so long: it keeps hops in between from closing it, and finds
    /// out who is gone (HTML §9.2.7 advises some 15 s).
    pub heartbeat: Duration,
    /// How long what was written may stay unacknowledged by TCP before the stream is taken for dead.
    pub send_timeout: Duration,
    /// Events of a stream that may not have arrived although they were written: so many of the newest,
    pub tail_events: NonZeroU64,
    /// as long as they are no older than this. When the stream is lost they are pushed.
    pub tail_age: Duration,
    /// Events that are written ahead of a client that acknowledges.
    pub ack_window: NonZeroU64,
    /// Whether the loss of a stream alone, without a request of the handset, makes pushes take its place.
    pub push_on_loss: bool,
    /// How long after that: who comes back sooner costs nothing.
    pub push_after: Duration,
    /// How long an activation lasts that a handset asked for by itself; it is told before, and may ask again.
    pub lifetime: Duration,
    /// Subscriptions that a handset may ask for by itself.
    pub subscriptions_per_handset: u16,
    /// Whether a handset has to prove that it is reached by push before it gets events there, and how long that may
    /// take.
    pub probe: bool,
    /// See `probe`.
    pub probe_within: Duration,
    /// How long a source is kept open that nobody wants any more: radio loss is no goodbye.
    pub linger: Duration,
    /// How long the first answer of an origin is waited for before a stream is begun without.
    pub open_timeout: Duration,
    /// How long an origin may take to replay what the log no longer has.
    pub catch_up_timeout: Duration,
}

impl RelayConfig {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let one_or_more = |events: u64| NonZeroU64::new(events).unwrap_or(NonZeroU64::MIN);
        let config = Self {
            heartbeat: section.duration("heartbeat", "15s", ("1s", "10m")),
            send_timeout: section.duration("send_timeout", "20s", ("1s", "10m")),
            tail_events: one_or_more(section.integer("tail_events", 64, 1..=100_000)),
            tail_age: section.duration("tail_age", "30s", ("1s", "1h")),
            ack_window: one_or_more(section.integer("ack_window", 256, 1..=100_000)),
            push_on_loss: section.boolean("push_on_loss", true),
            push_after: section.duration("push_after", "3s", ("0s", "10m")),
            lifetime: section.duration("lifetime", "24h", ("1m", "365days")),
            subscriptions_per_handset: section.integer("subscriptions_per_handset", 16, 1..=u16::MAX),
            probe: section.boolean("probe", true),
            probe_within: section.duration("probe_within", "5m", ("10s", "1h")),
            linger: section.duration("linger", "30s", ("0s", "24h")),
            open_timeout: section.duration("open_timeout", "5s", ("100ms", "1m")),
            catch_up_timeout: section.duration("catch_up_timeout", "5s", ("100ms", "1m")),
        };
        section.finish();
        config
    }

    pub(super) fn explain(&self, explained: &mut Explained) {
        explained
            .section("[relay]")
            .duration("heartbeat", self.heartbeat)
            .duration("send_timeout", self.send_timeout)
            .plain("tail_events", self.tail_events)
            .duration("tail_age", self.tail_age)
            .plain("ack_window", self.ack_window)
            .plain("push_on_loss", self.push_on_loss)
            .duration("push_after", self.push_after)
            .duration("lifetime", self.lifetime)
            .plain("subscriptions_per_handset", self.subscriptions_per_handset)
            .plain("probe", self.probe)
            .duration("probe_within", self.probe_within)
            .duration("linger", self.linger)
            .duration("open_timeout", self.open_timeout)
            .duration("catch_up_timeout", self.catch_up_timeout);
    }
}
