//! `[node]`: the process itself.

use super::explain::Explained;
use super::section::{Section, text};
use std::path::PathBuf;
use std::time::Duration;

/// The process itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeConfig {
    /// Where what is to outlive the process is kept; none keeps it in memory only.
    pub data_dir: Option<PathBuf>,
    /// Whether an event is sent while it becomes durable, or when it is.
    pub journal: JournalMode,
    /// Octets of events that the log keeps of all sources together: 1 MiB to 16 TiB.
    pub log_octets: u64,
    /// How long the log keeps events: 1 min to 90 days.
    pub log_age: Duration,
    /// Segments that may be accepted without the store knowing: after a crash that many may be sent again, and those
    /// on their way. 1 to 10 million.
    pub max_unsaved: u64,
    /// Octets of the disk that the store leaves free: 1 MiB to 1 TiB.
    pub disk_reserve: u64,
    /// How long what is under way may take to end after a signal to stop: 0 s to 10 min.
    pub grace: Duration,
}

/// How events and the disk are to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JournalMode {
    /// Events go on while they become durable, many at a time.
    Batch,
    /// Events go on when they are durable.
    Before,
}

impl JournalMode {
    const ALL: [Self; 2] = [Self::Batch, Self::Before];

    /// The word for it in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::Before => "before",
        }
    }
}

impl NodeConfig {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let config = Self {
            data_dir: section.read(
                "data_dir",
                Some("data".into()),
                "a path, or empty to keep everything in memory",
                |value| text(value).map(|path| (!path.is_empty()).then(|| PathBuf::from(path))),
            ),
            journal: section.choice("journal", JournalMode::Batch, &JournalMode::ALL.map(|mode| (mode.as_str(), mode))),
            log_octets: section.integer("log_octets", 10 << 30, 1 << 20..=16 << 40),
            log_age: section.duration("log_age", "24h", ("1m", "90days")),
            max_unsaved: section.integer("max_unsaved", 10_000, 1..=10_000_000),
            disk_reserve: section.integer("disk_reserve", 256 << 20, 1 << 20..=1 << 40),
            grace: section.duration("grace", "10s", ("0s", "10m")),
        };
        section.finish();
        config
    }

    pub(super) fn explain(&self, explained: &mut Explained) {
        let data_dir = self.data_dir.as_deref().unwrap_or("".as_ref());
        explained
            .section("[node]")
            .text("data_dir", data_dir.display())
            .text("journal", self.journal.as_str())
            .plain("log_octets", self.log_octets)
            .duration("log_age", self.log_age)
            .plain("max_unsaved", self.max_unsaved)
            .plain("disk_reserve", self.disk_reserve)
            .duration("grace", self.grace);
    }
}
