//! A store in a directory that goes away with it, and what is in one.

use bellwire::codec::sse::EventsBuilder;
use bellwire::engine::chunk::Chunk;
use bellwire::engine::clock::Now;
use bellwire::store::{Append, Batch, Embedded, Settings, Store, StoreError, Table};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

pub const HOUR_MS: u64 = 3_600_000;

pub fn settings(path: &Path) -> Settings {
    Settings { path: path.to_owned(), log_octets: 64 << 20, log_age: Duration::from_secs(3600), reserve: 1 << 20 }
}

pub fn open(path: &Path) -> Result<Embedded, StoreError> {
    Embedded::open(settings(path))
}

pub fn fresh() -> (TempDir, Embedded) {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    (directory, store)
}

/// A chunk whose events say their number.
pub fn chunk(source: u32, first: u64, events: u64, unix_ms: u64) -> Append {
    sized(source, first, events, unix_ms, 0)
}

/// A chunk whose events are at least so large.
pub fn sized(source: u32, first: u64, events: u64, unix_ms: u64, octets: usize) -> Append {
    let mut builder = EventsBuilder::new();
    for seq in first..first + events {
        let data = format!("{source}/{seq}{}", ".".repeat(octets));
        builder.push(b"", data.as_bytes(), seq.to_string().as_bytes()).unwrap();
    }
    let now = Now { monotonic: Duration::ZERO, unix_ms };
    Append { source, chunk: Arc::new(Chunk::new(builder.finish(), first, now, None, None).in_epoch(first as u32 + 7)) }
}

/// Everything that a store shows.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Image {
    pub rows: BTreeMap<(usize, Vec<u8>), Vec<u8>>,
    /// By source and number: when it was read, in which numbering, and its data.
    pub events: BTreeMap<(u32, u64), (u64, u32, Vec<u8>)>,
}

impl Image {
    /// What `batch` makes of it.
    pub fn apply(&mut self, batch: &Batch) {
        for Append { source, chunk } in &batch.appends {
            for (seq, event) in chunk.range().zip(chunk.events()) {
                self.events.insert((*source, seq), (chunk.read_at().unix_ms, chunk.epoch(), event.data.to_vec()));
            }
        }
        for change in &batch.changes {
            let key = (change.table as usize, change.key.to_vec());
            match &change.value {
                Some(value) => self.rows.insert(key, value.clone()),
                None => self.rows.remove(&key),
            };
        }
    }

    pub fn of(store: &dyn Store, sources: u32) -> Result<Self, StoreError> {
        let mut image = Self::default();
        for table in Table::ALL {
            store.scan(table, &mut |key, value| {
                image.rows.insert((table as usize, key.to_vec()), value.to_vec());
                Ok(())
            })?;
        }
        for source in 0..sources {
            for logged in store.read(source, 0, usize::MAX)? {
                for (seq, event) in (logged.first..).zip(&logged.events) {
                    let before =
                        image.events.insert((source, seq), (logged.unix_ms, logged.epoch, event.data.to_vec()));
                    assert!(before.is_none(), "event {seq} of source {source} is in the log twice");
                }
            }
        }
        Ok(image)
    }
}

/// A copy of a directory as it is now: what a killed process leaves. Of files that go meanwhile there is none.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else if let Err(error) = fs::copy(entry.path(), target) {
            assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
        }
    }
}
