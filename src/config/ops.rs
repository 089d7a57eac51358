//! `[ops]`: the listener for metrics and health.

use super::explain::Explained;
use super::section::Section;
use std::net::{Ipv4Addr, SocketAddr};

/// The listener for metrics and health.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpsConfig {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Whether a node without a bound SMPP link is unready. Off by default: events can wait for the link.
    pub ready_requires_link: bool,
}

impl OpsConfig {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let listen = section.listen("listen", (Ipv4Addr::LOCALHOST, 9090).into());
        let ready_requires_link = section.boolean("ready_requires_link", false);
        section.finish();
        Self { listen, ready_requires_link }
    }

    pub(super) fn explain(&self, explained: &mut Explained) {
        explained.section("[ops]").text("listen", self.listen).plain("ready_requires_link", self.ready_requires_link);
    }
}
