//! fjall's database as this store uses it: its keyspaces and how they are tuned, made whole or not at all.
//!
//! | keyspace | key | value |
//! |---|---|---|
//! | one for each [`Table`], by its name in lower case | the record's | the record's |
//! | `store` | `format` | number of the format, four octets |
//! | `store` | `commits` | how many commits there were, eight octets; part of each commit |
//! | `store` | `log.NNNNNNNN` | when the segment was begun, in milliseconds since 1970, eight octets |
//! | `log.NNNNNNNN` | source and end of a chunk | see [`super::segments`] |
//!
//! Numbers are big-endian. A keyspace is not made and deleted by batches, so the records in `store` say which segments
//! there are: they change with the batch that first writes to a segment and with the one that drops it.

use std::fs::{self, File};
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use fjall::compaction::Leveled;
use fjall::config::{BlockSizePolicy, FilterPolicy};
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use super::super::{StoreError, Table};
use super::failure::{damaged, engine, guarded, io};
use super::format;

/// Octets of memory for what was written to a keyspace and is in no file of it yet. Small ones are written out often,
/// large ones keep memory.
const MEMTABLE_OCTETS: u64 = 16 * 1024 * 1024;
/// Octets of files of the log that are read at once: a chunk is mostly larger, so this is about small ones.
const LOG_BLOCK_OCTETS: u32 = 16 * 1024;
/// The smallest that fjall accepts. What the journals hold is read again at start.
const JOURNAL_OCTETS: u64 = 64 * 1024 * 1024;
/// What was read is seldom read again.
const CACHE_OCTETS: u64 = 8 * 1024 * 1024;
/// One writes memory out, while the other merges files.
const WORKERS: usize = 2;
/// Files of a segment are never merged: it is deleted before it has as many.
const NO_MERGING: u8 = u8::MAX;
/// Sequence numbers left out at each start. fjall does not see on opening which ones went into its list of keyspaces,
/// and an entry with a smaller number would be hidden by one with a greater.
const SEQUENCE_STEP: u64 = 1_000_000;

/// Once four pieces of memory wait to be written out, fjall waits without end for its workers. A commit adds one at most,
/// and a worker that makes room in the journals another.
const MAX_WAITING: usize = 1;
/// At 30 files that are not merged yet, fjall waits in the same way; a commit adds two at most.
const MAX_UNMERGED: usize = 24;
/// How long to wait for the workers before a commit is refused.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(1);

const STORE: &str = "store";

/// An open database.
pub(super) struct Tables {
    directory: PathBuf,
    pub(super) database: Database,
    /// In the order of [`Table::ALL`].
    tables: [Keyspace; Table::ALL.len()],
    pub(super) store: Keyspace,
}

impl Tables {
    /// Makes an empty store in `directory`, which must not exist.
    pub(super) fn create(directory: &Path) -> Result<Self, StoreError> {
        let path = store_of(directory);
        fs::create_dir(directory).map_err(|error| io(path, error))?;
        let failed = |error| engine(path, error);
        let database = database(directory)?;
        let create = |name: &str| database.keyspace(name, table_options).map_err(failed);
        let (tables, store) = (each(create)?, create(STORE)?);
        let tables = Self { directory: directory.to_owned(), database, tables, store };
        format::write(&tables).map_err(failed)?;
        tables.sync_keyspaces()?;
        Ok(tables)
    }

    /// Opens what is in `directory`.
    pub(super) fn open(directory: &Path) -> Result<Self, StoreError> {
        let path = store_of(directory);
        // Without it, fjall would make a new database.
        if !directory.join("version").exists() {
            return Err(damaged(path, "its version file is missing"));
        }
        let database = guarded(path, || database(directory))?;
        let sequence = &database.supervisor.seqno;
        sequence.fetch_max(sequence.get() + SEQUENCE_STEP);
        let existing = |name: &str| {
            // A store from before there was such a table has nothing in it.
            if !database.keyspace_exists(name) && !LATER.contains(&name) {
                return Err(damaged(path, format!("table {name} is missing")));
            }
            database.keyspace(name, table_options).map_err(|error| engine(path, error))
        };
        let (tables, store) = (each(existing)?, existing(STORE)?);
        Ok(Self { directory: directory.to_owned(), database, tables, store })
    }

    /// The keyspace of a table.
    pub(super) fn table(&self, table: Table) -> &Keyspace {
        let [node, sources, terms, subscriptions, progress, handsets, receipts, publications, rest @ ..] = &self.tables;
        let [expiries, budgets] = rest;
        match table {
            Table::Node => node,
            Table::Sources => sources,
            Table::Terms => terms,
            Table::Subscriptions => subscriptions,
            Table::Progress => progress,
            Table::Handsets => handsets,
            Table::Receipts => receipts,
            Table::Publications => publications,
            Table::Expiries => expiries,
            Table::Budgets => budgets,
        }
    }

    /// The store that it is in.
    pub(super) fn path(&self) -> &Path {
        store_of(&self.directory)
    }

    /// Makes a keyspace for a segment of the log.
    pub(super) fn create_log(&self, name: &str) -> Result<Keyspace, StoreError> {
        let log = self.database.keyspace(name, log_options).map_err(|error| engine(self.path(), error))?;
        self.sync_keyspaces()?;
        Ok(log)
    }

    /// Waits until the workers of fjall have little to do, so that a commit need not wait within fjall, which would not
    /// notice if they gave up.
    #[allow(clippy::disallowed_methods, reason = "fjall tells nobody when a worker is done; the wait has a limit")]
    pub(super) fn wait_for_workers(&self, log: Option<&Keyspace>) -> Result<(), StoreError> {
        let busy = |keyspace: &Keyspace| {
            keyspace.sealed_memtable_count() > MAX_WAITING || keyspace.l0_table_count() > MAX_UNMERGED
        };
        let begun = Instant::now();
        while self.tables.iter().chain([&self.store]).chain(log).any(busy) {
            // Nothing is to be done, but an error says that a worker gave up.
            self.database.persist(PersistMode::Buffer).map_err(|error| engine(self.path(), error))?;
            if begun.elapsed() > PATIENCE {
                return Err(io(self.path(), Error::new(ErrorKind::TimedOut, "the disk is too slow")));
            }
            thread::sleep(LOOK_AGAIN);
        }
        Ok(())
    }

    /// fjall leaves it to the system when the directory of a new keyspace is on the disk.
    fn sync_keyspaces(&self) -> Result<(), StoreError> {
        sync(&self.directory.join("keyspaces"))
    }

    /// Puts everything on the disk.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        self.database.persist(PersistMode::SyncAll).map_err(|error| engine(self.path(), error))
    }
}

/// Tables that came later than the first store.
const LATER: [&str; 2] = [EXPIRIES, BUDGETS];
const EXPIRIES: &str = "expiries";
const BUDGETS: &str = "budgets";

/// A database is in the directory of its store.
fn store_of(directory: &Path) -> &Path {
    directory.parent().unwrap_or(directory)
}

/// Puts what is in a directory on the disk: names, not contents.
pub(super) fn sync(directory: &Path) -> Result<(), StoreError> {
    File::open(directory).and_then(|file| file.sync_all()).map_err(|error| io(directory, error))
}

fn each(keyspace: impl Fn(&str) -> Result<Keyspace, StoreError>) -> Result<[Keyspace; Table::ALL.len()], StoreError> {
    let [a, b, c, d, e, f, g, h, i, j] = Table::ALL.map(|table| keyspace(name(table)));
    Ok([a?, b?, c?, d?, e?, f?, g?, h?, i?, j?])
}

fn database(directory: &Path) -> Result<Database, StoreError> {
    let builder = Database::builder(directory)
        .manual_journal_persist(true)
        .max_journaling_size(JOURNAL_OCTETS)
        .cache_size(CACHE_OCTETS)
        .worker_threads(WORKERS);
    builder.open().map_err(|error| engine(store_of(directory), error))
}

fn table_options() -> KeyspaceCreateOptions {
    KeyspaceCreateOptions::default().manual_journal_persist(true).max_memtable_size(MEMTABLE_OCTETS)
}

fn log_options() -> KeyspaceCreateOptions {
    // Only ranges are read, which filters do not help.
    table_options()
        .compaction_strategy(Arc::new(Leveled::default().with_l0_threshold(NO_MERGING)))
        .data_block_size_policy(BlockSizePolicy::all(LOG_BLOCK_OCTETS))
        .filter_policy(FilterPolicy::disabled())
}

fn name(table: Table) -> &'static str {
    match table {
        Table::Node => "node",
        Table::Sources => "sources",
        Table::Terms => "terms",
        Table::Subscriptions => "subscriptions",
        Table::Progress => "progress",
        Table::Handsets => "handsets",
        Table::Receipts => "receipts",
        Table::Publications => "publications",
        Table::Expiries => EXPIRIES,
        Table::Budgets => BUDGETS,
    }
}
