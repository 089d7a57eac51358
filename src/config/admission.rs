//! `[admission]`: how much may be inside.

use super::explain::Explained;
use super::section::Section;

/// How much may be inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdmissionConfig {
    /// Octets of events between the door and their outcome. Beyond it upstream sockets are left unread and publishers
    /// wait. At least `upstream.max_event`, or the largest event would never get in; less than 4 GiB.
    pub octets: usize,
}

impl AdmissionConfig {
    pub(super) fn read(mut section: Section<'_>, max_event: usize) -> Self {
        let octets = section.integer("octets", 64 << 20, max_event..=u32::MAX as usize);
        section.finish();
        Self { octets }
    }

    pub(super) fn explain(&self, explained: &mut Explained) {
        explained.section("[admission]").plain("octets", self.octets);
    }
}
