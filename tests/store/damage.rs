//! Files that are torn or garbled: the store is as its last whole commit left it, or it is refused.

use crate::rig::{Image, copy, fresh, open, sized};
use bellwire::store::{Batch, Store, StoreError, Table};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

fn batch(n: u64) -> Batch {
    let mut batch = Batch { appends: vec![sized(0, n * 2, 2, n, 50)], changes: Vec::new() };
    batch.put(Table::Progress, *b"last", n.to_be_bytes().to_vec());
    batch
}

/// A killed store with three commits, what it had after each, and how long its journal was then.
fn three_commits(to: &Path) -> (Vec<Image>, Vec<usize>) {
    let (directory, store) = fresh();
    let (mut images, mut lengths) = (vec![Image::default()], vec![written(&directory.path().join("db/0.jnl"))]);
    for n in 0..3 {
        store.commit(&batch(n)).unwrap();
        images.push(Image::of(&store, 1).unwrap());
        lengths.push(written(&directory.path().join("db/0.jnl")));
    }
    copy(directory.path(), to);
    (images, lengths)
}

/// The octets before the zeros that the journal was made with.
fn written(journal: &Path) -> usize {
    let octets = fs::read(journal).unwrap();
    octets.iter().rposition(|octet| *octet != 0).map_or(0, |last| last + 1)
}

fn seen(path: &Path) -> Result<Image, StoreError> {
    Image::of(&open(path)?, 1)
}

/// Works on the journal of a copy each time.
struct Journal {
    home: tempfile::TempDir,
    octets: Vec<u8>,
    images: Vec<Image>,
    lengths: Vec<usize>,
}

impl Journal {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let (images, lengths) = three_commits(&home.path().join("killed"));
        let journal = home.path().join("killed/db/0.jnl");
        let octets = fs::read(&journal).unwrap()[..written(&journal)].to_vec();
        fs::write(journal, &octets).unwrap();
        Self { home, octets, images, lengths }
    }

    fn with(&self, octets: &[u8]) -> (PathBuf, Result<Image, StoreError>) {
        let path = self.home.path().join("copy");
        if path.exists() {
            fs::remove_dir_all(&path).unwrap();
        }
        copy(&self.home.path().join("killed"), &path);
        fs::write(path.join("db/0.jnl"), octets).unwrap();
        let seen = seen(&path);
        (path, seen)
    }
}

#[test]
fn a_journal_cut_anywhere_leaves_the_last_whole_commit_and_the_store_goes_on() {
    let journal = Journal::new();
    let begin = journal.lengths[1];
    for len in (begin..=journal.octets.len()).step_by(3).chain(journal.lengths[1..].iter().copied()) {
        let whole = journal.lengths.iter().rposition(|length| *length <= len).unwrap();
        let (path, seen) = journal.with(&journal.octets[..len]);
        assert_eq!(seen.unwrap(), journal.images[whole], "{len} octets");
        let store = open(&path).unwrap();
        store.commit(&batch(9)).unwrap();
        let mut expected = journal.images[whole].clone();
        expected.apply(&batch(9));
        assert_eq!(Image::of(&store, 1).unwrap(), expected);
        drop(store);
        assert_eq!(super::damage::seen(&path).unwrap(), expected, "after another start");
    }
}

#[test]
fn a_torn_last_commit_is_taken_back_whatever_of_it_is_on_the_disk() {
    let journal = Journal::new();
    let (begin, end) = (journal.lengths[2], journal.lengths[3]);
    for at in begin..end {
        // Some octets never came to the disk, others did: also the end of the batch.
        let mut torn = journal.octets.clone();
        let hole = at..(at + 16).min(end);
        if torn[hole.clone()].iter().all(|octet| *octet == 0) {
            continue;
        }
        torn[hole].fill(0);
        torn.extend_from_slice(&[0; 5000]);
        assert_eq!(journal.with(&torn).1.unwrap(), journal.images[2], "a hole at octet {at}");
    }
}

#[test]
fn a_journal_garbled_before_its_last_commit_is_refused() {
    let journal = Journal::new();
    for at in (journal.lengths[1]..journal.lengths[2]).step_by(2) {
        let mut garbled = journal.octets.clone();
        garbled[at] ^= 0x55;
        let error = journal.with(&garbled).1.expect_err("damage was accepted");
        assert!(matches!(error, StoreError::Damaged { .. }), "{error} for octet {at}");
        assert!(error.to_string().contains("restore a backup"), "{error}");
    }
}

#[test]
fn a_missing_journal_is_refused() {
    let journal = Journal::new();
    let (path, _) = journal.with(&journal.octets);
    fs::remove_file(path.join("db/0.jnl")).unwrap();
    assert!(matches!(seen(&path), Err(StoreError::Damaged { .. })));
}

#[test]
fn a_changed_octet_of_a_file_is_found_or_harmless() {
    // So much that some of it is in a file of a table.
    const ROWS: u64 = 40;
    const ROW_OCTETS: usize = 500_000;
    let (directory, store) = fresh();
    let mut expected = Image::default();
    for n in 0..ROWS {
        let mut batch = Batch::default();
        batch.put(Table::Progress, n.to_be_bytes(), vec![n as u8; ROW_OCTETS]);
        store.commit(&batch).unwrap();
        expected.apply(&batch);
    }
    let written_out = || files(directory.path()).iter().any(|file| file.to_string_lossy().contains("tables/"));
    let limit = Instant::now() + Duration::from_secs(60);
    while !written_out() {
        assert!(Instant::now() < limit, "nothing is written out: {:?}", files(directory.path()));
        store.commit(&batch(0)).unwrap();
        expected.apply(&batch(0));
    }
    drop(store);
    let all = files(directory.path());
    let keyspaces: Vec<_> = all.iter().filter(|file| file.to_string_lossy().contains("tables/")).collect();
    let is_of_one = |file: &&PathBuf| keyspaces.iter().any(|table| table.parent().unwrap().parent() == file.parent());
    for file in all.iter().filter(|file| keyspaces.contains(file) || is_of_one(file) || file.ends_with("version")) {
        let octets = fs::read(directory.path().join(file)).unwrap();
        for at in [0, octets.len() / 2, octets.len().saturating_sub(1)] {
            let mut garbled = octets.clone();
            let Some(octet) = garbled.get_mut(at) else { continue };
            *octet ^= 0x55;
            let home = tempfile::tempdir().unwrap();
            copy(directory.path(), home.path());
            fs::write(home.path().join(file), garbled).unwrap();
            match seen(home.path()) {
                Ok(seen) => assert!(seen == expected, "octet {at} of {} was changed unnoticed", file.display()),
                Err(error) => assert!(matches!(error, StoreError::Damaged { .. }), "{error}: {}", file.display()),
            }
        }
    }
}

/// The files of a store that are no journals.
fn files(root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            let list = if entry.file_type().unwrap().is_dir() { &mut folders } else { &mut files };
            list.push(path);
        }
    }
    files.retain(|file| file.extension().is_none_or(|extension| extension != "jnl"));
    files
}
