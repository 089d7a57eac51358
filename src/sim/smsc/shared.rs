//! What all connections of an SMSC have in common.

use super::SmscSettings;
use super::airing::{Airing, air};
use super::backlog::{Backlog, Parcel};
use super::door::{Door, Entry};
use super::fault::LinkFault;
use super::faults::{Decision, Faults};
use super::ids::Ids;
use super::rate::Gates;
use super::receipts::Receipt;
use super::record::{RecordPort, Recorded};
use super::stats::Ledger;
use super::store::{Event, Held, Placed, Store};
use super::{Delivered, DeliveryPort};
use crate::codec::smpp::{Bind, EsmClass, InterfaceVersion, SubmitSm, Tlvs};
use parking_lot::Mutex;
use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::Notify;
use tokio::time::Instant;

/// What all connections have in common.
pub(super) struct Shared {
    pub(super) settings: SmscSettings,
    pub(super) seed: u64,
    pub(super) faults: Mutex<Faults>,
    pub(super) ids: Ids,
    pub(super) gates: Gates,
    pub(super) door: Door,
    pub(super) store: Mutex<Store>,
    submits: AtomicU64,
    binds: AtomicU64,
    pub(super) ledger: Ledger,
    pub(super) backlog: Backlog,
    pub(super) receipts_kept: Notify,
    /// Something is due earlier than it was.
    pub(super) store_changed: Notify,
    /// How often all connections were told to unbind, and to end.
    unbinds: AtomicU64,
    closes: AtomicU64,
    pub(super) alarm: Notify,
    handsets: DeliveryPort,
    record: Option<RecordPort>,
    pub(super) started: Instant,
    /// Unix time at `started`.
    clock: u64,
}

/// How often all connections were told something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Alarms {
    pub(super) unbinds: u64,
    pub(super) closes: u64,
}

impl Shared {
    pub(super) fn new(settings: SmscSettings, handsets: DeliveryPort, record: Option<RecordPort>) -> Self {
        let (seed, script) = (settings.seed, &settings.script);
        let since = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let clock = script.clock.unwrap_or_else(since);
        Self {
            seed,
            faults: Mutex::new(Faults::new(seed, script)),
            ids: Ids::new(seed, &script.ids),
            gates: Gates::new(script.rate),
            door: Door::new(&settings),
            store: Mutex::new(Store::new(seed, script, clock)),
            submits: AtomicU64::new(0),
            binds: AtomicU64::new(0),
            ledger: Ledger::default(),
            backlog: Backlog::default(),
            receipts_kept: Notify::new(),
            store_changed: Notify::new(),
            unbinds: AtomicU64::new(0),
            closes: AtomicU64::new(0),
            alarm: Notify::new(),
            handsets,
            record,
            started: Instant::now(),
            clock,
            settings,
        }
    }

    pub(super) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// The SMSC's clock, in seconds since 1970-01-01 UTC.
    pub(super) fn unix(&self, now: Duration) -> u64 {
        self.clock + now.as_secs()
    }

    /// Whether somebody may bind, and which bind it is.
    pub(super) fn admit(&self, bind: &Bind<'_>, peer: Option<IpAddr>, now: Duration) -> (u64, Entry) {
        let mut faults = self.faults.lock();
        let n = self.binds.fetch_add(1, Relaxed) + 1;
        let fault = faults.decide_bind(n);
        drop(faults);
        (n, self.door.enter(bind, fault, peer, now))
    }

    /// The version that a session with such a peer has.
    pub(super) fn version_with(&self, peer: InterfaceVersion) -> InterfaceVersion {
        peer.min(self.settings.script.binds.interface_version)
    }

    /// Which submit this is, over all connections, and what is to be done with it.
    pub(super) fn decide(&self, destination: &[u8]) -> (u64, Decision) {
        let mut faults = self.faults.lock();
        let n = self.submits.fetch_add(1, Relaxed) + 1;
        (n, faults.decide(n, destination))
    }

    /// Keeps a message that is taken, or says that it need not be: which one it is, which it is named as, and whose.
    pub(super) fn place(
        &self,
        message: (u64, u64, &[u8]),
        submit: &SubmitSm<'_>,
        decision: &Decision,
        receipt: Option<&Receipt>,
        now: Duration,
    ) -> Placed {
        let mut store = self.store.lock();
        let before = store.deadline();
        let placed = store.place(message, submit, decision.receipt, receipt, now);
        let earlier = match (before, store.deadline()) {
            (Some(before), Some(after)) => after < before,
            (before, after) => before != after,
        };
        drop(store);
        if earlier {
            self.store_changed.notify_one();
        }
        placed
    }

    /// Does what is due for messages that wait. Whoever runs the SMSC calls it no later than [`Shared::deadline`].
    pub(super) fn handle_time(&self, now: Duration) {
        let events = self.store.lock().handle_time(now);
        self.handle_events(events);
    }

    pub(super) fn handle_events(&self, events: Vec<Event>) {
        for event in events {
            match event {
                Event::Delivered(held) => self.deliver_held(&held),
                Event::Receipt(account, receipt) => self.keep(&account, [Parcel::Receipt(receipt)]),
                Event::Alert(account, alert) => self.keep(&account, [Parcel::Alert(alert)]),
            }
        }
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        self.store.lock().deadline()
    }

    pub(super) fn deliver(&self, message: &Delivered<'_>) {
        (self.handsets)(message);
    }

    /// Delivers message `n`, which has these optional parameters, in as many texts as they say.
    pub(super) fn deliver_with(&self, n: u64, message: &Delivered<'_>, tlvs: Tlvs<'_>) {
        match air(message.esm_class, message.short_message, tlvs, n as u16) {
            Ok(Airing::Headed(texts)) => {
                let esm_class = message.esm_class | EsmClass::UDHI;
                texts.iter().for_each(|text| self.deliver(&Delivered { esm_class, short_message: text, ..*message }));
            }
            Ok(Airing::AsItIs) | Err(_) => self.deliver(message),
        }
    }

    fn deliver_held(&self, held: &Held) {
        let message = Delivered {
            source: &held.source.addr,
            destination: &held.destination.addr,
            esm_class: held.esm_class,
            data_coding: held.data_coding,
            short_message: &held.text,
            message_id: &self.ids.response(held.named),
        };
        self.deliver_with(held.n, &message, Tlvs::decode(&held.tlvs).unwrap_or_default());
    }

    /// Keeps what no connection of the account can take now.
    pub(super) fn keep(&self, system_id: &[u8], parcels: impl IntoIterator<Item = Parcel>) {
        let dropped = self.backlog.keep(system_id, parcels);
        if dropped > 0 {
            self.ledger.add(|total| total.receipts_dropped += dropped);
        }
        self.receipts_kept.notify_waiters();
    }

    pub(super) fn alarms(&self) -> Alarms {
        Alarms { unbinds: self.unbinds.load(Relaxed), closes: self.closes.load(Relaxed) }
    }

    /// Tells all connections.
    pub(super) fn raise(&self, fault: LinkFault) {
        match fault {
            LinkFault::UnbindAll => self.unbinds.fetch_add(1, Relaxed),
            _ => self.closes.fetch_add(1, Relaxed),
        };
        self.alarm.notify_waiters();
    }

    pub(super) fn is_recorded(&self) -> bool {
        self.record.is_some()
    }

    pub(super) fn record(&self, recorded: &Recorded<'_>) {
        if let Some(record) = &self.record {
            record(recorded);
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}
