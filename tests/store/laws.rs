//! What a store keeps.

use crate::rig::{HOUR_MS, Image, chunk, fresh, open, settings, sized};
use bellwire::store::{Batch, Embedded, Settings, Store, StoreError, Table};
use std::fs;
use std::time::Duration;

#[test]
fn what_was_committed_is_there_again_after_a_start() {
    let (directory, store) = fresh();
    let mut batch = Batch { appends: vec![chunk(1, 0, 3, 7), chunk(2, 10, 2, 8)], changes: Vec::new() };
    batch.put(Table::Progress, *b"a", vec![1]);
    batch.put(Table::Progress, *b"b", vec![]);
    batch.put(Table::Node, *b"format", vec![9]);
    store.commit(&batch).unwrap();
    let mut expected = Image::default();
    expected.apply(&batch);
    assert_eq!(Image::of(&store, 3).unwrap(), expected);
    drop(store);
    assert_eq!(Image::of(&open(directory.path()).unwrap(), 3).unwrap(), expected);
}

#[test]
fn of_two_changes_of_one_key_the_later_counts() {
    let (_directory, store) = fresh();
    let mut batch = Batch::default();
    batch.put(Table::Node, *b"a", vec![1]);
    batch.remove(Table::Node, *b"a");
    batch.put(Table::Node, *b"b", vec![1]);
    batch.remove(Table::Node, *b"b");
    batch.put(Table::Node, *b"b", vec![2]);
    batch.put(Table::Sources, *b"a", vec![3]);
    store.commit(&batch).unwrap();
    let mut expected = Image::default();
    expected.apply(&batch);
    assert_eq!(Image::of(&store, 0).unwrap(), expected);
    assert_eq!(expected.rows.len(), 2);
}

#[test]
fn a_batch_may_be_given_again() {
    let (_directory, store) = fresh();
    let mut batch = Batch { appends: vec![chunk(0, 0, 3, 7)], changes: Vec::new() };
    batch.remove(Table::Progress, *b"a");
    batch.put(Table::Progress, *b"b", vec![2]);
    store.commit(&batch).unwrap();
    store.commit(&batch).unwrap();
    let mut expected = Image::default();
    expected.apply(&batch);
    assert_eq!(Image::of(&store, 1).unwrap(), expected);
}

#[test]
fn a_read_begins_with_the_chunk_that_holds_the_number_and_ends_with_the_octets() {
    let (_directory, store) = fresh();
    let appends = (0..10).map(|n| chunk(1, n * 10, 10, n)).collect();
    store.commit(&Batch { appends, changes: Vec::new() }).unwrap();
    let firsts = |from, octets| {
        let read = store.read(1, from, octets).unwrap();
        read.iter().map(|logged| logged.first).collect::<Vec<_>>()
    };
    assert_eq!(firsts(0, 0), [0], "one at least");
    assert_eq!(firsts(9, 1), [0]);
    assert_eq!(firsts(10, 1), [10]);
    assert_eq!(firsts(75, usize::MAX), [70, 80, 90]);
    assert_eq!(firsts(100, usize::MAX), [0; 0]);
    assert_eq!(firsts(u64::MAX, usize::MAX), [0; 0]);
    let size = store.read(1, 0, 1).unwrap()[0].events.octets();
    assert_eq!(firsts(0, size + 1), [0, 10]);
    assert!(store.read(0, 0, usize::MAX).unwrap().is_empty(), "another source");
}

#[test]
fn the_log_is_bounded_by_octets_and_the_newest_stay() {
    let directory = tempfile::tempdir().unwrap();
    let bounded = Settings { log_octets: 1 << 20, ..settings(directory.path()) };
    let store = Embedded::open(bounded.clone()).unwrap();
    for n in 0..300 {
        let append = sized(0, n * 10, 10, n, 1000);
        store.commit(&Batch { appends: vec![append], changes: Vec::new() }).unwrap();
    }
    let kept = Image::of(&store, 1).unwrap().events;
    let octets: usize = kept.values().map(|(_, _, data)| data.len()).sum();
    assert!((850_000..=1 << 20).contains(&octets), "{octets} octets are kept");
    let first = kept.keys().next().unwrap().1;
    assert!(kept.keys().map(|(_, seq)| *seq).eq(first..3000), "the newest, without a hole");
    drop(store);
    let store = Embedded::open(bounded).unwrap();
    assert_eq!(Image::of(&store, 1).unwrap().events, kept);
}

#[test]
fn the_log_is_bounded_by_age_and_the_time_is_that_of_the_chunks() {
    let (_directory, store) = fresh();
    for minute in 0..180 {
        let append = chunk(0, minute, 1, minute * 60_000);
        store.commit(&Batch { appends: vec![append], changes: Vec::new() }).unwrap();
    }
    let kept = Image::of(&store, 1).unwrap().events;
    let oldest = kept.values().next().unwrap().0;
    let newest = 179 * 60_000;
    assert!((newest - HOUR_MS * 18 / 16..=newest - HOUR_MS).contains(&oldest), "the oldest is of {oldest}");
}

#[test]
fn a_store_in_use_is_locked() {
    let (directory, store) = fresh();
    assert!(matches!(open(directory.path()), Err(StoreError::Locked { .. })));
    drop(store);
    open(directory.path()).unwrap();
}

#[test]
fn a_directory_with_anything_else_in_it_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("letter"), "dear").unwrap();
    let error = open(directory.path()).err().unwrap();
    assert!(matches!(&error, StoreError::Foreign { found, .. } if found == "letter"), "{error}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing was added");
}

#[test]
fn what_died_while_it_was_made_is_made_anew() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir_all(directory.path().join("db.new/keyspaces/1")).unwrap();
    fs::write(directory.path().join("lock"), "").unwrap();
    open(directory.path()).unwrap();
    assert!(!directory.path().join("db.new").exists());
}

#[test]
fn a_key_that_cannot_be_kept_is_refused_and_nothing_of_its_batch_is_kept() {
    let (_directory, store) = fresh();
    for len in [0, 65_536] {
        let mut batch = Batch { appends: vec![chunk(0, 0, 1, 0)], changes: Vec::new() };
        batch.put(Table::Node, vec![b'a'; len], vec![1]);
        assert!(matches!(store.commit(&batch), Err(StoreError::Io { .. })));
    }
    assert_eq!(Image::of(&store, 1).unwrap(), Image::default());
    let mut batch = Batch::default();
    batch.put(Table::Node, vec![b'a'; 65_535], vec![1]);
    store.commit(&batch).unwrap();
}

#[test]
fn empty_chunks_are_not_kept() {
    let (_directory, store) = fresh();
    let batch = Batch { appends: vec![chunk(0, 5, 0, 0), chunk(0, 5, 1, 0), chunk(0, 6, 0, 0)], changes: Vec::new() };
    store.commit(&batch).unwrap();
    assert_eq!(store.read(0, 0, usize::MAX).unwrap().len(), 1);
}

#[test]
fn who_visits_may_stop_and_may_read() {
    let (_directory, store) = fresh();
    let mut batch = Batch { appends: vec![chunk(0, 0, 1, 0)], changes: Vec::new() };
    batch.put(Table::Node, *b"b", vec![2]);
    batch.put(Table::Node, *b"a", vec![1]);
    store.commit(&batch).unwrap();
    let mut seen = Vec::new();
    let stopped = store.scan(Table::Node, &mut |key, _value| {
        seen.push(key.to_vec());
        store.read(0, 0, 1)?;
        Err(StoreError::Locked { path: "no more".to_owned() })
    });
    assert!(matches!(stopped, Err(StoreError::Locked { path }) if path == "no more"));
    assert_eq!(seen, [b"a"]);
}

#[test]
fn no_age_and_no_octets_leave_the_newest_segment() {
    let directory = tempfile::tempdir().unwrap();
    let none = Settings { log_octets: 0, log_age: Duration::ZERO, ..settings(directory.path()) };
    let store = Embedded::open(none).unwrap();
    for n in 0..5 {
        store.commit(&Batch { appends: vec![chunk(0, n, 1, n * HOUR_MS)], changes: Vec::new() }).unwrap();
        assert_eq!(store.read(0, 0, usize::MAX).unwrap().first().unwrap().first, n);
    }
}
