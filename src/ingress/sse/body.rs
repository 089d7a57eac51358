//! The body of an event stream, in pieces: all that one wake-up brought, not one HTTP chunk after the other.

use super::connection::Connection;
use bytes::{Bytes, BytesMut};
use hyper::body::{Body as _, Incoming};
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A piece is closed once it has this many octets.
const PIECE_OCTETS: usize = 64 * 1024;
/// A piece is closed once it is made of this many frames: a peer may send chunks of one octet.
const PIECE_FRAMES: usize = 1024;

/// An open event stream.
pub(super) struct Body {
    incoming: Incoming,
    connection: Connection,
    /// An end found behind a piece that had to be handed out first.
    end: Option<End>,
}

/// How a body ends.
#[derive(Debug)]
pub(super) enum End {
    /// The peer finished it.
    Complete,
    /// It broke off.
    Broken(hyper::Error),
}

impl Body {
    /// The body that comes in on `connection`.
    pub(super) fn new(incoming: Incoming, connection: Connection) -> Self {
        Self { incoming, connection, end: None }
    }

    /// Waits for octets and takes all that are there, up to 64 KiB or a frame more. One frame is handed out as it is,
    /// several are joined. Cancel-safe. Nothing is read between calls: the peer's window and the socket's buffer fill up
    /// and hold the peer.
    ///
    /// # Errors
    /// [`End`] once all octets were handed out; not to be called again after it.
    pub(super) async fn next_piece(&mut self) -> Result<Bytes, End> {
        poll_fn(|context| self.poll_piece(context)).await
    }

    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Result<Bytes, End>> {
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
                Some(Err(error)) => return Poll::Ready(Err(End::Broken(error))),
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
        if self.frames > 1 { self.joined.freeze() } else { self.first }
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
    fn one_frame_is_not_copied_and_several_are_joined_in_order() {
        let frame = Bytes::from(vec![7; 10]);
        let mut alone = Piece::default();
        alone.push(frame.clone());
        assert_eq!(alone.into_bytes().as_ptr(), frame.as_ptr());
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
