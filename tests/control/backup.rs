//! `Backup`, and the command that saves it.

use crate::command::run;
use crate::house::{House, within};
use bellwire::control::proto::BackupRequest;
use bellwire::store::{Batch, Logged, SourceNumber, Store, StoreError, Table, Visit};
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use tempfile::TempDir;
use tonic::Code;

/// A store whose backup is so many octets, and then fails or not.
struct Paper {
    octets: usize,
    torn: bool,
}

impl Paper {
    fn contents(&self) -> Vec<u8> {
        (0..self.octets).map(|at| (at % 251) as u8).collect()
    }
}

impl Store for Paper {
    fn commit(&self, _: &Batch) -> Result<(), StoreError> {
        unreachable!("nobody writes")
    }

    fn read(&self, _: SourceNumber, _: u64, _: usize) -> Result<Vec<Logged>, StoreError> {
        unreachable!("nobody reads")
    }

    fn scan(&self, _: Table, _: &mut Visit<'_>) -> Result<(), StoreError> {
        unreachable!("nobody reads")
    }

    fn backup(&self, out: &mut dyn Write) -> Result<(), StoreError> {
        let error = |error| StoreError::Io { path: "data".to_owned(), error };
        for part in self.contents().chunks(10_007) {
            out.write_all(part).map_err(error)?;
        }
        match self.torn {
            true => Err(error(io::Error::other("torn"))),
            false => Ok(()),
        }
    }
}

async fn house(octets: usize, torn: bool) -> House {
    House::with_store(Arc::new(Paper { octets, torn })).await
}

#[tokio::test]
async fn a_backup_is_what_the_store_writes() {
    for octets in [0, 1, 256 * 1024, 3_000_000] {
        let house = house(octets, false).await;
        let mut parts = house.control().backup(BackupRequest {}).await.unwrap().into_inner();
        let mut taken = Vec::new();
        while let Some(part) = within(parts.message()).await.unwrap() {
            taken.extend(part.data);
        }
        assert!(taken == Paper { octets, torn: false }.contents(), "{octets}");
    }
}

#[tokio::test]
async fn without_a_store_there_is_nothing_to_back_up() {
    let error = House::open().await.control().backup(BackupRequest {}).await.unwrap_err();
    assert_eq!(error.code(), Code::FailedPrecondition);
    assert_eq!(error.message(), "node.data_dir is empty: there is nothing to back up");
}

#[tokio::test]
async fn a_store_that_cannot_be_read_ends_the_stream_with_an_error() {
    let house = house(300_000, true).await;
    let mut parts = house.control().backup(BackupRequest {}).await.unwrap().into_inner();
    assert_eq!(within(parts.message()).await.unwrap().unwrap().data.len(), 256 * 1024);
    let error = within(parts.message()).await.unwrap_err();
    assert_eq!((error.code(), error.message()), (Code::Internal, "the store in data: torn"));
}

#[tokio::test]
async fn one_backup_at_a_time_and_the_next_when_it_is_given_up() {
    let house = house(100_000_000, false).await;
    let first = house.control().backup(BackupRequest {}).await.unwrap().into_inner();
    let second = house.control().backup(BackupRequest {}).await.unwrap_err();
    assert_eq!(second.code(), Code::ResourceExhausted);
    drop(first);
    within(async {
        while house.control().backup(BackupRequest {}).await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_backup_under_way_ends_when_the_server_stops() {
    let mut house = house(100_000_000, false).await;
    let mut parts = house.control().backup(BackupRequest {}).await.unwrap().into_inner();
    assert!(within(parts.message()).await.unwrap().is_some());
    house.begin_stop();
    let error = loop {
        if let Err(error) = within(parts.message()).await {
            break error;
        }
    };
    assert_eq!(error.code(), Code::Unavailable);
}

#[tokio::test]
async fn a_backup_is_saved_whole_and_overwrites_nothing() {
    let (folder, house) = (TempDir::new().unwrap(), house(3_000_000, false).await);
    let path = folder.path().join("all.backup");
    let file = path.to_str().unwrap();
    let saved = run(&house, &["backup", file]).await;
    assert_eq!((saved.code, saved.err.as_str()), (0, ""));
    assert!(saved.out.starts_with(&format!("{file}: 3,000,000 octets; ")), "{}", saved.out);
    let contents = Paper { octets: 3_000_000, torn: false }.contents();
    assert!(fs::read(&path).unwrap() == contents);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    fs::write(&path, "old").unwrap();
    let refused = run(&house, &["backup", file]).await;
    assert_eq!((refused.code, refused.err), (64, format!("{file} is there already: --force overwrites it\n")));
    assert_eq!(fs::read(&path).unwrap(), b"old");
    let forced = run(&house, &["backup", file, "--force", "--output", "json"]).await;
    assert_eq!(serde_json::from_str::<serde_json::Value>(&forced.out).unwrap()["octets"], 3_000_000);
    assert!(fs::read(&path).unwrap() == contents);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_backup_that_fails_leaves_what_was_there() {
    let (folder, house) = (TempDir::new().unwrap(), house(300_000, true).await);
    let path = folder.path().join("all.backup");
    fs::write(&path, "old").unwrap();
    let ended = run(&house, &["backup", "--force", path.to_str().unwrap()]).await;
    assert_eq!((ended.code, ended.err.as_str()), (1, "the store in data: torn\n"));
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
