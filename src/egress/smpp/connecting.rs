//! From a link that wants to bind to its connection: when it is its turn, and how it gets there.

use super::outbind::Outbinds;
use super::settings::LinkSettings;
use super::stream::Stream;
use super::wire::WireError;
use crate::engine::binding::{Binding, BindingSettings};
use crate::engine::clock::Now;
use parking_lot::Mutex;
use std::io;
use std::sync::Arc;
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

/// What the links of an SMSC share while they connect.
#[derive(Debug)]
pub(super) struct Gate {
    pub binding: Mutex<Binding>,
    /// A link is bound: who was refused may try again.
    pub freed: Notify,
    /// The SMSC connects to us, if there are any.
    pub outbinds: Option<Arc<Outbinds>>,
}

impl Gate {
    pub fn new(settings: BindingSettings, links: usize, outbinds: Option<Arc<Outbinds>>) -> Arc<Self> {
        Arc::new(Self { binding: Mutex::new(Binding::new(settings, links)), freed: Notify::new(), outbinds })
    }

    /// A link is bound.
    pub fn note_bound(&self, index: usize) {
        if self.binding.lock().handle_bound(index) {
            self.freed.notify_waiters();
        }
    }

    /// Whether a link is still refused.
    pub fn is_refused(&self, now: Now, index: usize) -> bool {
        self.binding.lock().refused_until(now.monotonic, index).is_some()
    }
}

/// Connects to the SMSC.
///
/// # Errors
/// When it cannot be reached, does not answer in time, or is not who it should be.
pub(super) async fn dial(settings: &LinkSettings) -> Result<Stream, WireError> {
    let connecting = async {
        let stream = connect(&settings.address, Instant::now() + settings.connect_timeout).await?;
        // Nagle would hold a lone segment back until the last one is acknowledged.
        stream.set_nodelay(true)?;
        match &settings.tls {
            Some(tls) => Ok(Stream::Tls(Box::new(tls.connect(stream).await?))),
            None => Ok(Stream::Plain(stream)),
        }
    };
    let connected = timeout(settings.connect_timeout, connecting).await;
    connected.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
}

/// Connects to the first address that answers; each gets an equal share of the time left, so that one which swallows
/// packets does not use up that of the next.
async fn connect(host: &str, deadline: Instant) -> io::Result<TcpStream> {
    let addresses: Vec<_> = lookup_host(host).await?.collect();
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for (tried, address) in addresses.iter().enumerate() {
        let left = deadline.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}

/// Waits until the SMSC connects.
///
/// # Errors
/// When nobody listens any more.
pub(super) async fn await_outbind(outbinds: &Outbinds) -> Result<Stream, WireError> {
    let stream = outbinds.next().await;
    stream.map(Stream::Plain).ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected).into())
}
