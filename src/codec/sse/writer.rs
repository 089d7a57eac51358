//! Writing events as an event stream (HTML §9.2.5), in the fewest octets: they are airtime.
//!
//! Left out: comments, `retry` and the optional space, which a reader throws away.

use std::fmt;

use bytes::BytesMut;
use memchr::{memchr, memchr3};

use super::events::{EventRef, MESSAGE};

/// Appends the block of `event` to `out`, blank line included: an `id` line only when the id is not `previous_id` (the one
/// in force in this body, empty at its start), an `event` line only for types other than `message`, a `data` line per line.
///
/// A fresh [`Parser`](super::Parser) reads back the same type, data and id.
///
/// # Errors
/// Refuses what would end a line early: CR, LF and NUL in id and type, CR in data. Nothing is written then.
pub fn encode(event: &EventRef<'_>, previous_id: &[u8], out: &mut BytesMut) -> Result<(), WriteError> {
    check(event)?;
    write_block(event, previous_id, out);
    Ok(())
}

/// As [`encode`] for an event of [`Events`](super::Events), which hold nothing that is refused but a NUL in a type: the
/// caller has looked for that one, and the octets are not looked at again.
pub fn encode_parsed(event: &EventRef<'_>, previous_id: &[u8], out: &mut BytesMut) {
    debug_assert!(check(event).is_ok(), "{:?}", check(event));
    write_block(event, previous_id, out);
}

/// How many octets [`encode`] writes, if it does not refuse.
pub fn encoded_len(event: &EventRef<'_>, previous_id: &[u8]) -> usize {
    let mut octets = 0;
    write_block(event, previous_id, &mut octets);
    octets
}

/// How many of the octets of [`encode`] are the id's.
pub fn id_len(event: &EventRef<'_>, previous_id: &[u8]) -> usize {
    let mut octets = 0;
    write_id(event, previous_id, &mut octets);
    octets
}

/// Appends a line with an id that is `head` and `tail` together. Neither may hold CR, LF or NUL.
pub fn encode_id_line(head: &[u8], tail: &[u8], out: &mut BytesMut) {
    write_id_line(head, tail, out);
}

/// How many octets [`encode_id_line`] writes.
pub fn id_line_len(head: &[u8], tail: &[u8]) -> usize {
    let mut octets = 0;
    write_id_line(head, tail, &mut octets);
    octets
}

/// A field of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// Its type.
    Type,
    /// Its data.
    Data,
    /// Its id.
    Id,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Field::Type => "event type",
            Field::Data => "data",
            Field::Id => "event id",
        })
    }
}

/// Why an event cannot be written.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum WriteError {
    /// An octet that would end the line, or NUL, for which a reader ignores an id.
    #[error("{field} holds an octet at {at} that no line may carry")]
    Forbidden {
        /// Where it was found.
        field: Field,
        /// Octets before it.
        at: usize,
    },
}

fn check(event: &EventRef<'_>) -> Result<(), WriteError> {
    for (field, value) in [(Field::Type, event.event_type), (Field::Id, event.id)] {
        if let Some(at) = memchr3(b'\r', b'\n', 0, value) {
            return Err(WriteError::Forbidden { field, at });
        }
    }
    match memchr(b'\r', event.data) {
        Some(at) => Err(WriteError::Forbidden { field: Field::Data, at }),
        None => Ok(()),
    }
}

/// Where a block goes: into a buffer, or only into a count of its octets. One walk serves both, so they cannot differ.
trait Sink {
    fn put(&mut self, octets: &[u8]);
}

impl Sink for BytesMut {
    #[inline]
    fn put(&mut self, octets: &[u8]) {
        self.extend_from_slice(octets);
    }
}

impl Sink for usize {
    #[inline]
    fn put(&mut self, octets: &[u8]) {
        *self += octets.len();
    }
}

fn write_id(event: &EventRef<'_>, previous_id: &[u8], sink: &mut impl Sink) {
    if event.id != previous_id {
        write_field(b"id", event.id, sink);
    }
}

fn write_id_line(head: &[u8], tail: &[u8], sink: &mut impl Sink) {
    // As a field is written, but apart from it: that one is small where an event is written.
    sink.put(match head.first().or(tail.first()) {
        None => b"id",
        Some(b' ') => b"id: ",
        Some(_) => b"id:",
    });
    sink.put(head);
    sink.put(tail);
    sink.put(b"\n");
}

fn write_block(event: &EventRef<'_>, previous_id: &[u8], sink: &mut impl Sink) {
    write_id(event, previous_id, sink);
    if event.event_type != MESSAGE && !event.event_type.is_empty() {
        write_field(b"event", event.event_type, sink);
    }
    let mut rest = event.data;
    while let Some((line, tail)) = memchr(b'\n', rest).and_then(|at| rest.split_at_checked(at)) {
        write_field(b"data", line, sink);
        rest = tail.get(1..).unwrap_or_default();
    }
    write_field(b"data", rest, sink);
    sink.put(b"\n");
}

/// The length of the name is known when this is compiled, so that it costs no call.
fn write_field<const N: usize>(name: &[u8; N], value: &[u8], sink: &mut impl Sink) {
    sink.put(name);
    // "Otherwise, the string is not empty but does not contain a U+003A COLON character: … using the whole line as the
    // field name, and the empty string as the field value."
    match value.first() {
        None => {}
        // "If value starts with a U+0020 SPACE character, remove it from value."
        Some(b' ') => sink.put(b": "),
        Some(_) => sink.put(b":"),
    }
    sink.put(value);
    sink.put(b"\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(event_type: &str, data: &str, id: &str, previous_id: &str) -> String {
        let event = EventRef { event_type: event_type.as_bytes(), data: data.as_bytes(), id: id.as_bytes() };
        let mut out = BytesMut::new();
        encode(&event, previous_id.as_bytes(), &mut out).unwrap();
        assert_eq!(out.len(), encoded_len(&event, previous_id.as_bytes()));
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn a_block_says_only_what_is_not_known() {
        assert_eq!(written("message", "a", "", ""), "data:a\n\n");
        assert_eq!(written("add", "a", "7", "7"), "event:add\ndata:a\n\n");
        assert_eq!(written("message", "a", "8", "7"), "id:8\ndata:a\n\n");
        assert_eq!(written("", "a", "", "7"), "id\ndata:a\n\n");
    }

    #[test]
    fn an_id_of_two_parts_is_one_line() {
        for (head, tail, line) in
            [("", "", "id\n"), ("", " 7", "id:  7\n"), ("a.", " 7", "id:a. 7\n"), (" ", "7", "id:  7\n")]
        {
            let mut out = BytesMut::new();
            encode_id_line(head.as_bytes(), tail.as_bytes(), &mut out);
            assert_eq!((&out[..], id_line_len(head.as_bytes(), tail.as_bytes())), (line.as_bytes(), line.len()));
        }
    }

    #[test]
    fn every_line_of_data_has_its_field() {
        assert_eq!(written("message", "", "", ""), "data\n\n");
        assert_eq!(written("message", "a\n\nb\n", "", ""), "data:a\ndata\ndata:b\ndata\n\n");
        assert_eq!(written(" x", " a\n  b", " 1", ""), "id:  1\nevent:  x\ndata:  a\ndata:   b\n\n");
    }

    #[test]
    fn what_would_forge_a_line_is_refused_and_nothing_is_written() {
        let mut out = BytesMut::new();
        let plain = EventRef { event_type: b"message", data: b"a\nb", id: b"1" };
        for (event, field) in [
            (EventRef { event_type: b"a\rb", ..plain }, Field::Type),
            (EventRef { event_type: b"a\nb", ..plain }, Field::Type),
            (EventRef { event_type: b"a\0b", ..plain }, Field::Type),
            (EventRef { id: b"1\r2", ..plain }, Field::Id),
            (EventRef { id: b"1\n2", ..plain }, Field::Id),
            (EventRef { id: b"1\x002", ..plain }, Field::Id),
            (EventRef { data: b"a\rb", ..plain }, Field::Data),
        ] {
            assert_eq!(encode(&event, b"", &mut out), Err(WriteError::Forbidden { field, at: 1 }));
        }
        assert!(out.is_empty());
    }
}
