//! The format of a store on disk: what is there is refused, gone on with, or brought up to date.

use super::Settings;
use crate::store::StoreError;
use std::fs;
use std::io;

/// The format that this version writes.
pub(super) const FORMAT: u32 = 1;
/// Where it is in its table, as four octets, the lowest first.
pub(super) const FORMAT_KEY: &[u8] = b"format";

/// Brings a store from the format that is its place in [`MIGRATIONS`], counted from 1, to the next.
pub(super) type Migration<S> = fn(&S) -> Result<(), StoreError>;

/// What is in the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing: a store is made.
    Nothing,
    /// Something that fjall left.
    Store,
}

/// Looks at the directory without changing it.
///
/// # Errors
/// When it holds something that is no store, or cannot be read.
pub(super) fn look(settings: &Settings) -> Result<Found, StoreError> {
    let path = || settings.shown();
    let mut entries = match fs::read_dir(&settings.path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(StoreError::Io { path: path(), error }),
    };
    if settings.path.join("version").is_file() && settings.path.join("keyspaces").is_dir() {
        return Ok(Found::Store);
    }
    // A store that was about to be made when its process ended has no more than a lock.
    let other = entries.find_map(|entry| entry.ok().filter(|entry| entry.file_name() != "lock"));
    match other {
        Some(_) => Err(StoreError::NoStore { path: path() }),
        None => Ok(Found::Nothing),
    }
}

/// Which steps bring a store of format `found` to the one that this version writes.
///
/// # Errors
/// When it is later than that, or no format at all.
pub(super) fn steps<'m, S>(
    settings: &Settings,
    found: u32,
    migrations: &'m [Migration<S>],
) -> Result<&'m [Migration<S>], StoreError> {
    let known = migrations.len() as u32 + 1;
    if found > known {
        return Err(StoreError::Newer { path: settings.shown(), found, known });
    }
    let done = found.checked_sub(1).and_then(|done| migrations.get(done as usize..));
    done.ok_or_else(|| StoreError::Damaged {
        path: settings.shown(),
        what: format!("it says that its format is {found}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn settings() -> Settings {
        Settings { path: "somewhere".into(), log_octets: 1, log_age: Duration::ZERO, reserve: 0 }
    }

    #[test]
    fn an_older_store_is_brought_up_step_by_step_and_a_newer_one_refused() {
        let step: Migration<()> = |()| Ok(());
        let migrations = [step, step];
        let count = |found| steps(&settings(), found, &migrations).map(<[_]>::len);
        assert_eq!((count(1).unwrap(), count(2).unwrap(), count(3).unwrap()), (2, 1, 0));
        let newer = count(4).unwrap_err().to_string();
        assert_eq!(
            newer,
            "the store in somewhere has format 4, and this version knows formats up to 3: use a newer one"
        );
        assert!(matches!(count(0), Err(StoreError::Damaged { .. })));
    }
}
