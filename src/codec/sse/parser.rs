//! The parser of an event stream (HTML §9.2.5, §9.2.6): pieces of a body in, whole events out.
//!
//! It never fails: what is too long is discarded and counted, what is no UTF-8 is repaired and counted. Fields are slices
//! of the piece; only what straddles two pieces, has several lines or was repaired is copied. Left out: waiting for
//! `retry` and asking with `Last-Event-ID`, which belong to the connection.

use std::mem;
use std::str;
use std::time::Duration;

use bytes::Bytes;
use memchr::{memchr, memchr2, memchr3, memrchr2};

use super::block::{Block, Feed, Id, Value, empty, replace};
use super::events::{Events, Span, Spans};

/// "The UTF-8 decode algorithm strips one leading UTF-8 Byte Order Mark (BOM), if any."
const BOM: &[u8] = b"\xEF\xBB\xBF";
/// The longest reconnection time that is believed: a stream that asks for more would be as good as closed.
pub const MAX_RETRY: Duration = Duration::from_secs(24 * 60 * 60);

/// What a stream may make the parser hold, in octets. What exceeds a limit costs the event, not the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A line without its end; comments may be of any length. At most 16 MiB are possible.
    pub max_line_octets: usize,
    /// Type, own id and data of an event together, each line of data counting one more. At most 16 MiB are possible.
    pub max_event_octets: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_line_octets: 64 * 1024, max_event_octets: 256 * 1024 }
    }
}

/// Reads one event stream, piece by piece. Where the pieces are cut makes no difference to the events.
#[derive(Debug)]
pub struct Parser {
    limits: Limits,
    /// Nothing of the first line was interpreted yet, so it may begin with a BOM.
    at_start: bool,
    /// The last octet was a CR, so that an LF that follows belongs to it.
    after_cr: bool,
    cut: Cut,
    /// The open block exceeded a limit: everything up to its blank line is ignored.
    skipping: bool,
    /// The beginning of the line that the last piece cut.
    line: Vec<u8>,
    block: Block,
    /// The last event ID *buffer* is `block.id`; this is the last event ID *string*, and `last_id` its octets between pieces.
    committed: Id,
    last_id: Vec<u8>,
    retry: Option<Duration>,
    /// Events of the last piece that had any: how many to expect of the next.
    expected: usize,
}

/// What became of the line that the last piece cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// There is none: the piece ended with a line.
    None,
    /// Its beginning is in `line`.
    Kept,
    /// It is a comment, or belongs to a block that is skipped: only its end matters.
    Ignored,
}

impl Parser {
    /// A parser at the start of a stream that nobody has read before.
    pub fn new(limits: Limits) -> Self {
        let limits = Limits {
            max_line_octets: limits.max_line_octets.min(Span::MAX_LEN),
            max_event_octets: limits.max_event_octets.min(Span::MAX_LEN),
        };
        Self {
            limits,
            at_start: true,
            after_cr: false,
            cut: Cut::None,
            skipping: false,
            line: Vec::new(),
            block: Block::new(),
            committed: Id::Last,
            last_id: Vec::new(),
            retry: None,
            expected: 0,
        }
    }

    /// A parser at the start of a stream that goes on after `id`: events without an id of their own inherit it. What could
    /// not have been an id (not UTF-8, or with CR, LF or NUL) counts as none.
    pub fn with_last_event_id(limits: Limits, id: &[u8]) -> Self {
        let usable = id.len() <= Span::MAX_LEN && str::from_utf8(id).is_ok() && memchr3(b'\r', b'\n', 0, id).is_none();
        let last_id = if usable { id.to_vec() } else { Vec::new() };
        Self { last_id, ..Self::new(limits) }
    }

    /// Reads the next piece of the stream, of any size. A block is complete with its blank line; what the stream's end
    /// leaves open is discarded, as §9.2.6 asks.
    pub fn feed(&mut self, input: Bytes) -> Events {
        let mut feed = Feed::new(&input);
        let start = self.end_cut_line(&mut feed);
        self.whole_lines(start, &mut feed);
        self.park(&mut feed);
        let (mut events, pins) = (feed.events, feed.pins);
        if !events.is_empty() {
            self.expected = events.len();
        }
        if pins {
            events.raw = input;
        }
        events
    }

    /// The last event ID string, as the last block set it: what `Last-Event-ID` says on a reconnect. Empty if there is none.
    pub fn last_event_id(&self) -> &[u8] {
        &self.last_id
    }

    /// The reconnection time that the stream asked for last, at most [`MAX_RETRY`].
    pub fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// Memory held from one piece to the next, in octets: what is open, and the last event ID.
    pub fn octets(&self) -> usize {
        self.line.capacity() + self.last_id.capacity() + self.block.capacity()
    }

    /// Ends the line that the last piece cut, and says where the next begins.
    fn end_cut_line(&mut self, feed: &mut Feed<'_>) -> usize {
        if feed.raw.is_empty() {
            return 0;
        }
        // A CR ended its line at once; the LF of a CR LF that was cut is no second end.
        let start = usize::from(mem::take(&mut self.after_cr) && feed.raw.first() == Some(&b'\n'));
        if self.cut == Cut::None {
            return start;
        }
        let rest = feed.raw.get(start..).unwrap_or_default();
        let Some(length) = memchr2(b'\n', b'\r', rest) else {
            self.keep(rest, feed);
            return feed.raw.len();
        };
        let at_start = mem::take(&mut self.at_start);
        if mem::replace(&mut self.cut, Cut::None) == Cut::Kept {
            self.keep_octets(rest.get(..length).unwrap_or_default());
            let mut line = mem::take(&mut self.line);
            let octets = if at_start { without_bom(&line) } else { &line };
            self.line(Value { octets, end: None }, feed);
            empty(&mut line);
            self.line = line;
        }
        self.after_end(feed.raw, start + length)
    }

    fn whole_lines(&mut self, start: usize, feed: &mut Feed<'_>) {
        let raw = feed.raw;
        let rest = raw.get(start..).unwrap_or_default();
        let whole = memrchr2(b'\n', b'\r', rest).and_then(|last| rest.get(..=last)).unwrap_or_default();
        let plain_to = start + plain_up_to(whole);
        let mut at = start;
        if !whole.is_empty() && mem::take(&mut self.at_start) {
            at += rest.len() - without_bom(rest).len();
        }
        while let Some(octets) = raw.get(at..).and_then(first_line) {
            let end = at + octets.len();
            let plain = end <= plain_to || plain_up_to(octets) == octets.len();
            self.line(Value { octets, end: plain.then_some(end) }, feed);
            at = self.after_end(raw, end);
        }
        if let Some(rest) = raw.get(at..).filter(|rest| !rest.is_empty()) {
            self.keep(rest, feed);
        }
    }

    /// "Lines must be separated by either a U+000D CARRIAGE RETURN U+000A LINE FEED (CRLF) character pair, a single U+000A
    /// LINE FEED (LF) character, or a single U+000D CARRIAGE RETURN (CR) character." Says where the next line begins.
    fn after_end(&mut self, raw: &[u8], end: usize) -> usize {
        if raw.get(end) == Some(&b'\n') {
            return end + 1;
        }
        let next = raw.get(end + 1);
        self.after_cr = next.is_none();
        end + 1 + usize::from(next == Some(&b'\n'))
    }

    /// Interprets a line. Inlined by force, as is what it does for the commonest lines: it has two callers, so it would be
    /// called for each line of a piece.
    #[inline(always)]
    fn line(&mut self, line: Value<'_>, feed: &mut Feed<'_>) {
        let Some(first) = line.octets.first() else {
            return self.blank_line(feed);
        };
        // "If the line starts with a U+003A COLON character (:) Ignore the line."
        if *first == b':' || self.skipping {
            return;
        }
        if line.octets.len() > self.limits.max_line_octets {
            return self.skip(feed);
        }
        if let Some(value) = line.of_field(b"data") {
            self.block.add_data(value, feed);
        } else if let Some(value) = line.of_field(b"id") {
            self.block.set_id(value, feed);
        } else if let Some(value) = line.of_field(b"event") {
            self.block.set_kind(value, feed);
        } else {
            // "Otherwise: The field is ignored."
            self.retry = line.of_field(b"retry").and_then(reconnection_time).or(self.retry);
            return;
        }
        if self.block.octets() > self.limits.max_event_octets {
            self.skip(feed);
        }
    }

    /// "If the line is empty (a blank line) Dispatch the event."
    #[inline(always)]
    fn blank_line(&mut self, feed: &mut Feed<'_>) {
        if mem::take(&mut self.skipping) {
            return;
        }
        self.commit_id();
        let Some((kind, data)) = self.block.take(feed) else {
            return;
        };
        let id = match self.block.id {
            Id::Piece(id) => id,
            Id::Kept | Id::Last => self.inherit(feed),
        };
        feed.push(Spans { kind, data, id }, self.expected);
    }

    /// The last event ID string in the side buffer: copied once for all events of this piece that inherit it.
    #[cold]
    fn inherit(&mut self, feed: &mut Feed<'_>) -> Span {
        let id = Span::appended(&mut feed.events.side, &self.last_id);
        self.block.id = Id::Piece(id);
        self.committed = self.block.id;
        id
    }

    /// "Set the last event ID string of the event source to the value of the last event ID buffer. The buffer does not get
    /// reset, so the last event ID string of the event source remains set to this value until the next time it is set by
    /// the server."
    fn commit_id(&mut self) {
        if self.block.id == Id::Kept {
            mem::swap(&mut self.last_id, &mut self.block.kept_id);
            self.block.id = Id::Last;
        }
        self.committed = self.block.id;
    }

    /// Drops the open block, which exceeds a limit; its id is not taken over, so that a resumed stream brings it again.
    #[cold]
    fn skip(&mut self, feed: &mut Feed<'_>) {
        feed.events.oversize += 1;
        self.skipping = true;
        self.block.clear(feed);
        self.block.id = self.committed;
    }

    /// Keeps the beginning of a line that goes on in the next piece, unless it is known already that it does not matter.
    fn keep(&mut self, octets: &[u8], feed: &mut Feed<'_>) {
        if self.cut == Cut::Ignored {
            return;
        }
        self.cut = Cut::Kept;
        self.keep_octets(octets);
        let line = if self.at_start { without_bom(&self.line) } else { &self.line };
        let comment = line.first() == Some(&b':');
        let too_long = line.len() > self.limits.max_line_octets + BOM.len();
        if too_long && !comment && !self.skipping {
            self.skip(feed);
        }
        if too_long || comment || self.skipping {
            self.cut = Cut::Ignored;
            empty(&mut self.line);
        }
    }

    /// Appends to `line` as much as it takes to see that it is too long, even after a BOM.
    fn keep_octets(&mut self, octets: &[u8]) {
        let room = (self.limits.max_line_octets + 2 * BOM.len() + 1).saturating_sub(self.line.len());
        self.line.extend_from_slice(octets.get(..room).unwrap_or(octets));
    }

    /// Copies what the open block and the ids need of this piece, for the next.
    fn park(&mut self, feed: &mut Feed<'_>) {
        self.block.park(feed);
        if self.block.id == self.committed {
            self.block.id = Id::Last;
        }
        if let Id::Piece(id) = mem::replace(&mut self.committed, Id::Last) {
            replace(&mut self.last_id, feed.resolve(id));
        }
        if let Id::Piece(id) = self.block.id {
            replace(&mut self.block.kept_id, feed.resolve(id));
            self.block.id = Id::Kept;
        }
    }
}

/// "If the field value consists of only ASCII digits, then interpret the field value as an integer in base ten, and set the
/// event stream's reconnection time to that integer. Otherwise, ignore the field." Milliseconds; no digits are no integer.
fn reconnection_time(value: Value<'_>) -> Option<Duration> {
    let mut millis = 0_u64;
    for octet in value.octets {
        if !octet.is_ascii_digit() {
            return None;
        }
        millis = millis.saturating_mul(10).saturating_add(u64::from(octet - b'0'));
    }
    (!value.octets.is_empty()).then(|| Duration::from_millis(millis).min(MAX_RETRY))
}

/// The line at the beginning of `rest`, if it ends there.
fn first_line(rest: &[u8]) -> Option<&[u8]> {
    // Every event has a blank line.
    if rest.first() == Some(&b'\n') {
        return Some(&[]);
    }
    rest.get(..memchr2(b'\n', b'\r', rest)?)
}

fn without_bom(line: &[u8]) -> &[u8] {
    line.strip_prefix(BOM).unwrap_or(line)
}

/// How many leading octets are UTF-8 without NUL.
fn plain_up_to(octets: &[u8]) -> usize {
    // Most streams are ASCII for long, which takes a comparison for sixteen octets.
    let ascii = octets.chunks_exact(64).take_while(|chunk| is_ascii_without_nul(chunk)).count() * 64;
    let rest = octets.get(ascii..).unwrap_or_default();
    let valid = str::from_utf8(rest).map_or_else(|error| error.valid_up_to(), str::len);
    ascii + memchr(0, rest).map_or(valid, |nul| nul.min(valid))
}

fn is_ascii_without_nul(chunk: &[u8]) -> bool {
    chunk.iter().fold(true, |ascii, octet| ascii & (octet.cast_signed() > 0))
}
