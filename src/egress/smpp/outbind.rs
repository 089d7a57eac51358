//! Connections that an SMSC opens (outbind, SMPP v3.4 §2.2.1 and §4.1.7): it says who it is, and a link that waits for
//! it binds on its connection.
//!
//! Anybody can connect: little is read, little is waited for, and whoever no link waits for is closed.

use super::meters::Meters;
use crate::codec::smpp::{Body, CommandId, HEADER_OCTETS, Header, Outbind, Pdu};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::{debug, warn};

/// Connections at once that have not said who they are, for each link that may wait.
const PLACES_PER_LINK: usize = 4;
/// The longest outbind: a system_id of 16 octets and a password of 9, with their NULs.
const OUTBIND_MAX_OCTETS: usize = HEADER_OCTETS + 16 + 9;
/// How long the listener rests when it cannot accept, for want of descriptors for instance.
const REST: Duration = Duration::from_millis(100);

/// Where an SMSC connects to, and how it proves who it is.
#[derive(Debug)]
pub struct OutbindListener {
    /// The listener.
    pub listener: TcpListener,
    /// Who the SMSC is.
    pub system_id: String,
    /// How it proves that.
    pub password: String,
    /// How long it may take to say so.
    pub time: Duration,
}

/// Links that wait for the SMSC to connect.
#[derive(Debug, Default)]
pub(super) struct Outbinds(Mutex<VecDeque<oneshot::Sender<TcpStream>>>);

/// Why a connection is not taken.
#[derive(Debug, thiserror::Error)]
enum OutbindError {
    #[error("no outbind in time")]
    Late,
    #[error("connection lost: {0}")]
    Io(#[from] io::Error),
    #[error("what it says is no outbind")]
    NoOutbind,
    #[error("wrong system_id or password")]
    Credentials,
    #[error("no link waits for it")]
    NoLink,
}

impl Outbinds {
    /// The next connection on which the SMSC has said who it is. None when nobody listens any more.
    pub async fn next(&self) -> Option<TcpStream> {
        let (sender, receiver) = oneshot::channel();
        {
            let mut waiting = self.0.lock();
            // Who has stopped waiting leaves its place behind; there are never more than links.
            waiting.retain(|sender| !sender.is_closed());
            waiting.push_back(sender);
        }
        receiver.await.ok()
    }

    /// Gives a connection to the link that has waited longest.
    fn give(&self, mut stream: TcpStream) -> Result<(), OutbindError> {
        let mut waiting = self.0.lock();
        while let Some(sender) = waiting.pop_front() {
            match sender.send(stream) {
                Ok(()) => return Ok(()),
                Err(back) => stream = back,
            }
        }
        Err(OutbindError::NoLink)
    }
}

/// Takes connections for `links` links, until it is dropped.
pub(super) async fn serve(bound: OutbindListener, links: usize, outbinds: Arc<Outbinds>, meters: Meters, smsc: String) {
    let bound = Arc::new(bound);
    let places = Arc::new(Semaphore::new(links.max(1) * PLACES_PER_LINK));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = bound.listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                warn!(smsc, %error, "cannot accept an outbind at the moment");
                tokio::time::sleep(REST).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            meters.smsc.outbinds_refused.increment(1);
            continue;
        };
        let (bound, outbinds, meters, smsc) = (Arc::clone(&bound), Arc::clone(&outbinds), meters.clone(), smsc.clone());
        connections.spawn(async move {
            if let Err(error) = greet(&bound, &outbinds, stream).await {
                meters.smsc.outbinds_refused.increment(1);
                debug!(smsc, %peer, %error, "outbind refused");
            }
            drop(place);
        });
    }
}

async fn greet(bound: &OutbindListener, outbinds: &Outbinds, mut stream: TcpStream) -> Result<(), OutbindError> {
    stream.set_nodelay(true)?;
    let octets = timeout(bound.time, read(&mut stream)).await.map_err(|_| OutbindError::Late)??;
    let Ok(Pdu { body: Body::Outbind(outbind), .. }) = Pdu::decode(&octets) else {
        return Err(OutbindError::NoOutbind);
    };
    if !is_from(&outbind, bound) {
        return Err(OutbindError::Credentials);
    }
    outbinds.give(stream)
}

/// One PDU, and not an octet more: what follows is the session's.
async fn read(stream: &mut TcpStream) -> Result<Vec<u8>, OutbindError> {
    let mut octets = vec![0; HEADER_OCTETS];
    stream.read_exact(&mut octets).await?;
    let header = Header::decode(&octets).ok_or(OutbindError::NoOutbind)?;
    let length = header.command_length as usize;
    if header.command_id != CommandId::OUTBIND || !(HEADER_OCTETS..=OUTBIND_MAX_OCTETS).contains(&length) {
        return Err(OutbindError::NoOutbind);
    }
    octets.resize(length, 0);
    stream.read_exact(octets.get_mut(HEADER_OCTETS..).unwrap_or_default()).await?;
    Ok(octets)
}

/// Whether it says what is configured. How long that takes says nothing of what is right.
fn is_from(outbind: &Outbind<'_>, bound: &OutbindListener) -> bool {
    let system_id = difference(outbind.system_id, bound.system_id.as_bytes());
    (system_id | difference(outbind.password, bound.password.as_bytes())) == 0
}

/// 0 if both are the same; looks at as many octets as the longest field has, wherever they differ.
fn difference(said: &[u8], meant: &[u8]) -> u8 {
    let at = |text: &[u8], index: usize| text.get(index).copied().unwrap_or(0);
    let octets = (0..16).fold(0, |all, index| all | std::hint::black_box(at(said, index) ^ at(meant, index)));
    octets | u8::from(said.len() != meant.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_is_the_same() {
        assert_eq!(difference(b"", b""), 0);
        assert_eq!(difference(b"secret08", b"secret08"), 0);
        for (said, meant) in
            [(&b"secret"[..], &b"secres"[..]), (b"", b"x"), (b"secret\0", b"secret"), (b"ecret", b"secret")]
        {
            assert_ne!(difference(said, meant), 0, "{said:?}");
        }
    }
}
