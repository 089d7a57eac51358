//! A process is killed: what it was told is kept is kept, a batch is there whole or not at all.

use crate::{append, appended, killed, logged, open, records, settings};
use bellwire::store::embedded::Embedded;
use bellwire::store::{Store, StoreError, Table};
use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};

/// The newest journal.
fn journal(path: &Path) -> PathBuf {
    let files = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|end| end == "jnl")).max().expect("a journal")
}

#[test]
fn a_batch_that_was_torn_is_not_there_and_those_before_it_are() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    for first in 0..20u64 {
        let mut batch = appended(vec![append(1, first, &["event"])]);
        batch.put(Table::Progress, *b"k", first.to_be_bytes().to_vec());
        store.commit(&batch).unwrap();
    }
    let image = tempfile::tempdir().unwrap();
    killed(directory.path(), image.path());
    let length = fs::metadata(journal(image.path())).unwrap().len();
    let content = fs::read(journal(image.path())).unwrap();
    let used = content.iter().rposition(|octet| *octet != 0).unwrap() as u64 + 1;
    for cut in [1, 2, 5, 9, 17, 40, 80, 120] {
        let torn = tempfile::tempdir().unwrap();
        killed(image.path(), torn.path());
        let file = fs::OpenOptions::new().write(true).open(journal(torn.path())).unwrap();
        file.set_len(used - cut).unwrap();
        match Embedded::open(settings(torn.path())) {
            Ok(store) => {
                let events = logged(&store, 1, 0).len() as u64;
                let progress = u64::from_be_bytes(records(&store).values().next().unwrap()[..].try_into().unwrap());
                assert_eq!(progress + 1, events, "whole or not at all");
                assert!(events >= 18, "{events} of 20 survived the loss of {cut} octets of {length}");
            }
            Err(StoreError::Damaged { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn a_journal_that_was_garbled_is_never_taken_for_whole() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    for first in 0..50u64 {
        store.commit(&appended(vec![append(1, first, &["an event that can be told from another"])])).unwrap();
    }
    let content = fs::read(journal(directory.path())).unwrap();
    let used = content.iter().rposition(|octet| *octet != 0).unwrap();
    for at in (used / 10..used).step_by(used / 20) {
        let garbled = tempfile::tempdir().unwrap();
        killed(directory.path(), garbled.path());
        let mut content = content.clone();
        content[at] ^= 0x55;
        fs::write(journal(garbled.path()), content).unwrap();
        if let Ok(store) = Embedded::open(settings(garbled.path())) {
            let wrong = |(_, data): &(u64, String)| data != "an event that can be told from another";
            assert!(!logged(&store, 1, 0).iter().any(wrong), "octet {at} of {used} was taken for an event");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn whatever_was_kept_outlives_the_process(
        commits in proptest::collection::vec(proptest::collection::vec((0u8..6, 0u8..20), 1..8), 1..12)
    ) {
        let directory = tempfile::tempdir().unwrap();
        let store = open(directory.path());
        let mut expected = std::collections::BTreeMap::new();
        for (number, commit) in commits.iter().enumerate() {
            let mut batch = appended(vec![append(1, number as u64, &["x"])]);
            for (table, key) in commit {
                let table = Table::ALL[usize::from(*table)];
                if key % 4 == 0 {
                    batch.remove(table, [*key]);
                    expected.remove(&(table.name(), vec![*key]));
                } else {
                    batch.put(table, [*key], vec![number as u8]);
                    expected.insert((table.name(), vec![*key]), vec![number as u8]);
                }
            }
            store.commit(&batch).unwrap();
        }
        let image = tempfile::tempdir().unwrap();
        killed(directory.path(), image.path());
        let after = open(image.path());
        prop_assert_eq!(records(&after), expected);
        prop_assert_eq!(logged(&after, 1, 0).len(), commits.len());
    }
}
