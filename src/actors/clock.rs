//! The one place that reads the system's clocks for the engine.

use crate::engine::clock::Now;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// Reads both clocks. Under a paused tokio clock the monotonic one is tokio's, so that tests can turn it.
pub fn now() -> Now {
    static START: OnceLock<Instant> = OnceLock::new();
    let monotonic = START.get_or_init(Instant::now).elapsed();
    let unix_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
    Now { monotonic, unix_ms }
}
