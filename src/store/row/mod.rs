//! What the records of a store mean: keys and values, to and from what the rest of the house works with.
//!
//! A value is written by postcard and read back with every check that it had when it came in: what was damaged, or
//! written by something else, is an error that names the table.

mod node;
mod source;
mod subscription;
mod terms;

pub use node::{COUNTS_KEY, Counts, NEXT_SOURCE_KEY};
pub use source::SourceRow;
pub use subscription::SubscriptionRow;
pub use terms::TermsRow;

use super::{SourceNumber, Table};
use crate::model::{HandsetId, SubscriptionId};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A record that says nothing that could be.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a record of {table:?} cannot be read: {what}")]
pub struct RowError {
    /// Where it is.
    pub table: Table,
    /// What is wrong.
    pub what: String,
}

impl RowError {
    /// A record of `table` that cannot be, for what is wrong with it.
    pub fn new(table: Table, what: impl ToString) -> Self {
        Self { table, what: what.to_string() }
    }
}

/// A value as the store keeps it.
pub fn encode(value: &impl Serialize) -> Vec<u8> {
    // Nothing in a row can fail to be written: no maps of unknown length, no floats, no foreign types.
    postcard::to_allocvec(value).unwrap_or_default()
}

/// A value as it was kept.
///
/// # Errors
/// When it is not what was kept.
pub fn decode<T: DeserializeOwned>(table: Table, value: &[u8]) -> Result<T, RowError> {
    match postcard::take_from_bytes(value) {
        Ok((row, [])) => Ok(row),
        Ok((_, rest)) => Err(RowError::new(table, format!("{} octets too many", rest.len()))),
        Err(error) => Err(RowError::new(table, error)),
    }
}

/// The key of what has a number.
pub fn number_key(number: u32) -> [u8; 4] {
    number.to_be_bytes()
}

/// The number that is a key.
///
/// # Errors
/// When it is none.
pub fn number(table: Table, key: &[u8]) -> Result<u32, RowError> {
    Ok(u32::from_be_bytes(octets(table, key)?))
}

/// The subscription whose key this is.
///
/// # Errors
/// When it is none.
pub fn subscription(table: Table, key: &[u8]) -> Result<SubscriptionId, RowError> {
    Ok(SubscriptionId::from_octets(octets(table, key)?))
}

/// The handset whose key this is.
///
/// # Errors
/// When it is none.
pub fn handset(key: &[u8]) -> Result<HandsetId, RowError> {
    Ok(HandsetId::from_octets(octets(Table::Handsets, key)?))
}

/// The key of a receipt that the SMSC called `smsc` owes for the message that it calls `message_id`. No configured name
/// has a NUL in it.
pub fn receipt_key(smsc: &str, message_id: &[u8]) -> Vec<u8> {
    [smsc.as_bytes(), &[0], message_id].concat()
}

/// The SMSC and the message of a receipt's key.
///
/// # Errors
/// When it is none.
pub fn receipt(key: &[u8]) -> Result<(&str, &[u8]), RowError> {
    let wrong = || RowError::new(Table::Receipts, "its key names no SMSC");
    let end = key.iter().position(|octet| *octet == 0).ok_or_else(wrong)?;
    let (smsc, message_id) = (&key[..end], &key[end + 1..]);
    Ok((str::from_utf8(smsc).map_err(|_| wrong())?, message_id))
}

/// The key of a publication.
pub fn publication_key(source: SourceNumber, publish_id: &str) -> Vec<u8> {
    [&source.to_be_bytes(), publish_id.as_bytes()].concat()
}

/// The source and the name of a publication's key.
///
/// # Errors
/// When it is none.
pub fn publication(key: &[u8]) -> Result<(SourceNumber, &str), RowError> {
    let wrong = || RowError::new(Table::Publications, "its key names no publication");
    let (source, publish_id) = key.split_at_checked(4).ok_or_else(wrong)?;
    Ok((number(Table::Publications, source)?, str::from_utf8(publish_id).map_err(|_| wrong())?))
}

/// The key of what was used of a budget: of whose kind it is, and what it is called.
pub fn budget_key(scope: u8, name: &str) -> Vec<u8> {
    [&[scope], name.as_bytes()].concat()
}

fn octets<const N: usize>(table: Table, key: &[u8]) -> Result<[u8; N], RowError> {
    key.try_into().map_err(|_| RowError::new(table, format!("its key has {} octets and not {N}", key.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_back_and_wrong_ones_refused() {
        assert_eq!(receipt(&receipt_key("main", b"4\x002")), Ok(("main", &b"4\x002"[..])));
        assert_eq!(publication(&publication_key(7, "order 1")), Ok((7, "order 1")));
        assert!(receipt(b"main").is_err() && publication(b"123").is_err() && publication(b"1234\xff").is_err());
        assert!(number(Table::Terms, b"12345").is_err());
    }

    #[test]
    fn a_value_with_more_behind_it_is_refused() {
        let mut value = encode(&(7u64, "text"));
        assert_eq!(decode::<(u64, String)>(Table::Node, &value), Ok((7, "text".to_owned())));
        value.push(0);
        assert!(decode::<(u64, String)>(Table::Node, &value).is_err());
        assert!(decode::<(u64, String)>(Table::Node, &value[..3]).is_err());
    }
}
