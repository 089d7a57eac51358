//! `[grpc]`: the control plane's listener.

use super::explain::Explained;
use super::section::Section;
use std::net::{Ipv4Addr, SocketAddr};

/// The control plane's listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrpcConfig {
    /// Where it listens. On loopback by default: whoever reaches it may activate and publish.
    pub listen: SocketAddr,
}

impl GrpcConfig {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let listen = section.listen("listen", (Ipv4Addr::LOCALHOST, 50051).into());
        section.finish();
        Self { listen }
    }

    pub(super) fn explain(&self, explained: &mut Explained) {
        explained.section("[grpc]").text("listen", self.listen);
    }
}
