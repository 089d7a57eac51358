//! The runtime of commands that converse; one thread is enough for them.

use std::future::Future;
use std::io;

/// Runs `future` to its end.
///
/// # Errors
/// When the system gives no runtime.
pub(super) fn block_on<F: Future>(future: F) -> io::Result<F::Output> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(future))
}
