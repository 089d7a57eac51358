//! What fjall and the system say, as errors of the store.

use std::any::Any;
use std::io::{self, ErrorKind};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use fjall::LsmError;

use super::super::StoreError;
use super::wal::JournalError;

/// The system refused something.
pub(super) fn io(path: &Path, error: io::Error) -> StoreError {
    StoreError::Io { path: shown(path), error }
}

/// What is there is not what was written.
pub(super) fn damaged(path: &Path, what: impl Into<String>) -> StoreError {
    StoreError::Damaged { path: shown(path), what: what.into() }
}

/// fjall refused something.
pub(super) fn engine(path: &Path, error: fjall::Error) -> StoreError {
    use fjall::Error;
    match error {
        Error::Io(error) | Error::Storage(LsmError::Io(error)) => missing_or(path, error),
        Error::Poisoned => io(path, io::Error::other("an earlier write failed")),
        Error::Locked => StoreError::Locked { path: shown(path) },
        error => damaged(path, error.to_string()),
    }
}

/// The journals cannot be used.
pub(super) fn journal(path: &Path, error: JournalError) -> StoreError {
    match error {
        JournalError::Io(error) => io(path, error),
        error @ JournalError::Damaged(_) => damaged(path, error.to_string()),
    }
}

/// A file that ends too early or is not there was another when it was written.
fn missing_or(path: &Path, error: io::Error) -> StoreError {
    match error.kind() {
        ErrorKind::UnexpectedEof | ErrorKind::NotFound | ErrorKind::InvalidData => damaged(path, error.to_string()),
        _ => io(path, error),
    }
}

/// Does what `work` does. fjall takes some of what it reads on trust, and panics when that is damaged.
pub(super) fn guarded<T>(path: &Path, work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(damaged(path, words(panic.as_ref()))))
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("unreadable")
}

pub(super) fn shown(path: &Path) -> String {
    path.display().to_string()
}
