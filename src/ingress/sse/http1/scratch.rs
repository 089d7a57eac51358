//! The buffer that all streams of a thread read into. Only what a read brought outlives it, so a thousand idle streams
//! hold no buffer, and a thousand slow ones share a warm one.

use bytes::{Bytes, BytesMut};
use std::cell::RefCell;
use std::ops::Range;

/// As much as one read may bring.
const READ_OCTETS: usize = 64 * 1024;
/// A buffer with less room than this is left to the pieces that lie in it.
const MIN_READ_OCTETS: usize = READ_OCTETS / 2;
/// Pieces from here on are handed out where they lie. Copying shorter ones costs less than the memory that each would keep
/// from being freed: up to a whole buffer.
const TAKEN_OCTETS: usize = 16 * 1024;

thread_local! {
    static BUFFER: RefCell<BytesMut> = RefCell::new(BytesMut::new());
}

/// Lends the buffer, empty and with room, to `read`.
pub(super) fn with_buffer<T>(read: impl FnOnce(&mut BytesMut) -> T) -> T {
    BUFFER.with_borrow_mut(|buffer| {
        buffer.clear();
        if buffer.capacity() < MIN_READ_OCTETS {
            buffer.reserve(READ_OCTETS);
        }
        read(buffer)
    })
}

/// The octets of `buffer` at `range`, in memory of their own or in the buffer's, which then loses them.
pub(super) fn taken(buffer: &mut BytesMut, range: Range<usize>) -> Bytes {
    if range.len() < TAKEN_OCTETS {
        return buffer.get(range).map_or_else(Bytes::new, Bytes::copy_from_slice);
    }
    buffer.split().freeze().slice(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(length: usize) -> (Bytes, usize) {
        with_buffer(|buffer| {
            buffer.resize(length + 2, 7);
            let at = buffer.as_ptr() as usize;
            (taken(buffer, 1..length + 1), at)
        })
    }

    #[test]
    fn long_pieces_stay_where_they_are_and_short_ones_do_not() {
        let (short, first) = piece(TAKEN_OCTETS - 1);
        assert_eq!((short.len(), first), (TAKEN_OCTETS - 1, piece(1).1), "the buffer is used again");
        let (long, at) = piece(TAKEN_OCTETS);
        assert_eq!((long.len(), long.as_ptr() as usize), (TAKEN_OCTETS, at + 1));
        assert_ne!(at, piece(1).1);
        assert_eq!(long, vec![7; TAKEN_OCTETS]);
    }

    #[test]
    fn there_is_always_room_for_a_long_read() {
        let mut kept = Vec::new();
        for round in 0..20 {
            with_buffer(|buffer| assert!(buffer.is_empty() && buffer.capacity() >= MIN_READ_OCTETS, "round {round}"));
            kept.push(piece(TAKEN_OCTETS + round));
        }
    }
}
