//! One HTTP connection over TLS for one request, driven by the very task that reads from it.
//!
//! hyper keeps the socket in a future of its own, meant to be spawned. Here the reader polls it whenever it waits for
//! something, which saves a task per stream and a switch per read, lets many small HTTP chunks be gathered in one
//! wake-up, and makes closing certain: the socket goes with its owner.

use super::connect::Tls;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::task::AbortHandle;

/// Most that an HTTP/1.1 connection buffers, and so the longest response head. The buffer starts at 8 KiB and only
/// grows while a stream fills it.
const READ_BUFFER_MAX_OCTETS: usize = 64 * 1024;
/// What an HTTP/2 origin may send ahead of the reader.
const WINDOW_OCTETS: u32 = 128 * 1024;

/// An open connection; closed when dropped.
pub(super) struct Connection {
    sender: Sender,
    /// None once the connection has ended.
    driver: Option<Driver>,
    tasks: Tasks,
}

type Driver = Pin<Box<dyn Future<Output = ()> + Send>>;

enum Sender {
    One(http1::SendRequest<Empty<Bytes>>),
    Two(http2::SendRequest<Empty<Bytes>>),
}

impl Connection {
    /// Speaks HTTP/2 if the handshake agreed on it, else HTTP/1.1.
    ///
    /// # Errors
    /// When the socket fails.
    pub(super) async fn open(tls: Tls) -> hyper::Result<Self> {
        match tls.get_ref().1.alpn_protocol() {
            Some(b"h2") => Self::http2(tls).await,
            _ => Self::http1(tls).await,
        }
    }

    async fn http1(socket: Tls) -> hyper::Result<Self> {
        let (sender, connection) =
            http1::Builder::new().max_buf_size(READ_BUFFER_MAX_OCTETS).handshake(TokioIo::new(socket)).await?;
        // What ends a connection also ends the response on it, and is told there.
        let driver = Box::pin(async move { drop(connection.await) });
        Ok(Self { sender: Sender::One(sender), driver: Some(driver), tasks: Tasks::default() })
    }

    async fn http2(socket: Tls) -> hyper::Result<Self> {
        let tasks = Tasks::default();
        let (sender, connection) = http2::Builder::new(tasks.clone())
            .initial_stream_window_size(WINDOW_OCTETS)
            .initial_connection_window_size(WINDOW_OCTETS)
            .handshake(TokioIo::new(socket))
            .await?;
        let driver = Box::pin(async move { drop(connection.await) });
        Ok(Self { sender: Sender::Two(sender), driver: Some(driver), tasks })
    }

    /// Whether the connection is HTTP/2.
    pub(super) fn is_http2(&self) -> bool {
        matches!(self.sender, Sender::Two(_))
    }

    /// Sends `request` and waits for the head of its response.
    ///
    /// # Errors
    /// When the connection fails or the peer does not speak HTTP.
    pub(super) async fn send(&mut self, request: Request<Empty<Bytes>>) -> hyper::Result<Response<Incoming>> {
        match &mut self.sender {
            Sender::One(sender) => {
                let response = sender.send_request(request);
                drive_while(&mut self.driver, response).await
            }
            Sender::Two(sender) => {
                let response = sender.send_request(request);
                drive_while(&mut self.driver, response).await
            }
        }
    }

    /// Lets the connection do what it can now.
    pub(super) fn poll_drive(&mut self, context: &mut Context<'_>) {
        poll_driver(&mut self.driver, context);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.tasks.abort();
    }
}

async fn drive_while<F: Future>(driver: &mut Option<Driver>, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|context| {
        if let Poll::Ready(output) = future.as_mut().poll(context) {
            return Poll::Ready(output);
        }
        poll_driver(driver, context);
        future.as_mut().poll(context)
    })
    .await
}

fn poll_driver(driver: &mut Option<Driver>, context: &mut Context<'_>) {
    if driver.as_mut().is_some_and(|running| running.as_mut().poll(context).is_ready()) {
        *driver = None;
    }
}

/// The tasks that hyper's HTTP/2 starts for a connection, so that they end with it.
#[derive(Clone, Default)]
struct Tasks(Arc<Mutex<Vec<AbortHandle>>>);

impl Tasks {
    fn abort(&self) {
        for task in self.0.lock().drain(..) {
            task.abort();
        }
    }
}

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Tasks {
    fn execute(&self, future: F) {
        self.0.lock().push(tokio::spawn(future).abort_handle());
    }
}
