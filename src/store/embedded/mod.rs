//! A store in a directory of its own, on fjall: a log-structured merge tree with one journal for all tables.
//!
//! A commit is one batch of fjall, in its journal and on the disk (`fdatasync`, which also makes the length of the file
//! durable) before it returns. In the directory are `lock`, held as long as the store is open, and `db`, which is fjall's
//! own and is made under the name `db.new`, so that there is a whole store or none.
//!
//! When a commit fails, nobody knows what of it is on the disk, and after a failed `fsync` not even the system does. So
//! the next commit closes the database, cuts the failed batch off the journal and opens it again, as if the process had
//! been started anew.
//!
//! Left out: what the records mean; a wait for a disk that does not answer.

mod backup;
mod database;
mod failure;
mod format;
mod frame;
mod opened;
mod place;
mod segments;
mod steps;
mod wal;

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};

use super::{Batch, Logged, SourceNumber, Store, StoreError, Table, Visit};
use failure::shown;
use opened::Opened;

pub use backup::restore;

/// The longest key that fjall's journal can hold.
const MAX_KEY_OCTETS: usize = u16::MAX as usize;

/// Where a store is, and how much of it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its directory: made if it is missing.
    pub path: PathBuf,
    /// How many octets the source logs have together at most, give or take a sixteenth.
    pub log_octets: u64,
    /// How old an event in the source logs can become, give or take a sixteenth.
    pub log_age: Duration,
    /// Octets of the disk that have to stay free: with fewer, nothing is kept any more.
    pub reserve: u64,
}

impl Settings {
    /// What stays free unless something else is asked for: as much as a journal takes until it is written out.
    pub const RESERVE: u64 = 64 * 1024 * 1024;
}

/// A store in a directory.
pub struct Embedded {
    settings: Settings,
    /// Locked; in the order of the fields, the database is closed before.
    opened: RwLock<Option<Opened>>,
    writer: Mutex<Writer>,
    _lock: File,
}

/// What only a commit uses.
#[derive(Default)]
struct Writer {
    /// The value that is being written.
    value: Vec<u8>,
    /// The sequence number of a batch that failed, or a later one's: nothing from it on is to be trusted.
    failed: Option<u64>,
}

impl Embedded {
    /// Opens the store in `settings.path`, or makes one if there is nothing.
    ///
    /// # Errors
    /// When there is something else, another process has it, it is damaged or was written by a later version.
    pub fn open(settings: Settings) -> Result<Self, StoreError> {
        let lock = place::prepare(&settings.path)?;
        let opened = Opened::open(&settings, None)?;
        Ok(Self { settings, opened: RwLock::new(Some(opened)), writer: Mutex::default(), _lock: lock })
    }

    /// Calls `work` with the database.
    fn with<T>(&self, work: impl FnOnce(&Opened) -> Result<T, StoreError>) -> Result<T, StoreError> {
        // Recursive: who visits records may read others, also while a commit waits for both.
        match &*self.opened.read_recursive() {
            Some(opened) => work(opened),
            None => Err(failure::io(&self.settings.path, io::Error::other("it is closed since a write failed"))),
        }
    }

    /// Closes the database and opens it without the batch that failed.
    fn reopen(&self, writer: &mut Writer) -> Result<(), StoreError> {
        // A long scan or a backup does not keep the store closed: it ends with an error.
        if let Some(opened) = &*self.opened.read_recursive() {
            opened.close();
        }
        let mut opened = self.opened.write();
        opened.take();
        *opened = Some(Opened::open(&self.settings, writer.failed)?);
        writer.failed = None;
        Ok(())
    }

    fn check_room(&self) -> Result<(), StoreError> {
        let Settings { path, reserve, .. } = &self.settings;
        let free = place::room(path)?;
        if free >= *reserve { Ok(()) } else { Err(StoreError::Full { path: shown(path), free, needed: *reserve }) }
    }

    /// What the system calls full is so, whatever was free before.
    fn named(&self, error: StoreError) -> StoreError {
        match error {
            StoreError::Io { path, error }
                if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) =>
            {
                let free = place::room(&self.settings.path).unwrap_or(0);
                StoreError::Full { path, free, needed: self.settings.reserve }
            }
            error => error,
        }
    }
}

impl Store for Embedded {
    fn commit(&self, batch: &Batch) -> Result<(), StoreError> {
        if batch.is_empty() {
            return Ok(());
        }
        if let Some(change) = batch.changes.iter().find(|change| !(1..=MAX_KEY_OCTETS).contains(&change.key.len())) {
            let what = format!("a key has {} octets, and 1 to {MAX_KEY_OCTETS} are possible", change.key.len());
            return Err(failure::io(&self.settings.path, io::Error::new(ErrorKind::InvalidInput, what)));
        }
        let mut writer = self.writer.lock();
        self.check_room()?;
        if writer.failed.is_some() {
            self.reopen(&mut writer).map_err(|error| self.named(error))?;
        }
        let (sequence, result) = self.with(|opened| {
            let sequence = opened.tables.database.seqno();
            Ok((sequence, opened.commit(batch, &mut writer.value)))
        })?;
        result.map_err(|error| {
            writer.failed = Some(sequence);
            self.named(error)
        })
    }

    fn read(&self, source: SourceNumber, from: u64, octets: usize) -> Result<Vec<Logged>, StoreError> {
        self.with(|opened| {
            // In this order: a segment that is begun between the two has nothing that the snapshot shows.
            let snapshot = opened.tables.database.snapshot();
            let segments = opened.segments.lock().list();
            segments::read(&opened.tables, (&segments, &snapshot), source, from, octets)
        })
    }

    fn scan(&self, table: Table, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        self.with(|opened| {
            let tables = &opened.tables;
            opened.each(&tables.database.snapshot(), tables.table(table), visit)
        })
    }

    fn backup(&self, out: &mut dyn io::Write) -> Result<(), StoreError> {
        self.with(|opened| {
            let snapshot = opened.tables.database.snapshot();
            let segments = opened.segments.lock().list();
            backup::write(opened, (&segments, &snapshot), out)
        })
    }
}
