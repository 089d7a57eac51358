//! The events of one piece of a stream, as spans into it (HTML §9.2.6, "dispatch the event").
//!
//! A piece that holds five hundred events costs one list of spans and keeps the read buffer alive, nothing more. What
//! cannot be a slice of the piece lies in a side buffer. Left out: numbering and arrival times, which are the source's.

use std::str;

use bytes::Bytes;
use memchr::{memchr2, memchr3};

use super::writer::Field;

/// §9.2.6: the type of an event whose block names none.
pub(super) const MESSAGE: &[u8] = b"message";

/// One event. Every field is valid UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventRef<'a> {
    /// The event's type, `message` when the block names none.
    pub event_type: &'a [u8],
    /// The data lines, joined by LF; may be empty, never holds CR.
    pub data: &'a [u8],
    /// The last event ID string at this event: its own or an inherited one, empty when there is none.
    pub id: &'a [u8],
}

/// The events that one piece completed, in order.
#[derive(Debug, Clone, Default)]
pub struct Events {
    pub(super) raw: Bytes,
    pub(super) side: Vec<u8>,
    pub(super) spans: Vec<Spans>,
    pub(super) repaired: u32,
    pub(super) oversize: u32,
}

impl Events {
    /// How many events there are.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether the piece completed no event.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The event at `index`, counted from 0; `None` past the last.
    pub fn get(&self, index: usize) -> Option<EventRef<'_>> {
        self.spans.get(index).map(|spans| self.resolve(spans))
    }

    /// All events in order.
    pub fn iter(&self) -> Iter<'_> {
        Iter { events: self, spans: self.spans.iter() }
    }

    /// Without the first `count`.
    #[must_use]
    pub fn without_first(mut self, count: usize) -> Self {
        self.spans.drain(..count.min(self.spans.len()));
        self
    }

    /// Memory held, in octets: the piece (if any event points into it), the side buffer and the spans. A piece that is a
    /// slice of a larger buffer keeps all of that buffer; only the slice is counted.
    pub fn octets(&self) -> usize {
        self.raw.len() + self.side.capacity() + self.spans.capacity() * size_of::<Spans>()
    }

    /// How often U+FFFD replaced octets that are no UTF-8, in the fields this piece completed.
    pub fn repaired(&self) -> u32 {
        self.repaired
    }

    /// How many events were found in this piece to exceed a limit, and are discarded.
    pub fn oversize(&self) -> u32 {
        self.oversize
    }

    /// The same events in memory of their own, exactly as much as they need: for events that stay longer than the read
    /// buffer should.
    pub fn compacted(mut self) -> Self {
        let needed: usize = self.spans.iter().map(Spans::raw_len).sum();
        self.side.reserve_exact(needed);
        let mut shared = (Span::EMPTY, Span::EMPTY);
        for spans in &mut self.spans {
            spans.kind = spans.kind.moved(&self.raw, &mut self.side);
            spans.data = spans.data.moved(&self.raw, &mut self.side);
            if spans.id != shared.0 {
                shared = (spans.id, spans.id.moved(&self.raw, &mut self.side));
            }
            spans.id = shared.1;
        }
        self.side.shrink_to_fit();
        self.spans.shrink_to_fit();
        self.raw = Bytes::new();
        self
    }

    fn resolve(&self, spans: &Spans) -> EventRef<'_> {
        let event_type = match spans.kind {
            Span::EMPTY => MESSAGE,
            kind => kind.of(&self.raw, &self.side),
        };
        let [data, id] = [spans.data, spans.id].map(|span| span.of(&self.raw, &self.side));
        EventRef { event_type, data, id }
    }
}

impl<'a> IntoIterator for &'a Events {
    type Item = EventRef<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// Iterator over [`Events`].
#[derive(Debug, Clone)]
pub struct Iter<'a> {
    events: &'a Events,
    spans: std::slice::Iter<'a, Spans>,
}

impl<'a> Iterator for Iter<'a> {
    type Item = EventRef<'a>;

    fn next(&mut self) -> Option<EventRef<'a>> {
        self.spans.next().map(|spans| self.events.resolve(spans))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.spans.size_hint()
    }
}

impl ExactSizeIterator for Iter<'_> {}

/// Makes [`Events`] from parts, for events that did not arrive as a stream.
#[derive(Debug, Default)]
pub struct EventsBuilder {
    events: Events,
}

impl EventsBuilder {
    /// A builder without events.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an event. An empty type means `message`; in data, CR LF and CR become LF.
    ///
    /// # Errors
    /// Refuses CR, LF and NUL in id and type, for they would forge lines of the stream; a field that is not UTF-8; and a
    /// field of 16 MiB or more. Nothing is added then.
    pub fn push(&mut self, event_type: &[u8], data: &[u8], id: &[u8]) -> Result<(), EventError> {
        for (field, value) in [(Field::Type, event_type), (Field::Data, data), (Field::Id, id)] {
            check(field, value)?;
        }
        let side = &mut self.events.side;
        let kind = if event_type == MESSAGE { Span::EMPTY } else { Span::appended(side, event_type) };
        let data = Span::since(side, |side| push_lines(side, data));
        let last = self.events.spans.last().map_or(Span::EMPTY, |spans| spans.id);
        let same = last.of(&self.events.raw, side) == id;
        let id = if same { last } else { Span::appended(side, id) };
        self.events.spans.push(Spans { kind, data, id });
        Ok(())
    }

    /// The events pushed so far.
    pub fn finish(self) -> Events {
        self.events
    }
}

fn check(field: Field, value: &[u8]) -> Result<(), EventError> {
    if value.len() > Span::MAX_LEN {
        return Err(EventError::TooLong { field, octets: value.len() });
    }
    if let Err(error) = str::from_utf8(value) {
        return Err(EventError::NotUtf8 { field, at: error.valid_up_to() });
    }
    if field == Field::Data {
        return Ok(());
    }
    match memchr3(b'\r', b'\n', 0, value) {
        Some(at) => Err(EventError::Forbidden { field, at }),
        None => Ok(()),
    }
}

fn push_lines(side: &mut Vec<u8>, data: &[u8]) {
    let mut rest = data;
    while let Some((line, tail)) = memchr2(b'\r', b'\n', rest).and_then(|at| rest.split_at_checked(at)) {
        side.extend_from_slice(line);
        side.push(b'\n');
        rest = tail.strip_prefix(b"\r\n").or_else(|| tail.get(1..)).unwrap_or_default();
    }
    side.extend_from_slice(rest);
}

/// Why parts make no event.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventError {
    /// CR, LF or NUL in an id or a type.
    #[error("{field} holds CR, LF or NUL at octet {at}")]
    Forbidden {
        /// Where it was found.
        field: Field,
        /// Octets before it.
        at: usize,
    },
    /// Not UTF-8.
    #[error("{field} is not UTF-8 at octet {at}")]
    NotUtf8 {
        /// Where it was found.
        field: Field,
        /// Octets before it.
        at: usize,
    },
    /// Longer than an event can be.
    #[error("{field} has {octets} octets, at most {} are possible", Span::MAX_LEN)]
    TooLong {
        /// Which one.
        field: Field,
        /// How long it is.
        octets: usize,
    },
}

/// Where the fields of one event lie.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spans {
    /// Empty for `message`.
    pub(super) kind: Span,
    pub(super) data: Span,
    pub(super) id: Span,
}

impl Spans {
    /// Whether any field lies in the piece.
    pub(super) fn pins(&self) -> bool {
        !(self.kind.in_side() && self.data.in_side() && self.id.in_side())
    }

    fn raw_len(&self) -> usize {
        [self.kind, self.data, self.id].iter().filter(|span| !span.in_side()).map(|span| span.len()).sum()
    }
}

/// A range of the piece or of the side buffer in eight octets: one bit says which, 39 bits the start, 24 the length. So a
/// piece may have 512 GiB, more than one read can bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span(u64);

impl Span {
    pub(super) const MAX_LEN: usize = (1 << Self::LEN_BITS) - 1;
    /// Nothing; lies in no buffer, so it pins none.
    pub(super) const EMPTY: Self = Self(Self::SIDE);
    const LEN_BITS: u32 = 24;
    const SIDE: u64 = 1 << 63;

    pub(super) fn raw(start: usize, len: usize) -> Self {
        if len == 0 { Self::EMPTY } else { Self(Self::pack(start, len)) }
    }

    /// What `write` appends to `side`.
    pub(super) fn since(side: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) -> Self {
        let start = side.len();
        write(side);
        Self::side(start, side.len() - start)
    }

    pub(super) fn appended(side: &mut Vec<u8>, octets: &[u8]) -> Self {
        Self::since(side, |side| side.extend_from_slice(octets))
    }

    pub(super) fn side(start: usize, len: usize) -> Self {
        if len == 0 { Self::EMPTY } else { Self(Self::SIDE | Self::pack(start, len)) }
    }

    pub(super) fn of<'a>(self, raw: &'a [u8], side: &'a [u8]) -> &'a [u8] {
        let buffer = if self.in_side() { side } else { raw };
        let start = self.start();
        buffer.get(start..start + self.len()).unwrap_or_default()
    }

    fn moved(self, raw: &[u8], side: &mut Vec<u8>) -> Self {
        if self.in_side() { self } else { Self::appended(side, self.of(raw, &[])) }
    }

    fn in_side(self) -> bool {
        self.0 & Self::SIDE != 0
    }

    fn start(self) -> usize {
        ((self.0 & !Self::SIDE) >> Self::LEN_BITS) as usize
    }

    fn len(self) -> usize {
        self.0 as usize & Self::MAX_LEN
    }

    fn pack(start: usize, len: usize) -> u64 {
        debug_assert!(len <= Self::MAX_LEN, "{len} octets fit no span");
        (start as u64) << Self::LEN_BITS & !Self::SIDE | len as u64
    }
}
