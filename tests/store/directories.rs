//! What is in a directory is a store of ours, or is left alone.

use crate::{open, records, settings};
use bellwire::store::embedded::{Embedded, Settings};
use bellwire::store::{Batch, Store, StoreError, Table};
use std::fs;

fn batch(value: &str) -> Batch {
    let mut batch = Batch::default();
    batch.put(Table::Terms, *b"key", value.as_bytes().to_vec());
    batch
}

#[test]
fn what_was_committed_is_there_when_it_is_opened_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made/when/needed");
    let store = open(&path);
    let mut first = batch("one");
    first.put(Table::Terms, *b"key", b"two".to_vec());
    first.put(Table::Sources, *b"gone", b"x".to_vec());
    first.remove(Table::Sources, *b"gone");
    store.commit(&first).unwrap();
    drop(store);
    let found = records(&open(&path));
    assert_eq!(
        found.into_iter().collect::<Vec<_>>(),
        [(("terms", b"key".to_vec()), b"two".to_vec())],
        "the later counts"
    );
}

#[test]
fn only_one_process_has_it() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    assert!(matches!(Embedded::open(settings(directory.path())), Err(StoreError::Locked { .. })));
    drop(store);
    open(directory.path());
}

#[test]
fn a_directory_with_something_else_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("diary"), "mine").unwrap();
    let error = Embedded::open(settings(directory.path())).err().unwrap().to_string();
    assert!(error.ends_with("is not empty and is no store: name another directory, or an empty one"), "{error}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "x").unwrap();
    let error = Embedded::open(settings(&file.join("store"))).err().unwrap().to_string();
    assert!(error.contains("file/store: "), "{error}");
}

#[test]
fn a_full_disk_is_refused_before_anything_is_written_and_taken_again_when_there_is_room() {
    let directory = tempfile::tempdir().unwrap();
    open(directory.path()).commit(&batch("before")).unwrap();
    let full = Settings { reserve: u64::MAX, ..settings(directory.path()) };
    let store = Embedded::open(full).unwrap();
    assert!(matches!(store.commit(&batch("refused")), Err(StoreError::Full { needed: u64::MAX, .. })));
    assert_eq!(records(&store).values().next().unwrap(), b"before");
    drop(store);
    let store = open(directory.path());
    store.commit(&batch("after")).unwrap();
    assert_eq!(records(&store).values().next().unwrap(), b"after");
}
