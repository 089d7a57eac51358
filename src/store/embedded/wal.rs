//! The journals of fjall, looked through before fjall reads them.
//!
//! fjall takes the first thing in a journal that it cannot read for its end, cuts off the rest and goes on: right for a
//! batch that a crash tore, wrong for damage in the middle, where it would drop batches that were reported durable. And
//! some torn batches it refuses for ever. Each batch here is on the disk before the next is begun, so at most the very
//! last one can be torn: what is behind the first unreadable batch is cut off if no whole batch is in it, and is damage
//! otherwise.
//!
//! A journal (fjall 3) is a sequence of batches: a start (tag 1, number of items, sequence number), items (tag 2, and 4 for
//! a cleared keyspace), an end (tag 3, XXH3 of the items, four octets of magic). Numbers are little-endian. Behind the
//! last batch may be zeros, up to 64 MiB: fjall makes the file that long beforehand.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const CLEAR: u8 = 4;
const MAGIC: &[u8] = b"FJL\x03";
/// Tag, number of items, sequence number.
const START_OCTETS: usize = 13;
/// Sequence numbers that are left out between two batches at most: each start leaves out a million.
const MAX_STEP: u64 = 1 << 40;

/// Why the journals cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum JournalError {
    /// Not what was written.
    #[error("{0}")]
    Damaged(String),
    /// The system refused something.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Cuts a torn last batch off the journals in `directory`; with `below`, everything from that sequence number on, too.
///
/// # Errors
/// When something is damaged that was whole once, or a journal is missing.
pub(super) fn mend(directory: &Path, below: Option<u64>) -> Result<(), JournalError> {
    let journals = journals(directory)?;
    let mut last = None;
    let mut torn: Option<PathBuf> = None;
    for path in journals {
        let octets = fs::read(&path)?;
        let (end, cut) = whole(&octets, &mut last, below)?;
        let rest = octets.get(end..).unwrap_or_default();
        let lost = torn.as_ref().filter(|_| end > 0);
        if let Some(path) = lost.or_else(|| (!cut && holds_batch(rest, last, below)).then_some(&path)) {
            let what = format!("{} cannot be read to its end, and there is more behind", path.display());
            return Err(JournalError::Damaged(what));
        }
        if rest.iter().any(|octet| *octet != 0) {
            truncate(&path, end as u64)?;
            torn.get_or_insert(path);
        }
    }
    Ok(())
}

/// The journals in the order in which they were written.
fn journals(directory: &Path) -> Result<Vec<PathBuf>, JournalError> {
    let mut journals = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "jnl") {
            let number = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse::<u64>().ok());
            let number = number.ok_or_else(|| JournalError::Damaged(format!("{} has no number", path.display())))?;
            journals.push((number, path));
        }
    }
    journals.sort();
    // The oldest are removed one after the other once they are not needed, and there is always one that is written to.
    if journals.is_empty() || journals.windows(2).any(|pair| matches!(pair, [(a, _), (b, _)] if a + 1 != *b)) {
        return Err(JournalError::Damaged(format!("a journal is missing in {}", directory.display())));
    }
    Ok(journals.into_iter().map(|(_, path)| path).collect())
}

/// How many octets of whole batches there are, and whether a batch from `below` on ended them.
fn whole(octets: &[u8], last: &mut Option<u64>, below: Option<u64>) -> Result<(usize, bool), JournalError> {
    let mut at = 0;
    while let Some((sequence, len)) = octets.get(at..).and_then(batch) {
        if below.is_some_and(|below| sequence >= below) {
            return Ok((at, true));
        }
        if last.is_some_and(|last| sequence <= last) {
            return Err(JournalError::Damaged(format!("batch {sequence} is in the journals more than once")));
        }
        *last = Some(sequence);
        at += len;
    }
    Ok((at, false))
}

/// Whether a whole batch that may follow number `last` begins anywhere in `octets`.
fn holds_batch(octets: &[u8], last: Option<u64>, below: Option<u64>) -> bool {
    let follows = |sequence: u64| {
        let step = last.map_or(1, |last| sequence.saturating_sub(last));
        (1..=MAX_STEP).contains(&step) && below.is_none_or(|below| sequence < below)
    };
    memchr::memchr_iter(START, octets).any(|at| {
        let octets = octets.get(at..).unwrap_or_default();
        sequence(octets).is_some_and(follows) && batch(octets).is_some()
    })
}

fn sequence(octets: &[u8]) -> Option<u64> {
    Some(u64::from_le_bytes(octets.get(5..START_OCTETS)?.try_into().ok()?))
}

/// Sequence number and length of the batch at the beginning of `octets`, if there is a whole one.
fn batch(octets: &[u8]) -> Option<(u64, usize)> {
    let mut reader = Reader { rest: octets };
    (reader.u8()? == START).then_some(())?;
    let count = reader.u32()?;
    let sequence = reader.u64()?;
    let items = reader.rest;
    for _ in 0..count {
        reader.item()?;
    }
    let items = items.get(..items.len() - reader.rest.len())?;
    let ends = reader.u8()? == END && reader.u64()? == xxh3_64(items) && reader.take(MAGIC.len())? == MAGIC;
    ends.then_some((sequence, octets.len() - reader.rest.len()))
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn item(&mut self) -> Option<()> {
        match self.u8()? {
            ITEM => {
                let [value_type, compression] = self.array()?;
                let _keyspace = self.u64()?;
                let key = u16::from_le_bytes(self.array()?);
                let [value, stored] = [self.u32()?, self.u32()?];
                self.take(usize::from(key))?;
                self.take(stored as usize)?;
                // A value, and the two kinds of tombstone; nothing is compressed.
                (value_type <= 2 && compression == 0 && value == stored).then_some(())
            }
            CLEAR => self.u64().map(|_keyspace| ()),
            _ => None,
        }
    }

    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }
}

fn truncate(path: &Path, len: u64) -> io::Result<()> {
    let file: File = OpenOptions::new().write(true).open(path)?;
    file.set_len(len)?;
    file.sync_all()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    fn encoded(sequence: u64, value: &[u8]) -> Vec<u8> {
        let len = (value.len() as u32).to_le_bytes();
        let items = [&[ITEM, 0, 0][..], &7u64.to_le_bytes(), &1u16.to_le_bytes(), &len, &len, b"k", value].concat();
        let start = [&[START][..], &1u32.to_le_bytes(), &sequence.to_le_bytes()].concat();
        [&start[..], &items, &[END], &xxh3_64(&items).to_le_bytes(), MAGIC].concat()
    }

    /// Mends journals, and returns what is left of them.
    fn mended(journals: &[Vec<u8>], below: Option<u64>) -> Result<Vec<Vec<u8>>, JournalError> {
        let directory = tempfile::tempdir().unwrap();
        let paths: Vec<_> = (7..).take(journals.len()).map(|n| directory.path().join(format!("{n}.jnl"))).collect();
        for (path, octets) in paths.iter().zip(journals) {
            fs::write(path, octets).unwrap();
        }
        mend(directory.path(), below)?;
        Ok(paths.iter().map(|path| fs::read(path).unwrap()).collect())
    }

    fn is_damaged(journals: &[Vec<u8>]) -> bool {
        matches!(mended(journals, None), Err(JournalError::Damaged(_)))
    }

    #[test]
    fn whole_journals_and_the_zeros_behind_them_stay() {
        let journals =
            [[encoded(1, b"a"), vec![0; 99]].concat(), [encoded(2, b"b"), encoded(9, b""), vec![0; 9]].concat()];
        assert_eq!(mended(&journals, None).unwrap(), journals);
    }

    #[test]
    fn a_torn_last_batch_goes_also_if_an_empty_journal_follows() {
        let (whole, torn) = (encoded(1, b"a"), &encoded(2, b"b")[..20]);
        let journals = [[&whole[..], torn, &[0; 9]].concat(), vec![0; 9]];
        assert_eq!(mended(&journals, None).unwrap(), [whole, vec![0; 9]]);
    }

    #[test]
    fn an_unreadable_batch_with_a_whole_one_behind_it_is_damage() {
        let mut garbled = encoded(2, b"b");
        garbled[15] ^= 1;
        assert!(is_damaged(&[[encoded(1, b"a"), garbled.clone(), encoded(3, b"c")].concat()]));
        assert!(is_damaged(&[[encoded(1, b"a"), garbled.clone()].concat(), encoded(3, b"c")]), "in the next journal");
        assert!(is_damaged(&[[garbled.clone(), encoded(3, b"c")].concat()]));
        assert!(is_damaged(&[vec![5; 40], [garbled, encoded(3, b"c")].concat()]));
    }

    #[test]
    fn journals_out_of_order_are_damage() {
        assert!(is_damaged(&[encoded(2, b"b"), encoded(1, b"a")]));
        assert!(is_damaged(&[encoded(1, b"a"), encoded(1, b"a")]));
    }

    #[test]
    fn what_is_no_batch_but_holds_one_as_a_value_may_be_cut_off() {
        // What an event says does not count as a batch unless its sequence number may follow.
        let torn = &encoded(5, &encoded(4, b"x"))[..60];
        assert_eq!(mended(&[[&encoded(4, b"a")[..], torn].concat()], None).unwrap(), [encoded(4, b"a")]);
    }

    #[test]
    fn a_batch_that_failed_and_all_behind_it_go() {
        let journals = [[encoded(1, b"a"), encoded(5, b"b")].concat(), [encoded(6, b"c"), vec![0; 9]].concat()];
        assert_eq!(mended(&journals, Some(5)).unwrap(), [encoded(1, b"a"), vec![]]);
        assert_eq!(mended(&journals, Some(6)).unwrap(), [journals[0].clone(), vec![]]);
        assert_eq!(mended(&journals, Some(7)).unwrap(), journals);
    }

    #[test]
    fn an_absurd_length_is_an_unreadable_batch() {
        let mut octets = encoded(1, b"a");
        octets[26..34].fill(0xff);
        assert_eq!(mended(&[octets], None).unwrap(), [vec![0; 0]]);
    }

    #[test]
    fn a_gap_between_journals_is_damage() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["3.jnl", "5.jnl"] {
            fs::write(directory.path().join(name), "").unwrap();
        }
        assert!(matches!(mend(directory.path(), None), Err(JournalError::Damaged(_))));
    }
}
