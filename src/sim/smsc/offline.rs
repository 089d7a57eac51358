//! An SMSC without sockets: whoever has it carries octets to and fro and says what time it is. Days pass in a moment, and
//! the same seed, script and calls give the same run.

use super::session::Session;
use super::shared::Shared;
use super::{DeliveryPort, SmscSettings, SmscStats};
use bytes::{Bytes, BytesMut};
use std::sync::Arc;
use std::time::Duration;

/// An SMSC without sockets.
#[derive(Debug)]
pub struct OfflineSmsc {
    shared: Arc<Shared>,
}

impl OfflineSmsc {
    /// An SMSC whose messages go to `handsets`.
    pub fn new(settings: SmscSettings, handsets: DeliveryPort) -> Self {
        Self { shared: Arc::new(Shared::new(settings, handsets, None)) }
    }

    /// Somebody connects.
    pub fn connect(&self, now: Duration) -> OfflineSession {
        let number = self.shared.ledger.open();
        OfflineSession { session: Session::new(Arc::clone(&self.shared), number, None, now), input: BytesMut::new() }
    }

    /// What it counted so far.
    pub fn stats(&self) -> SmscStats {
        self.shared.ledger.stats()
    }

    /// Does what is due of what belongs to no session: handsets come back, messages run out.
    pub fn handle_time(&self, now: Duration) {
        self.shared.handle_time(now);
    }

    /// When [`OfflineSmsc::handle_time`] is to be called next, at the latest.
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.shared.deadline()
    }
}

/// One connection to it.
#[derive(Debug)]
pub struct OfflineSession {
    session: Session,
    input: BytesMut,
}

impl OfflineSession {
    /// Octets from the other side.
    pub fn handle_input(&mut self, octets: &[u8], now: Duration) {
        self.input.extend_from_slice(octets);
        self.session.handle_input(&mut self.input, now);
    }

    /// Does what is due. To be called at `poll_timeout`, and whenever another session may have left something for this
    /// one; other calls are harmless.
    pub fn handle_time(&mut self, now: Duration) {
        self.session.handle_time(now);
        self.session.handle_input(&mut self.input, now);
    }

    /// Octets for the other side.
    pub fn take_output(&mut self) -> Bytes {
        let output = self.session.take_output().freeze();
        if !output.is_empty() {
            self.session.handle_written();
        }
        output
    }

    /// When [`OfflineSession::handle_time`] is to be called next, at the latest.
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.session.deadline()
    }

    /// Whether the SMSC has closed the connection.
    pub fn is_over(&self) -> bool {
        self.session.ending().is_some()
    }
}

impl Drop for OfflineSession {
    fn drop(&mut self) {
        self.session.handle_end();
    }
}
