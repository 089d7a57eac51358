//! The source logs, as segments that are dropped whole.
//!
//! All sources write to the newest segment; when it is large or old enough, the next is begun. What is no longer needed
//! goes with its segment, file by file: nothing is marked as deleted and nothing is merged. The time is that of the
//! chunks.
//!
//! Key: source, four octets; end of the chunk (one past its last number), eight octets. Value: when it was read, in
//! milliseconds since 1970, eight octets, with the highest bit set; the number of its first event, eight octets; which
//! numbering that belongs to, four octets; its events as [`Events::read_record`] reads them. Where the highest bit is not
//! set, there is no numbering, and it is the first. All numbers are big-endian.

use std::time::Duration;

use bytes::Bytes;
use fjall::{Keyspace, OwnedWriteBatch, Readable, Snapshot};

use crate::codec::sse::Events;
use crate::engine::chunk::Chunk;

use super::super::{Logged, SourceNumber, StoreError};
use super::database::Tables;
use super::failure::{damaged, engine};

const PREFIX: &str = "log.";
const KEY_OCTETS: usize = 12;
/// That a chunk says which numbering it belongs to; no time has this bit.
const HAS_EPOCH: u64 = 1 << 63;
/// Into how many segments the bounds are divided: so much too early does the oldest event go, at worst.
const SEGMENTS: u32 = 16;
const SEGMENT_OCTETS: u64 = 128 * 1024 * 1024;
/// Files of a segment that are read side by side; fjall slows its writers down from 20 on.
const SEGMENT_FILES: usize = 12;
/// A segment costs some milliseconds to make.
const SEGMENT_AGE: Duration = Duration::from_secs(1);
/// A value up to this length is copied when it is read, for it would keep the whole block that it lies in.
const COPIED_OCTETS: usize = 4096;

/// What is kept at most.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) octets: u64,
    pub(super) age: Duration,
}

/// One segment.
#[derive(Clone)]
pub(super) struct Segment {
    number: u32,
    begun_ms: u64,
    pub(super) keyspace: Keyspace,
    octets: u64,
    /// Whether its record is kept.
    listed: bool,
}

impl Segment {
    /// When it was begun, in milliseconds since 1970.
    pub(super) fn begun_ms(&self) -> u64 {
        self.begun_ms
    }
}

/// The segments, oldest first.
pub(super) struct Segments {
    bounds: Bounds,
    segments: Vec<Segment>,
    /// Dropped, and still to be deleted.
    dropped: Vec<Keyspace>,
    next: u32,
}

impl Segments {
    /// Finds the segments of a store. What is not listed was being made or deleted when the process died.
    ///
    /// # Errors
    /// When one that is listed is missing.
    pub(super) fn open(tables: &Tables, bounds: Bounds) -> Result<Self, StoreError> {
        let path = tables.path();
        let mut this = Self { bounds, segments: Vec::new(), dropped: Vec::new(), next: 0 };
        for record in tables.store.prefix(PREFIX) {
            let (key, value) = record.into_inner().map_err(|error| engine(path, error))?;
            let name = str::from_utf8(&key).unwrap_or_default();
            let (number, begun_ms) = (number(name), value.as_ref().try_into().map(u64::from_be_bytes));
            let (Some(number), Ok(begun_ms)) = (number, begun_ms) else {
                return Err(damaged(path, "the list of log segments is unreadable"));
            };
            if !tables.database.keyspace_exists(name) {
                return Err(damaged(path, format!("log segment {name} is missing")));
            }
            let keyspace = tables.create_log(name)?;
            let octets = size(&keyspace);
            this.segments.push(Segment { number, begun_ms, keyspace, octets, listed: true });
        }
        this.next = this.segments.last().map_or(0, |last| last.number + 1);
        this.delete_unlisted(tables)?;
        Ok(this)
    }

    fn delete_unlisted(&mut self, tables: &Tables) -> Result<(), StoreError> {
        for name in tables.database.list_keyspace_names() {
            let Some(number) = number(&name) else { continue };
            self.next = self.next.max(number + 1);
            if !self.segments.iter().any(|segment| segment.number == number) {
                self.dropped.push(tables.create_log(&name)?);
            }
        }
        self.delete_dropped(tables)
    }

    /// Makes room: begins a segment if `octets` read at `now_ms` should go to a new one, and drops what is too much or
    /// too old. The records go with `batch`; [`Segments::committed`] does the rest.
    pub(super) fn prepare(
        &mut self,
        tables: &Tables,
        batch: &mut OwnedWriteBatch,
        now_ms: u64,
        octets: u64,
    ) -> Result<Keyspace, StoreError> {
        if self.segments.last().is_none_or(|last| self.is_done(last, now_ms)) {
            let keyspace = tables.create_log(&name(self.next))?;
            self.segments.push(Segment { number: self.next, begun_ms: now_ms, keyspace, octets: 0, listed: false });
            self.next += 1;
        }
        for segment in self.segments.iter().take(self.superfluous(now_ms, octets)) {
            batch.remove(&tables.store, name(segment.number));
        }
        let Some(newest) = self.segments.last() else { return Err(damaged(tables.path(), "it has no log segment")) };
        if !newest.listed {
            batch.insert(&tables.store, name(newest.number), newest.begun_ms.to_be_bytes());
        }
        Ok(newest.keyspace.clone())
    }

    /// The batch of [`Segments::prepare`] is kept.
    pub(super) fn committed(&mut self, now_ms: u64, octets: u64) {
        let superfluous = self.superfluous(now_ms, octets);
        self.dropped.extend(self.segments.drain(..superfluous).map(|segment| segment.keyspace));
        if let Some(newest) = self.segments.last_mut() {
            newest.listed = true;
            newest.octets += octets;
        }
    }

    /// Deletes what was dropped. Its files go when nobody reads them and no journal names them.
    pub(super) fn delete_dropped(&mut self, tables: &Tables) -> Result<(), StoreError> {
        while let Some(keyspace) = self.dropped.last() {
            tables.database.delete_keyspace(keyspace.clone()).map_err(|error| engine(tables.path(), error))?;
            self.dropped.pop();
        }
        Ok(())
    }

    /// The segments, oldest first.
    pub(super) fn list(&self) -> Vec<Segment> {
        self.segments.clone()
    }

    fn is_done(&self, newest: &Segment, now_ms: u64) -> bool {
        let age = Duration::from_millis(now_ms.saturating_sub(newest.begun_ms));
        let octets = (self.bounds.octets / u64::from(SEGMENTS)).min(SEGMENT_OCTETS);
        newest.octets > 0
            && (newest.octets >= octets
                || age >= (self.bounds.age / SEGMENTS).max(SEGMENT_AGE)
                || newest.keyspace.table_count() >= SEGMENT_FILES)
    }

    /// How many segments, from the oldest on, are too much or too old; never the newest.
    fn superfluous(&self, now_ms: u64, octets: u64) -> usize {
        let mut total = octets + self.segments.iter().map(|segment| segment.octets).sum::<u64>();
        let pairs = self.segments.iter().zip(self.segments.iter().skip(1));
        let goes = |(segment, next): &(&Segment, &Segment)| {
            // What was written to a segment is older than the next segment.
            let age = Duration::from_millis(now_ms.saturating_sub(next.begun_ms));
            let goes = total > self.bounds.octets || age > self.bounds.age;
            total -= segment.octets;
            goes
        };
        pairs.take_while(goes).count()
    }
}

/// Whether `key` in the keyspace `store` is that of a segment.
pub(super) fn is_record(key: &[u8]) -> bool {
    key.starts_with(PREFIX.as_bytes())
}

/// The key of the chunk of `source` that ends before number `end`.
pub(super) fn key(source: SourceNumber, end: u64) -> [u8; KEY_OCTETS] {
    let mut key = [0; KEY_OCTETS];
    let (head, tail) = key.split_at_mut(size_of::<SourceNumber>());
    head.copy_from_slice(&source.to_be_bytes());
    tail.copy_from_slice(&end.to_be_bytes());
    key
}

/// Writes the value of a chunk to `out`, which is emptied before.
pub(super) fn write_value(out: &mut Vec<u8>, chunk: &Chunk) {
    out.clear();
    out.extend_from_slice(&(chunk.read_at().unix_ms | HAS_EPOCH).to_be_bytes());
    out.extend_from_slice(&chunk.range().start.to_be_bytes());
    out.extend_from_slice(&chunk.epoch().to_be_bytes());
    chunk.events().write_record(out);
}

/// Reads the log of `source` from number `from` on until there are `octets`.
pub(super) fn read(
    tables: &Tables,
    (segments, snapshot): (&[Segment], &Snapshot),
    source: SourceNumber,
    from: u64,
    octets: usize,
) -> Result<Vec<Logged>, StoreError> {
    let mut found = Vec::new();
    let mut room = octets;
    let mut next = from;
    for segment in segments {
        // A chunk that a failed commit left may be in the segment before, too.
        let range = key(source, next.saturating_add(1))..=key(source, u64::MAX);
        for record in snapshot.range(&segment.keyspace, range) {
            let (key, value) = record.into_inner().map_err(|error| engine(tables.path(), error))?;
            let logged =
                logged(&key, value).ok_or_else(|| damaged(tables.path(), "a chunk of the log is unreadable"))?;
            next = logged.first + logged.events.len() as u64;
            room = room.saturating_sub(logged.events.octets());
            found.push(logged);
            if room == 0 {
                return Ok(found);
            }
        }
    }
    Ok(found)
}

fn logged(key: &[u8], value: fjall::UserValue) -> Option<Logged> {
    let value = if value.len() > COPIED_OCTETS { Bytes::from_owner(value) } else { Bytes::copy_from_slice(&value) };
    let (unix_ms, rest) = value.split_first_chunk()?;
    let (first, rest) = rest.split_first_chunk()?;
    let (unix_ms, first) = (u64::from_be_bytes(*unix_ms), u64::from_be_bytes(*first));
    let (epoch, rest) = match unix_ms & HAS_EPOCH {
        0 => (0, rest),
        _ => rest.split_first_chunk().map(|(epoch, rest)| (u32::from_be_bytes(*epoch), rest))?,
    };
    let unix_ms = unix_ms & !HAS_EPOCH;
    let events = Events::read_record(value.slice(value.len() - rest.len()..)).ok()?;
    let end = u64::from_be_bytes(key.get(size_of::<SourceNumber>()..)?.try_into().ok()?);
    (first.checked_add(events.len() as u64)? == end).then_some(Logged { first, epoch, unix_ms, events })
}

fn size(keyspace: &Keyspace) -> u64 {
    use fjall::AbstractTree;
    keyspace.disk_space() + keyspace.tree.active_memtable().size()
}

/// The name of a segment's keyspace, and the key of its record.
pub(super) fn name(number: u32) -> String {
    format!("{PREFIX}{number:08}")
}

fn number(name: &str) -> Option<u32> {
    name.strip_prefix(PREFIX)?.parse().ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use crate::codec::sse::EventsBuilder;
    use crate::engine::clock::Now;

    #[test]
    fn a_chunk_of_a_store_that_knew_no_numbering_belongs_to_the_first() {
        let mut builder = EventsBuilder::new();
        builder.push(b"", b"x", b"7").unwrap();
        let now = Now { unix_ms: 1_790_000_000_000, ..Now::default() };
        let chunk = Chunk::new(builder.finish(), 5, now, None, None).in_epoch(u32::MAX);
        let mut value = Vec::new();
        write_value(&mut value, &chunk);
        let mut old = [&value[..16], &value[20..]].concat();
        old[0] &= 0x7f;
        for (value, epoch) in [(value, u32::MAX), (old, 0)] {
            let found = logged(&key(1, 6), value.into()).unwrap();
            assert_eq!((found.first, found.epoch, found.unix_ms), (5, epoch, now.unix_ms));
            assert_eq!(found.events.get(0).map(|event| (event.data, event.id)), Some((&b"x"[..], &b"7"[..])));
        }
    }
}
