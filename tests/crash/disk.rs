//! A file system that is full for a while.

use crate::scene::{Keeping, Scene};
use std::fs::File;
use std::io::{Write, stderr};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

const SIZE: &str = "size=300m";

#[tokio::test]
async fn a_full_disk_stops_intake_and_loses_nothing() {
    let disk = match Disk::mount() {
        Ok(disk) => disk,
        // Not by `println!`, which nobody sees of a test that passes.
        Err(why) => return writeln!(stderr(), "SKIPPED: no small file system can be mounted: {why}").unwrap(),
    };
    let scene = Scene::start(crate::seed(), Keeping::In(&disk.path().join("data"))).await;
    scene.accept(300).await;
    let ballast = Ballast::new(disk.path());
    // What the router frees meanwhile is taken as well.
    scene.starve(300, || ballast.grow()).await;
    drop(ballast);
    scene.receive(300).await;
    scene.finish().await;
}

/// A small file system in memory, gone with this.
struct Disk(TempDir);

impl Disk {
    fn mount() -> Result<Self, String> {
        let directory = tempfile::tempdir().unwrap();
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", SIZE, "tmpfs"]).arg(directory.path());
        let output = command.output().map_err(|error| error.to_string())?;
        match output.status.success() {
            true => Ok(Self(directory)),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // The router may be there still if the test has failed.
        let unmounted = Command::new("umount").arg("-l").arg(self.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()) || std::thread::panicking());
    }
}

/// A file that takes whatever room there is.
struct Ballast {
    path: PathBuf,
    file: File,
}

impl Ballast {
    fn new(directory: &Path) -> Self {
        let path = directory.join("ballast");
        let file = File::create(&path).unwrap();
        Self { path, file }
    }

    /// Takes all the room, to the last page.
    fn grow(&self) {
        for octets in [1 << 20, 4096] {
            let zeros = vec![0; octets];
            // It fails once the disk is full, which is what is wanted.
            while (&self.file).write(&zeros).is_ok_and(|written| written == octets) {}
        }
    }
}

impl Drop for Ballast {
    fn drop(&mut self) {
        std::fs::remove_file(&self.path).unwrap();
    }
}
