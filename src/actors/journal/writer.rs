//! The thread that the store is written from.
//!
//! One for all commits: the runtime's own threads for what blocks are many, each gets a heap of its own from the
//! allocator, and commits that wander over all of them fill every one.

use crate::store::{Batch, Store, StoreError};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use tokio::sync::oneshot;

/// A batch to be written, and where to tell what came of it.
type Job = (Arc<Batch>, oneshot::Sender<Result<(), WriteError>>);

/// Why a batch was not written.
#[derive(Debug, thiserror::Error)]
pub(super) enum WriteError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the store panicked")]
    Panicked,
    #[error("there is no thread for the store: {0}")]
    NoThread(#[from] io::Error),
    #[error("the thread for the store is gone")]
    Gone,
}

/// Writes to a store, one batch at a time. Its thread ends with it.
pub(super) struct Writer {
    /// The thread, or why there is none.
    jobs: Result<SyncSender<Job>, WriteError>,
}

impl Writer {
    pub fn new(store: Arc<dyn Store>) -> Self {
        let (jobs, work) = sync_channel(1);
        let spawned = thread::Builder::new().name("store".to_owned()).spawn(move || write_all(&*store, &work));
        Self { jobs: spawned.map(|_| jobs).map_err(WriteError::from) }
    }

    /// Has `batch` written.
    pub async fn commit(&self, batch: &Arc<Batch>) -> Result<(), WriteError> {
        let jobs = match &self.jobs {
            Ok(jobs) => jobs,
            Err(error) => return Err(error.again()),
        };
        let (done, written) = oneshot::channel();
        // Whoever commits waits for it, so there is always room for the one that is next.
        jobs.try_send((Arc::clone(batch), done)).map_err(|_| WriteError::Gone)?;
        written.await.unwrap_or(Err(WriteError::Gone))
    }
}

impl WriteError {
    /// The same, told once more.
    fn again(&self) -> Self {
        match self {
            Self::NoThread(error) => Self::NoThread(io::Error::from(error.kind())),
            _ => Self::Gone,
        }
    }
}

fn write_all(store: &dyn Store, work: &Receiver<Job>) {
    while let Ok((batch, done)) = work.recv() {
        let result = catch_unwind(AssertUnwindSafe(|| store.commit(&batch)));
        drop(batch);
        let _ = done.send(result.map_or(Err(WriteError::Panicked), |written| Ok(written?)));
    }
}
