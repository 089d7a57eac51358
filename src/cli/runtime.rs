//! The runtime that commands run on: one thread, for a wake-up on the thread that causes it is the cheapest.

use std::future::Future;
use std::io;

/// Runs `future` to its end.
///
/// # Errors
/// When the system refuses what a runtime needs.
pub(super) fn block_on<F: Future>(future: F) -> io::Result<F::Output> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(future))
}
