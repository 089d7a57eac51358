//! A store that is open: tables, segments of the logs, and what fjall says in our words.

use super::format::{self, FORMAT, FORMAT_KEY, Found, Migration};
use super::segments::{Segment, Segments};
use super::{Settings, Table};
use crate::store::backup::Record;
use crate::store::{Append, Batch, Logged, SourceNumber, StoreError, Visit};
use fjall::{Database, Guard, Keyspace, KeyspaceCreateOptions, PersistMode, Readable, Snapshot};
use parking_lot::Mutex;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

/// Octets of fjall's journal: what a start may have to read again, so that a start takes about a second.
const JOURNAL_OCTETS: u64 = 256 << 20;
/// Octets of tables that are kept at hand.
const CACHE_OCTETS: u64 = 32 << 20;
/// Threads that bring what was committed to its place.
const WORKERS: usize = 2;
/// Octets of a table that wait in memory for that.
const TABLE_OCTETS: u64 = 16 << 20;

/// Steps from older formats.
const MIGRATIONS: &[Migration<Database>] = &[];
const _: () = assert!(MIGRATIONS.len() as u32 + 1 == FORMAT);

/// A store that is open.
pub(super) struct Opened {
    path: String,
    database: Database,
    tables: [Keyspace; Table::ALL.len()],
    segments: Mutex<Segments>,
}

impl Opened {
    /// Opens what the directory holds, or makes it.
    pub fn open(settings: &Settings) -> Result<Self, StoreError> {
        let found = format::look(settings)?;
        let path = settings.shown();
        let wrong = |error| in_words(&settings.path, error);
        let database = database(settings)?;
        let table = |table: Table| database.keyspace(table.name(), table_options);
        let mut tables = Vec::with_capacity(Table::ALL.len());
        for one in Table::ALL {
            tables.push(table(one).map_err(wrong)?);
        }
        let tables = tables
            .try_into()
            .map_err(|_| StoreError::Damaged { path: path.clone(), what: "a table is missing".to_owned() })?;
        let segments = Segments::open(&database, settings).map_err(wrong)?;
        let opened = Self { path, database, tables, segments: Mutex::new(segments) };
        opened.settle_format(settings, found)?;
        Ok(opened)
    }

    fn settle_format(&self, settings: &Settings, found: Found) -> Result<(), StoreError> {
        let node = self.table(Table::Node);
        let written = node.get(FORMAT_KEY).map_err(|error| self.wrong(error))?;
        let format = match written {
            // Its process ended before it wrote anything.
            None if found == Found::Nothing || node.is_empty().map_err(|error| self.wrong(error))? => FORMAT,
            None => 0,
            Some(value) => value.as_ref().try_into().map_or(0, u32::from_le_bytes),
        };
        for step in format::steps(settings, format, MIGRATIONS)? {
            step(&self.database)?;
        }
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncAll));
        batch.insert(node, FORMAT_KEY, FORMAT.to_le_bytes());
        batch.commit().map_err(|error| self.wrong(error))
    }

    /// Keeps a batch: one write to the journal, one fsync.
    pub fn commit(&self, batch: &Batch) -> Result<(), StoreError> {
        let segment = self.segments.lock().current(&self.database, batch).map_err(|error| self.wrong(error))?;
        let mut written = self.database.batch().durability(Some(PersistMode::SyncData));
        let mut octets = 0;
        for Append { source, chunk } in &batch.appends {
            let value = Logged::write(chunk.range().start, chunk.read_at().unix_ms, chunk.events());
            octets += value.len() as u64;
            written.insert(&segment, log_key(*source, chunk.range().end), value);
        }
        for change in &batch.changes {
            let table = self.table(change.table);
            match &change.value {
                Some(value) => written.insert(table, &*change.key, value.as_slice()),
                None => written.remove(table, &*change.key),
            }
        }
        written.commit().map_err(|error| self.wrong(error))?;
        let mut segments = self.segments.lock();
        segments.grow(octets);
        segments.drop_old(&self.database).map_err(|error| self.wrong(error))
    }

    /// Keeps records of a backup.
    pub fn put_back(&self, records: Vec<Record>) -> Result<(), StoreError> {
        let segment = self.segments.lock().newest(&self.database).map_err(|error| self.wrong(error))?;
        let mut written = self.database.batch().durability(Some(PersistMode::SyncAll));
        for Record { table, key, value } in records {
            written.insert(table.map_or(&segment, |table| self.table(table)), key, value);
        }
        written.commit().map_err(|error| self.wrong(error))
    }

    /// Events of a source from number `from` on.
    pub fn read(&self, source: SourceNumber, from: u64, octets: usize) -> Result<Vec<Logged>, StoreError> {
        let segments = self.segments.lock().all();
        let (mut found, mut next, mut room) = (Vec::new(), from, octets);
        for segment in &segments {
            let range = log_key(source, next.saturating_add(1))..=log_key(source, u64::MAX);
            for guard in segment.keyspace().range(range) {
                if room == 0 && !found.is_empty() {
                    return Ok(found);
                }
                let (key, value) = guard.into_inner().map_err(|error| self.wrong(error))?;
                let Some((_, end)) = read_log_key(&key) else { return Err(self.damaged("a log has a strange key")) };
                // A batch that was given twice may be in two segments.
                if end > next {
                    room = room.saturating_sub(value.len());
                    found.push(Logged::read(&value).map_err(|what| self.damaged(what))?);
                    next = end;
                }
            }
        }
        Ok(found)
    }

    /// Every record of a table.
    pub fn scan(&self, table: Table, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        for guard in self.table(table).iter() {
            let (key, value) = guard.into_inner().map_err(|error| self.wrong(error))?;
            if !(table == Table::Node && *key == *FORMAT_KEY) {
                visit(&key, &value)?;
            }
        }
        Ok(())
    }

    /// The store as it is now, for a while. Segments stay as long as it is there.
    pub fn moment(self: &Arc<Self>) -> Moment {
        let segments = self.segments.lock().all();
        Moment { opened: Arc::clone(self), snapshot: self.database.snapshot(), segments }
    }

    fn table(&self, table: Table) -> &Keyspace {
        &self.tables[table as usize]
    }

    fn wrong(&self, error: fjall::Error) -> StoreError {
        in_words(Path::new(&self.path), error)
    }

    fn damaged(&self, what: impl ToString) -> StoreError {
        StoreError::Damaged { path: self.path.clone(), what: what.to_string() }
    }
}

/// A store as it was at one moment.
pub(super) struct Moment {
    opened: Arc<Opened>,
    snapshot: Snapshot,
    segments: Vec<Arc<Segment>>,
}

impl Moment {
    /// Everything in it.
    pub fn records(&self) -> Box<dyn Iterator<Item = Result<Record, StoreError>> + '_> {
        let read = |guard: Guard| guard.into_inner().map_err(|error| self.opened.wrong(error));
        let tables = Table::ALL.into_iter().flat_map(move |table| {
            self.snapshot.iter(self.opened.table(table)).map(move |guard| {
                read(guard).map(|(key, value)| Record { table: Some(table), key: key.to_vec(), value: value.to_vec() })
            })
        });
        let logs = self.segments.iter().flat_map(move |segment| {
            self.snapshot.iter(segment.keyspace()).map(move |guard| {
                read(guard).map(|(key, value)| Record { table: None, key: key.to_vec(), value: value.to_vec() })
            })
        });
        Box::new(tables.chain(logs))
    }
}

fn database(settings: &Settings) -> Result<Database, StoreError> {
    let builder = Database::builder(&settings.path)
        .max_journaling_size(JOURNAL_OCTETS)
        .cache_size(CACHE_OCTETS)
        .worker_threads(WORKERS)
        .manual_journal_persist(true);
    // A journal that was garbled may make it panic.
    match catch_unwind(AssertUnwindSafe(|| builder.open())) {
        Ok(opened) => opened.map_err(|error| in_words(&settings.path, error)),
        Err(_) => Err(StoreError::Damaged { path: settings.shown(), what: "it cannot be made sense of".to_owned() }),
    }
}

fn table_options() -> KeyspaceCreateOptions {
    KeyspaceCreateOptions::default().max_memtable_size(TABLE_OCTETS)
}

/// The key of a chunk in a log: the source, then one past its last event.
fn log_key(source: SourceNumber, end: u64) -> [u8; 12] {
    let mut key = [0; 12];
    key[..4].copy_from_slice(&source.to_be_bytes());
    key[4..].copy_from_slice(&end.to_be_bytes());
    key
}

fn read_log_key(key: &[u8]) -> Option<(SourceNumber, u64)> {
    let (source, end) = key.split_at_checked(4)?;
    Some((u32::from_be_bytes(source.try_into().ok()?), u64::from_be_bytes(end.try_into().ok()?)))
}

/// What fjall says, in our words.
pub(super) fn in_words(path: &Path, error: fjall::Error) -> StoreError {
    let path = path.display().to_string();
    match error {
        fjall::Error::Locked => StoreError::Locked { path },
        fjall::Error::Io(error) => StoreError::Io { path, error },
        fjall::Error::Storage(fjall::LsmError::Io(error)) => StoreError::Io { path, error },
        fjall::Error::Poisoned => StoreError::Io { path, error: std::io::Error::other("an earlier write has failed") },
        other => StoreError::Damaged { path, what: other.to_string() },
    }
}
