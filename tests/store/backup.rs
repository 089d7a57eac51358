//! A backup while commits go on, and a store from it.

use crate::rig::{Image, chunk, fresh, open, sized};
use bellwire::store::{Batch, Embedded, Store, StoreError, Table, restore};
use std::fs;
use std::io::{self, Write};

fn step(n: u64) -> Batch {
    let mut batch = Batch { appends: vec![chunk((n % 3) as u32, n / 3 * 5, 5, n * 60_000)], changes: Vec::new() };
    batch.put(Table::Progress, *b"same", n.to_be_bytes().to_vec());
    batch.put(Table::Receipts, n.to_be_bytes(), vec![0; 100]);
    if n >= 10 {
        batch.remove(Table::Receipts, (n - 10).to_be_bytes());
    }
    batch
}

fn filled(steps: u64) -> (tempfile::TempDir, Embedded, Vec<u8>) {
    let (directory, store) = fresh();
    (0..steps).for_each(|n| store.commit(&step(n)).unwrap());
    let mut backup = Vec::new();
    store.backup(&mut backup).unwrap();
    (directory, store, backup)
}

#[test]
fn a_restored_store_has_everything_and_goes_on() {
    let (_directory, store, backup) = filled(50);
    let target = tempfile::tempdir().unwrap();
    let path = target.path().join("new");
    restore(&mut backup.as_slice(), &path).unwrap();
    let restored = open(&path).unwrap();
    let image = Image::of(&store, 3).unwrap();
    assert_eq!(image.events.len(), 250);
    assert_eq!(Image::of(&restored, 3).unwrap(), image);
    for store in [&store, &restored] {
        (50..200).for_each(|n| store.commit(&step(n)).unwrap());
    }
    let (image, restored) = (Image::of(&store, 3).unwrap(), Image::of(&restored, 3).unwrap());
    assert_eq!(restored.rows, image.rows);
    let newest = |image: &Image| image.events.range((0, 150)..(1, 0)).count();
    assert_eq!(newest(&restored), newest(&image));
    assert!(!restored.events.contains_key(&(0, 0)), "what is too old goes from a restored log, too");
}

#[test]
fn a_backup_is_of_one_moment_while_commits_go_on() {
    /// Commits one batch more whenever it is written to.
    struct Disturbed<'a>(&'a Embedded, Vec<u8>, u64);
    impl Write for Disturbed<'_> {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            self.0.commit(&step(self.2)).unwrap();
            self.2 += 1;
            self.1.write(octets)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (_directory, store) = fresh();
    let mut expected = Image::default();
    for n in 0..40 {
        let mut batch = step(n);
        batch.appends.push(sized(7, n, 1, n * 60_000, 100_000));
        store.commit(&batch).unwrap();
        expected.apply(&batch);
    }
    let mut out = Disturbed(&store, Vec::new(), 40);
    store.backup(&mut out).unwrap();
    assert!(out.2 > 50, "{} commits came between", out.2 - 40);
    let target = tempfile::tempdir().unwrap();
    restore(&mut out.1.as_slice(), target.path()).unwrap();
    assert_eq!(Image::of(&open(target.path()).unwrap(), 8).unwrap(), expected);
}

#[test]
fn a_backup_cut_anywhere_or_changed_anywhere_makes_no_store() {
    let (_directory, _store, backup) = filled(3);
    let target = tempfile::tempdir().unwrap();
    let refused = |octets: &[u8]| {
        let error = restore(&mut &*octets, target.path()).unwrap_err();
        assert!(matches!(error, StoreError::Backup { .. }), "{error}");
        assert!(!target.path().join("db").exists() && !target.path().join("db.new").exists());
    };
    let ends = (0..20).chain([backup.len() / 2]).chain(backup.len() - 14..backup.len());
    ends.for_each(|len| refused(&backup[..len]));
    for at in (0..24).chain([backup.len() / 2]).chain(backup.len() - 12..backup.len()) {
        let mut changed = backup.clone();
        changed[at] ^= 0x10;
        refused(&changed);
    }
    refused(&[&backup[..], b"x"].concat());
    refused(&[&b"BELLWIRE\0\0\0\x01"[..], &[0xff; 12]].concat());
    restore(&mut backup.as_slice(), target.path()).unwrap();
}

#[test]
fn nothing_is_restored_over_anything() {
    let (directory, store, backup) = filled(3);
    let before = Image::of(&store, 3).unwrap();
    drop(store);
    assert!(matches!(restore(&mut backup.as_slice(), directory.path()), Err(StoreError::Foreign { .. })));
    assert_eq!(Image::of(&open(directory.path()).unwrap(), 3).unwrap(), before);
    let other = tempfile::tempdir().unwrap();
    fs::write(other.path().join("letter"), "dear").unwrap();
    assert!(matches!(restore(&mut backup.as_slice(), other.path()), Err(StoreError::Foreign { .. })));
}
