//! What outlives the process, behind one trait: tables of records, and the logs of the sources.
//!
//! A store knows nothing of what its records mean. It promises one thing: a [`Batch`] is kept whole or not at all, and
//! when [`Store::commit`] has returned, neither a killed process nor a lost power supply undoes it.

mod backup;
pub mod embedded;
pub mod row;

use crate::codec::sse::Events;
use crate::engine::chunk::Chunk;
pub use backup::restore;
use bytes::Bytes;
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
}

impl Table {
    /// What it is called on disk.
    pub fn name(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Sources => "sources",
            Self::Terms => "terms",
            Self::Subscriptions => "subscriptions",
            Self::Progress => "progress",
            Self::Handsets => "handsets",
            Self::Receipts => "receipts",
            Self::Publications => "publications",
        }
    }

    /// Every table.
    pub const ALL: [Self; 8] = [
        Self::Node,
        Self::Sources,
        Self::Terms,
        Self::Subscriptions,
        Self::Progress,
        Self::Handsets,
        Self::Receipts,
        Self::Publications,
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
    /// When it was read, in milliseconds since 1970.
    pub unix_ms: u64,
    /// Its events.
    pub events: Events,
}

impl Logged {
    /// As a log keeps it: when it was read and its first number in eight octets each, the highest first, and its events.
    fn read(value: &[u8]) -> Result<Self, String> {
        let (unix_ms, rest) = value.split_first_chunk().ok_or("a chunk is too short")?;
        let (first, record) = rest.split_first_chunk().ok_or("a chunk is too short")?;
        let events = Events::read_record(Bytes::copy_from_slice(record)).map_err(|error| error.to_string())?;
        Ok(Self { first: u64::from_be_bytes(*first), unix_ms: u64::from_be_bytes(*unix_ms), events })
    }

    fn write(first: u64, unix_ms: u64, events: &Events) -> Vec<u8> {
        let mut value = Vec::with_capacity(16 + events.octets());
        value.extend_from_slice(&unix_ms.to_be_bytes());
        value.extend_from_slice(&first.to_be_bytes());
        events.write_record(&mut value);
        value
    }
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
    /// What is in the directory is something else.
    #[error("{path} is not empty and is no store: name another directory, or an empty one")]
    NoStore {
        /// The directory.
        path: String,
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
