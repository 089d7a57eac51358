//! Answers: whole ones, and streams that end when their client goes.

use bytes::Bytes;
use http::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use http_body_util::Either;
use http_body_util::Full;
use hyper::body::{Body, Frame};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// An answer.
pub(super) type Reply = Response<Either<Full<Bytes>, Pieces>>;

/// A body that is there.
pub(super) fn whole(text: impl Into<Bytes>) -> Either<Full<Bytes>, Pieces> {
    Either::Left(Full::new(text.into()))
}

/// A body that comes piece by piece; whoever sends them learns that nobody reads any more when this is dropped.
pub(super) struct Pieces(mpsc::Receiver<Bytes>);

impl Pieces {
    /// A body, and where its pieces go in.
    pub fn new() -> (mpsc::Sender<Bytes>, Either<Full<Bytes>, Self>) {
        // One is on its way while the next is made.
        let (sender, receiver) = mpsc::channel(1);
        (sender, Either::Right(Self(receiver)))
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}

/// JSON that no cache may keep.
pub(super) fn json(status: StatusCode, body: &serde_json::Value) -> Reply {
    let mut reply = Response::new(whole(body.to_string()));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    reply.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}
