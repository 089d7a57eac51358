//! A disk that is full, and has room again.

use crate::rig::{Image, chunk, open, settings, sized};
use bellwire::store::{Batch, Embedded, Settings, Store, StoreError, Table};
use std::fs;
use std::path::Path;
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
    let disk = match SmallDisk::mount(48) {
        Ok(disk) => disk,
        Err(why) => return println!("SKIPPED: a small disk cannot be mounted: {}", why.trim()),
    };
    let path = disk.path().join("store");
    // Without a reserve, so that fjall itself meets the end of the disk.
    let without = Settings { reserve: 0, ..settings(&path) };
    let store = Embedded::open(without.clone()).unwrap();
    let ballast = disk.path().join("ballast");
    let mut expected = Image::default();
    let mut refused = 0;
    for n in 0..60 {
        let mut batch = Batch { appends: vec![sized(0, n, 1, n, 200_000)], changes: Vec::new() };
        batch.put(Table::Progress, *b"last", n.to_be_bytes().to_vec());
        if n % 20 == 10 {
            fill(&ballast);
        }
        while let Err(error) = store.commit(&batch) {
            assert!(!matches!(error, StoreError::Damaged { .. }), "{error}");
            refused += 1;
            assert!(refused < 1000, "{error}");
            let seen = store.read(0, n.saturating_sub(1), 1);
            assert!(seen.is_err() || n == 0 || !seen.unwrap().is_empty(), "what was kept is readable or an error");
            if refused % 3 == 0 {
                let _ = fs::remove_file(&ballast);
            }
        }
        expected.apply(&batch);
        assert!(Image::of(&store, 1).unwrap() == expected, "after batch {n}");
    }
    assert!(refused >= 3, "{refused} batches were refused");
    drop(store);
    assert!(Image::of(&Embedded::open(without).unwrap(), 1).unwrap() == expected, "after a start");
}

/// Leaves no room.
fn fill(ballast: &Path) {
    let mut file = fs::File::create(ballast).unwrap();
    let piece = [1; 4096];
    while std::io::Write::write_all(&mut file, &piece).is_ok() {}
}
