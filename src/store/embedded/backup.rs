//! A backup of a store that goes on, and a store from a backup.
//!
//! An entry of a backup is a record of a keyspace. First come those of `store`, without the list of segments; then the
//! tables; then each segment of the log, oldest first: when it was begun, and its chunks.

use std::io::{Read, Write};
use std::path::Path;

use fjall::{Keyspace, OwnedWriteBatch, PersistMode, Snapshot};

use super::super::{StoreError, Table};
use super::database::Tables;
use super::failure::{self, engine};
use super::frame::{Entry, Reader, Writer, damaged};
use super::opened::Opened;
use super::segments::{self, Segment};
use super::{format, place};

/// Kinds of entries. That of a table is its place in [`Table::ALL`].
const CHUNK: u8 = 0x80;
const SEGMENT: u8 = 0x81;
const STORE: u8 = 0x82;

/// Octets that are kept at once when a store is filled.
const BATCH_OCTETS: usize = 1024 * 1024;

/// Writes what `snapshot` shows.
pub(super) fn write(
    opened: &Opened,
    (segments, snapshot): (&[Segment], &Snapshot),
    out: &mut dyn Write,
) -> Result<(), StoreError> {
    let tables = &opened.tables;
    let failed = |error| failure::io(tables.path(), error);
    let mut writer = Writer::new(out).map_err(failed)?;
    opened.each(snapshot, &tables.store, &mut |key, value| match segments::is_record(key) {
        true => Ok(()),
        false => writer.put(STORE, key, value).map_err(failed),
    })?;
    for (kind, table) in (0..).zip(Table::ALL) {
        opened.each(snapshot, tables.table(table), &mut |key, value| writer.put(kind, key, value).map_err(failed))?;
    }
    for segment in segments {
        writer.put(SEGMENT, &[], &segment.begun_ms().to_be_bytes()).map_err(failed)?;
        opened.each(snapshot, &segment.keyspace, &mut |key, value| writer.put(CHUNK, key, value).map_err(failed))?;
    }
    writer.finish().map_err(failed)
}

/// Makes a store in `path`, which is empty or does not exist, from a backup.
///
/// # Errors
/// When `path` holds anything, the backup is damaged or of a later version, or the system refuses something. There is
/// no store then.
pub fn restore(input: &mut dyn Read, path: &Path) -> Result<(), StoreError> {
    let mut reader = Reader::new(input)?;
    place::fill(path, |tables| {
        let mut filler = Filler { tables, batch: tables.database.batch(), octets: 0, log: None, segments: 0 };
        while reader.next(&mut |entry| filler.put(&entry))? {}
        filler.keep()?;
        format::check(tables)
    })
}

struct Filler<'a> {
    tables: &'a Tables,
    batch: OwnedWriteBatch,
    octets: usize,
    /// Where chunks go.
    log: Option<Keyspace>,
    segments: u32,
}

impl Filler<'_> {
    fn put(&mut self, entry: &Entry<'_>) -> Result<(), StoreError> {
        let keyspace = match entry.kind {
            SEGMENT => return self.begin_segment(entry.value),
            CHUNK => self.log.as_ref(),
            STORE => Some(&self.tables.store),
            kind => Table::ALL.get(usize::from(kind)).map(|table| self.tables.table(*table)),
        };
        let keyspace = keyspace.ok_or_else(|| damaged(format!("an entry of kind {} is out of place", entry.kind)))?;
        if entry.key.is_empty() || entry.key.len() > super::MAX_KEY_OCTETS {
            return Err(damaged(format!("a key has {} octets", entry.key.len())));
        }
        self.batch.insert(keyspace, entry.key, entry.value);
        self.octets += entry.key.len() + entry.value.len();
        if self.octets >= BATCH_OCTETS { self.keep() } else { Ok(()) }
    }

    fn begin_segment(&mut self, begun_ms: &[u8]) -> Result<(), StoreError> {
        let name = segments::name(self.segments);
        self.segments += 1;
        self.log = Some(self.tables.create_log(&name)?);
        self.batch.insert(&self.tables.store, name, begun_ms);
        Ok(())
    }

    fn keep(&mut self) -> Result<(), StoreError> {
        self.octets = 0;
        self.tables.wait_for_workers(self.log.as_ref())?;
        let empty = self.tables.database.batch().durability(Some(PersistMode::Buffer));
        std::mem::replace(&mut self.batch, empty).commit().map_err(|error| engine(self.tables.path(), error))
    }
}
