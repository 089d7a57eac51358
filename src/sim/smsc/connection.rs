//! One connection: reads many PDUs at once, writes all answers at once.

use super::script::OutbindScript;
use super::session::{Ending, Session};
use super::shared::Shared;
use bytes::BytesMut;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// What one read may bring, and so, with a PDU that is not whole yet, all that is buffered.
const READ_OCTETS: usize = 64 * 1024;
/// How long a connection that the SMSC opens may take.
const CALL_PATIENCE: Duration = Duration::from_secs(5);
/// How long the other side may take to notice a FIN before the socket is gone.
const CLOSE_PATIENCE: Duration = Duration::from_secs(1);

/// Converses until either side ends it. Dropping the future drops the connection at once.
pub(super) async fn converse(socket: TcpStream, shared: Arc<Shared>) {
    let session = open(&socket, &shared);
    run(socket, session, &shared).await;
}

/// Calls somebody, asks for a bind, and converses; again and again.
pub(super) async fn call(outbind: OutbindScript, shared: Arc<Shared>) {
    loop {
        let connecting = tokio::time::timeout(CALL_PATIENCE, TcpStream::connect(outbind.connect));
        if let Ok(Ok(socket)) = connecting.await {
            let mut session = open(&socket, &shared);
            session.0.handle_called(outbind.system_id.as_bytes(), outbind.password.as_bytes());
            run(socket, session, &shared).await;
        }
        tokio::time::sleep(outbind.again).await;
    }
}

fn open(socket: &TcpStream, shared: &Arc<Shared>) -> Ended {
    let _ = socket.set_nodelay(true);
    let peer = socket.peer_addr().ok().map(|address| address.ip());
    Ended(Session::new(shared.clone(), shared.ledger.open(), peer, shared.now()))
}

async fn run(mut socket: TcpStream, mut ended: Ended, shared: &Shared) {
    // A peer that breaks the connection ends it as well as one that closes it.
    let _ = exchange(&mut socket, &mut ended.0, shared).await;
    let ending = ended.0.ending();
    drop(ended);
    match ending {
        Some(Ending::Reset) => {
            let _ = socket.set_zero_linger();
        }
        Some(Ending::Close) => close(socket).await,
        None => {}
    }
}

/// Settles the counts even when the task is aborted.
struct Ended(Session);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.handle_end();
    }
}

async fn exchange(socket: &mut TcpStream, session: &mut Session, shared: &Shared) -> io::Result<()> {
    let mut input = BytesMut::new();
    loop {
        // Made before the backlog is looked at, so that nothing put there meanwhile is missed.
        let receipts = shared.receipts_kept.notified();
        let alarm = shared.alarm.notified();
        session.handle_time(shared.now());
        session.handle_input(&mut input, shared.now());
        let output = session.take_output();
        if !output.is_empty() {
            socket.write_all(&output).await?;
            session.handle_written();
        }
        if session.ending().is_some() {
            return Ok(());
        }
        input.reserve(READ_OCTETS);
        let due = session.deadline().map(|due| shared.started + due);
        tokio::select! {
            octets = socket.read_buf(&mut input), if session.wants_input() => {
                if octets? == 0 {
                    return Ok(());
                }
            }
            () = until(due) => {}
            () = receipts, if session.receives() => {}
            () = alarm => {}
        }
    }
}

pub(super) async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// FIN, and then whatever still comes is read, for a socket that is dropped with input sends RST.
async fn close(mut socket: TcpStream) {
    if socket.shutdown().await.is_err() {
        return;
    }
    let mut rest = [0; 4096];
    let drained = async { while matches!(socket.read(&mut rest).await, Ok(1..)) {} };
    let _ = tokio::time::timeout(CLOSE_PATIENCE, drained).await;
}
