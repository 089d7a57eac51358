//! `Backup`: the store is read in a thread of its own, as fast as it is taken.

use super::Shared;
use super::ask::stopping;
use crate::control::proto::BackupResponse;
use crate::store::{Store, StoreError};
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tracing::{info, warn};

/// What whoever backs up is sent.
pub(super) type Responses = ReceiverStream<Result<BackupResponse, Status>>;

/// Octets of one part.
const PART_OCTETS: usize = 256 * 1024;
/// Parts that wait for a slow taker; beyond it the store is not read.
const PARTS_WAITING: usize = 4;

/// Begins to read.
///
/// # Errors
/// When there is nothing to read, or somebody else does.
pub(super) fn begin(shared: &Shared, alone: &Arc<Semaphore>) -> Result<Responses, Status> {
    let nothing = || Status::failed_precondition("node.data_dir is empty: there is nothing to back up");
    let store = Arc::clone(shared.settings.store.as_ref().ok_or_else(nothing)?);
    let busy = |_| Status::resource_exhausted("another backup is under way: try again later");
    let turn = Arc::clone(alone).try_acquire_owned().map_err(busy)?;
    let (responses, taken) = channel(1);
    let (stopped, started) = (shared.stopped(), Instant::now());
    tokio::spawn(async move {
        let (parts, written) = channel(PARTS_WAITING);
        let reading = tokio::task::spawn_blocking(move || {
            let read = read(&*store, parts);
            drop(turn);
            read
        });
        let given = tokio::select! {
            given = give(written, &responses) => given,
            () = stopped => Err(stopping()),
        };
        // Nobody takes parts any more, if there are any: then reading ends soon.
        let ended = match given {
            Ok(()) => reading.await.map_err(failure).and_then(|read| read.map_err(failure)),
            Err(status) => Err(status),
        };
        match ended {
            Ok(octets) => info!(octets, seconds = started.elapsed().as_secs_f64(), "backup given"),
            Err(status) => {
                warn!(reason = status.message(), "backup failed");
                // Whoever took it may be gone.
                let _ = responses.send(Err(status)).await;
            }
        }
    });
    Ok(ReceiverStream::new(taken))
}

/// Gives every part away.
async fn give(
    mut parts: Receiver<BackupResponse>,
    responses: &Sender<Result<BackupResponse, Status>>,
) -> Result<(), Status> {
    while let Some(part) = parts.recv().await {
        let gone = |_| Status::cancelled("whoever took the backup is gone");
        responses.send(Ok(part)).await.map_err(gone)?;
    }
    Ok(())
}

fn failure(error: impl std::fmt::Display) -> Status {
    Status::internal(error.to_string())
}

/// Writes everything; how many octets that are.
fn read(store: &dyn Store, parts: Sender<BackupResponse>) -> Result<u64, StoreError> {
    let mut out = Parts { parts, part: Vec::with_capacity(PART_OCTETS), octets: 0 };
    store.backup(&mut out)?;
    // Nobody is there only if the stream has ended with an error.
    let _ = out.flush();
    Ok(out.octets)
}

/// What is written, in parts.
struct Parts {
    parts: Sender<BackupResponse>,
    part: Vec<u8>,
    octets: u64,
}

impl Write for Parts {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let room = PART_OCTETS - self.part.len();
        let taken = octets.get(..room).unwrap_or(octets);
        self.part.extend_from_slice(taken);
        self.octets += taken.len() as u64;
        if self.part.len() == PART_OCTETS {
            self.flush()?;
        }
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.part.is_empty() {
            return Ok(());
        }
        let data = std::mem::replace(&mut self.part, Vec::with_capacity(PART_OCTETS));
        self.parts.blocking_send(BackupResponse { data }).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}
