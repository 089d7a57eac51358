//! A source as the store has it.

use super::{RowError, encode};
use crate::model::{CredentialRef, FeedName, SourceId, SourceOrigin, TenantId};
use crate::store::Table;
use serde::{Deserialize, Serialize};

/// A source and how far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceRow {
    /// Which one.
    pub id: SourceId,
    /// Which numbering its numbers belong to.
    pub epoch: u32,
    /// One past the number of the last event in its log.
    pub next: u64,
    /// The id of the last event.
    pub last_id: Vec<u8>,
    /// The number of the first event in a row that has it.
    pub last_from: u64,
    /// The id before, if all its events came.
    pub closed_id: Vec<u8>,
    /// The number of the second event in a row that has it, if there is one.
    pub closed_from: u64,
    /// The number of the first event behind those.
    pub closed_after: u64,
}

#[derive(Serialize, Deserialize)]
struct Written<'a> {
    tenant: &'a str,
    #[serde(borrow)]
    origin: Origin<'a>,
    credential: Option<&'a str>,
    epoch: u32,
    next: u64,
    last_id: &'a [u8],
    last_from: u64,
    closed_id: &'a [u8],
    closed_from: u64,
    closed_after: u64,
}

#[derive(Serialize, Deserialize)]
enum Origin<'a> {
    Url(&'a str),
    Feed(&'a str),
}

impl SourceRow {
    /// As the store keeps it.
    pub fn encode(&self) -> Vec<u8> {
        let feed;
        let origin = match self.id.origin() {
            SourceOrigin::Url(url) => Origin::Url(url.as_str()),
            SourceOrigin::Feed(name) => {
                feed = name.to_string();
                Origin::Feed(&feed)
            }
        };
        encode(&Written {
            tenant: self.id.tenant().as_str(),
            origin,
            credential: self.id.credential().map(CredentialRef::as_str),
            epoch: self.epoch,
            next: self.next,
            last_id: &self.last_id,
            last_from: self.last_from,
            closed_id: &self.closed_id,
            closed_from: self.closed_from,
            closed_after: self.closed_after,
        })
    }

    /// As it was kept.
    ///
    /// # Errors
    /// When it is not what was kept.
    pub fn decode(value: &[u8]) -> Result<Self, RowError> {
        let Written { tenant, origin, credential, epoch, next, last_id, last_from, .. } = borrowed(value)?;
        let Written { closed_id, closed_from, closed_after, .. } = borrowed(value)?;
        let wrong = |what: String| RowError::new(Table::Sources, what);
        let tenant = TenantId::new(tenant).map_err(|error| wrong(error.to_string()))?;
        let origin = match origin {
            Origin::Url(url) => SourceOrigin::Url(url.parse().map_err(|error| wrong(format!("{error}")))?),
            Origin::Feed(name) => SourceOrigin::Feed(FeedName::new(name).map_err(|error| wrong(error.to_string()))?),
        };
        if closed_from > closed_after || closed_after > next || last_from > next {
            return Err(wrong(format!("it resumes at {closed_from} or {closed_after}, and ends at {next}")));
        }
        let id = SourceId::new(tenant, origin, credential.map(CredentialRef::new));
        let [last_id, closed_id] = [last_id, closed_id].map(<[u8]>::to_vec);
        Ok(Self { id, epoch, next, last_id, last_from, closed_id, closed_from, closed_after })
    }
}

fn borrowed(value: &[u8]) -> Result<Written<'_>, RowError> {
    match postcard::take_from_bytes(value) {
        Ok((row, [])) => Ok(row),
        Ok(_) => Err(RowError::new(Table::Sources, "it is too long")),
        Err(error) => Err(RowError::new(Table::Sources, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_read_back() {
        let tenant = TenantId::default();
        let url = SourceOrigin::Url("https://example.com/a?token=x".parse().unwrap());
        let feed = SourceOrigin::Feed(FeedName::new("prices").unwrap());
        for (origin, credential) in [(url, Some(CredentialRef::new("key-1"))), (feed, None)] {
            let row = SourceRow {
                id: SourceId::new(tenant.clone(), origin, credential),
                epoch: 3,
                next: 1 << 40,
                last_id: b"a8".to_vec(),
                last_from: 7,
                closed_id: b"a7".to_vec(),
                closed_from: 4,
                closed_after: 5,
            };
            assert_eq!(SourceRow::decode(&row.encode()), Ok(row.clone()));
            let value = row.encode();
            for end in 0..value.len() {
                assert!(SourceRow::decode(&value[..end]).is_err());
            }
        }
    }
}
