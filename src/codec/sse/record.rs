//! [`Events`] as one piece of memory, for a log.
//!
//! A record is the number of events and then each event: a head, what the head announces, the data. All numbers are
//! unsigned, in groups of seven bits, the lowest first (LEB128). The head is the length of the data times four, plus one
//! if an id follows (that of the event before is in force otherwise, at first the empty one), plus two if a type follows
//! (`message` otherwise); both have their length in front. An event with the id and the type that are in force costs one
//! octet beside its data, from 32 octets of data on two.
//!
//! Left out: how many repairs and discarded events the piece had, which were counted when it was read; and a checksum,
//! which is the business of whoever keeps the record.

use std::str;

use bytes::Bytes;
use memchr::{memchr, memchr2, memchr3};

use super::events::{Events, MESSAGE, Span, Spans};
use super::writer::Field;

const ID_FOLLOWS: usize = 1;
const TYPE_FOLLOWS: usize = 2;
const FLAG_BITS: u32 = 2;

/// Groups of seven bits that a number may have: enough for any length.
const MAX_GROUPS: u32 = 5;

/// Octets that an event has at least, as a guess: room for more is made once they are there.
const LIKELY_OCTETS: usize = 8;

impl Events {
    /// Appends the events to `out` in a form that [`Events::read_record`] reads.
    pub fn write_record(&self, out: &mut Vec<u8>) {
        put_number(out, self.len());
        let mut id = &b""[..];
        for event in self {
            let (new_id, new_type) = (event.id != id, event.event_type != MESSAGE);
            let flags = (usize::from(new_id) * ID_FOLLOWS) | (usize::from(new_type) * TYPE_FOLLOWS);
            put_number(out, event.data.len() << FLAG_BITS | flags);
            if new_id {
                put_field(out, event.id);
                id = event.id;
            }
            if new_type {
                put_field(out, event.event_type);
            }
            out.extend_from_slice(event.data);
        }
    }

    /// Reads what [`Events::write_record`] wrote. The events point into `record` and keep it alive.
    ///
    /// # Errors
    /// When it is not that, whole and alone. A field is what a stream can yield or the record is refused.
    pub fn read_record(record: Bytes) -> Result<Self, RecordError> {
        let mut cursor = Cursor { record: &record, at: 0 };
        let count = cursor.number()?;
        // The count may be damaged: an event has at least an octet, and memory for more than fits the rest is not taken.
        if count > cursor.rest() {
            return Err(RecordError::Truncated { octets: record.len() });
        }
        let mut spans = Vec::with_capacity(count.min(cursor.rest() / LIKELY_OCTETS + 1));
        let mut id = Span::EMPTY;
        for _ in 0..count {
            let event = cursor.event(id)?;
            id = event.id;
            spans.push(event);
        }
        match cursor.rest() {
            0 => Ok(Self { raw: record, spans, ..Self::default() }),
            octets => Err(RecordError::Trailing { octets }),
        }
    }
}

/// Why octets are no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// It ends too early.
    #[error("the record ends after {octets} octets, within an event")]
    Truncated {
        /// How long it is.
        octets: usize,
    },
    /// It goes on behind its last event.
    #[error("{octets} octets follow the last event of the record")]
    Trailing {
        /// How many.
        octets: usize,
    },
    /// A number with more digits than any length has.
    #[error("the number at octet {at} of the record is too large")]
    Number {
        /// Where it begins.
        at: usize,
    },
    /// A field that no stream yields.
    #[error("the {field} at octet {at} of the record is not one")]
    Field {
        /// Which one.
        field: Field,
        /// Where it begins.
        at: usize,
    },
}

struct Cursor<'a> {
    record: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn rest(&self) -> usize {
        self.record.len() - self.at
    }

    fn event(&mut self, id: Span) -> Result<Spans, RecordError> {
        let head = self.number()?;
        let id = if head & ID_FOLLOWS == 0 { id } else { self.announced(Field::Id)? };
        let kind = if head & TYPE_FOLLOWS == 0 { Span::EMPTY } else { self.announced(Field::Type)? };
        Ok(Spans { kind, data: self.field(Field::Data, head >> FLAG_BITS)?, id })
    }

    fn announced(&mut self, field: Field) -> Result<Span, RecordError> {
        let len = self.number()?;
        self.field(field, len)
    }

    fn field(&mut self, field: Field, len: usize) -> Result<Span, RecordError> {
        let at = self.at;
        let octets = self.record.get(at..).and_then(|rest| rest.get(..len));
        let octets = octets.ok_or(RecordError::Truncated { octets: self.record.len() })?;
        if len > Span::MAX_LEN || !is_possible(field, octets) {
            return Err(RecordError::Field { field, at });
        }
        self.at += len;
        Ok(Span::raw(at, len))
    }

    fn number(&mut self) -> Result<usize, RecordError> {
        let begin = self.at;
        let mut number = 0;
        for group in 0..MAX_GROUPS {
            let octet = *self.record.get(self.at).ok_or(RecordError::Truncated { octets: self.record.len() })?;
            self.at += 1;
            number |= usize::from(octet & 0x7f) << (7 * group);
            if octet & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(RecordError::Number { at: begin })
    }
}

fn is_possible(field: Field, octets: &[u8]) -> bool {
    let possible = match field {
        Field::Data => memchr(b'\r', octets).is_none(),
        Field::Id => memchr3(b'\r', b'\n', 0, octets).is_none(),
        // A type may hold NUL: HTML §9.2.6 bars it from ids only. An empty one means `message`, which is not written.
        Field::Type => !octets.is_empty() && memchr2(b'\r', b'\n', octets).is_none(),
    };
    possible && str::from_utf8(octets).is_ok()
}

fn put_field(out: &mut Vec<u8>, field: &[u8]) {
    put_number(out, field.len());
    out.extend_from_slice(field);
}

fn put_number(out: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::invariants::{check_record, check_record_of};
    use super::super::{EventsBuilder, Limits, Parser};
    use super::*;

    fn record(events: &Events) -> Vec<u8> {
        let mut out = Vec::new();
        events.write_record(&mut out);
        out
    }

    fn parsed(stream: &'static [u8]) -> Events {
        Parser::new(Limits { max_line_octets: 1000, max_event_octets: 1000 }).feed(Bytes::from_static(stream))
    }

    #[test]
    fn no_event_is_one_octet() {
        assert_eq!(record(&Events::default()), [0]);
        assert!(Events::read_record(Bytes::from_static(&[0])).unwrap().is_empty());
    }

    #[test]
    fn the_id_of_the_event_before_costs_nothing_beside_the_head() {
        let mut events = EventsBuilder::new();
        for _ in 0..3 {
            events.push(b"", b"ab", b"7").unwrap();
        }
        assert_eq!(record(&events.finish()), b"\x03\x09\x017ab\x08ab\x08ab");
    }

    #[test]
    fn a_type_with_nul_empty_data_and_an_id_taken_back_survive() {
        let events = parsed(b"event: a\0b\ndata\nid: 1\n\ndata: x\ndata: y\nid\n\n");
        let read = Events::read_record(record(&events).into()).unwrap();
        let seen: Vec<_> = read.iter().map(|event| (event.event_type, event.data, event.id)).collect();
        assert_eq!(seen, [(&b"a\0b"[..], &b""[..], &b"1"[..]), (&b"message"[..], &b"x\ny"[..], &b""[..])]);
    }

    #[test]
    fn what_no_stream_yields_is_refused() {
        use RecordError::{Field as F, Number, Trailing, Truncated};
        for (octets, error) in [
            (&b""[..], Truncated { octets: 0 }),
            (b"\x01", Truncated { octets: 1 }),
            (b"\x01\x08a", Truncated { octets: 3 }),
            (b"\xff\xff\xff\xff\x0f\x00", Truncated { octets: 6 }),
            (b"\x80\x80\x80\x80\x80\x01", Number { at: 0 }),
            (b"\x00\x00", Trailing { octets: 1 }),
            (b"\x01\x04\xff", F { field: Field::Data, at: 2 }),
            (b"\x01\x04\r", F { field: Field::Data, at: 2 }),
            (b"\x01\x01\x01\x00", F { field: Field::Id, at: 3 }),
            (b"\x01\x02\x01\n", F { field: Field::Type, at: 3 }),
            (b"\x01\x02\x00", F { field: Field::Type, at: 3 }),
        ] {
            assert_eq!(Events::read_record(Bytes::from_static(octets)).unwrap_err(), error, "{octets:?}");
        }
    }

    #[test]
    fn every_shorter_record_is_refused() {
        let whole = record(&parsed(b"event: t\ndata: one\nid: 1\n\ndata: two\n\n"));
        for len in 0..whole.len() {
            assert!(Events::read_record(Bytes::copy_from_slice(&whole[..len])).is_err(), "{len} octets");
        }
    }

    proptest! {
        #[test]
        fn any_stream_survives(stream in vec(prop_oneof![Just(b'\n'), any::<u8>(), "[:\\r\\n dateivn\0]".prop_map(|s| s.as_bytes()[0])], 0..200)) {
            check_record_of(&stream);
        }

        #[test]
        fn any_events_survive(events in vec(("[a-c\0]{0,3}", "[a-zé\n]{0,200}", "[0-9]{0,2}"), 0..40)) {
            let mut stream = Vec::new();
            for (event_type, data, id) in &events {
                let data = data.replace('\n', "\ndata:");
                stream.extend_from_slice(format!("event:{event_type}\ndata:{data}\nid:{id}\n\n").as_bytes());
            }
            check_record_of(&stream);
        }

        #[test]
        fn any_octets_are_read_or_refused(octets in vec(any::<u8>(), 0..100)) {
            check_record(&octets);
        }

        #[test]
        fn a_changed_octet_never_panics(at in any::<prop::sample::Index>(), by in 1u8..) {
            let mut octets = record(&parsed(b"event: t\ndata: one\nid: 1\n\ndata: two\n\ndata\nid\n\n"));
            let at = at.index(octets.len());
            octets[at] ^= by;
            check_record(&octets);
        }
    }
}
