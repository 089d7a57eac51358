//! The directory of a store: what is in it, who has it, how much room there is.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::Path;

use super::super::StoreError;
use super::database::{Tables, sync};
use super::failure::{self, shown};

/// The database within the directory.
pub(super) const DATABASE: &str = "db";
/// The database while it is being made.
pub(super) const NEW_DATABASE: &str = "db.new";
const LOCK: &str = "lock";
/// The root of a file system has it from the beginning.
const LOST_AND_FOUND: &str = "lost+found";

/// Makes the directory if it is missing, locks it, and makes an empty database if there is none.
///
/// # Errors
/// When there is something else in it, or another process has it.
pub(super) fn prepare(path: &Path) -> Result<File, StoreError> {
    fs::create_dir_all(path).map_err(|error| failure::io(path, error))?;
    refuse_foreign(path, &[DATABASE, NEW_DATABASE, LOCK])?;
    let lock = lock(path)?;
    if !path.join(DATABASE).exists() {
        build(path, |_tables| Ok(()))?;
    }
    Ok(lock)
}

/// Like [`prepare`], but refuses a store, too, and fills the new one.
pub(super) fn fill(path: &Path, fill: impl FnOnce(&Tables) -> Result<(), StoreError>) -> Result<(), StoreError> {
    fs::create_dir_all(path).map_err(|error| failure::io(path, error))?;
    let known: &[&str] = if path.join(DATABASE).exists() { &[] } else { &[NEW_DATABASE, LOCK] };
    refuse_foreign(path, known)?;
    let _lock = lock(path)?;
    build(path, fill)
}

/// Makes a database under another name, so that there is a whole one or none.
fn build(path: &Path, fill: impl FnOnce(&Tables) -> Result<(), StoreError>) -> Result<(), StoreError> {
    let new = path.join(NEW_DATABASE);
    remove(&new)?;
    let built = Tables::create(&new).and_then(|tables| {
        fill(&tables)?;
        tables.sync()
    });
    if let Err(error) = built {
        // What cannot be removed is in nobody's way, and the error before matters more.
        let _ = remove(&new);
        return Err(error);
    }
    fs::rename(&new, path.join(DATABASE)).map_err(|error| failure::io(path, error))?;
    sync(path)?;
    path.parent().filter(|parent| *parent != Path::new("")).map_or(Ok(()), sync)
}

fn remove(directory: &Path) -> Result<(), StoreError> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(failure::io(directory, error)),
        _ => Ok(()),
    }
}

/// Refuses a directory without a database if there is anything in it that is not `known`.
fn refuse_foreign(path: &Path, known: &[&str]) -> Result<(), StoreError> {
    if known.contains(&DATABASE) && path.join(DATABASE).exists() {
        return Ok(());
    }
    for entry in fs::read_dir(path).map_err(|error| failure::io(path, error))? {
        let name = entry.map_err(|error| failure::io(path, error))?.file_name();
        if name != LOST_AND_FOUND && !known.iter().any(|known| name == *known) {
            return Err(StoreError::Foreign { path: shown(path), found: name.display().to_string() });
        }
    }
    Ok(())
}

fn lock(path: &Path) -> Result<File, StoreError> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path.join(LOCK));
    let file = file.map_err(|error| failure::io(path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked { path: shown(path) }),
        Err(TryLockError::Error(error)) => Err(failure::io(path, error)),
    }
}

/// Octets that may still be written to the disk of `path`.
pub(super) fn room(path: &Path) -> Result<u64, StoreError> {
    let room = rustix::fs::statvfs(path).map_err(|error| failure::io(path, io::Error::from(error)))?;
    Ok(room.f_bavail.saturating_mul(room.f_frsize))
}
