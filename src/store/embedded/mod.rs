//! The store in a directory of this machine, on fjall.
//!
//! One keyspace for each table, and one for each segment of the logs (`segments`). All share one journal: a commit is
//! one write to it and one fsync.
//!
//! fjall takes nothing more after a write has failed, for then nobody knows what the disk has. So it is opened anew
//! before the next commit, from what the disk really has; the batch that failed is given again and is kept then.

mod format;
mod opened;
mod segments;

use super::{Batch, Logged, SourceNumber, Store, StoreError, Table, Visit, backup};
use opened::Opened;
use parking_lot::{Mutex, RwLock};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Where a store is, and how much it keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The directory; it is made if it is not there.
    pub path: PathBuf,
    /// Octets that all logs together take; beyond it the oldest events go.
    pub log_octets: u64,
    /// How long events stay in the logs.
    pub log_age: Duration,
    /// Octets of the disk that are left free: commits are refused before that.
    pub reserve: u64,
}

impl Settings {
    /// The directory, as errors name it.
    fn shown(&self) -> String {
        self.path.display().to_string()
    }
}

/// The store in a directory.
pub struct Embedded {
    settings: Settings,
    /// None after a failure, until it is opened anew.
    opened: RwLock<Option<Arc<Opened>>>,
    /// Commits and backups take turns at what is on disk.
    turn: Mutex<()>,
}

impl Embedded {
    /// Opens the store, or makes one in a directory that is empty or not there.
    ///
    /// # Errors
    /// When the directory holds something else, another process has it, it is damaged, of a later version, or cannot
    /// be read.
    pub fn open(settings: Settings) -> Result<Self, StoreError> {
        let opened = Opened::open(&settings)?;
        Ok(Self { settings, opened: RwLock::new(Some(Arc::new(opened))), turn: Mutex::new(()) })
    }

    /// Keeps records of a backup.
    pub(super) fn put_back(&self, records: Vec<backup::Record>) -> Result<(), StoreError> {
        self.opened()?.put_back(records)
    }

    fn opened(&self) -> Result<Arc<Opened>, StoreError> {
        self.opened.read().clone().ok_or_else(|| StoreError::Io {
            path: self.settings.shown(),
            error: io::Error::other("it failed, and is opened anew with the next commit"),
        })
    }

    /// The store, opened anew if it has failed.
    fn sound(&self) -> Result<Arc<Opened>, StoreError> {
        let mut opened = self.opened.write();
        match &*opened {
            Some(opened) => Ok(Arc::clone(opened)),
            None => {
                let fresh = Arc::new(Opened::open(&self.settings)?);
                *opened = Some(Arc::clone(&fresh));
                Ok(fresh)
            }
        }
    }
}

impl Store for Embedded {
    fn commit(&self, batch: &Batch) -> Result<(), StoreError> {
        let _turn = self.turn.lock();
        self.settings.check_free()?;
        let opened = self.sound()?;
        let committed = opened.commit(batch);
        if committed.is_err() {
            *self.opened.write() = None;
        }
        committed
    }

    fn read(&self, source: SourceNumber, from: u64, octets: usize) -> Result<Vec<Logged>, StoreError> {
        self.opened()?.read(source, from, octets)
    }

    fn scan(&self, table: Table, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        self.opened()?.scan(table, visit)
    }

    fn backup(&self, out: &mut dyn io::Write) -> Result<(), StoreError> {
        let opened = self.opened()?;
        let moment = {
            let _turn = self.turn.lock();
            opened.moment()
        };
        backup::write(&mut *moment.records(), out).map_err(|error| match error {
            backup::WriteError::Store(error) => error,
            backup::WriteError::Out(error) => StoreError::Io { path: "the backup".to_owned(), error },
        })
    }
}

impl Settings {
    /// A disk that is nearly full is left alone: the store needs some room to work in, and to recover.
    fn check_free(&self) -> Result<(), StoreError> {
        let disk = rustix::fs::statvfs(&self.path)
            .map_err(|error| StoreError::Io { path: self.shown(), error: error.into() })?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        match free < self.reserve {
            true => Err(StoreError::Full { path: self.shown(), free, needed: self.reserve }),
            false => Ok(()),
        }
    }
}
