//! The mark in an event's data: `t0=` and 16 hexadecimal digits, the nanoseconds from the schedule's origin to when it was
//! due, then ` n=` and 8 digits, its number at its source from 0.

use memchr::memmem;

/// Octets of a mark.
pub const MARK_OCTETS: usize = 30;
const TIME: &[u8] = b"t0=";
const NUMBER: &[u8] = b" n=";
const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// What an event says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When it was due, in nanoseconds.
    pub due: u64,
    /// Its number at its source.
    pub number: u32,
}

impl Mark {
    /// Appends the mark, padded to `octets`; it is [`MARK_OCTETS`] long at least.
    pub fn write(self, octets: usize, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(TIME);
        put_hex(self.due, 16, out);
        out.extend_from_slice(NUMBER);
        put_hex(u64::from(self.number), 8, out);
        out.resize(start + octets.max(MARK_OCTETS), b'.');
    }

    /// The marks in a text, in order.
    pub fn find(text: &[u8]) -> impl Iterator<Item = Self> + '_ {
        memmem::find_iter(text, TIME).filter_map(|at| Self::read(text.get(at..at + MARK_OCTETS)?))
    }

    fn read(octets: &[u8]) -> Option<Self> {
        let rest = octets.strip_prefix(TIME)?;
        let (time, rest) = rest.split_at_checked(16)?;
        let number = rest.strip_prefix(NUMBER)?;
        Some(Self { due: hex(time)?, number: u32::try_from(hex(number)?).ok()? })
    }
}

fn put_hex(value: u64, digits: u32, out: &mut Vec<u8>) {
    out.extend((0..digits).rev().map(|digit| DIGITS[(value >> (digit * 4)) as usize & 15]));
}

fn hex(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |value, digit| Some(value << 4 | u64::from(char::from(*digit).to_digit(16)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_found_as_it_was_written() {
        let marks = [Mark { due: 0, number: 7 }, Mark { due: u64::MAX, number: u32::MAX }];
        let mut text = b"data: ".to_vec();
        marks[0].write(64, &mut text);
        assert_eq!(text.len(), 6 + 64);
        text.extend_from_slice(b"\n\ndata: ");
        marks[1].write(0, &mut text);
        assert_eq!(Mark::find(&text).collect::<Vec<_>>(), marks);
    }

    #[test]
    fn half_a_mark_is_none() {
        let mut text = Vec::new();
        Mark { due: 1, number: 2 }.write(0, &mut text);
        assert_eq!(Mark::find(&text[..MARK_OCTETS - 1]).count(), 0);
        assert_eq!(Mark::find(b"t0=zzzzzzzzzzzzzzzz n=00000001").count(), 0);
    }
}
