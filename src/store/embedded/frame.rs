//! A backup as frames, each with its length and its checksum.
//!
//! A backup begins with `BELLWIRE` and the number of its format, four octets. A frame is a length, four octets; a
//! checksum, eight; and as many octets of contents. The checksum is XXH3 of the contents, seeded with the number of the
//! frame: so none can be left out, repeated or exchanged. The last frame is empty. Numbers are big-endian.

use std::io::{ErrorKind, Read, Write};

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::super::StoreError;

const MAGIC: &[u8; 8] = b"BELLWIRE";
const FORMAT: u32 = 1;
/// A frame is closed when it has this much.
const FULL_OCTETS: usize = 256 * 1024;
/// What a frame has at most: one that is nearly full, and the largest record.
const MAX_OCTETS: u32 = 1 << 30;

/// Writes frames.
pub(super) struct Writer<'a> {
    out: &'a mut dyn Write,
    number: u64,
    frame: Vec<u8>,
}

impl<'a> Writer<'a> {
    /// Begins a backup.
    pub(super) fn new(out: &'a mut dyn Write) -> std::io::Result<Self> {
        out.write_all(MAGIC)?;
        out.write_all(&FORMAT.to_be_bytes())?;
        Ok(Self { out, number: 0, frame: Vec::new() })
    }

    /// Adds an entry.
    pub(super) fn put(&mut self, kind: u8, key: &[u8], value: &[u8]) -> std::io::Result<()> {
        self.frame.push(kind);
        self.frame.extend_from_slice(&(key.len() as u32).to_be_bytes());
        self.frame.extend_from_slice(&(value.len() as u32).to_be_bytes());
        self.frame.extend_from_slice(key);
        self.frame.extend_from_slice(value);
        if self.frame.len() >= FULL_OCTETS { self.close() } else { Ok(()) }
    }

    /// Ends the backup.
    pub(super) fn finish(mut self) -> std::io::Result<()> {
        if !self.frame.is_empty() {
            self.close()?;
        }
        self.close()?;
        self.out.flush()
    }

    fn close(&mut self) -> std::io::Result<()> {
        self.out.write_all(&(self.frame.len() as u32).to_be_bytes())?;
        self.out.write_all(&xxh3_64_with_seed(&self.frame, self.number).to_be_bytes())?;
        self.out.write_all(&self.frame)?;
        self.number += 1;
        self.frame.clear();
        Ok(())
    }
}

/// One entry of a frame.
pub(super) struct Entry<'a> {
    pub(super) kind: u8,
    pub(super) key: &'a [u8],
    pub(super) value: &'a [u8],
}

/// Reads frames.
pub(super) struct Reader<'a> {
    input: &'a mut dyn Read,
    number: u64,
    frame: Vec<u8>,
}

impl<'a> Reader<'a> {
    /// Begins to read.
    ///
    /// # Errors
    /// When it is no backup, or a newer one.
    pub(super) fn new(input: &'a mut dyn Read) -> Result<Self, StoreError> {
        let mut this = Self { input, number: 0, frame: Vec::new() };
        if this.array()? != *MAGIC {
            return Err(damaged("it does not begin as one"));
        }
        match u32::from_be_bytes(this.array()?) {
            FORMAT => Ok(this),
            format => Err(damaged(format!("it has format {format}, and this version knows format {FORMAT}"))),
        }
    }

    /// Shows `visit` the entries of the next frame.
    ///
    /// # Errors
    /// When it is damaged or missing, or what `visit` returned. False behind the last.
    pub(super) fn next(
        &mut self,
        visit: &mut dyn FnMut(Entry<'_>) -> Result<(), StoreError>,
    ) -> Result<bool, StoreError> {
        self.read_frame()?;
        if self.frame.is_empty() {
            return self.expect_end();
        }
        let mut rest = self.frame.as_slice();
        while !rest.is_empty() {
            let (entry, behind) = entry(rest).ok_or_else(|| damaged(format!("frame {} is garbled", self.number)))?;
            visit(entry)?;
            rest = behind;
        }
        Ok(true)
    }

    fn read_frame(&mut self) -> Result<(), StoreError> {
        let len = u32::from_be_bytes(self.array()?);
        let checksum = u64::from_be_bytes(self.array()?);
        if len > MAX_OCTETS {
            return Err(damaged(format!("frame {} has {len} octets, at most {MAX_OCTETS} are possible", self.number)));
        }
        self.frame.clear();
        // Memory is taken as octets come, not as many as the length says.
        let read = (&mut *self.input).take(len.into()).read_to_end(&mut self.frame).map_err(failed)?;
        if read != len as usize {
            return Err(ended(self.number));
        }
        if xxh3_64_with_seed(&self.frame, self.number) != checksum {
            return Err(damaged(format!("frame {} has another checksum", self.number)));
        }
        self.number += 1;
        Ok(())
    }

    fn expect_end(&mut self) -> Result<bool, StoreError> {
        let mut more = [0];
        match self.input.read(&mut more).map_err(failed)? {
            0 => Ok(false),
            _ => Err(damaged("it goes on behind its last frame")),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        let mut array = [0; N];
        let read = self.input.read_exact(&mut array);
        read.map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => ended(self.number),
            _ => failed(error),
        })?;
        Ok(array)
    }
}

fn entry(octets: &[u8]) -> Option<(Entry<'_>, &[u8])> {
    let (kind, rest) = octets.split_first()?;
    let (key_len, rest) = rest.split_first_chunk()?;
    let (value_len, rest) = rest.split_first_chunk()?;
    let (key, rest) = rest.split_at_checked(u32::from_be_bytes(*key_len) as usize)?;
    let (value, rest) = rest.split_at_checked(u32::from_be_bytes(*value_len) as usize)?;
    Some((Entry { kind: *kind, key, value }, rest))
}

fn ended(number: u64) -> StoreError {
    damaged(format!("it ends within frame {number}"))
}

fn failed(error: std::io::Error) -> StoreError {
    damaged(format!("it cannot be read: {error}"))
}

pub(super) fn damaged(what: impl Into<String>) -> StoreError {
    StoreError::Backup { what: what.into() }
}
