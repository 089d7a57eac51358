//! What makes a store of one format one of the next.
//!
//! | format | what is new |
//! |---|---|
//! | 2 | terms say what a push says of its events, and which have an id; an open push says how its events are written; a
//! | | subscription has the key of its stream |
//! | 3 | terms have a priority and say what becomes of events at a limit, which types are wanted, and what is coalesced |
//! | 4 | handsets say what was used of their budgets |

use std::collections::HashMap;
use std::ops::Range;

use fjall::OwnedWriteBatch;
use serde::{Deserialize, Serialize};

use super::super::row;
use super::super::{StoreError, Table};
use super::database::Tables;
use super::failure::{damaged, engine};
use super::format::Step;

/// From format 1 to 2, from 2 to 3, and so on.
pub(super) const STEPS: &[Step] = &[second, third, fourth];

fn second(tables: &Tables, batch: &mut OwnedWriteBatch) -> Result<(), StoreError> {
    change(tables, batch, Table::Terms, |_, value| Ok(Some([value, &row::encode(&("all", "origin"))].concat())))?;
    let mut subscriptions: HashMap<[u8; 16], u16> = HashMap::new();
    change(tables, batch, Table::Subscriptions, |_, value| {
        let row: first::Subscription = row::decode(Table::Subscriptions, value)?;
        let next = subscriptions.entry(row.1).or_default();
        let value = [value, &row::encode(&*next)].concat();
        *next = next.saturating_add(1);
        Ok(Some(value))
    })?;
    change(tables, batch, Table::Progress, |_, value| {
        let progress: first::Progress = row::decode(Table::Progress, value)?;
        // A record without open pushes is the same in both.
        Ok((!progress.open.is_empty()).then(|| row::encode(&progress.into_second())))
    })
}

/// Whatever was wanted before goes on as it was.
fn third(tables: &Tables, batch: &mut OwnedWriteBatch) -> Result<(), StoreError> {
    let more = row::encode(&("normal", "hold", [""; 0].as_slice(), "none"));
    change(tables, batch, Table::Terms, |_, value| Ok(Some([value, &more].concat())))
}

/// Nothing was counted before.
fn fourth(tables: &Tables, batch: &mut OwnedWriteBatch) -> Result<(), StoreError> {
    let more = row::encode(&(0u32, 0u32));
    change(tables, batch, Table::Handsets, |_, value| Ok(Some([value, &more].concat())))
}

/// Changes the records of a table for which there is another value.
fn change(
    tables: &Tables,
    batch: &mut OwnedWriteBatch,
    table: Table,
    mut other: impl FnMut(&[u8], &[u8]) -> Result<Option<Vec<u8>>, row::RowError>,
) -> Result<(), StoreError> {
    let keyspace = tables.table(table);
    for record in keyspace.iter() {
        let (key, value) = record.into_inner().map_err(|error| engine(tables.path(), error))?;
        let changed = other(&key, &value).map_err(|error| damaged(tables.path(), error.to_string()))?;
        if let Some(value) = changed {
            batch.insert(keyspace, key, value);
        }
    }
    Ok(())
}

/// Records of format 1 as they were, and what they became.
mod first {
    use super::{Deserialize, Range, Serialize};

    /// Terms, handset, number, when it was activated, where it starts.
    pub(super) type Subscription = (u32, [u8; 16], u64, u64, u64);

    #[derive(Serialize, Deserialize)]
    pub(super) struct Progress {
        pub released: u64,
        pub ended: Vec<Range<u64>>,
        pub open: Vec<OpenPushes>,
        pub gap: u64,
    }

    #[derive(Clone, Serialize, Deserialize)]
    pub(super) struct OpenPushes {
        pub numbers: (u64, u64, u64),
        pub segments: u8,
        pub reference: u16,
        pub transaction: u8,
        pub step: u8,
        pub gap: u64,
        pub notice_above: Option<u16>,
        pub sent: bool,
        pub accepted: [u64; 4],
    }

    #[derive(Serialize)]
    pub(super) struct Second {
        released: u64,
        ended: Vec<Range<u64>>,
        open: Vec<SecondOpen>,
        gap: u64,
    }

    #[derive(Serialize)]
    struct SecondOpen {
        numbers: (u64, u64, u64),
        segments: u8,
        reference: u16,
        transaction: u8,
        step: u8,
        gap: u64,
        form: u32,
        sent: bool,
        accepted: [u64; 4],
    }

    impl Progress {
        pub(super) fn into_second(self) -> Second {
            let Self { released, ended, open, gap } = self;
            Second { released, ended, open: open.into_iter().map(SecondOpen::from).collect(), gap }
        }
    }

    impl From<OpenPushes> for SecondOpen {
        fn from(open: OpenPushes) -> Self {
            let OpenPushes { numbers, segments, reference, transaction, step, gap, notice_above, sent, accepted } =
                open;
            let form = notice_above.map_or(0, |above| u32::from(u16::MAX - above) << 16);
            Self { numbers, segments, reference, transaction, step, gap, form, sent, accepted }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use crate::engine::progress::{HandsetProgress, Progress};
    use crate::model::{ApplicationId, Policy, TenantId};
    use crate::store::row::{SubscriptionRow, TermsRow};
    use fjall::PersistMode;

    fn migrated(steps: &[Step], table: Table, records: &[(&[u8], &[u8])]) -> Vec<Vec<u8>> {
        let directory = tempfile::tempdir().unwrap();
        let tables = Tables::create(&directory.path().join("db")).unwrap();
        records.iter().for_each(|(key, value)| tables.table(table).insert(*key, *value).unwrap());
        for step in steps {
            let mut batch = tables.database.batch().durability(Some(PersistMode::Buffer));
            step(&tables, &mut batch).unwrap();
            batch.commit().unwrap();
        }
        records.iter().map(|(key, _)| tables.table(table).get(key).unwrap().unwrap().to_vec()).collect()
    }

    #[test]
    fn terms_of_the_first_format_push_whole_events_of_every_type() {
        let (tenant, application) = (TenantId::default(), ApplicationId::Code(2));
        let row = TermsRow { tenant, source: 9, application, policy: Policy::default() };
        let value = row.encode();
        let newer = [row::encode(&("all", "origin")), row::encode(&("normal", "hold", 0u8, "none"))];
        let old = |newer: &[Vec<u8>]| value[..value.len() - newer.concat().len()].to_vec();
        for (steps, newer) in [(STEPS, &newer[..]), (&[third], &newer[1..])] {
            let migrated = migrated(steps, Table::Terms, &[(b"1", &old(newer))]);
            assert_eq!(migrated.concat(), value);
        }
    }

    #[test]
    fn handsets_of_the_third_format_have_used_nothing() {
        let old = row::encode(&(9u16, 4u8, vec![(7u16, 1_790_000_000_000u64)]));
        let new = migrated(&[fourth], Table::Handsets, &[(b"a", &old)]);
        let read: HandsetProgress = row::decode(Table::Handsets, &new[0]).unwrap();
        assert_eq!((read.reference, read.transaction, read.quarantined.len(), read.used), (9, 4, 1, (0, 0)));
    }

    #[test]
    fn subscriptions_of_the_first_format_get_the_keys_of_their_handset() {
        let row = |handset: u8| row::encode(&(3u32, [handset; 16], 15_551_234_567u64, 1_790_000_000_000u64, 7u64));
        let old = [row(1), row(2), row(1), row(1)];
        let named: Vec<(&[u8], &[u8])> =
            [b"a", b"b", b"c", b"d"].iter().zip(&old).map(|(k, v)| (&k[..], &v[..])).collect();
        let new = migrated(&[second], Table::Subscriptions, &named);
        let read: Vec<_> = new.iter().map(|value| SubscriptionRow::decode(value).unwrap()).collect();
        assert_eq!(read.iter().map(|row| row.stream.0).collect::<Vec<_>>(), [0, 0, 1, 2]);
        assert_eq!((read[1].handset.octets(), read[1].from), (&[2; 16], 7));
    }

    #[test]
    fn open_pushes_of_the_first_format_are_written_as_they_were() {
        let open = |notice_above| first::OpenPushes {
            numbers: (70_000, 3, 1),
            segments: 3,
            reference: 9,
            transaction: 4,
            step: 0,
            gap: 2,
            notice_above,
            sent: true,
            accepted: [1, 0, 0, 0],
        };
        let pushes = vec![open(None), open(Some(300))];
        let busy = row::encode(&first::Progress { released: 8, ended: vec![9..12, 14..15], open: pushes, gap: 1 });
        let quiet = row::encode(&first::Progress { released: 1 << 40, ended: Vec::new(), open: Vec::new(), gap: 0 });
        let after = migrated(&[second], Table::Progress, &[(b"a", &busy), (b"b", &quiet)]);
        let [busy, quiet] = [&after[0], &after[1]].map(|one| row::decode::<Progress>(Table::Progress, one).unwrap());
        assert_eq!((quiet.released, quiet.is_quiet()), (1 << 40, true));
        assert_eq!((busy.released, &busy.ended[..], busy.gap), (8, &[9..12, 14..15][..], 1));
        let [plain, notice] = &busy.open[..] else { panic!("{busy:?}") };
        assert_eq!((plain.first, plain.end(), plain.segments, plain.accepted.len()), (70_000, 70_003, 3, 1));
        assert!(!plain.form.is_notice(30_000) && notice.form.is_notice(301) && !notice.form.is_notice(300));
        assert!(plain.form.is_whole() && plain.sent);
    }
}
