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
    /// Grows whenever its events are known to have a gap.
    pub epoch: u32,
    /// One past the number of the last event in its log.
    pub next: u64,
    /// The id to resume its upstream behind.
    pub resume_id: Vec<u8>,
    /// The number after the last event that is known to come before that point; those from here to `next` may come
    /// again.
    pub resume_after: u64,
}

#[derive(Serialize, Deserialize)]
struct Written<'a> {
    tenant: &'a str,
    #[serde(borrow)]
    origin: Origin<'a>,
    credential: Option<&'a str>,
    epoch: u32,
    next: u64,
    resume_id: &'a [u8],
    resume_after: u64,
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
            resume_id: &self.resume_id,
            resume_after: self.resume_after,
        })
    }

    /// As it was kept.
    ///
    /// # Errors
    /// When it is not what was kept.
    pub fn decode(value: &[u8]) -> Result<Self, RowError> {
        let Written { tenant, origin, credential, epoch, next, resume_id, resume_after } = borrowed(value)?;
        let wrong = |what: String| RowError::new(Table::Sources, what);
        let tenant = TenantId::new(tenant).map_err(|error| wrong(error.to_string()))?;
        let origin = match origin {
            Origin::Url(url) => SourceOrigin::Url(url.parse().map_err(|error| wrong(format!("{error}")))?),
            Origin::Feed(name) => SourceOrigin::Feed(FeedName::new(name).map_err(|error| wrong(error.to_string()))?),
        };
        if resume_after > next {
            return Err(wrong(format!("it resumes at {resume_after}, behind its end {next}")));
        }
        let id = SourceId::new(tenant, origin, credential.map(CredentialRef::new));
        Ok(Self { id, epoch, next, resume_id: resume_id.to_vec(), resume_after })
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
                resume_id: b"a7".to_vec(),
                resume_after: 5,
            };
            assert_eq!(SourceRow::decode(&row.encode()), Ok(row.clone()));
            let value = row.encode();
            for end in 0..value.len() {
                assert!(SourceRow::decode(&value[..end]).is_err());
            }
        }
    }
}
