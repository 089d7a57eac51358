//! Backups: the whole store as of one moment, or nothing.

use crate::{append, appended, logged, open, records};
use bellwire::store::{Batch, Store, StoreError, Table, restore};

fn filled() -> (tempfile::TempDir, Vec<u8>) {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let mut batch = appended(vec![append(7, 3, &["a", "ä"]), append(8, 0, &["b"])]);
    for table in Table::ALL {
        batch.put(table, *b"k", table.name().as_bytes().to_vec());
    }
    store.commit(&batch).unwrap();
    let mut backup = Vec::new();
    store.backup(&mut backup).unwrap();
    // What comes later is not in it.
    let mut later = Batch::default();
    later.put(Table::Terms, *b"later", Vec::new());
    store.commit(&later).unwrap();
    (directory, backup)
}

#[test]
fn a_backup_becomes_the_store_that_it_was_made_of() {
    let (directory, backup) = filled();
    let target = directory.path().join("again");
    restore(&mut backup.as_slice(), &target).unwrap();
    let store = open(&target);
    let found = records(&store);
    assert_eq!(found.len(), Table::ALL.len());
    assert!(found.iter().all(|((table, key), value)| key == b"k" && value == table.as_bytes()));
    assert_eq!(logged(&store, 7, 0), [(3, "a".to_owned()), (4, "ä".to_owned())]);
    assert_eq!(logged(&store, 8, 0), [(0, "b".to_owned())]);
    store.commit(&appended(vec![append(8, 1, &["c"])])).unwrap();
    assert_eq!(logged(&store, 8, 0).len(), 2, "it goes on");
}

#[test]
fn a_backup_that_is_not_whole_makes_nothing() {
    let (directory, backup) = filled();
    let target = directory.path().join("again");
    let mut changed = backup.clone();
    changed[40] ^= 1;
    let ends = [0, 10, 20, 21, 30, backup.len() / 2, backup.len() - 1];
    let broken = ends.iter().map(|end| backup[..*end].to_vec()).chain([changed, b"not a backup at all".to_vec()]);
    for broken in broken {
        let error = restore(&mut broken.as_slice(), &target).unwrap_err().to_string();
        assert!(error.contains("the backup cannot be used: it"), "{error}");
        assert!(!target.exists());
    }
    restore(&mut backup.as_slice(), &target).unwrap();
}

#[test]
fn a_directory_that_is_in_use_is_not_overwritten() {
    let (directory, backup) = filled();
    let error = restore(&mut backup.as_slice(), directory.path()).unwrap_err();
    assert!(matches!(error, StoreError::NoStore { .. }), "{error}");
}
