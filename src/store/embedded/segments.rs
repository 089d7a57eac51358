//! The logs of all sources, in segments: a new one is begun when the newest is large or old enough, and the oldest is
//! dropped whole. So what is old costs nothing: nothing is read, rewritten or marked for it.

use super::Settings;
use crate::store::Batch;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, KvSeparationOptions};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Octets of a segment, at most: a good deal less than what a log keeps.
const SEGMENT_OCTETS: u64 = 256 << 20;
/// Of a small log, a segment is this part.
const SEGMENTS: u64 = 8;
/// Octets of a segment that wait in memory for their place on disk.
const MEMORY_OCTETS: u64 = 32 << 20;
const NAME: &str = "log";

/// One segment: chunks of any source.
pub(super) struct Segment {
    keyspace: Keyspace,
    number: u64,
    /// When it was begun, in milliseconds since 1970.
    begun_unix_ms: u64,
}

impl Segment {
    pub fn keyspace(&self) -> &Keyspace {
        &self.keyspace
    }
}

/// All segments, the oldest first, and how large each is.
pub(super) struct Segments {
    all: VecDeque<(Arc<Segment>, u64)>,
    next: u64,
    log_octets: u64,
    log_age: Duration,
}

impl Segments {
    /// Those that are there.
    pub fn open(database: &Database, settings: &Settings) -> fjall::Result<Self> {
        let mut all = Vec::new();
        for name in database.list_keyspace_names() {
            let Some((number, begun_unix_ms)) = read_name(&name) else { continue };
            let keyspace = database.keyspace(&name, options)?;
            let octets = keyspace.disk_space();
            all.push((Arc::new(Segment { keyspace, number, begun_unix_ms }), octets));
        }
        all.sort_by_key(|(segment, _)| segment.number);
        let next = all.last().map_or(0, |(segment, _)| segment.number + 1);
        Ok(Self { all: all.into(), next, log_octets: settings.log_octets, log_age: settings.log_age })
    }

    /// The segment for a batch; a new one if it is time for that.
    pub fn current(&mut self, database: &Database, batch: &Batch) -> fjall::Result<Keyspace> {
        let limit = SEGMENT_OCTETS.min(self.log_octets / SEGMENTS).max(1);
        let age = self.log_age / SEGMENTS as u32;
        let now = unix_ms();
        match self.all.back() {
            Some((newest, octets)) if !batch.appends.is_empty() && (*octets >= limit || newest.is_older(age, now)) => {
                self.begin(database, now)
            }
            _ => self.newest(database),
        }
    }

    /// The newest, or the first.
    pub fn newest(&mut self, database: &Database) -> fjall::Result<Keyspace> {
        match self.all.back() {
            Some((newest, _)) => Ok(newest.keyspace.clone()),
            None => self.begin(database, unix_ms()),
        }
    }

    fn begin(&mut self, database: &Database, now: u64) -> fjall::Result<Keyspace> {
        let keyspace = database.keyspace(&format!("{NAME}.{:08}.{now}", self.next), options)?;
        let segment = Segment { keyspace: keyspace.clone(), number: self.next, begun_unix_ms: now };
        self.all.push_back((Arc::new(segment), 0));
        self.next += 1;
        Ok(keyspace)
    }

    /// The newest has so many octets more.
    pub fn grow(&mut self, octets: u64) {
        if let Some((_, known)) = self.all.back_mut() {
            *known += octets;
        }
    }

    /// Drops the oldest while all together are too large, or every event in it is too old: as old as the next segment.
    pub fn drop_old(&mut self, database: &Database) -> fjall::Result<()> {
        let now = unix_ms();
        while self.all.len() > 1 {
            let large = self.all.iter().map(|(_, octets)| octets).sum::<u64>() > self.log_octets;
            let old = self.all.get(1).is_some_and(|(next, _)| next.is_older(self.log_age, now));
            // Whoever reads it has it in his hands, and it stays until he is done.
            let free = self.all.front().is_some_and(|(oldest, _)| Arc::strong_count(oldest) == 1);
            if !(large || old) || !free {
                break;
            }
            if let Some((oldest, _)) = self.all.pop_front() {
                database.delete_keyspace(oldest.keyspace.clone())?;
            }
        }
        Ok(())
    }

    /// All of them, the oldest first. None is dropped while somebody has it in his hands.
    pub fn all(&self) -> Vec<Arc<Segment>> {
        self.all.iter().map(|(segment, _)| Arc::clone(segment)).collect()
    }
}

impl Segment {
    fn is_older(&self, age: Duration, now_unix_ms: u64) -> bool {
        now_unix_ms.saturating_sub(self.begun_unix_ms) > age.as_millis() as u64
    }
}

fn read_name(name: &str) -> Option<(u64, u64)> {
    let (number, begun) = name.strip_prefix(NAME)?.strip_prefix('.')?.split_once('.')?;
    Some((number.parse().ok()?, begun.parse().ok()?))
}

/// Chunks are written once, read seldom and never changed: they lie beside the tree, and the tree has their places.
fn options() -> KeyspaceCreateOptions {
    let beside = KvSeparationOptions::default().separation_threshold(512);
    KeyspaceCreateOptions::default().max_memtable_size(MEMORY_OCTETS).with_kv_separation(Some(beside))
}

fn unix_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}
