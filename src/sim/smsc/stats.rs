//! What an SMSC counts.

use super::fault::{Kind, Kinds};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::collections::HashSet;
use std::mem;

/// Messages remembered to tell copies: twice as many at most, in two generations.
const REMEMBERED: usize = 1 << 20;
/// Connections whose counts are kept, newest first.
const CONNECTIONS_MAX: usize = 1024;

/// Counts over all connections since the SMSC was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct SmscStats {
    /// Connections accepted.
    pub connections: u64,
    /// Connections that are open now.
    pub open: u64,
    /// Binds accepted.
    pub binds: u64,
    /// Binds refused.
    pub binds_refused: u64,
    /// Messages that came while bound, by submit_sm, data_sm or submit_multi.
    pub submits: u64,
    /// Of these, messages taken.
    pub accepted: u64,
    /// Submits refused with a status.
    pub refused: u64,
    /// Submits that were never answered, connections that ended included.
    pub unanswered: u64,
    /// Taken messages that differ in destination or text.
    pub distinct: u64,
    /// Taken messages equal to an earlier one, octet for octet.
    pub duplicates: u64,
    /// The most submits that were unanswered at once on one connection.
    pub max_outstanding: u64,
    /// Submits for which the script had a fault.
    pub faults: u64,
    /// Submits refused because the rate was used up.
    pub over_rate: u64,
    /// Submits refused, or connections ended, because too many were unanswered.
    pub over_window: u64,
    /// Submits refused because too many wait for their handset.
    pub over_queue: u64,
    /// Receipts sent.
    pub receipts: u64,
    /// Receipts answered.
    pub receipts_answered: u64,
    /// Receipts given up, since nobody came to fetch them.
    pub receipts_dropped: u64,
    /// alert_notification sent.
    pub alerts: u64,
    /// query_sm, cancel_sm and replace_sm received.
    pub errands: u64,
    /// enquire_link received.
    pub enquire_links: u64,
    /// PDUs that could not be read.
    pub malformed: u64,
}

/// Counts of one connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct ConnectionStats {
    /// Which one, from 1.
    pub number: u64,
    /// Who bound; empty if nobody did.
    pub system_id: String,
    /// Whether it is open.
    pub open: bool,
    /// submit_sm that came while bound.
    pub submits: u64,
    /// The most submits that were unanswered at once.
    pub max_outstanding: u64,
}

/// The counts, shared by all connections. Each adds up a whole read before it locks.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    total: SmscStats,
    connections: Vec<ConnectionStats>,
    kinds: BTreeMap<Kind, u64>,
    recent: HashSet<u64>,
    older: HashSet<u64>,
}

impl Ledger {
    pub(super) fn stats(&self) -> SmscStats {
        self.inner.lock().total
    }

    pub(super) fn connections(&self) -> Vec<ConnectionStats> {
        self.inner.lock().connections.clone()
    }

    /// Counts a new connection and gives its number.
    pub(super) fn open(&self) -> u64 {
        let mut inner = self.inner.lock();
        inner.total.connections += 1;
        inner.total.open += 1;
        let number = inner.total.connections;
        if inner.connections.len() >= CONNECTIONS_MAX {
            inner.connections.remove(0);
        }
        inner.connections.push(ConnectionStats { number, open: true, ..ConnectionStats::default() });
        number
    }

    /// Counts faults by kind.
    pub(super) fn note(&self, kinds: Kinds) {
        if !kinds.is_empty() {
            let mut inner = self.inner.lock();
            kinds.iter().for_each(|kind| *inner.kinds.entry(kind).or_default() += 1);
        }
    }

    /// How often each fault struck that did.
    pub(super) fn faults(&self) -> BTreeMap<&'static str, u64> {
        self.inner.lock().kinds.iter().map(|(kind, count)| (kind.name(), *count)).collect()
    }

    /// Counts binds and what is rare.
    pub(super) fn add(&self, count: impl FnOnce(&mut SmscStats)) {
        count(&mut self.inner.lock().total);
    }

    pub(super) fn update(&self, number: u64, change: impl FnOnce(&mut ConnectionStats)) {
        let mut inner = self.inner.lock();
        if let Some(connection) = inner.connections.iter_mut().rev().find(|connection| connection.number == number) {
            change(connection);
        }
    }

    /// Adds what one read brought; `taken` are hashes of destination and text of the messages taken.
    pub(super) fn add_read(&self, number: u64, read: &SmscStats, taken: &[u64]) {
        let mut inner = self.inner.lock();
        for message in taken {
            inner.take(*message);
        }
        let total = &mut inner.total;
        total.submits += read.submits;
        total.accepted += read.accepted;
        total.refused += read.refused;
        total.faults += read.faults;
        total.over_rate += read.over_rate;
        total.over_window += read.over_window;
        total.over_queue += read.over_queue;
        total.receipts += read.receipts;
        total.alerts += read.alerts;
        total.errands += read.errands;
        total.receipts_answered += read.receipts_answered;
        total.enquire_links += read.enquire_links;
        total.malformed += read.malformed;
        total.max_outstanding = total.max_outstanding.max(read.max_outstanding);
        drop(inner);
        self.update(number, |connection| {
            connection.submits += read.submits;
            connection.max_outstanding = connection.max_outstanding.max(read.max_outstanding);
        });
    }
}

impl Inner {
    fn take(&mut self, message: u64) {
        if self.older.contains(&message) || !self.recent.insert(message) {
            self.total.duplicates += 1;
        } else {
            self.total.distinct += 1;
        }
        if self.recent.len() >= REMEMBERED {
            self.older = mem::take(&mut self.recent);
        }
    }
}
