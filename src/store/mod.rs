//! What outlives the process, behind one trait: tables of records, and the logs of the sources.
//!
//! A store knows nothing of what its records mean. It promises one thing: a [`Batch`] is kept whole or not at all, and
//! when [`Store::commit`] has returned, neither a killed process nor a lost power supply undoes it.

mod embedded;
pub mod row;

use crate::codec::sse::Events;
use crate::engine::chunk::Chunk;
pub use embedded::{Embedded, Settings, restore};
use std::io;
use std::sync::Arc;

/// A source's short name in the store; never given twice.
pub type SourceNumber = u32;

/// Takes the key and the value of a record.
pub type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> Result<(), StoreError> + 'a;

/// Durable state.
pub trait Store: Send + Sync {
    /// Keeps a batch, whole or not at all; it is durable on return. A batch that failed may be given again, also when
    /// the failed attempt did reach the disk.
    ///
    /// # Errors
    /// When it is not kept, or nobody knows.
    fn commit(&self, batch: &Batch) -> Result<(), StoreError>;

    /// What the log of `source` has of the events from number `from` on, in order: the chunk that holds it or else the
    /// next, and more until they have `octets`. Older ones may be gone.
    ///
    /// # Errors
    /// When the log cannot be read.
    fn read(&self, source: SourceNumber, from: u64, octets: usize) -> Result<Vec<Logged>, StoreError>;

    /// Shows `visit` every record of a table, in the order of the keys.
    ///
    /// # Errors
    /// When the table cannot be read, or what `visit` returned.
    fn scan(&self, table: Table, visit: &mut Visit<'_>) -> Result<(), StoreError>;

    /// Writes everything as of one moment; commits go on meanwhile.
    ///
    /// # Errors
    /// When it cannot be read or written.
    fn backup(&self, out: &mut dyn io::Write) -> Result<(), StoreError>;
}

/// A table of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Table {
    /// What the store as a whole is and has counted.
    Node,
    /// Sources by number.
    Sources,
    /// What subscriptions ask for, by number.
    Terms,
    /// Subscriptions by id.
    Subscriptions,
    /// How far subscriptions are, by id.
    Progress,
    /// What handsets remember, by id.
    Handsets,
    /// Receipts awaited, by SMSC and message id.
    Receipts,
    /// Publications by source and the name their publisher gave them.
    Publications,
    /// When subscriptions end by themselves, by id.
    Expiries,
    /// What was used on a day of budgets that handsets share, by whose they are.
    Budgets,
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 10] = [
        Self::Node,
        Self::Sources,
        Self::Terms,
        Self::Subscriptions,
        Self::Progress,
        Self::Handsets,
        Self::Receipts,
        Self::Publications,
        Self::Expiries,
        Self::Budgets,
    ];
}

/// What is kept together or not at all.
#[derive(Debug, Default)]
pub struct Batch {
    /// Events for the logs, in order for each source.
    pub appends: Vec<Append>,
    /// Records that changed; of two for one key the later counts.
    pub changes: Vec<Change>,
}

impl Batch {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.appends.is_empty() && self.changes.is_empty()
    }

    /// Keeps `value` under `key`.
    pub fn put(&mut self, table: Table, key: impl Into<Box<[u8]>>, value: Vec<u8>) {
        self.changes.push(Change { table, key: key.into(), value: Some(value) });
    }

    /// Keeps nothing under `key`.
    pub fn remove(&mut self, table: Table, key: impl Into<Box<[u8]>>) {
        self.changes.push(Change { table, key: key.into(), value: None });
    }
}

/// Events for the log of a source.
#[derive(Clone, Debug)]
pub struct Append {
    /// Whose.
    pub source: SourceNumber,
    /// The events, behind those that are in the log already.
    pub chunk: Arc<Chunk>,
}

/// A record that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where.
    pub table: Table,
    /// Under which key.
    pub key: Box<[u8]>,
    /// What is kept there now; none if nothing is.
    pub value: Option<Vec<u8>>,
}

/// A chunk as the log has it.
#[derive(Clone, Debug)]
pub struct Logged {
    /// The number of its first event.
    pub first: u64,
    /// Which numbering of its source that belongs to.
    pub epoch: u32,
    /// When it was read, in milliseconds since 1970.
    pub unix_ms: u64,
    /// Its events.
    pub events: Events,
}

/// Why something was not kept, or cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The disk is full, or nearly.
    #[error("the disk of {path} has {free} octets left, and {needed} have to stay free")]
    Full {
        /// The store.
        path: String,
        /// Octets left.
        free: u64,
        /// Octets that have to stay free.
        needed: u64,
    },
    /// What is there is not what was written.
    #[error("the store in {path} is damaged: {what}; restore a backup into an empty directory")]
    Damaged {
        /// The store.
        path: String,
        /// What is wrong.
        what: String,
    },
    /// It was written by a later version.
    #[error("the store in {path} has format {found}, and this version knows formats up to {known}: use a newer one")]
    Newer {
        /// The store.
        path: String,
        /// Its format.
        found: u32,
        /// The newest format known.
        known: u32,
    },
    /// The directory holds something, but no store.
    #[error("{path} holds {found}, and a store begins in an empty directory: give an empty directory")]
    Foreign {
        /// The directory.
        path: String,
        /// The name of something in it.
        found: String,
    },
    /// What is to be restored is no backup, or not all of one.
    #[error("the backup is damaged: {what}")]
    Backup {
        /// What is wrong.
        what: String,
    },
    /// Another process has it.
    #[error("the store in {path} is in use by another process")]
    Locked {
        /// The store.
        path: String,
    },
    /// The system refused something.
    #[error("the store in {path}: {error}")]
    Io {
        /// The store.
        path: String,
        /// What it said.
        error: io::Error,
    },
}
