//! An open database, its segments, and how a batch is committed.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use fjall::{Keyspace, OwnedWriteBatch, PersistMode, Readable, Snapshot};
use parking_lot::Mutex;

use super::super::{Append, Batch, Change, StoreError, Visit};
use super::database::Tables;
use super::failure::{self, engine};
use super::segments::{self, Bounds, Segments};
use super::{Settings, format, place, steps, wal};

const COMMITS: &[u8] = b"commits";

pub(super) struct Opened {
    pub(super) tables: Tables,
    pub(super) segments: Mutex<Segments>,
    commits: AtomicU64,
    closing: AtomicBool,
}

struct Appended {
    keyspace: Keyspace,
    /// When the newest chunk was read.
    now_ms: u64,
    octets: u64,
}

impl Opened {
    /// Opens the database of a store, without what has sequence numbers from `below` on.
    pub(super) fn open(settings: &Settings, below: Option<u64>) -> Result<Self, StoreError> {
        let directory = settings.path.join(place::DATABASE);
        wal::mend(&directory, below).map_err(|error| failure::journal(&settings.path, error))?;
        let tables = Tables::open(&directory)?;
        format::migrate(&tables, steps::STEPS)?;
        let bounds = Bounds { octets: settings.log_octets, age: settings.log_age };
        let segments = Mutex::new(Segments::open(&tables, bounds)?);
        let commits = tables.store.get(COMMITS).map_err(|error| engine(&settings.path, error))?;
        let commits = commits.and_then(|value| value.as_ref().try_into().ok()).map_or(0, u64::from_be_bytes);
        Ok(Self { tables, segments, commits: commits.into(), closing: false.into() })
    }

    /// Keeps a batch. Not to be called by two at once, nor again after an error.
    pub(super) fn commit(&self, batch: &Batch, value: &mut Vec<u8>) -> Result<(), StoreError> {
        let tables = &self.tables;
        let mut written = tables.database.batch().durability(Some(PersistMode::SyncData));
        let appended = self.append(&batch.appends, &mut written, value)?;
        for change in last_of_each(&batch.changes) {
            let table = tables.table(change.table);
            match &change.value {
                Some(value) => written.insert(table, &*change.key, value.as_slice()),
                None => written.remove(table, &*change.key),
            }
        }
        // In every batch: so the sequence number of the last one is found on opening, whatever was deleted since.
        let commits = self.commits.fetch_add(1, Ordering::Relaxed) + 1;
        written.insert(&tables.store, COMMITS, commits.to_be_bytes());
        tables.wait_for_workers(appended.as_ref().map(|appended| &appended.keyspace))?;
        written.commit().map_err(|error| engine(tables.path(), error))?;
        if let Some(Appended { now_ms, octets, .. }) = appended {
            let mut segments = self.segments.lock();
            segments.committed(now_ms, octets);
            // The batch is kept, whatever becomes of this: what is not deleted now is next time.
            let _ = segments.delete_dropped(tables);
        }
        Ok(())
    }

    /// Asks everyone who reads to stop.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    /// The records of a keyspace, in the order of the keys, until [`Opened::close`].
    pub(super) fn each(
        &self,
        snapshot: &Snapshot,
        keyspace: &Keyspace,
        visit: &mut Visit<'_>,
    ) -> Result<(), StoreError> {
        for record in snapshot.iter(keyspace) {
            let (key, value) = record.into_inner().map_err(|error| engine(self.tables.path(), error))?;
            if self.closing.load(Ordering::Relaxed) {
                let error = io::Error::new(io::ErrorKind::Interrupted, "it is opened anew, since a write failed");
                return Err(failure::io(self.tables.path(), error));
            }
            visit(&key, &value)?;
        }
        Ok(())
    }

    fn append(
        &self,
        appends: &[Append],
        written: &mut OwnedWriteBatch,
        value: &mut Vec<u8>,
    ) -> Result<Option<Appended>, StoreError> {
        let chunks = || appends.iter().filter(|append| !append.chunk.events().is_empty());
        let Some(now_ms) = chunks().map(|append| append.chunk.read_at().unix_ms).max() else { return Ok(None) };
        let mut records = Vec::with_capacity(appends.len());
        let mut octets = 0;
        for Append { source, chunk } in chunks() {
            segments::write_value(value, chunk);
            octets += value.len() as u64;
            records.push((segments::key(*source, chunk.range().end), fjall::UserValue::new(value)));
        }
        let keyspace = self.segments.lock().prepare(&self.tables, written, now_ms, octets)?;
        for (key, value) in records {
            written.insert(&keyspace, key, value);
        }
        Ok(Some(Appended { keyspace, now_ms, octets }))
    }
}

/// The changes, of two for one key the later.
fn last_of_each(changes: &[Change]) -> impl Iterator<Item = &Change> {
    let mut last = HashMap::with_capacity(changes.len());
    for (at, change) in changes.iter().enumerate() {
        last.insert((change.table, &change.key), at);
    }
    let is_last = move |(at, change): &(usize, &Change)| last.get(&(change.table, &change.key)) == Some(at);
    changes.iter().enumerate().filter(is_last).map(|(_, change)| change)
}
