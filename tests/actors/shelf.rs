//! A store on a shelf: it keeps what it is given for as long as the test holds it, whatever becomes of the house, and
//! refuses it when the test says so.

use bellwire::store::{Batch, Logged, SourceNumber, Store, StoreError, Table, Visit};
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

#[derive(Default)]
pub struct Shelf {
    kept: Mutex<Kept>,
    /// Commits are refused.
    pub full: AtomicBool,
    /// Nothing can be read of the logs.
    pub closed: AtomicBool,
    /// Commits that were kept.
    pub commits: AtomicU64,
}

#[derive(Default)]
struct Kept {
    tables: HashMap<Table, BTreeMap<Box<[u8]>, Vec<u8>>>,
    logs: HashMap<SourceNumber, Vec<Logged>>,
}

impl Shelf {
    /// Records in a table.
    pub fn count(&self, table: Table) -> usize {
        self.kept.lock().tables.get(&table).map_or(0, BTreeMap::len)
    }

    /// The log loses what is older than number `from`.
    pub fn forget_before(&self, from: u64) {
        self.kept.lock().logs.values_mut().for_each(|log| log.retain(|logged| logged.first >= from));
    }
}

impl Store for Shelf {
    fn commit(&self, batch: &Batch) -> Result<(), StoreError> {
        if self.full.load(Ordering::Relaxed) {
            return Err(StoreError::Full { path: "shelf".into(), free: 0, needed: 1 });
        }
        let Kept { tables, logs } = &mut *self.kept.lock();
        for append in &batch.appends {
            let chunk = &append.chunk;
            let log = logs.entry(append.source).or_default();
            assert!(log.last().is_none_or(|last| last.first + last.events.len() as u64 == chunk.range().start));
            let (first, unix_ms) = (chunk.range().start, chunk.read_at().unix_ms);
            log.push(Logged { first, epoch: chunk.epoch(), unix_ms, events: chunk.events().clone() });
        }
        for change in &batch.changes {
            let table = tables.entry(change.table).or_default();
            match &change.value {
                Some(value) => table.insert(change.key.clone(), value.clone()),
                None => table.remove(&change.key),
            };
        }
        self.commits.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn read(&self, source: SourceNumber, from: u64, octets: usize) -> Result<Vec<Logged>, StoreError> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(StoreError::Io { path: "shelf".into(), error: io::ErrorKind::Interrupted.into() });
        }
        let kept = self.kept.lock();
        let log = kept.logs.get(&source).into_iter().flatten();
        let (mut found, mut room) = (Vec::new(), octets);
        for logged in log.filter(|logged| logged.first + logged.events.len() as u64 > from) {
            if room == 0 {
                break;
            }
            room = room.saturating_sub(logged.events.octets());
            found.push(logged.clone());
        }
        Ok(found)
    }

    fn scan(&self, table: Table, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        let records = self.kept.lock().tables.get(&table).cloned().unwrap_or_default();
        records.iter().try_for_each(|(key, value)| visit(key, value))
    }

    fn backup(&self, _: &mut dyn io::Write) -> Result<(), StoreError> {
        Err(StoreError::Io { path: "shelf".into(), error: io::ErrorKind::Unsupported.into() })
    }
}
