//! The played world against raw sockets: an SMSC spoken to in SMPP, a ticker spoken to in HTTP, and handsets.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should panic")]

mod commands;
mod esme;
mod faults;
mod handsets;
mod modem;
mod scripts;
mod smsc;
mod ticker;

use std::future::Future;
use std::time::Duration;

/// Waits for `future`, but not for ever.
async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it should have happened by now")
}
