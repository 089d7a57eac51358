//! The number of the store's format, and the way from older ones.

use fjall::{OwnedWriteBatch, PersistMode};

use super::super::StoreError;
use super::database::Tables;
use super::failure::{damaged, engine, shown};
use super::steps::STEPS;

const KEY: &[u8] = b"format";

/// Adds to a batch what makes a store of one format one of the next. Whatever it reads is as the step before left it.
pub(super) type Step = fn(&Tables, &mut OwnedWriteBatch) -> Result<(), StoreError>;

/// What a store of today has.
fn newest(steps: &[Step]) -> u32 {
    1 + steps.len() as u32
}

/// Marks a new store.
pub(super) fn write(tables: &Tables) -> fjall::Result<()> {
    let mut batch = tables.database.batch().durability(Some(PersistMode::SyncAll));
    batch.insert(&tables.store, KEY, newest(STEPS).to_be_bytes());
    batch.commit()
}

/// Takes a store to the newest format, step by step. A step and the new number are kept together.
///
/// # Errors
/// When the store is newer than that, or has no format.
pub(super) fn migrate(tables: &Tables, steps: &[Step]) -> Result<(), StoreError> {
    let mut found = known(tables, newest(steps))?;
    while let Some(step) = steps.get(found as usize - 1) {
        let mut batch = tables.database.batch().durability(Some(PersistMode::SyncAll));
        step(tables, &mut batch)?;
        found += 1;
        batch.insert(&tables.store, KEY, found.to_be_bytes());
        batch.commit().map_err(|error| engine(tables.path(), error))?;
    }
    Ok(())
}

/// Refuses a store that is newer than this version.
pub(super) fn check(tables: &Tables) -> Result<(), StoreError> {
    known(tables, newest(STEPS)).map(|_found| ())
}

fn known(tables: &Tables, known: u32) -> Result<u32, StoreError> {
    match read(tables)? {
        found if found > known => Err(StoreError::Newer { path: shown(tables.path()), found, known }),
        found => Ok(found),
    }
}

fn read(tables: &Tables) -> Result<u32, StoreError> {
    let value = tables.store.get(KEY).map_err(|error| engine(tables.path(), error))?;
    let number = value.and_then(|value| value.as_ref().try_into().ok()).map(u32::from_be_bytes);
    number.filter(|number| *number > 0).ok_or_else(|| damaged(tables.path(), "it has no format"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use crate::store::Table;
    use std::path::Path;

    fn value(tables: &Tables) -> Option<Vec<u8>> {
        tables.table(Table::Node).get("a").unwrap().map(|value| value.to_vec())
    }

    fn first_of_all(directory: &Path) -> Tables {
        let tables = Tables::create(&directory.join("db")).unwrap();
        tables.store.insert(KEY, 1u32.to_be_bytes()).unwrap();
        tables
    }

    fn first(tables: &Tables, batch: &mut OwnedWriteBatch) -> Result<(), StoreError> {
        batch.insert(tables.table(Table::Node), "a", "1");
        Ok(())
    }

    fn second(tables: &Tables, batch: &mut OwnedWriteBatch) -> Result<(), StoreError> {
        let value = [value(tables).unwrap().as_slice(), b"2"].concat();
        batch.insert(tables.table(Table::Node), "a", value);
        Ok(())
    }

    fn failing(tables: &Tables, batch: &mut OwnedWriteBatch) -> Result<(), StoreError> {
        batch.insert(tables.table(Table::Node), "a", "never");
        Err(damaged(tables.path(), "by purpose"))
    }

    #[test]
    fn steps_are_taken_once_each_and_whole_or_not_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let tables = first_of_all(directory.path());
        assert!(migrate(&tables, &[first, failing]).is_err());
        assert_eq!((read(&tables).unwrap(), value(&tables)), (2, Some(b"1".to_vec())));
        migrate(&tables, &[failing, second]).unwrap();
        assert_eq!((read(&tables).unwrap(), value(&tables)), (3, Some(b"12".to_vec())));
        migrate(&tables, &[failing, failing]).unwrap();
    }

    #[test]
    fn a_newer_store_is_refused_with_both_numbers() {
        let directory = tempfile::tempdir().unwrap();
        let tables = first_of_all(directory.path());
        migrate(&tables, &[first]).unwrap();
        let error = migrate(&tables, &[]).unwrap_err();
        assert!(matches!(error, StoreError::Newer { found: 2, known: 1, .. }), "{error}");
    }
}
