//! A store that fails when it is told to, before or after the real one did its work; and what a caller that gives the batch
//! again has in the end.

use crate::rig::{Image, chunk, fresh, open};
use bellwire::store::{Batch, Logged, SourceNumber, Store, StoreError, Table, Visit};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

/// How a commit fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing was kept.
    Before,
    /// Everything was kept, and nobody was told.
    After,
}

/// Fails commits that its script names.
pub struct Faulty<S, F> {
    inner: S,
    commits: AtomicU64,
    /// How the nth commit fails, counted from 0.
    script: F,
}

impl<S: Store, F: Fn(u64) -> Option<Fault> + Send + Sync> Faulty<S, F> {
    pub fn new(inner: S, script: F) -> Self {
        Self { inner, commits: AtomicU64::new(0), script }
    }
}

fn failed() -> StoreError {
    StoreError::Io { path: "here".to_owned(), error: io::Error::other("by purpose") }
}

impl<S: Store, F: Fn(u64) -> Option<Fault> + Send + Sync> Store for Faulty<S, F> {
    fn commit(&self, batch: &Batch) -> Result<(), StoreError> {
        let fault = (self.script)(self.commits.fetch_add(1, Ordering::Relaxed));
        if fault == Some(Fault::Before) {
            return Err(failed());
        }
        self.inner.commit(batch)?;
        if fault == Some(Fault::After) { Err(failed()) } else { Ok(()) }
    }

    fn read(&self, source: SourceNumber, from: u64, octets: usize) -> Result<Vec<Logged>, StoreError> {
        self.inner.read(source, from, octets)
    }

    fn scan(&self, table: Table, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        self.inner.scan(table, visit)
    }

    fn backup(&self, out: &mut dyn io::Write) -> Result<(), StoreError> {
        self.inner.backup(out)
    }
}

#[test]
fn a_batch_given_until_it_is_kept_is_kept_once() {
    let (directory, store) = fresh();
    let store = Faulty::new(store, |n| [None, Some(Fault::Before), Some(Fault::After)][n as usize % 3]);
    let mut expected = Image::default();
    let mut failures = 0;
    for n in 0..20 {
        let mut batch = Batch { appends: vec![chunk(0, n * 3, 3, n * 300_000)], changes: Vec::new() };
        batch.put(Table::Progress, *b"last", n.to_be_bytes().to_vec());
        while store.commit(&batch).is_err() {
            failures += 1;
        }
        expected.apply(&batch);
    }
    assert!(failures > 20);
    expected.events = expected.events.into_iter().filter(|(_, (at, ..))| *at >= 7 * 300_000).collect();
    let mut seen = Image::of(&store, 1).unwrap();
    seen.events.retain(|_, (at, ..)| *at >= 7 * 300_000);
    assert_eq!(seen, expected);
    drop(store);
    let mut seen = Image::of(&open(directory.path()).unwrap(), 1).unwrap();
    seen.events.retain(|_, (at, ..)| *at >= 7 * 300_000);
    assert_eq!(seen, expected);
}
