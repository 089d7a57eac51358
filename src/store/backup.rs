//! A store in one file: a head, a frame for each record, and a last one that says that nothing is missing.
//!
//! The head is [`MAGIC`] and the format, four octets, the lowest first, like every number here. A frame is a kind (0 the
//! end, 1 a chunk of a log, 2 and more the tables in their order), the lengths of key and value in four octets each, key
//! and value. The value of the last frame is the SHA-256 of everything before that frame.

use super::embedded::{Embedded, Settings};
use super::{StoreError, Table};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;

const MAGIC: &[u8; 16] = b"bellwire backup\n";
/// The format of this file.
const FORMAT: u32 = 1;
/// Octets of a key or a value: more than any has.
const MAX_OCTETS: u32 = 256 << 20;
/// Octets of records that are committed together.
const BATCH_OCTETS: usize = 8 << 20;
const END: u8 = 0;
const LOG: u8 = 1;
const FIRST_TABLE: u8 = 2;

/// A record of a table, or of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Which table; none for a log.
    pub table: Option<Table>,
    /// Its key.
    pub key: Vec<u8>,
    /// Its value.
    pub value: Vec<u8>,
}

/// Why a backup is not whole.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The backup cannot be written.
    #[error("the backup cannot be written: {0}")]
    Out(#[from] io::Error),
}

/// Writes a backup of `records`.
///
/// # Errors
/// When they cannot be read, or it cannot be written.
pub(super) fn write(
    records: &mut dyn Iterator<Item = Result<Record, StoreError>>,
    out: &mut dyn Write,
) -> Result<(), WriteError> {
    let mut out = Digesting { out, digest: Sha256::new() };
    out.write_all(MAGIC)?;
    out.write_all(&FORMAT.to_le_bytes())?;
    for record in records {
        let Record { table, key, value } = record?;
        write_frame(&mut out, table.map_or(LOG, |table| FIRST_TABLE + table as u8), &key, &value)?;
    }
    let digest = out.digest.clone().finalize();
    write_frame(&mut out, END, b"", &digest)?;
    Ok(out.out.flush()?)
}

/// Makes a store of a backup, in a directory that is empty or not there: the whole store, or nothing.
///
/// # Errors
/// When the backup is not whole, or the directory is not empty or cannot be written.
pub fn restore(input: &mut dyn Read, path: &Path) -> Result<(), StoreError> {
    let shown = path.display().to_string();
    let wrong = |error| StoreError::Io { path: shown.clone(), error };
    if fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(StoreError::NoStore { path: shown });
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(".restoring");
    let beside = Path::new(&beside);
    if beside.exists() {
        fs::remove_dir_all(beside).map_err(wrong)?;
    }
    let filled = fill(input, beside);
    if filled.is_err() {
        // What is left of it is in nobody's way.
        let _ = fs::remove_dir_all(beside);
    }
    filled?;
    if path.exists() {
        fs::remove_dir(path).map_err(wrong)?;
    }
    fs::rename(beside, path).map_err(wrong)
}

fn fill(input: &mut dyn Read, path: &Path) -> Result<(), StoreError> {
    let settings = Settings { path: path.to_owned(), log_octets: u64::MAX, log_age: Duration::MAX, reserve: 0 };
    let store = Embedded::open(settings)?;
    let mut frames = Frames::new(input).map_err(|error| unusable(path, &error))?;
    let (mut records, mut octets) = (Vec::new(), 0);
    while let Some(record) = frames.next().map_err(|error| unusable(path, &error))? {
        octets += record.key.len() + record.value.len();
        records.push(record);
        if octets >= BATCH_OCTETS {
            store.put_back(std::mem::take(&mut records))?;
            octets = 0;
        }
    }
    store.put_back(records)
}

fn unusable(path: &Path, error: &io::Error) -> StoreError {
    let error = io::Error::new(error.kind(), format!("the backup cannot be used: {error}"));
    StoreError::Io { path: path.display().to_string(), error }
}

fn write_frame(out: &mut impl Write, kind: u8, key: &[u8], value: &[u8]) -> io::Result<()> {
    let length = |octets: &[u8]| u32::try_from(octets.len()).map(u32::to_le_bytes).map_err(io::Error::other);
    out.write_all(&[kind])?;
    out.write_all(&length(key)?)?;
    out.write_all(&length(value)?)?;
    out.write_all(key)?;
    out.write_all(value)
}

struct Digesting<'a> {
    out: &'a mut dyn Write,
    digest: Sha256,
}

impl Write for Digesting<'_> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let written = self.out.write(octets)?;
        self.digest.update(&octets[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The frames of a backup.
struct Frames<'a> {
    input: &'a mut dyn Read,
    digest: Sha256,
}

impl<'a> Frames<'a> {
    fn new(input: &'a mut dyn Read) -> io::Result<Self> {
        let mut frames = Self { input, digest: Sha256::new() };
        let magic: [u8; 16] = frames.array()?;
        if magic != *MAGIC {
            return Err(invalid("it is no backup of a bellwire store"));
        }
        match u32::from_le_bytes(frames.array()?) {
            FORMAT => Ok(frames),
            other => Err(invalid(format!("its format is {other}, and this version knows {FORMAT}"))),
        }
    }

    /// The next record; none when the end says that it is one.
    fn next(&mut self) -> io::Result<Option<Record>> {
        let before = self.digest.clone().finalize();
        let [kind] = self.array()?;
        let lengths = [u32::from_le_bytes(self.array()?), u32::from_le_bytes(self.array()?)];
        if lengths.iter().any(|length| *length > MAX_OCTETS) {
            return Err(invalid(format!("it is damaged: a record of {lengths:?} octets")));
        }
        let [key, value] = lengths;
        let (key, value) = (self.octets(key)?, self.octets(value)?);
        let table = |index: u8| Table::ALL.get(usize::from(index)).copied();
        match kind {
            END if key.is_empty() && value[..] == before[..] => Ok(None),
            END => Err(invalid("it is damaged: what it says of itself is not true")),
            LOG => Ok(Some(Record { table: None, key, value })),
            other => match table(other - FIRST_TABLE) {
                Some(table) => Ok(Some(Record { table: Some(table), key, value })),
                None => Err(invalid(format!("it is damaged: a record of kind {other}"))),
            },
        }
    }

    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut octets = [0; N];
        self.input.read_exact(&mut octets).map_err(cut)?;
        self.digest.update(octets);
        Ok(octets)
    }

    fn octets(&mut self, length: u32) -> io::Result<Vec<u8>> {
        let mut octets = Vec::new();
        (&mut *self.input).take(length.into()).read_to_end(&mut octets)?;
        if octets.len() < length as usize {
            return Err(cut(io::ErrorKind::UnexpectedEof.into()));
        }
        self.digest.update(&octets);
        Ok(octets)
    }
}

fn cut(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => io::Error::new(error.kind(), "its end is missing"),
        _ => error,
    }
}

fn invalid(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}
