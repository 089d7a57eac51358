//! `[upstream]`: how event streams are opened and read.

use super::explain::Explained;
use super::section::{Section, text};
use std::path::PathBuf;
use std::time::Duration;

/// How event streams are opened and read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamConfig {
    /// Until a connection stands, name look-up and TLS included: 100 ms to 5 min.
    pub connect_timeout: Duration,
    /// A stream without a single octet for so long is taken for dead and opened again: 1 s to 24 h. Servers are advised
    /// to send a comment every 15 s (HTML §9.2.7).
    pub idle_timeout: Duration,
    /// Octets of one line; an event with a longer one is given up and counted.
    pub max_line: usize,
    /// Octets of one event's data, type and id; a longer one is given up and counted.
    pub max_event: usize,
    /// PEM certificates to trust besides the built-in public ones.
    pub ca_file: Option<PathBuf>,
    /// Redirects followed before a connection fails.
    pub max_redirects: u8,
    /// Octets of recent events that a source keeps for subscriptions that fall behind. At least `max_event`.
    pub log_octets: usize,
    /// Threads of their own for reading and parsing; 0 does it all on one, which costs least until that one is full.
    pub threads: u8,
}

impl UpstreamConfig {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let max_event = section.integer("max_event", 256 << 10, 1 << 10..=64 << 20);
        let config = Self {
            connect_timeout: section.duration("connect_timeout", "10s", ("100ms", "5m")),
            idle_timeout: section.duration("idle_timeout", "5m", ("1s", "24h")),
            max_line: section.integer("max_line", 64 << 10, 256..=16 << 20),
            max_event,
            ca_file: section.read("ca_file", None, "a path, or empty for the built-in certificates", |value| {
                text(value).map(|path| (!path.is_empty()).then(|| PathBuf::from(path)))
            }),
            max_redirects: section.integer("max_redirects", 5, 0..=20),
            log_octets: section.integer("log_octets", 512 << 10, max_event..=1 << 30),
            threads: section.integer("threads", 0, 0..=64),
        };
        section.finish();
        config
    }

    pub(super) fn explain(&self, explained: &mut Explained) {
        let ca_file = self.ca_file.as_deref().unwrap_or("".as_ref());
        explained
            .section("[upstream]")
            .duration("connect_timeout", self.connect_timeout)
            .duration("idle_timeout", self.idle_timeout)
            .plain("max_line", self.max_line)
            .plain("max_event", self.max_event)
            .text("ca_file", ca_file.display())
            .plain("max_redirects", self.max_redirects)
            .plain("log_octets", self.log_octets)
            .plain("threads", self.threads);
    }
}
