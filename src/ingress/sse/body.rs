//! The body of an event stream, in pieces, by whichever way it comes.

use super::frames::Frames;
use super::http1;
use bytes::Bytes;
use std::task::{Context, Poll};

/// An open event stream.
pub(super) enum Body {
    /// Over a plain socket.
    Plain(http1::Stream),
    /// Through hyper: TLS, HTTP/2. Boxed, for it is several times the size.
    Framed(Box<Frames>),
}

/// How a body ends.
#[derive(Debug)]
pub(super) enum End {
    /// The peer finished it.
    Complete,
    /// It broke off.
    Broken(BodyError),
}

impl Body {
    /// The octets that are there, at most about 64 KiB. Short pieces have memory of their own. Nothing is read between
    /// calls, so what is not wanted holds the peer.
    ///
    /// # Errors
    /// [`End`] once all octets were handed out; not to be called again after it.
    pub(super) fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Result<Bytes, End>> {
        match self {
            Self::Plain(stream) => stream.poll_piece(context),
            Self::Framed(frames) => frames.poll_piece(context),
        }
    }
}

/// Why a body broke off.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum BodyError {
    /// On a plain socket.
    #[error(transparent)]
    Plain(#[from] http1::Broken),
    /// In hyper.
    #[error(transparent)]
    Framed(#[from] hyper::Error),
}
