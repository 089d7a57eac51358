//! Events in one piece of memory, for a log: every field as it is, whatever a stream can bring.
//!
//! First how many there are; then for each the lengths of its type (0 for `message`), of its id (0 if it is that of the
//! event before, else one more than its length) and of its data; then all fields, one behind the other. Numbers are
//! LEB128. What is read back points into the piece.

use super::events::{Events, MESSAGE, Span, Spans};
use bytes::Bytes;

/// A piece that is no record.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordError {
    /// It ends too early, or its lengths say more than there is.
    #[error("a record of {octets} octets is shorter than it says")]
    Short {
        /// Octets there are.
        octets: usize,
    },
    /// It has more than it says.
    #[error("a record has {octets} octets more than it says")]
    Long {
        /// Octets too many.
        octets: usize,
    },
    /// A field is longer than any can be.
    #[error("a record has a field of {octets} octets")]
    Field {
        /// Its length.
        octets: u64,
    },
    /// A field is not UTF-8.
    #[error("a record has a field that is not UTF-8")]
    NotUtf8,
}

impl Events {
    /// Writes them behind what is in `out`.
    pub fn write_record(&self, out: &mut Vec<u8>) {
        write_number(self.len() as u64, out);
        let mut last = &b""[..];
        for event in self {
            write_number(kind(event.event_type).len() as u64, out);
            write_number(if event.id == last { 0 } else { event.id.len() as u64 + 1 }, out);
            write_number(event.data.len() as u64, out);
            last = event.id;
        }
        let mut last = &b""[..];
        for event in self {
            out.extend_from_slice(kind(event.event_type));
            if event.id != last {
                out.extend_from_slice(event.id);
                last = event.id;
            }
            out.extend_from_slice(event.data);
        }
    }

    /// The events that were written to `record`.
    ///
    /// # Errors
    /// When it is not what was written.
    pub fn read_record(record: Bytes) -> Result<Self, RecordError> {
        let mut lengths = Lengths { rest: &record, octets: record.len() };
        let count = lengths.number()?;
        // Each has three lengths at least.
        if count > record.len() as u64 / 3 {
            return Err(lengths.short());
        }
        let mut each = Vec::with_capacity(count as usize);
        for _ in 0..count {
            each.push((lengths.field()?, lengths.field()?, lengths.field()?));
        }
        let fields = str::from_utf8(lengths.rest).map_err(|_| RecordError::NotUtf8)?;
        let start = record.len() - fields.len();
        let mut reading = Fields { fields, at: 0, start };
        let (mut spans, mut id) = (Vec::with_capacity(each.len()), Span::EMPTY);
        for (kind_len, id_len, data_len) in each {
            let kind = reading.take(kind_len, record.len())?;
            if let Some(len) = id_len.checked_sub(1) {
                id = reading.take(len, record.len())?;
            }
            spans.push(Spans { kind, data: reading.take(data_len, record.len())?, id });
        }
        match fields.len() - reading.at {
            0 => Ok(Self { raw: record, spans, ..Self::default() }),
            octets => Err(RecordError::Long { octets }),
        }
    }
}

fn kind(event_type: &[u8]) -> &[u8] {
    if event_type == MESSAGE { b"" } else { event_type }
}

fn write_number(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// The numbers at the front of a record.
struct Lengths<'a> {
    rest: &'a [u8],
    octets: usize,
}

impl Lengths<'_> {
    fn number(&mut self) -> Result<u64, RecordError> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (octet, rest) = self.rest.split_first().ok_or_else(|| self.short())?;
            self.rest = rest;
            number |= u64::from(octet & 0x7f) << shift;
            if octet & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(RecordError::Field { octets: number })
    }

    /// The length of a field, or one more.
    fn field(&mut self) -> Result<usize, RecordError> {
        let octets = self.number()?;
        match usize::try_from(octets) {
            Ok(len) if len <= Span::MAX_LEN + 1 => Ok(len),
            _ => Err(RecordError::Field { octets }),
        }
    }

    fn short(&self) -> RecordError {
        RecordError::Short { octets: self.octets }
    }
}

/// The fields behind them, which start at `start` of the record.
struct Fields<'a> {
    fields: &'a str,
    at: usize,
    start: usize,
}

impl Fields<'_> {
    fn take(&mut self, len: usize, octets: usize) -> Result<Span, RecordError> {
        if len > Span::MAX_LEN {
            return Err(RecordError::Field { octets: len as u64 });
        }
        let (from, to) = (self.at, self.at + len);
        if to > self.fields.len() {
            return Err(RecordError::Short { octets });
        }
        if !self.fields.is_char_boundary(to) {
            return Err(RecordError::NotUtf8);
        }
        self.at = to;
        Ok(Span::raw(self.start + from, len))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::sse::{Limits, Parser};
    use proptest::prelude::*;

    fn written(events: &Events) -> Vec<u8> {
        let mut record = Vec::new();
        events.write_record(&mut record);
        record
    }

    fn parsed(stream: &[u8]) -> Events {
        Parser::new(Limits::default()).feed(Bytes::copy_from_slice(stream))
    }

    fn fields(events: &Events) -> Vec<[Vec<u8>; 3]> {
        events.iter().map(|event| [event.event_type, event.data, event.id].map(<[u8]>::to_vec)).collect()
    }

    #[test]
    fn an_id_that_stays_costs_one_octet_and_one_that_is_reset_is_reset() {
        let events = parsed(b"id:7\ndata:a\n\ndata:b\n\nid\ndata:c\n\nevent:x\0y\ndata\n\n");
        let record = written(&events);
        assert_eq!(record, b"\x04\x00\x02\x01\x00\x00\x01\x00\x01\x01\x03\x00\x007abcx\0y");
        assert_eq!(fields(&Events::read_record(record.into()).unwrap()), fields(&events));
    }

    #[test]
    fn what_is_no_record_is_refused() {
        let record = written(&parsed("id:ä\ndata:ö\n\ndata:b\n\n".as_bytes()));
        for end in 0..record.len() {
            assert!(Events::read_record(Bytes::copy_from_slice(&record[..end])).is_err(), "{end}");
        }
        let long = [record.as_slice(), b"x"].concat();
        assert_eq!(Events::read_record(long.into()).unwrap_err(), RecordError::Long { octets: 1 });
        let huge = b"\x01\xff\xff\xff\xff\x0f\x00\x00";
        assert!(matches!(Events::read_record(huge[..].into()), Err(RecordError::Field { .. })));
        assert!(matches!(Events::read_record(b"\xff\xff\x03"[..].into()), Err(RecordError::Short { .. })));
        let cut = b"\x01\x01\x02\x00\xc3\xa4"; // one character in two fields
        assert_eq!(Events::read_record(cut[..].into()).unwrap_err(), RecordError::NotUtf8);
    }

    proptest! {
        #[test]
        fn whatever_a_stream_brings_is_read_back(
            lines in proptest::collection::vec("(id|event|data|data:|id:|event:|)[ a:ä\0]{0,5}", 0..60)
        ) {
            let events = parsed(format!("{}\n\n", lines.join("\n")).as_bytes());
            let record = written(&events);
            prop_assert_eq!(fields(&Events::read_record(record.into()).unwrap()), fields(&events));
        }

        #[test]
        fn no_octets_make_it_panic(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Events::read_record(octets.into());
        }
    }
}
