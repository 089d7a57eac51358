//! The body of a response that hyper reads, in pieces: all that one wake-up brought, not one frame after the other.

use super::body::End;
use super::connection::Connection;
use bytes::{Bytes, BytesMut};
use hyper::body::{Body as _, Incoming};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A piece is closed once it has this many octets.
const PIECE_OCTETS: usize = 64 * 1024;
/// A piece is closed once it is made of this many frames: a peer may send chunks of one octet.
const PIECE_FRAMES: usize = 1024;

/// Pieces shorter than this are copied, for they may wait and would keep a whole read buffer.
const COPIED_BELOW_OCTETS: usize = 4096;

/// An open response.
pub(super) struct Frames {
    incoming: Incoming,
    connection: Connection,
    /// An end found behind a piece that had to be handed out first.
    end: Option<End>,
}

impl Frames {
    /// The body that comes in on `connection`.
    pub(super) fn new(incoming: Incoming, connection: Connection) -> Self {
        Self { incoming, connection, end: None }
    }

    /// Takes all octets that are there, up to 64 KiB or a frame more. A long frame is handed out as it is, several are
    /// joined. Nothing is read between calls: the peer's window and the socket's buffer fill up and hold the peer.
    ///
    /// # Errors
    /// [`End`] once all octets were handed out; not to be called again after it.
    pub(super) fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Result<Bytes, End>> {
        if let Some(end) = self.end.take() {
            return Poll::Ready(Err(end));
        }
        let mut piece = Piece::default();
        while !piece.is_full() {
            match self.poll_data(context) {
                Poll::Ready(Ok(data)) => piece.push(data),
                Poll::Ready(Err(end)) if piece.is_empty() => return Poll::Ready(Err(end)),
                Poll::Ready(Err(end)) => {
                    self.end = Some(end);
                    break;
                }
                Poll::Pending => break,
            }
        }
        if piece.is_empty() { Poll::Pending } else { Poll::Ready(Ok(piece.into_bytes())) }
    }

    /// The next data that is not empty; trailers are skipped.
    fn poll_data(&mut self, context: &mut Context<'_>) -> Poll<Result<Bytes, End>> {
        loop {
            let frame = match Pin::new(&mut self.incoming).poll_frame(context) {
                Poll::Ready(frame) => frame,
                Poll::Pending => {
                    self.connection.poll_drive(context);
                    ready!(Pin::new(&mut self.incoming).poll_frame(context))
                }
            };
            match frame {
                Some(Ok(frame)) => {
                    if let Some(data) = frame.into_data().ok().filter(|data| !data.is_empty()) {
                        return Poll::Ready(Ok(data));
                    }
                }
                Some(Err(error)) => return Poll::Ready(Err(End::Broken(error.into()))),
                None => return Poll::Ready(Err(End::Complete)),
            }
        }
    }
}

/// Frames being gathered. The first is kept as it came, for most pieces have one.
#[derive(Default)]
struct Piece {
    first: Bytes,
    joined: BytesMut,
    frames: usize,
}

impl Piece {
    fn push(&mut self, data: Bytes) {
        match self.frames {
            0 => self.first = data,
            1 => {
                self.joined.reserve(self.first.len() + data.len());
                self.joined.extend_from_slice(&self.first);
                self.joined.extend_from_slice(&data);
            }
            _ => self.joined.extend_from_slice(&data),
        }
        self.frames += 1;
    }

    fn is_empty(&self) -> bool {
        self.frames == 0
    }

    fn is_full(&self) -> bool {
        self.frames >= PIECE_FRAMES || self.first.len().max(self.joined.len()) >= PIECE_OCTETS
    }

    fn into_bytes(self) -> Bytes {
        match self.frames {
            2.. => self.joined.freeze(),
            _ if self.first.len() < COPIED_BELOW_OCTETS => Bytes::copy_from_slice(&self.first),
            _ => self.first,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gathered(frames: &[&'static [u8]]) -> Piece {
        let mut piece = Piece::default();
        frames.iter().for_each(|frame| piece.push(Bytes::from_static(frame)));
        piece
    }

    #[test]
    fn one_long_frame_is_not_copied_and_several_are_joined_in_order() {
        for (octets, copied) in [(COPIED_BELOW_OCTETS - 1, true), (COPIED_BELOW_OCTETS, false)] {
            let frame = Bytes::from(vec![7; octets]);
            let mut alone = Piece::default();
            alone.push(frame.clone());
            let piece = alone.into_bytes();
            assert_eq!((piece.as_ptr() != frame.as_ptr(), piece), (copied, frame));
        }
        assert_eq!(gathered(&[b"ab", b"c"]).into_bytes(), "abc");
        assert_eq!(gathered(&[b"ab", b"c", b"de", b"f"]).into_bytes(), "abcdef");
    }

    #[test]
    fn a_piece_is_full_by_octets_or_by_frames() {
        const HALF: &[u8] = &[0; PIECE_OCTETS / 2];
        assert!(!gathered(&[HALF]).is_full());
        assert!(gathered(&[HALF, HALF]).is_full());
        const TINY: &[u8] = b"x";
        assert!(!gathered(&[TINY; PIECE_FRAMES - 1]).is_full());
        assert!(gathered(&[TINY; PIECE_FRAMES]).is_full());
    }
}
