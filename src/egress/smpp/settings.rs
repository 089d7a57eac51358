//! What a link is told by the configuration.

use super::tls::Tls;
use crate::engine::session::SessionSettings;
use std::time::Duration;

/// One link, or one of the two connections of a split link.
#[derive(Clone, Debug)]
pub struct LinkSettings {
    /// Host name or address, and port; looked up at each connect. Only shown where the SMSC connects to us.
    pub address: String,
    /// TLS, unless it is spoken to in the clear.
    pub tls: Option<Tls>,
    /// The session.
    pub session: SessionSettings,
    /// Longest wait for the connection.
    pub connect_timeout: Duration,
    /// The most that the first wait after a failure takes; doubled by each further one.
    pub backoff_base: Duration,
    /// The most that any wait takes.
    pub backoff_max: Duration,
    /// How long a link that stops waits for answers before it unbinds.
    pub drain_timeout: Duration,
}
