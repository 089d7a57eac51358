//! The task that gathers what is pending and has it written, one batch at a time.

use super::{Journal, Pending, Save, Shared};
use crate::actors::clock::Clock;
use crate::actors::port::Port;
use crate::store::Batch;
use crate::telemetry::Telemetry;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tracing::{error, info, warn};

/// How long something may wait for company before it is written.
const GATHERING: Duration = Duration::from_millis(1);
/// How long the store is left alone after it has refused a batch, at first and at most.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// What the task works with.
pub struct Commits {
    /// Who is asked at every commit, besides those who say that they have something.
    pub always: Vec<Arc<dyn Save>>,
    /// Told when segments may be sent again.
    pub opened: Port<()>,
    /// Metrics.
    pub telemetry: Telemetry,
    /// What time it is.
    pub clock: Clock,
}

/// A batch on its way to the store.
struct Gathered {
    batch: Batch,
    pending: Pending,
    /// Segments accepted when it was gathered.
    accepted: u64,
}

impl Commits {
    /// Writes whatever comes to `journal`, until its task is ended. Without a store there is nothing to do.
    pub async fn run(self, journal: Journal) {
        let Some(shared) = journal.0 else { return };
        loop {
            shared.filled.notified().await;
            tokio::select! {
                () = tokio::time::sleep(GATHERING) => {}
                () = shared.full.notified() => {}
            }
            let gathered = self.gather(&shared);
            self.commit(&shared, gathered).await;
        }
    }

    /// What is pending at this moment. Nothing in here waits.
    fn gather(&self, shared: &Shared) -> Gathered {
        let mut pending = std::mem::take(&mut *shared.pending.lock());
        let mut batch = std::mem::take(&mut pending.batch);
        let now = self.clock.now();
        for saver in pending.savers.iter().chain(&self.always) {
            // One that fails is started anew by whoever gave it work; the others still have to be kept.
            if catch_unwind(AssertUnwindSafe(|| saver.save(now, &mut batch))).is_err() {
                error!("what has changed of somebody cannot be kept: it will go on from where it was saved last");
            }
        }
        Gathered { batch, pending, accepted: shared.gate.accepted() }
    }

    async fn commit(&self, shared: &Arc<Shared>, gathered: Gathered) {
        let Gathered { batch, pending, accepted } = gathered;
        if !batch.is_empty() {
            self.write(shared, Arc::new(batch)).await;
        }
        let Pending { holds, savers, waiting, .. } = pending;
        drop(holds);
        savers.iter().chain(&self.always).for_each(|saver| saver.saved());
        waiting.into_iter().for_each(|then| then());
        if shared.gate.note_saved(accepted) {
            self.opened.send(());
        }
    }

    /// Writes a batch, again and again until the store has it: what it holds has been taken, and nobody else keeps it.
    async fn write(&self, shared: &Arc<Shared>, batch: Arc<Batch>) {
        let (mut wait, longest) = RETRY;
        loop {
            let started = self.clock.now();
            let (store, written) = (Arc::clone(&shared.store), Arc::clone(&batch));
            let result = tokio::task::spawn_blocking(move || store.commit(&written)).await;
            match result {
                Ok(Ok(())) => {
                    self.telemetry.store_commit.record(self.clock.now().since(started));
                    if shared.failing.swap(false, Ordering::Relaxed) {
                        info!("the store takes what it is given again");
                    }
                    return;
                }
                Ok(Err(error)) => self.report(shared, &error),
                Err(panicked) => self.report(shared, &panicked),
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(longest);
        }
    }

    /// One outage is one warning, however often it is tried.
    fn report(&self, shared: &Shared, error: &dyn Display) {
        self.telemetry.store_refusals.increment(1);
        if !shared.failing.swap(true, Ordering::Relaxed) {
            warn!(%error, "the store refuses what it is given: nothing more is taken in or sent until it does not");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actors::journal::Settings;
    use crate::engine::clock::Now;
    use crate::store::{Logged, SourceNumber, Store, StoreError, Table, Visit};
    use parking_lot::Mutex;
    use std::io;

    /// Panics at its first commit, and knows the others' keys.
    #[derive(Default)]
    struct Moody(Mutex<Option<Vec<Box<[u8]>>>>);

    impl Store for Moody {
        fn commit(&self, batch: &Batch) -> Result<(), StoreError> {
            let mut keys = self.0.lock();
            let Some(keys) = &mut *keys else {
                *keys = Some(Vec::new());
                drop(keys);
                panic!("told to");
            };
            keys.extend(batch.changes.iter().map(|change| change.key.clone()));
            Ok(())
        }

        fn read(&self, _: SourceNumber, _: u64, _: usize) -> Result<Vec<Logged>, StoreError> {
            Ok(Vec::new())
        }

        fn scan(&self, _: Table, _: &mut Visit<'_>) -> Result<(), StoreError> {
            Ok(())
        }

        fn backup(&self, _: &mut dyn io::Write) -> Result<(), StoreError> {
            Ok(())
        }
    }

    struct Fails;

    impl Save for Fails {
        fn save(&self, _: Now, _: &mut Batch) {
            panic!("told to");
        }
    }

    #[tokio::test]
    async fn neither_who_fails_to_save_nor_a_store_that_panics_ends_it() {
        let store = Arc::new(Moody::default());
        let journal = Journal::new(Arc::clone(&store) as _, Settings { before: false, max_unsaved: 10 });
        let commits = Commits {
            always: Vec::new(),
            opened: Port::new(|()| {}),
            telemetry: Telemetry::detached(),
            clock: Clock::default(),
        };
        let task = tokio::spawn(commits.run(journal.clone()));
        journal.note(Arc::new(Fails));
        journal.change(|batch| batch.put(Table::Node, *b"one", Vec::new()));
        tokio::time::timeout(Duration::from_secs(20), journal.flush()).await.unwrap();
        journal.change(|batch| batch.put(Table::Node, *b"two", Vec::new()));
        tokio::time::timeout(Duration::from_secs(20), journal.flush()).await.unwrap();
        let keys = store.0.lock().clone().unwrap();
        assert_eq!(keys.iter().map(|key| &key[..]).collect::<Vec<_>>(), [b"one", b"two"]);
        assert!(!journal.is_failing());
        task.abort();
    }
}
