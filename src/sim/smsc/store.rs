//! Messages that an SMSC holds: those that wait for their handset, and how those ended that do not any more.

use super::super::chance;
use super::faults::ReceiptPlan;
use super::queue::{Place, Queue};
use super::receipts::{HandsetAlert, Party, Receipt};
use super::script::{Alert, DestinationScript, FaultScript, StoreScript};
use crate::codec::smpp::{DataCoding, EsmClass, MessageState, ReplaceSm, SubmitSm, Time, TlvTag};
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

/// Handsets that something is known of; all others are on, with an empty queue.
const HANDSETS_MAX: usize = 1 << 20;
/// What the seed is mixed with, so that no two kinds of chance are the same.
const OFF: u64 = 0x0FF0_0003;
const DELIVERIES: u64 = 0xDE11_0004;

/// What becomes of a message that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placed {
    /// Its handset has it at once.
    Delivered,
    /// It waits.
    Waiting,
    /// There is no room for it.
    Full,
}

/// What has come to pass.
#[derive(Debug)]
pub(super) enum Event {
    /// A message that waited reached its handset.
    Delivered(Box<Held>),
    /// A receipt is due for an account.
    Receipt(Box<[u8]>, Receipt),
    /// A handset is there again, and an account wants to know.
    Alert(Box<[u8]>, HandsetAlert),
}

/// A message that waits.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) n: u64,
    /// The message whose id it has.
    pub(super) named: u64,
    pub(super) account: Box<[u8]>,
    pub(super) source: Party,
    pub(super) destination: Party,
    pub(super) service_type: Box<[u8]>,
    pub(super) esm_class: EsmClass,
    pub(super) data_coding: DataCoding,
    pub(super) text: Box<[u8]>,
    pub(super) tlvs: Box<[u8]>,
    plan: ReceiptPlan,
    receipt: Option<Receipt>,
    /// Its delivery among what is due, unless its handset is off; and its end if it is not delivered before.
    delivery: Option<Place>,
    expiry: Place,
}

/// What is to be done, and when.
#[derive(Debug)]
enum Due {
    Deliver(u64),
    Expire(u64),
    SwitchOn(Box<[u8]>),
    /// A message no longer counts for the queue of its handset.
    Settle(Box<[u8]>),
    Receipt(Box<[u8]>, Receipt),
}

/// How far a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Brief {
    n: u64,
    pub(super) state: MessageState,
    /// Unix time at which it ended, 0 before.
    pub(super) ended: u64,
    /// A hash of who sent it.
    source: u64,
}

/// Something known of a handset.
#[derive(Debug, Default)]
struct Handset {
    unreceipted: u64,
    /// Whether it is switched off, and messages that wait until it is not.
    is_off: bool,
    was_seen: bool,
    waiting: BTreeSet<u64>,
    alerts: Vec<(Box<[u8]>, HandsetAlert)>,
}

#[derive(Debug)]
pub(super) struct Store {
    seed: u64,
    script: StoreScript,
    destinations: DestinationScript,
    delivery: super::latency::Latency,
    clock: u64,
    briefs: Vec<Option<Brief>>,
    waiting: HashMap<u64, Box<Held>>,
    handsets: HashMap<Box<[u8]>, Handset>,
    due: Queue<Due>,
    receipts_due: usize,
}

impl Store {
    /// `clock` is the Unix time when the SMSC starts.
    pub(super) fn new(seed: u64, script: &FaultScript, clock: u64) -> Self {
        Self {
            seed,
            script: script.store.clone(),
            destinations: script.destinations.clone(),
            delivery: script.latency.delivery,
            clock,
            briefs: vec![None; script.store.remember],
            waiting: HashMap::new(),
            handsets: HashMap::new(),
            due: Queue::default(),
            receipts_due: 0,
        }
    }

    /// Takes message `n` of `account`, named as `named`, whose receipt, if one is asked for, is `receipt`.
    pub(super) fn place(
        &mut self,
        (n, named, account): (u64, u64, &[u8]),
        submit: &SubmitSm<'_>,
        plan: ReceiptPlan,
        receipt: Option<&Receipt>,
        now: Duration,
    ) -> Placed {
        let number = submit.destination.addr;
        let is_off = self.is_off(number, now);
        if self.is_full(number) {
            return Placed::Full;
        }
        let latency = self.delivery.draw(self.seed ^ DELIVERIES, n);
        let at = self.scheduled(submit, now).unwrap_or(now) + latency;
        let waits = is_off || at > now;
        if waits && self.waiting.len() + self.receipts_due >= self.script.waiting {
            return Placed::Full;
        }
        self.count(number);
        if !waits {
            let settled = now + if receipt.is_some() { plan.delay } else { Duration::ZERO };
            self.settle(number, settled);
            self.remember(n, plan.state, now, submit.source.addr);
            return Placed::Delivered;
        }
        self.remember(n, MessageState::ENROUTE, Duration::ZERO, submit.source.addr);
        let until = now + self.validity(submit, now);
        if is_off {
            self.await_handset(n, account, submit);
        }
        // A message whose time comes with its end is delivered.
        let delivery = (!is_off).then(|| self.due.put(at, Due::Deliver(n)));
        let expiry = self.due.put(until, Due::Expire(n));
        let held = Held {
            n,
            named,
            account: account.into(),
            source: Party::of(&submit.source),
            destination: Party::of(&submit.destination),
            service_type: submit.service_type.into(),
            esm_class: submit.esm_class,
            data_coding: submit.data_coding,
            text: submit.user_data().into(),
            tlvs: submit.tlvs.as_octets().into(),
            plan,
            receipt: receipt.cloned(),
            delivery,
            expiry,
        };
        self.waiting.insert(n, Box::new(held));
        Placed::Waiting
    }

    /// Does what is due, and says what came of it.
    pub(super) fn handle_time(&mut self, now: Duration) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(due) = self.due.due(now) {
            match due {
                Due::Deliver(n) => self.deliver(n, now, &mut events),
                Due::Expire(n) => self.expire(n, now, &mut events),
                Due::SwitchOn(number) => self.switch_on(&number, now, &mut events),
                Due::Settle(number) => self.uncount(&number),
                Due::Receipt(account, receipt) => {
                    self.receipts_due -= 1;
                    events.push(Event::Receipt(account, receipt));
                }
            }
        }
        events
    }

    /// When something is due next.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.due.next()
    }

    /// Messages that wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// What became of message `n`, if `source` sent it.
    pub(super) fn find(&self, n: u64, source: &[u8]) -> Option<Brief> {
        let brief = self.briefs.get(self.place_of(n)?).copied().flatten()?;
        (brief.n == n && brief.source == chance::hash(source)).then_some(brief)
    }

    /// A message that waits.
    pub(super) fn held(&self, n: u64) -> Option<&Held> {
        self.waiting.get(&n).map(AsRef::as_ref)
    }

    /// Takes a message away before it is delivered; its receipt says so. `None` if it does not wait.
    pub(super) fn cancel(&mut self, n: u64, now: Duration) -> Option<Vec<Event>> {
        let held = self.waiting.remove(&n)?;
        let mut events = Vec::new();
        self.end(*held, MessageState::DELETED, now, &mut events);
        Some(events)
    }

    /// Messages that wait, by what is known of them, in the order in which they came.
    pub(super) fn waiting_for(&self, is_meant: impl Fn(&Held) -> bool) -> Vec<u64> {
        let mut meant: Vec<u64> = self.waiting.values().filter(|held| is_meant(held)).map(|held| held.n).collect();
        meant.sort_unstable();
        meant
    }

    /// Changes message `n` as `replace` says, if it waits and is that sender's; whether it does.
    pub(super) fn replace(&mut self, n: u64, replace: &ReplaceSm<'_>, now: Duration) -> bool {
        let validity = self.time(replace.validity_period, now).map(|period| period.min(self.script.validity_max));
        let scheduled = self.time(replace.schedule_delivery_time, now);
        let unix = self.clock + now.as_secs();
        let Some(held) = self.waiting.get_mut(&n).filter(|held| *held.source.addr == *replace.source.addr) else {
            return false;
        };
        held.text = replace.user_data().into();
        let (handset, sender) = (held.destination.clone(), held.source.clone());
        held.receipt = Receipt::asked(replace.registered_delivery, (handset, sender), n, held.receipt.as_ref(), unix);
        if let Some(validity) = validity {
            self.due.remove(held.expiry);
            held.expiry = self.due.put(now + validity, Due::Expire(n));
        }
        if let (Some(scheduled), Some(delivery)) = (scheduled, &mut held.delivery) {
            self.due.remove(*delivery);
            *delivery = self.due.put(now + scheduled, Due::Deliver(n));
        }
        true
    }

    /// A time of SMPP as a duration from now; `None` for what is no time, or empty.
    pub(super) fn time(&self, octets: &[u8], now: Duration) -> Option<Duration> {
        match Time::parse(octets).ok()? {
            Time::Relative(period) => Some(period),
            Time::Absolute { unix_tenths } => {
                let now_tenths = (self.clock * 1_000) as i64 / 100 + (now.as_millis() / 100) as i64;
                Some(Duration::from_millis(u64::try_from(unix_tenths - now_tenths).unwrap_or(0) * 100))
            }
        }
    }

    fn scheduled(&self, submit: &SubmitSm<'_>, now: Duration) -> Option<Duration> {
        self.time(submit.schedule_delivery_time, now).map(|from_now| now + from_now)
    }

    fn validity(&self, submit: &SubmitSm<'_>, now: Duration) -> Duration {
        // §5.3.2.61: qos_time_to_live, in seconds, is what data_sm has instead, and overrides the other.
        let seconds = submit.tlvs.u32(TlvTag::QOS_TIME_TO_LIVE).ok().flatten();
        let asked = seconds.map(|seconds| Duration::from_secs(seconds.into()));
        let asked = asked.or_else(|| self.time(submit.validity_period, now));
        asked.unwrap_or(self.script.validity).min(self.script.validity_max)
    }

    fn tracks_queues(&self) -> bool {
        self.destinations.queue.is_some()
    }

    /// Whether a handset is off; one that is off is known from then on, and when it will be on.
    fn is_off(&mut self, number: &[u8], now: Duration) -> bool {
        let DestinationScript { off, off_share, on_after, .. } = &self.destinations;
        if off.is_empty() && *off_share == 0.0 {
            return false;
        }
        if let Some(handset) = self.handsets.get(number)
            && handset.was_seen
        {
            return handset.is_off;
        }
        let is_off = off.contains(number) || chance::happens(*off_share, self.seed ^ OFF, chance::hash(number));
        if is_off && self.handsets.len() < HANDSETS_MAX {
            let handset = self.handsets.entry(number.into()).or_default();
            (handset.is_off, handset.was_seen) = (true, true);
            if let Some(after) = on_after {
                self.due.put(now + *after, Due::SwitchOn(number.into()));
            }
        }
        is_off
    }

    fn is_full(&self, number: &[u8]) -> bool {
        let Some(queue) = self.destinations.queue else { return false };
        self.handsets.get(number).is_some_and(|handset| handset.unreceipted >= queue)
    }

    fn count(&mut self, number: &[u8]) {
        if self.tracks_queues() && (self.handsets.len() < HANDSETS_MAX || self.handsets.contains_key(number)) {
            self.handsets.entry(number.into()).or_default().unreceipted += 1;
        }
    }

    fn settle(&mut self, number: &[u8], at: Duration) {
        if self.tracks_queues() {
            self.due.put(at, Due::Settle(number.into()));
        }
    }

    fn uncount(&mut self, number: &[u8]) {
        let Some(handset) = self.handsets.get_mut(number) else { return };
        handset.unreceipted = handset.unreceipted.saturating_sub(1);
        if handset.unreceipted == 0 && !handset.was_seen {
            self.handsets.remove(number);
        }
    }

    fn await_handset(&mut self, n: u64, account: &[u8], submit: &SubmitSm<'_>) {
        let asked = submit.tlvs.u8(TlvTag::SET_DPF).ok().flatten() == Some(1);
        let alerts = match self.destinations.alert {
            Alert::Asked => asked,
            Alert::Always => true,
            Alert::Never => false,
        };
        let Some(handset) = self.handsets.get_mut(submit.destination.addr) else { return };
        handset.waiting.insert(n);
        let alert = HandsetAlert::of(submit);
        let alert = (Box::from(account), alert);
        if alerts && !handset.alerts.contains(&alert) {
            handset.alerts.push(alert);
        }
    }

    fn switch_on(&mut self, number: &[u8], now: Duration, events: &mut Vec<Event>) {
        let Some(handset) = self.handsets.get_mut(number) else { return };
        handset.is_off = false;
        let alerts = std::mem::take(&mut handset.alerts);
        let waiting = std::mem::take(&mut handset.waiting);
        events.extend(alerts.into_iter().map(|(account, alert)| Event::Alert(account, alert)));
        for n in waiting {
            self.deliver(n, now, events);
        }
    }

    fn deliver(&mut self, n: u64, now: Duration, events: &mut Vec<Event>) {
        let Some(held) = self.waiting.remove(&n) else { return };
        events.push(Event::Delivered(held.clone()));
        let state = held.plan.state;
        self.end(*held, state, now, events);
    }

    fn expire(&mut self, n: u64, now: Duration, events: &mut Vec<Event>) {
        if let Some(held) = self.waiting.remove(&n) {
            self.end(*held, MessageState::EXPIRED, now, events);
        }
    }

    /// A message that waited is final; its receipts follow.
    fn end(&mut self, held: Held, state: MessageState, now: Duration, events: &mut Vec<Event>) {
        let Held { n, account, source, destination, plan, receipt, delivery, expiry, .. } = held;
        delivery.into_iter().chain([expiry]).for_each(|place| self.due.remove(place));
        self.remember(n, state, now, &source.addr);
        if delivery.is_none()
            && let Some(handset) = self.handsets.get_mut(&destination.addr)
        {
            handset.waiting.remove(&n);
        }
        let done = self.clock + now.as_secs();
        let receipt = receipt.and_then(|receipt| receipt.ended(state, Some(done)));
        let delay = if receipt.is_some() { plan.delay } else { Duration::ZERO };
        self.settle(&destination.addr, now + delay);
        let Some(receipt) = receipt else { return };
        for (after, receipt) in receipt.sequence(&plan) {
            match after.is_zero() {
                true => events.push(Event::Receipt(account.clone(), receipt)),
                false => {
                    self.receipts_due += 1;
                    self.due.put(now + after, Due::Receipt(account.clone(), receipt));
                }
            }
        }
    }

    fn remember(&mut self, n: u64, state: MessageState, ended: Duration, source: &[u8]) {
        let ended = if state == MessageState::ENROUTE { 0 } else { self.clock + ended.as_secs() };
        let brief = Brief { n, state, ended, source: chance::hash(source) };
        if let Some(place) = self.place_of(n).and_then(|at| self.briefs.get_mut(at)) {
            *place = Some(brief);
        }
    }

    fn place_of(&self, n: u64) -> Option<usize> {
        n.checked_rem(self.briefs.len() as u64).map(|at| at as usize)
    }
}
