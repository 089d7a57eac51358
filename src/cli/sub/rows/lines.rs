//! The lines of a file, none of them kept whole if it is too long.

use std::io::{self, BufRead, Read};

/// Octets of a line at most, its end not counted.
const LINE_MAX_OCTETS: usize = 64 * 1024;

/// Reads lines: by LF or CR LF, the last one with or without.
pub(super) struct Lines<R> {
    input: R,
    line: Vec<u8>,
    number: u64,
}

/// Why a line cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum LineError {
    #[error("the line is longer than {LINE_MAX_OCTETS} octets")]
    TooLong,
    #[error("the line is not UTF-8")]
    NotUtf8,
}

impl<R: BufRead> Lines<R> {
    pub fn new(input: R) -> Self {
        Self { input, line: Vec::new(), number: 0 }
    }

    /// The next line that is not blank and its number, from 1.
    ///
    /// # Errors
    /// When the input cannot be read.
    pub fn next(&mut self) -> io::Result<Option<(u64, Result<&str, LineError>)>> {
        loop {
            self.line.clear();
            // Two more for CR LF.
            let most = LINE_MAX_OCTETS as u64 + 2;
            if self.input.by_ref().take(most).read_until(b'\n', &mut self.line)? == 0 {
                return Ok(None);
            }
            self.number += 1;
            let ended = self.line.pop_if(|last| *last == b'\n').is_some();
            if !ended && self.line.len() as u64 == most {
                self.skip()?;
                return Ok(Some((self.number, Err(LineError::TooLong))));
            }
            self.line.pop_if(|last| *last == b'\r');
            if !self.line.trim_ascii().is_empty() {
                break;
            }
        }
        if self.line.len() > LINE_MAX_OCTETS {
            return Ok(Some((self.number, Err(LineError::TooLong))));
        }
        // A byte order mark is no part of the first line.
        let mark: &[u8] = if self.number == 1 { b"\xEF\xBB\xBF" } else { b"" };
        let line = self.line.strip_prefix(mark).unwrap_or(&self.line);
        Ok(Some((self.number, std::str::from_utf8(line).map_err(|_| LineError::NotUtf8))))
    }

    /// Reads to the end of the line.
    fn skip(&mut self) -> io::Result<()> {
        loop {
            let octets = match self.input.fill_buf() {
                Ok(octets) => octets,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let (found, length) = (memchr::memchr(b'\n', octets), octets.len());
            self.input.consume(found.map_or(length, |at| at + 1));
            if found.is_some() || length == 0 {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Vec<(u64, Result<String, LineError>)> {
        let mut lines = Lines::new(text);
        let mut read = Vec::new();
        while let Some((number, line)) = lines.next().unwrap() {
            read.push((number, line.map(str::to_owned)));
        }
        read
    }

    #[test]
    fn blank_lines_are_counted_and_passed_over() {
        let lines = read(b"\xEF\xBB\xBFa\r\n\n \r\nb\n\xFF\nc");
        let ok = |text: &str| Ok(text.to_owned());
        assert_eq!(lines, [(1, ok("a")), (4, ok("b")), (5, Err(LineError::NotUtf8)), (6, ok("c"))]);
    }

    #[test]
    fn a_line_that_is_too_long_is_named_and_the_next_one_is_read() {
        for more in [0, 1, 2, 3, 100_000] {
            let long = "x".repeat(LINE_MAX_OCTETS + more);
            for end in ["\n", "\r\n"] {
                let lines = read(format!("{long}{end}b").as_bytes());
                let first = if more == 0 { Ok(long.clone()) } else { Err(LineError::TooLong) };
                assert_eq!(lines, [(1, first), (2, Ok("b".to_owned()))], "{more}");
            }
        }
    }
}
