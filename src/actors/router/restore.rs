//! What an earlier process has left in the store becomes what this one works with.

use super::keys::StreamKeys;
use super::registry::{Handsets, Subscriptions};
use super::state::{Numbers, State};
use crate::actors::budgets::Budgets;
use crate::actors::clock::Clock;
use crate::actors::handset::HandsetCell;
use crate::actors::reach::Reaches;
use crate::actors::seat::{Seat, SharedSeat, Start};
use crate::actors::source::{Position, Published, SourceMessage, SourceRecord};
use crate::actors::terms::{Terms, TermsInUse};
use crate::engine::budget::Used;
use crate::engine::clock::Now;
use crate::engine::envelope::Envelopes;
use crate::engine::handset::Memo;
use crate::engine::progress::{HandsetProgress, Progress};
use crate::engine::receipts::AwaitedReceipt;
use crate::engine::subscription::Backlog;
use crate::model::{DropReason, HandsetId, Msisdn, PushSettings, StreamKey, SubscriptionId};
use crate::store::row::{self, Counts, RowError, SourceRow, SubscriptionRow, TermsRow};
use crate::store::{SourceNumber, Store, StoreError, Table};
use ractor::SpawnErr;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;
use tracing::info;

/// Upstreams opened in a second when many start at once: more would be a storm to origins, and to our own disk.
const OPENED_PER_SECOND: u32 = 1000;
/// However many there are, the last is opened so long after the first.
const OPENED_WITHIN: Duration = Duration::from_secs(30);

/// What is needed to make sense of a store.
pub struct Before<'a> {
    /// The store.
    pub store: &'a dyn Store,
    /// Which SMSCs reach which number.
    pub reaches: &'a Reaches,
    /// How pushes are addressed on handsets.
    pub push: &'a PushSettings,
    /// What pushes are charged to.
    pub budgets: &'a Budgets,
    /// What each subscription keeps waiting.
    pub backlog: Backlog,
    /// When this process begins.
    pub now: Now,
}

/// What an earlier process has left.
#[derive(Default)]
pub struct Restored {
    subscriptions: Subscriptions,
    handsets: Handsets,
    keys: StreamKeys,
    terms: TermsInUse,
    numbers: Numbers,
    sources: Vec<Arc<SourceRecord>>,
    /// Subscriptions that have more to go on with than a number.
    awake: u64,
    /// Subscriptions that have not had everything that their sources took.
    behind: Vec<SharedSeat>,
    /// When those end that end by themselves, in milliseconds since 1970.
    expiries: Vec<(SubscriptionId, u64)>,
    /// Records that nothing refers to any more.
    orphans: Orphans,
    /// What it has counted.
    counts: Counts,
}

/// Why a store makes no sense.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// It cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is in it cannot be.
    #[error("the store is damaged: {0}; restore a backup into an empty directory")]
    Row(#[from] RowError),
    /// The configuration has lost a route.
    #[error(
        "no SMSC has a route for the numbers of {subscriptions} subscriptions that are active, {first} is the first"
    )]
    NoRoute {
        /// How many.
        subscriptions: u64,
        /// One of their numbers, masked.
        first: Msisdn,
    },
    /// An application's name fits no push.
    #[error("application {application:?}: {error}")]
    Application {
        /// Which.
        application: String,
        /// Why.
        error: String,
    },
}

impl Restored {
    /// Reads everything but the logs.
    ///
    /// # Errors
    /// When the store cannot be read, is damaged, or is not one for this configuration.
    pub fn load(before: &Before<'_>) -> Result<Self, RestoreError> {
        let mut orphans = Vec::new();
        budgets(before, &mut orphans)?;
        let sources = sources(before, &mut orphans)?;
        let terms = terms(before, &sources, &mut orphans)?;
        let numbers = numbers(before.store, &terms, &sources)?;
        let mut loading = Loading {
            before,
            terms,
            progress: records(before.store, Table::Progress, |key| row::subscription(Table::Progress, key))?,
            remembered: records(before.store, Table::Handsets, row::handset)?,
            restored: Self { numbers, orphans, counts: counts(before.store)?, ..Self::default() },
            open: HashMap::new(),
            without_route: None,
            keys: HashMap::new(),
        };
        each(before.store, Table::Subscriptions, |key, value| {
            loading.subscription(row::subscription(Table::Subscriptions, key)?, &SubscriptionRow::decode(value)?)
        })?;
        loading.receipts()?;
        loading.expiries()?;
        loading.finish(sources)
    }
}

/// Half-way through.
struct Loading<'a> {
    before: &'a Before<'a>,
    /// Terms by number, whose they are, and how many subscriptions ask for them.
    terms: HashMap<u32, (Arc<Terms>, Arc<SourceRecord>, u64)>,
    progress: HashMap<SubscriptionId, Progress>,
    remembered: HashMap<HandsetId, HandsetProgress>,
    /// How far subscriptions are that have pushes whose outcome is open.
    open: HashMap<SubscriptionId, Progress>,
    restored: Restored,
    without_route: Option<(u64, Msisdn)>,
    /// Stream keys of handsets but for the first.
    keys: HashMap<HandsetId, Vec<u16>>,
}

impl Loading<'_> {
    fn subscription(&mut self, id: SubscriptionId, row: &SubscriptionRow) -> Result<(), RestoreError> {
        let Some((terms, record, users)) = self.terms.get_mut(&row.terms) else {
            return Err(RowError::new(Table::Subscriptions, format!("there are no terms {}", row.terms)).into());
        };
        *users += 1;
        let (terms, record) = (Arc::clone(terms), Arc::clone(record));
        let Some(cell) = self.handset(row, &terms) else {
            self.without_route.get_or_insert((0, row.number)).0 += 1;
            return Ok(());
        };
        cell.add_subscription();
        if row.stream > StreamKey::default() {
            self.keys.entry(row.handset).or_default().push(row.stream.0);
        }
        let seat = SharedSeat::new(Seat::new(id, row.stream, cell, terms, row.activated_unix_ms));
        let progress = self.progress.remove(&id);
        let progress = progress.unwrap_or_else(|| Progress { released: row.from, ..Progress::default() });
        let released = progress.released;
        self.restored.awake += u64::from(seat.resume(self.before.now, &progress, self.before.backlog));
        if !progress.open.is_empty() {
            self.open.insert(id, progress);
        }
        record.join(&seat);
        match released < record.next() {
            true => self.restored.behind.push(SharedSeat::clone(&seat)),
            false => seat.attach(),
        }
        self.restored.subscriptions.insert(seat);
        Ok(())
    }

    /// The handset of a subscription; none if no SMSC reaches it.
    fn handset(&mut self, row: &SubscriptionRow, terms: &Terms) -> Option<Arc<HandsetCell>> {
        if let Some(cell) = self.restored.handsets.get(&row.handset) {
            return Some(Arc::clone(cell));
        }
        let Before { reaches, now, .. } = self.before;
        let reach = reaches.find(&terms.tenant, row.handset, &row.number)?;
        let seed = Memo::new((now.unix_ms ^ row.handset.half()) as u16);
        let cell = Arc::new(HandsetCell::new(row.handset, &row.number, reach, seed));
        if let Some(remembered) = self.remembered.remove(&row.handset) {
            cell.remember(*now, &remembered);
            if let Some(purses) = terms.shares.as_ref().and_then(|shares| shares.handset.as_ref()) {
                let (day, today) = remembered.used;
                purses.restore(*now, row.handset.half(), Used::on(day, today));
            }
        }
        self.restored.handsets.insert(Arc::clone(&cell));
        Some(cell)
    }

    /// Receipts that the SMSCs still owe. Those of a push that will be sent again say nothing about that.
    fn receipts(&mut self) -> Result<(), RestoreError> {
        let Before { store, reaches, now, .. } = self.before;
        let smscs = reaches.smscs();
        let mut awaited: Vec<(u8, Vec<u8>, AwaitedReceipt)> = Vec::new();
        each(*store, Table::Receipts, |key, value| {
            let (smsc, message_id) = row::receipt(key)?;
            let one: AwaitedReceipt = row::decode(Table::Receipts, value)?;
            let is_open = self.open.get(&one.subscription()).is_some_and(|progress| progress.is_open(one.first));
            match smscs.iter().find(|known| !is_open && known.name() == smsc) {
                Some(smsc) => awaited.push((smsc.number(), message_id.to_vec(), one)),
                None => self.restored.orphans.push((Table::Receipts, key.into())),
            }
            Ok(())
        })?;
        if let Some(first) = smscs.first() {
            first.receipts().lock().restore(*now, awaited);
        }
        Ok(())
    }

    /// When subscriptions end by themselves.
    fn expiries(&mut self) -> Result<(), RestoreError> {
        each(self.before.store, Table::Expiries, |key, value| {
            let id = row::subscription(Table::Expiries, key)?;
            match self.restored.subscriptions.get(&id) {
                Some(_) => self.restored.expiries.push((id, row::decode(Table::Expiries, value)?)),
                None => self.restored.orphans.push((Table::Expiries, key.into())),
            }
            Ok(())
        })
    }

    fn finish(mut self, sources: HashMap<SourceNumber, Arc<SourceRecord>>) -> Result<Restored, RestoreError> {
        if let Some((subscriptions, first)) = self.without_route {
            return Err(RestoreError::NoRoute { subscriptions, first });
        }
        for (handset, others) in &self.keys {
            let subscriptions = self.restored.handsets.get(handset).map_or(0, |cell| cell.subscriptions());
            self.restored.keys.restore(*handset, subscriptions, others);
        }
        for (number, (terms, _, users)) in self.terms {
            match users {
                0 => self.restored.orphans.push((Table::Terms, row::number_key(number).as_slice().into())),
                _ => self.restored.terms.take_over(terms, users),
            }
        }
        let progress = self.progress.keys().map(|id| (Table::Progress, id.octets().as_slice().into()));
        let remembered = self.remembered.keys().map(|id| (Table::Handsets, id.octets().as_slice().into()));
        self.restored.orphans.extend(progress.chain(remembered));
        self.restored.sources = sources.into_values().collect();
        Ok(self.restored)
    }
}

type Orphans = Vec<(Table, Box<[u8]>)>;

fn budgets(before: &Before<'_>, orphans: &mut Orphans) -> Result<(), RestoreError> {
    each(before.store, Table::Budgets, |key, value| {
        if !before.budgets.restore(before.now, key, row::decode(Table::Budgets, value)?) {
            orphans.push((Table::Budgets, key.into()));
        }
        Ok(())
    })
}

fn sources(
    before: &Before<'_>,
    orphans: &mut Orphans,
) -> Result<HashMap<SourceNumber, Arc<SourceRecord>>, RestoreError> {
    let mut publications: HashMap<SourceNumber, Vec<(u64, String)>> = HashMap::new();
    each(before.store, Table::Publications, |key, value| {
        let (source, publish_id) = row::publication(key)?;
        let first = row::decode(Table::Publications, value)?;
        publications.entry(source).or_default().push((first, publish_id.to_owned()));
        Ok(())
    })?;
    let mut sources = HashMap::new();
    each(before.store, Table::Sources, |key, value| {
        let (number, row) = (row::number(Table::Sources, key)?, SourceRow::decode(value)?);
        let published = Published::restored(publications.remove(&number).unwrap_or_default());
        let position = Position::restored(&row, before.now.unix_ms);
        let record = SourceRecord::new(row.id.clone(), number, position, published);
        sources.insert(number, Arc::new(record));
        Ok(())
    })?;
    for (source, names) in publications {
        let keys = names.iter().map(|(_, name)| row::publication_key(source, name).into());
        orphans.extend(keys.map(|key| (Table::Publications, key)));
    }
    Ok(sources)
}

type TermsFound = HashMap<u32, (Arc<Terms>, Arc<SourceRecord>, u64)>;

fn terms(
    before: &Before<'_>,
    sources: &HashMap<SourceNumber, Arc<SourceRecord>>,
    orphans: &mut Orphans,
) -> Result<TermsFound, RestoreError> {
    let mut terms = HashMap::new();
    let now = before.now;
    let clock = Clock::new(move || now);
    each(before.store, Table::Terms, |key, value| {
        let number = row::number(Table::Terms, key)?;
        let TermsRow { tenant, source, application, policy } = TermsRow::decode(value)?;
        let Some(record) = sources.get(&source) else {
            orphans.push((Table::Terms, key.into())); // damage only if a subscription asks for them
            return Ok(());
        };
        let source = record.id().clone();
        let envelopes = Envelopes::new(before.push, &application, &source).map_err(|error| {
            RestoreError::Application { application: application.to_string(), error: error.to_string() }
        })?;
        let shares = before.budgets.shares(&clock, &source);
        let found = Arc::new(Terms { number, tenant, source, application, policy, envelopes, shares });
        terms.insert(number, (found, Arc::clone(record), 0));
        Ok(())
    })?;
    Ok(terms)
}

fn numbers(
    store: &dyn Store,
    terms: &TermsFound,
    sources: &HashMap<SourceNumber, Arc<SourceRecord>>,
) -> Result<Numbers, RestoreError> {
    let after = |numbers: &mut dyn Iterator<Item = &u32>| numbers.max().map_or(0, |last| last + 1);
    let mut source = after(&mut sources.keys());
    each(store, Table::Node, |key, value| {
        if key == row::NEXT_SOURCE_KEY {
            source = source.max(row::decode(Table::Node, value)?);
        }
        Ok(())
    })?;
    Ok(Numbers { source, terms: after(&mut terms.keys()) })
}

fn counts(store: &dyn Store) -> Result<Counts, RestoreError> {
    let mut counts = Counts::default();
    each(store, Table::Node, |key, value| {
        if key == row::COUNTS_KEY {
            counts = row::decode(Table::Node, value)?;
        }
        Ok(())
    })?;
    Ok(counts)
}

/// The records of a table by what their keys name.
fn records<K: Eq + Hash, V: DeserializeOwned>(
    store: &dyn Store,
    table: Table,
    name: impl Fn(&[u8]) -> Result<K, RowError>,
) -> Result<HashMap<K, V>, RestoreError> {
    let mut records = HashMap::new();
    each(store, table, |key, value| {
        records.insert(name(key)?, row::decode(table, value)?);
        Ok(())
    })?;
    Ok(records)
}

/// Shows `visit` the records of a table until it finds one that cannot be.
fn each(
    store: &dyn Store,
    table: Table,
    mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), RestoreError>,
) -> Result<(), RestoreError> {
    let mut wrong = None;
    store.scan(table, &mut |key, value| {
        if wrong.is_none() {
            wrong = visit(key, value).err();
        }
        Ok(())
    })?;
    wrong.map_or(Ok(()), Err)
}

/// How long it takes to open so many upstreams.
fn spread(sources: usize) -> Duration {
    Duration::from_secs_f64(sources as f64 / f64::from(OPENED_PER_SECOND)).min(OPENED_WITHIN)
}

impl State {
    /// Goes on where an earlier process stopped.
    pub(super) async fn take_over(&mut self, restored: Restored) -> Result<(), SpawnErr> {
        let Restored {
            subscriptions,
            handsets,
            keys,
            terms,
            numbers,
            sources,
            awake,
            behind,
            expiries,
            orphans,
            counts,
        } = restored;
        let found = subscriptions.len();
        (self.subscriptions, self.handsets, self.keys) = (subscriptions, handsets, keys);
        (self.terms, self.numbers) = (terms, numbers);
        self.arguments.ledger.go_on(counts);
        self.arguments.journal.change(|batch| orphans.into_iter().for_each(|(table, key)| batch.remove(table, key)));
        self.arguments.telemetry.subscriptions_dormant.increment(found as f64 - awake as f64);
        self.arguments.telemetry.subscriptions_active.increment(awake as f64);
        let within = spread(sources.len());
        for record in sources {
            let (id, seats) = (record.id().clone(), record.seats());
            if seats == 0 {
                record.end(&self.arguments.journal);
                continue;
            }
            self.start_source(record, within.mul_f64(fastrand::f64())).await?;
            if let Some(entry) = self.sources.get_mut(&id) {
                entry.subscriptions = seats;
            }
        }
        for seat in &behind {
            if let Some(entry) = self.sources.get(&seat.terms().source) {
                let start = Start::At(seat.figures().released);
                let _ = entry.actor.cast(SourceMessage::Attach(SharedSeat::clone(seat), start));
            }
        }
        for (id, at) in expiries {
            self.expire(id, at);
        }
        self.end_suppressed();
        if found > 0 {
            info!(subscriptions = found, sources = self.sources.len(), behind = behind.len(), "went on from the store");
        }
        Ok(())
    }
}

impl State {
    /// Ends what was active for numbers that nothing is sent to any more.
    fn end_suppressed(&mut self) {
        let suppressed = &self.arguments.suppressed;
        let of = |seat: &&SharedSeat| suppressed.contains(&seat.handset().number());
        let found: Vec<_> = match suppressed.is_empty() {
            true => return,
            false => {
                self.subscriptions.iter().filter(of).map(|seat| (seat.terms().tenant.clone(), seat.id())).collect()
            }
        };
        for (tenant, id) in found {
            info!(subscription = %id, "subscription ended: nothing is sent to its number any more");
            self.end_subscription(&tenant, id, DropReason::Suppressed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upstreams_are_not_opened_all_at_once_and_none_waits_for_long() {
        assert_eq!(spread(1), Duration::from_millis(1));
        assert_eq!(spread(10_000), Duration::from_secs(10));
        assert_eq!(spread(10_000_000), OPENED_WITHIN);
    }
}
