//! What an SMSC's refusals for want of room mean for its links.

use super::super::explain::Explained;
use super::super::section::Section;
use std::time::Duration;

/// When an SMSC that has no room for some handsets is taken to have none at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrowdingConfig {
    /// Handsets that must be refused with RMSGQFUL before the link is held, 0 to 1000; 0 for never.
    pub handsets: u16,
    /// Within this time, 100 ms to 1 min.
    pub within: Duration,
}

impl CrowdingConfig {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            handsets: section.integer("crowding_handsets", 5, 0..=1000),
            within: section.duration("crowding_within", "1s", ("100ms", "1m")),
        }
    }

    pub(super) fn explain(&self, explained: &mut Explained) {
        explained.plain("crowding_handsets", self.handsets).duration("crowding_within", self.within);
    }
}
