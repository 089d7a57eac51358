//! The chunked transfer coding, RFC 9112 §7.1, read in place: pieces of a body in, their data out, moved together within
//! the piece.
//!
//! Lines end with CR LF and with nothing else. Extensions and trailers are bounded and skipped. Left out: writing chunks.

#[doc(hidden)]
pub mod invariants;
#[cfg(test)]
mod vectors;

use std::ops::Range;

/// The longest line of a chunk, from its size to its CR: extensions mean nothing to us, so there is little to wait for.
pub const MAX_LINE_OCTETS: u32 = 4 * 1024;
/// The longest trailer section.
pub const MAX_TRAILER_OCTETS: u32 = 16 * 1024;

/// Reads one chunked body. Where its pieces are cut makes no difference to the data.
#[derive(Clone, Debug)]
pub struct Decoder {
    state: State,
    /// Data left of the chunk; while its size is being read, the size so far.
    left: u64,
    /// Octets of the line, or of the trailers, so far.
    line: u32,
}

/// What a piece brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// Where the data of the piece lies in it now.
    pub data: Range<usize>,
    /// How the body ended, if it did. What follows its end is no part of it.
    pub end: Option<Result<(), ChunkedError>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the first digit of a size.
    Start,
    Size,
    /// Behind the size: `BWS`.
    Space,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    /// At the start of a line of trailers.
    TrailerStart,
    Trailer,
    TrailerLf,
    EndLf,
    Over,
}

impl Default for Decoder {
    fn default() -> Self {
        Self { state: State::Start, left: 0, line: 0 }
    }
}

impl Decoder {
    /// Reads the next piece of the body, of any size. The data of its first chunk stays where it is, that of the others is
    /// moved up behind it. After the end every piece is empty.
    pub fn decode(&mut self, piece: &mut [u8]) -> Decoded {
        let mut data = 0..0;
        let mut at = 0;
        while self.state != State::Over {
            if self.state == State::Data {
                let taken = usize::try_from(self.left).map_or(piece.len() - at, |left| left.min(piece.len() - at));
                self.gather(piece, &mut data, at..at + taken);
                at += taken;
                if self.left > 0 {
                    break;
                }
                self.state = State::DataCr;
            }
            let Some(octet) = piece.get(at) else { break };
            at += 1;
            if let Err(error) = self.step(*octet) {
                self.state = State::Over;
                return Decoded { data, end: Some(Err(error)) };
            }
        }
        let end = (self.state == State::Over).then_some(Ok(()));
        Decoded { data, end }
    }

    /// Puts the octets at `found` behind the `data` that is there.
    fn gather(&mut self, piece: &mut [u8], data: &mut Range<usize>, found: Range<usize>) {
        let count = found.len();
        self.left -= count as u64;
        if data.start == data.end {
            *data = found;
        } else {
            piece.copy_within(found, data.end);
            data.end += count;
        }
    }

    /// Reads an octet that is not data.
    fn step(&mut self, octet: u8) -> Result<(), ChunkedError> {
        self.state = match (self.state, octet) {
            // "chunk = chunk-size [ chunk-ext ] CRLF chunk-data CRLF", "chunk-size = 1*HEXDIG" (RFC 9112 §7.1).
            (State::Start | State::Size, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => self.digit(octet)?,
            (State::Start, _) => return Err(ChunkedError::Size { octet }),
            // "chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )" (§7.1.1).
            (State::Size | State::Space, b' ' | b'\t') => self.longer(State::Space)?,
            (State::Size | State::Space, b';') => self.longer(State::Extension)?,
            (State::Size | State::Space | State::Extension, b'\r') => State::SizeLf,
            (State::Size | State::Space, _) => return Err(ChunkedError::Size { octet }),
            // No LF can stand in an extension. Whoever takes a bare one for the end of the line reads other chunks than
            // whoever does not.
            (State::Extension, b'\n') => return Err(ChunkedError::LineEnd { octet }),
            // "A recipient MUST ignore unrecognized chunk extensions" (§7.1.1).
            (State::Extension, _) => self.longer(State::Extension)?,
            (State::SizeLf, b'\n') => self.line_read(),
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => State::Start,
            (State::DataCr | State::DataLf, _) => return Err(ChunkedError::DataEnd { octet }),
            // "A recipient that removes the chunked coding from a message MAY selectively retain or discard the received
            // trailer fields" (§7.1.2).
            (State::TrailerStart, b'\r') => State::EndLf,
            (State::Trailer, b'\r') => State::TrailerLf,
            (State::TrailerLf, b'\n') => State::TrailerStart,
            (State::EndLf, b'\n') => State::Over,
            (State::TrailerStart | State::Trailer, b'\n') => return Err(ChunkedError::LineEnd { octet }),
            (State::TrailerStart | State::Trailer, _) => self.trailer()?,
            (State::SizeLf | State::TrailerLf | State::EndLf, _) => return Err(ChunkedError::LineEnd { octet }),
            (State::Data | State::Over, _) => self.state,
        };
        Ok(())
    }

    /// "recipients MUST anticipate potentially large hexadecimal numerals and prevent parsing errors due to integer
    /// conversion overflows or precision loss due to integer representation" (§7.1).
    fn digit(&mut self, octet: u8) -> Result<State, ChunkedError> {
        let digit = char::from(octet).to_digit(16).unwrap_or(0);
        let size = self.left.checked_mul(16).ok_or(ChunkedError::TooLarge)?;
        self.left = size | u64::from(digit);
        self.longer(State::Size)
    }

    /// "A server ought to limit the total length of chunk extensions received in a request to an amount reasonable for the
    /// services provided" (§7.1.1), and so ought a client.
    fn longer(&mut self, next: State) -> Result<State, ChunkedError> {
        self.line += 1;
        if self.line > MAX_LINE_OCTETS { Err(ChunkedError::LineTooLong) } else { Ok(next) }
    }

    fn trailer(&mut self) -> Result<State, ChunkedError> {
        self.line += 1;
        if self.line > MAX_TRAILER_OCTETS { Err(ChunkedError::TrailersTooLong) } else { Ok(State::Trailer) }
    }

    /// "The chunked transfer coding is complete when a chunk with a chunk-size of zero is received" (§7.1).
    fn line_read(&mut self) -> State {
        self.line = 0;
        if self.left == 0 { State::TrailerStart } else { State::Data }
    }
}

/// Why octets are no chunked body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChunkedError {
    /// Something else than a size.
    #[error("octet {octet:#04x} in the size of a chunk")]
    Size {
        /// What stands there.
        octet: u8,
    },
    /// A size of 2^64 or more.
    #[error("a chunk of 2^64 octets or more")]
    TooLarge,
    /// A size line that is too long.
    #[error("more than {MAX_LINE_OCTETS} octets in the first line of a chunk")]
    LineTooLong,
    /// A line that ends neither here nor as it should.
    #[error("octet {octet:#04x} where a line should end with CR LF")]
    LineEnd {
        /// What stands there.
        octet: u8,
    },
    /// Data that goes on behind its size.
    #[error("octet {octet:#04x} behind the data of a chunk")]
    DataEnd {
        /// What stands there.
        octet: u8,
    },
    /// Trailers that are too long.
    #[error("more than {MAX_TRAILER_OCTETS} octets of trailers")]
    TrailersTooLong,
}
