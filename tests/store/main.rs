//! The store in a directory: what was committed is there, whatever becomes of the process, and nothing else is taken for
//! a store.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

mod backups;
mod crashes;
mod directories;
mod logs;

use bellwire::codec::sse::{Events, EventsBuilder};
use bellwire::engine::chunk::Chunk;
use bellwire::engine::clock::Now;
use bellwire::store::embedded::{Embedded, Settings};
use bellwire::store::{Append, Batch, Store, Table};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

fn settings(path: &Path) -> Settings {
    Settings { path: path.to_owned(), log_octets: 1 << 30, log_age: Duration::from_secs(3600), reserve: 0 }
}

fn open(path: &Path) -> Embedded {
    Embedded::open(settings(path)).unwrap()
}

fn events(data: &[&str]) -> Events {
    let mut builder = EventsBuilder::new();
    data.iter().for_each(|data| builder.push(b"message", data.as_bytes(), data.as_bytes()).unwrap());
    builder.finish()
}

fn append(source: u32, first: u64, data: &[&str]) -> Append {
    let read_at = Now { monotonic: Duration::from_secs(1), unix_ms: 1_764_000_000_000 + first };
    Append { source, chunk: Arc::new(Chunk::new(events(data), first, read_at, None, None)) }
}

fn appended(appends: Vec<Append>) -> Batch {
    Batch { appends, ..Batch::default() }
}

/// The data of what a log has, by number.
fn logged(store: &dyn Store, source: u32, from: u64) -> Vec<(u64, String)> {
    let chunks = store.read(source, from, usize::MAX).unwrap();
    let numbered = chunks.iter().flat_map(|chunk| (chunk.first..).zip(&chunk.events));
    numbered.map(|(seq, event)| (seq, String::from_utf8(event.data.to_vec()).unwrap())).collect()
}

type Records = BTreeMap<(&'static str, Vec<u8>), Vec<u8>>;

/// Every record of every table.
fn records(store: &dyn Store) -> Records {
    let mut records = BTreeMap::new();
    for table in Table::ALL {
        store
            .scan(table, &mut |key, value| {
                records.insert((table.name(), key.to_vec()), value.to_vec());
                Ok(())
            })
            .unwrap();
    }
    records
}

/// A directory as a killed process leaves it: a copy of what is on disk while it is open.
fn killed(path: &Path, copy: &Path) {
    std::fs::create_dir_all(copy).unwrap();
    for entry in std::fs::read_dir(path).unwrap() {
        let entry = entry.unwrap();
        let to = copy.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => killed(&entry.path(), &to),
            false => drop(std::fs::copy(entry.path(), to).unwrap()),
        }
    }
}
