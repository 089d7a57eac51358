//! `[node]`: the process itself.

use super::explain::Explained;
use super::section::{Section, text};
use std::time::Duration;

/// The process itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeConfig {
    /// How long what is under way may take to end after a signal to stop: 0 s to 10 min.
    pub grace: Duration,
}

impl NodeConfig {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        // A place to store is refused until there is a store: taking it silently would promise durability.
        section.read("data_dir", (), "the durable store is not built yet; leave data_dir empty", |value| {
            text(value).filter(|path| path.is_empty()).map(drop)
        });
        let grace = section.duration("grace", "10s", ("0s", "10m"));
        section.finish();
        Self { grace }
    }

    pub(super) fn explain(&self, explained: &mut Explained) {
        explained.section("[node]").text("data_dir", "").duration("grace", self.grace);
    }
}
