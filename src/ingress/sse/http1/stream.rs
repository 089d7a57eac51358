//! The body of a response, read from the socket as it comes.

use super::framing::Framing;
use super::scratch::{taken, with_buffer};
use crate::codec::chunked::ChunkedError;
use crate::ingress::sse::body::End;
use bytes::{Bytes, BytesMut};
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, ready};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// An open response. The connection is closed when it is dropped.
pub(in super::super) struct Stream {
    tcp: TcpStream,
    framing: Framing,
    /// What came with the head.
    begun: BytesMut,
    /// An end found behind a piece that had to be handed out first.
    end: Option<End>,
}

impl Stream {
    /// The body that begins with `begun` and goes on in `tcp`.
    pub(super) fn new(tcp: TcpStream, framing: Framing, begun: BytesMut) -> Self {
        // An empty buffer would keep the memory of the head.
        let begun = if begun.is_empty() { BytesMut::new() } else { begun };
        Self { tcp, framing, begun, end: None }
    }

    /// The next data: what one read brings, at most 64 KiB, without what frames it. Nothing is read between calls.
    ///
    /// # Errors
    /// [`End`] once all data was handed out; not to be called again after it.
    pub(in super::super) fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Result<Bytes, End>> {
        loop {
            if let Some(end) = self.end.take() {
                return Poll::Ready(Err(end));
            }
            let piece = if self.begun.is_empty() && !matches!(self.framing, Framing::Length(0)) {
                ready!(self.poll_read(context))
            } else {
                self.take_begun()
            };
            if !piece.is_empty() {
                return Poll::Ready(Ok(piece));
            }
        }
    }

    /// The data of one read; empty if it brought none, or the end.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Bytes> {
        with_buffer(|buffer| {
            // A read that does not fill the buffer has emptied the socket, and tokio knows it: the next poll waits without
            // asking the system.
            let read = ready!(pin!(self.tcp.read_buf(buffer)).poll(context));
            Poll::Ready(match read {
                Ok(0) => {
                    self.end = Some(self.framing.closed());
                    Bytes::new()
                }
                Ok(_) => {
                    let (data, end) = self.framing.data(buffer);
                    self.end = end;
                    taken(buffer, data)
                }
                Err(error) => {
                    self.end = Some(End::Broken(Broken::from(error).into()));
                    Bytes::new()
                }
            })
        })
    }

    fn take_begun(&mut self) -> Bytes {
        // Also gives the memory of the head back.
        let mut begun = std::mem::take(&mut self.begun);
        let (data, end) = self.framing.data(&mut begun);
        self.end = end;
        begun.get(data).map_or_else(Bytes::new, Bytes::copy_from_slice)
    }
}

/// How a body breaks off.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(in super::super) enum Broken {
    /// The socket failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The chunks are none.
    #[error("malformed body")]
    Chunked(#[from] ChunkedError),
    /// The connection ended before the last chunk.
    #[error("closed before the last chunk")]
    Unterminated,
    /// The connection ended too early.
    #[error("closed {left} octets before the end of the body")]
    Short {
        /// What is missing.
        left: u64,
    },
}
