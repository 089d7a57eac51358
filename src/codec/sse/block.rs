//! The open block of an event stream: its data, event type and id buffers (HTML §9.2.6), as spans while the piece they lie
//! in is there and as copies from one piece to the next.

use std::mem;
use std::str;

use memchr::memchr;

use super::events::{Events, Span, Spans};

/// A buffer larger than this is given back once it is empty: most streams need it once.
const KEPT_CAPACITY: usize = 4 * 1024;
/// Few events are shorter, so a piece is not expected to hold more than its length by this.
const SHORT_EVENT: usize = 32;

/// The buffers of the open block.
#[derive(Debug)]
pub(super) struct Block {
    data: Data,
    kind: Kind,
    /// The last event ID buffer; unlike the other two it outlives the block.
    pub(super) id: Id,
    kept_data: Vec<u8>,
    kept_kind: Vec<u8>,
    pub(super) kept_id: Vec<u8>,
    /// What this block put into each buffer.
    octets: Octets,
}

#[derive(Debug, Clone, Copy, Default)]
struct Octets {
    data: usize,
    kind: usize,
    id: usize,
}

#[derive(Debug, Clone, Copy)]
enum Data {
    None,
    /// One line of this piece, which starts and ends there.
    Line(usize, usize),
    /// Lines with an LF each, from here to the end of the side buffer.
    Side(usize),
    /// Lines with an LF each, in `kept_data`.
    Kept,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    None,
    Piece(Span),
    /// In `kept_kind`.
    Kept,
}

/// Where an id lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Id {
    /// In this piece, or in its side buffer.
    Piece(Span),
    /// In the block's `kept_id`: set by the open block.
    Kept,
    /// In the parser's `last_id`: set by an earlier block.
    Last,
}

impl Block {
    pub(super) fn new() -> Self {
        Self {
            data: Data::None,
            kind: Kind::None,
            id: Id::Last,
            kept_data: Vec::new(),
            kept_kind: Vec::new(),
            kept_id: Vec::new(),
            octets: Octets::default(),
        }
    }

    /// What the block holds of its own, an LF per line of data included.
    pub(super) fn octets(&self) -> usize {
        self.octets.data + self.octets.kind + self.octets.id
    }

    /// Memory of the copies, in octets.
    pub(super) fn capacity(&self) -> usize {
        self.kept_data.capacity() + self.kept_kind.capacity() + self.kept_id.capacity()
    }

    /// "Append the field value to the data buffer, then append a single U+000A LINE FEED (LF) character to the data
    /// buffer."
    #[inline(always)]
    pub(super) fn add_data(&mut self, value: Value<'_>, feed: &mut Feed<'_>) {
        match (value.end, self.data) {
            (Some(end), Data::None) => {
                self.data = Data::Line(value.start(end), end);
                self.octets.data = value.octets.len() + 1;
            }
            (Some(end), _) => self.add_line(value.start(end), end, feed),
            (None, _) => self.add_text(value.octets, feed),
        }
    }

    #[inline(never)]
    fn add_line(&mut self, start: usize, end: usize, feed: &mut Feed<'_>) {
        self.octets.data += end - start + 1;
        append_line(self.lines(feed.raw, &mut feed.events.side), feed.raw, start, end);
    }

    #[cold]
    fn add_text(&mut self, octets: &[u8], feed: &mut Feed<'_>) {
        let lines = self.lines(feed.raw, &mut feed.events.side);
        let before = lines.len();
        feed.events.repaired += append_text(lines, octets);
        lines.push(b'\n');
        let added = lines.len() - before;
        self.octets.data += added;
    }

    /// Where the next line of data is to be appended; what is there of the data is copied to it.
    fn lines<'a>(&'a mut self, raw: &[u8], side: &'a mut Vec<u8>) -> &'a mut Vec<u8> {
        match self.data {
            Data::None => self.data = Data::Side(side.len()),
            Data::Line(start, end) => {
                self.data = Data::Side(side.len());
                append_line(side, raw, start, end);
            }
            Data::Side(_) => {}
            Data::Kept => return &mut self.kept_data,
        }
        side
    }

    /// "Set the event type buffer to the field value."
    pub(super) fn set_kind(&mut self, value: Value<'_>, feed: &mut Feed<'_>) {
        (self.kind, self.octets.kind) = match value.span() {
            Some(span) => (Kind::Piece(span), value.octets.len()),
            None => (Kind::Kept, feed.copy_text(&mut self.kept_kind, value)),
        };
    }

    /// "If the field value does not contain U+0000 NULL, then set the last event ID buffer to the field value. Otherwise,
    /// ignore the field."
    pub(super) fn set_id(&mut self, value: Value<'_>, feed: &mut Feed<'_>) {
        (self.id, self.octets.id) = match value.span() {
            Some(span) => (Id::Piece(span), value.octets.len()),
            None if memchr(0, value.octets).is_some() => return,
            None => (Id::Kept, feed.copy_text(&mut self.kept_id, value)),
        };
    }

    /// Event type and data of the block, which is empty then. "If the data buffer is an empty string, set the data buffer
    /// and the event type buffer to the empty string and return."
    #[inline(always)]
    pub(super) fn take(&mut self, feed: &mut Feed<'_>) -> Option<(Span, Span)> {
        self.octets = Octets::default();
        let kind = mem::replace(&mut self.kind, Kind::None);
        let data = match mem::replace(&mut self.data, Data::None) {
            Data::None => return None,
            Data::Line(start, end) => Span::raw(start, end - start),
            Data::Side(start) => {
                // "If the data buffer's last character is a U+000A LINE FEED (LF) character, then remove the last character
                // from the data buffer."
                feed.events.side.pop();
                Span::side(start, feed.events.side.len().saturating_sub(start))
            }
            Data::Kept => self.take_kept_data(&mut feed.events.side),
        };
        let kind = match kind {
            Kind::None => Span::EMPTY,
            Kind::Piece(span) => span,
            Kind::Kept => Span::appended(&mut feed.events.side, &self.kept_kind),
        };
        Some((kind, data))
    }

    #[cold]
    fn take_kept_data(&mut self, side: &mut Vec<u8>) -> Span {
        self.kept_data.pop();
        let span = Span::appended(side, &self.kept_data);
        empty(&mut self.kept_data);
        span
    }

    /// Forgets data and event type.
    pub(super) fn clear(&mut self, feed: &mut Feed<'_>) {
        if let Data::Side(start) = self.data {
            feed.cut_side(start);
        }
        empty(&mut self.kept_data);
        (self.data, self.kind, self.octets) = (Data::None, Kind::None, Octets::default());
    }

    /// Copies data and event type, for the piece goes.
    pub(super) fn park(&mut self, feed: &mut Feed<'_>) {
        match self.data {
            Data::Line(start, end) => {
                append_line(&mut self.kept_data, feed.raw, start, end);
                self.data = Data::Kept;
            }
            Data::Side(start) => {
                replace(&mut self.kept_data, feed.events.side.get(start..).unwrap_or_default());
                feed.cut_side(start);
                self.data = Data::Kept;
            }
            Data::None | Data::Kept => {}
        }
        if let Kind::Piece(span) = self.kind {
            replace(&mut self.kept_kind, feed.resolve(span));
            self.kind = Kind::Kept;
        }
    }
}

/// One feed: the piece, and the events it completed so far.
pub(super) struct Feed<'a> {
    pub(super) raw: &'a [u8],
    pub(super) events: Events,
    /// Whether an event points into the piece.
    pub(super) pins: bool,
}

impl<'a> Feed<'a> {
    pub(super) fn new(raw: &'a [u8]) -> Self {
        Self { raw, events: Events::default(), pins: false }
    }

    pub(super) fn push(&mut self, spans: Spans, expected: usize) {
        let list = &mut self.events.spans;
        if list.is_empty() {
            list.reserve((expected + expected / 8).min(self.raw.len() / SHORT_EVENT) + 1);
        }
        self.pins |= spans.pins();
        list.push(spans);
    }

    fn cut_side(&mut self, start: usize) {
        if start == 0 {
            self.events.side = Vec::new();
        }
        self.events.side.truncate(start);
    }

    pub(super) fn resolve(&self, span: Span) -> &[u8] {
        span.of(self.raw, &self.events.side)
    }

    /// Makes `buffer` the value as text, and says how long it is.
    fn copy_text(&mut self, buffer: &mut Vec<u8>, value: Value<'_>) -> usize {
        buffer.clear();
        self.events.repaired += append_text(buffer, value.octets);
        buffer.len()
    }
}

/// A line or the value of a field.
#[derive(Clone, Copy)]
pub(super) struct Value<'a> {
    pub(super) octets: &'a [u8],
    /// Where it ends in the piece, if it lies there as a whole and is UTF-8 without NUL.
    pub(super) end: Option<usize>,
}

impl Value<'_> {
    /// The value as a slice of the piece, if it can be one.
    fn span(self) -> Option<Span> {
        self.end.map(|end| Span::raw(self.start(end), self.octets.len()))
    }

    fn start(self, end: usize) -> usize {
        end - self.octets.len()
    }

    /// The value, if this is a line of the field `name`. "Field names must be compared literally, with no case folding
    /// performed."
    pub(super) fn of_field(self, name: &[u8]) -> Option<Self> {
        let octets = match self.octets.strip_prefix(name)? {
            // "If value starts with a U+0020 SPACE character, remove it from value."
            [b':', b' ', value @ ..] | [b':', value @ ..] => value,
            // "Otherwise, the string is not empty but does not contain a U+003A COLON character (:) … using the whole line
            // as the field name, and the empty string as the field value."
            [] => &[],
            _ => return None,
        };
        Some(Self { octets, ..self })
    }
}

/// Appends the part of a line of the piece that lies from `start` to its `end`, and an LF.
fn append_line(buffer: &mut Vec<u8>, raw: &[u8], start: usize, end: usize) {
    // One copy, for it has the octet that ends the line: LF or CR.
    if let Some(line) = raw.get(start..end + 1) {
        buffer.extend_from_slice(line);
        if let Some(last) = buffer.last_mut() {
            *last = b'\n';
        }
    }
}

/// Appends `octets` as text. "UTF-8 decode": what is no UTF-8 becomes U+FFFD, and is counted. A line is decoded as in the
/// whole stream, for its end and its colon are ASCII and so end any sequence.
fn append_text(buffer: &mut Vec<u8>, octets: &[u8]) -> u32 {
    if let Ok(text) = str::from_utf8(octets) {
        buffer.extend_from_slice(text.as_bytes());
        return 0;
    }
    let mut repaired = 0;
    for chunk in octets.utf8_chunks() {
        buffer.extend_from_slice(chunk.valid().as_bytes());
        if !chunk.invalid().is_empty() {
            buffer.extend_from_slice("\u{FFFD}".as_bytes());
            repaired += 1;
        }
    }
    repaired
}

pub(super) fn replace(buffer: &mut Vec<u8>, octets: &[u8]) {
    buffer.clear();
    buffer.extend_from_slice(octets);
}

pub(super) fn empty(buffer: &mut Vec<u8>) {
    if buffer.capacity() > KEPT_CAPACITY {
        *buffer = Vec::new();
    }
    buffer.clear();
}
