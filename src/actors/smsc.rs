//! An SMSC as its handsets see it: how messages to it look, the lanes to its links, and the receipts it owes.

use super::handset::HandsetCell;
use super::journal::{Journal, Save};
use super::lane::Lane;
use super::parked::Parked;
use crate::engine::availability::{Availability, Change, Patience};
use crate::engine::clock::Now;
use crate::engine::crowding::Crowding;
use crate::engine::envelope::Addressing;
use crate::engine::receipts::Receipts;
use crate::engine::sign::Sign;
use crate::engine::tally::Tally;
use crate::model::Msisdn;
use crate::store::row;
use crate::store::{Batch, Table};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// The receipts that all SMSCs owe: one push may be accepted by two of them.
pub type SharedReceipts = Arc<Mutex<Receipts>>;

/// One SMSC.
pub struct Smsc {
    number: u8,
    name: String,
    addressing: Arc<Addressing>,
    lanes: Vec<Arc<Lane>>,
    receipts: SharedReceipts,
    /// Errands that wait for a link.
    errands: Arc<AtomicUsize>,
    journal: Journal,
    /// Whether a segment of which nobody knows what became of it goes once more.
    resends: bool,
    /// Whether others stand in for it, and it for them.
    has_stand_ins: bool,
    parked: Parked,
    /// Pushes that a handset may have accepted and not receipted, 0 for any number.
    unreceipted: u16,
    crowding: Crowding,
    availability: Mutex<Availability>,
    in_service: AtomicBool,
}

impl Smsc {
    /// An SMSC with `lanes` links that send messages as `addressing` says; `number` is its own among those that share
    /// `receipts`.
    pub fn new(number: u8, name: String, addressing: Addressing, lanes: usize, receipts: SharedReceipts) -> Self {
        let lanes = (0..lanes.max(1)).map(|_| Arc::default()).collect();
        let addressing = Arc::new(addressing);
        let errands = receipts.lock().errands_waiting(number);
        Self {
            number,
            name,
            addressing,
            lanes,
            receipts,
            errands,
            journal: Journal::none(),
            resends: true,
            has_stand_ins: false,
            parked: Parked::default(),
            unreceipted: 0,
            crowding: Crowding::default(),
            availability: Mutex::new(Availability::new(Patience::default())),
            in_service: AtomicBool::new(true),
        }
    }

    /// Others stand in for it when `patience` with it is at its end.
    #[must_use]
    pub fn with_stand_ins(self, patience: Patience) -> Self {
        Self { has_stand_ins: true, availability: Mutex::new(Availability::new(patience)), ..self }
    }

    /// A handset may have so many pushes accepted and not receipted, 0 for any number.
    #[must_use]
    pub fn with_unreceipted(self, unreceipted: u16) -> Self {
        Self { unreceipted, ..self }
    }

    /// What makes a link wait when the SMSC has no room for some handsets.
    #[must_use]
    pub fn with_crowding(self, crowding: Crowding) -> Self {
        Self { crowding, ..self }
    }

    /// What becomes of its handsets is told to `journal`; `resends` says whether a segment goes once more after a
    /// process that knew what became of it is gone.
    #[must_use]
    pub fn with_journal(self, journal: Journal, resends: bool) -> Self {
        if journal.is_on() {
            self.receipts.lock().record();
        }
        Self { journal, resends, ..self }
    }

    /// Whether a segment of which nobody knows what became of it goes once more.
    pub fn resends(&self) -> bool {
        self.resends
    }

    /// Who is told what becomes of its handsets.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Its configured name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How messages to it look.
    pub fn addressing(&self) -> &Arc<Addressing> {
        &self.addressing
    }

    /// The lanes to its links.
    pub fn lanes(&self) -> &[Arc<Lane>] {
        &self.lanes
    }

    /// Its number among those that share the receipts.
    pub fn number(&self) -> u8 {
        self.number
    }

    /// The receipts that it and the others owe. Locked before a handset, never while one is.
    pub fn receipts(&self) -> &SharedReceipts {
        &self.receipts
    }

    /// Errands that wait for one of its links.
    pub fn errands(&self) -> usize {
        self.errands.load(Ordering::Relaxed)
    }

    /// Lets its links look whether there are errands.
    pub fn offer_errands(&self) {
        if self.errands() > 0 {
            self.lanes.iter().filter(|lane| lane.is_open()).for_each(|lane| lane.wake());
        }
    }

    /// Pushes that a handset may have accepted and not receipted, 0 for any number.
    pub fn unreceipted(&self) -> u16 {
        self.unreceipted
    }

    /// What makes a link wait when the SMSC has no room for some handsets.
    pub fn crowding(&self) -> Crowding {
        self.crowding
    }

    /// Handsets that it has no room for.
    pub fn parked(&self) -> usize {
        self.parked.len()
    }

    /// It has no room for a handset, or maybe has again.
    pub(super) fn note_parked(&self, handset: &Arc<HandsetCell>, parked: bool) {
        if parked { self.parked.insert(handset) } else { self.parked.remove(handset) }
    }

    /// As [`Smsc::note_parked`] for a handset that is not to be asked any more.
    pub(super) fn forget_parked(&self, handset: &HandsetCell) {
        self.parked.remove(handset);
    }

    /// Whether a sign of a handset may matter to anybody.
    pub fn heeds(&self, sign: Sign) -> bool {
        sign == Sign::Alert || self.parked.len() > 0
    }

    /// A handset with this number was heard of: those that wait for that go on.
    pub fn handle_sign(&self, now: Now, number: &Msisdn, sign: Sign, tally: &mut Tally) {
        let number = number.into();
        let mut waiting = self.parked.find(number);
        if sign == Sign::Alert {
            // Whoever waits for a time to come, a batch window's end for one, does not need to.
            let others = self.lanes.iter().flat_map(|lane| lane.waiting(number));
            others.for_each(|one| {
                if !waiting.iter().any(|known| Arc::ptr_eq(known, &one)) {
                    waiting.push(one);
                }
            });
        }
        for handset in waiting {
            HandsetCell::serve(&handset, now, |engine| engine.handle_sign(now, sign, tally));
        }
    }

    /// Whether others stand in for it, and it for them.
    pub fn has_stand_ins(&self) -> bool {
        self.has_stand_ins
    }

    /// Whether it is one to send by.
    pub fn is_in_service(&self) -> bool {
        self.in_service.load(Ordering::Relaxed)
    }

    /// Whether a link of it is bound and takes work.
    pub fn is_open(&self) -> bool {
        self.lanes.iter().any(|lane| lane.is_open())
    }

    /// Sees whether it is still, or again, one to send by.
    pub(super) fn look(&self, now: Duration) -> Option<Change> {
        let mut availability = self.availability.lock();
        let change = availability.look(now, self.is_open());
        self.in_service.store(availability.is_in_service(), Ordering::Relaxed);
        change
    }

    /// When it is to be looked at again.
    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        self.availability.lock().poll_timeout()
    }

    /// The lane for a handset that prefers the `preference`th: that one while its link is bound, else the next that
    /// is; when none is, the preferred one, and the wait is there.
    pub(super) fn lane(&self, preference: usize) -> &Arc<Lane> {
        let count = self.lanes.len();
        let preferred = preference % count;
        let open = (0..count).map(|step| (preferred + step) % count).find(|at| self.lanes[*at].is_open());
        &self.lanes[open.unwrap_or(preferred)]
    }

    /// Opens or closes the lane at `index` and puts everybody who waits at a closed one in line where it goes on.
    pub fn set_open(&self, index: usize, open: bool, now: Now) {
        let Some(lane) = self.lanes.get(index) else { return };
        lane.set_open(open);
        for lane in self.lanes.iter().filter(|lane| !lane.is_open()) {
            if self.is_open() {
                lane.take_all().iter().for_each(|handset| HandsetCell::offer(handset, now));
            }
        }
    }
}

impl Save for Smsc {
    fn save(&self, now: Now, batch: &mut Batch) {
        self.receipts.lock().save(self.number, now, &mut |message_id, awaited| {
            let key = row::receipt_key(&self.name, message_id);
            match awaited {
                Some(awaited) => batch.put(Table::Receipts, key, row::encode(&awaited)),
                None => batch.remove(Table::Receipts, key),
            }
        });
    }
}
