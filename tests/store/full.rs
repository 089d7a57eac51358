//! A disk that is full, and has room again.

use crate::rig::{Image, chunk, open, settings, sized};
use bellwire::store::{Batch, Embedded, Settings, Store, StoreError, Table};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn below_the_reserve_nothing_is_kept_and_everything_is_readable() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    let batch = Batch { appends: vec![chunk(0, 0, 1, 0)], changes: Vec::new() };
    store.commit(&batch).unwrap();
    drop(store);
    let store = Embedded::open(Settings { reserve: u64::MAX, ..settings(directory.path()) }).unwrap();
    let error = store.commit(&Batch { appends: vec![chunk(0, 1, 1, 0)], changes: Vec::new() }).unwrap_err();
    assert!(matches!(error, StoreError::Full { needed: u64::MAX, .. }), "{error}");
    let mut expected = Image::default();
    expected.apply(&batch);
    assert_eq!(Image::of(&store, 1).unwrap(), expected);
}

/// A file system in memory, gone with the value.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(mib: u32) -> Result<Self, String> {
        let directory = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={mib}m"), "tmpfs"]).arg(directory.path());
        match mount.output() {
            Ok(output) if output.status.success() => Ok(Self(directory)),
            Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

#[test]
fn a_full_disk_refuses_batches_and_takes_the_same_ones_when_there_is_room() {
    /// So many, so large: the disk fills while memory is written out, too.
    const BATCHES: u64 = 88;
    const OCTETS: usize = 500_000;
    let disk = match SmallDisk::mount(128) {
        Ok(disk) => disk,
        Err(why) => return println!("SKIPPED: a small disk cannot be mounted: {}", why.trim()),
    };
    // Without a reserve, so that fjall itself meets the end of the disk.
    let path = disk.path().join("store");
    let without = Settings { reserve: 0, log_octets: 16 << 20, ..settings(&path) };
    let store = Embedded::open(without.clone()).unwrap();
    let mut scene = Scene { ballast: disk.path().join("ballast"), expected: Image::default(), refused: 0 };
    for n in 0..BATCHES {
        let mut batch = Batch { appends: vec![sized(0, n, 1, n, OCTETS)], changes: Vec::new() };
        batch.put(Table::Progress, *b"last", n.to_be_bytes().to_vec());
        if n % 11 == 10 {
            fill(&scene.ballast);
        }
        scene.keep(&store, &batch);
        if n % 11 == 10 {
            scene.check(&store);
        }
    }
    scene.check(&store);
    assert!(scene.refused >= 20, "{} batches were refused", scene.refused);
    drop(store);
    scene.check(&Embedded::open(without).unwrap());
}

struct Scene {
    ballast: PathBuf,
    expected: Image,
    refused: u64,
}

impl Scene {
    /// Gives the batch until it is kept; after three refusals there is room again.
    fn keep(&mut self, store: &Embedded, batch: &Batch) {
        let mut refused = 0;
        while let Err(error) = store.commit(batch) {
            refused += 1;
            assert!(matches!(error, StoreError::Full { .. } | StoreError::Io { .. }) && refused < 100, "{error}");
            if refused == 3 {
                fs::remove_file(&self.ballast).unwrap();
            }
        }
        self.refused += refused;
        let _ = fs::remove_file(&self.ballast);
        self.expected.apply(batch);
    }

    fn check(&self, store: &Embedded) {
        let seen = Image::of(store, 1).unwrap();
        assert!(seen.rows == self.expected.rows, "{:?}", seen.rows);
        let kept: Vec<_> = seen.events.keys().collect();
        let all: Vec<_> = self.expected.events.keys().collect();
        assert!(all.ends_with(&kept) && (kept.len() > 20 || kept.len() == all.len()), "{kept:?}");
    }
}

/// Leaves no room.
fn fill(ballast: &Path) {
    let mut file = fs::File::create(ballast).unwrap();
    let piece = [1; 4096];
    while file.write_all(&piece).is_ok() {}
}
