//! A handset where its subscriptions' actors and its link meet.
//!
//! The actors put events into its engine, the link takes segments out and gives answers back. Each holds the lock for one
//! chunk or one batch of segments; nothing waits while it is held. The engine is there only while a subscription of the
//! handset is awake; what is kept of it in between is its memo.

use super::smsc::Smsc;
use crate::engine::clock::Now;
use crate::engine::handset::{Handset, Memo};
use crate::engine::receipts::Receipts;
use crate::model::{HandsetId, Msisdn, PackedMsisdn};
use parking_lot::{ArcMutexGuard, Mutex, RawMutex};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::time::Duration;

/// No time is set at which it comes in line.
const NEVER: u64 = u64::MAX;

/// A handset, its SMSC, and whether it stands in line for a link. There may be millions: it is kept small.
pub struct HandsetCell {
    pub(super) id: HandsetId,
    number: PackedMsisdn,
    smsc: Arc<Smsc>,
    engine: Mutex<Engine>,
    /// Microseconds at which it comes in line.
    comes_at: AtomicU64,
    /// Tells handsets apart, and picks the lane of the SMSC that it sticks to.
    serial: u32,
    /// Subscriptions that the router has for it.
    subscriptions: AtomicU16,
    in_line: AtomicBool,
    /// Its engine panicked and must not be asked again.
    broken: AtomicBool,
}

/// The engine while it is awake.
struct Engine {
    awake: Option<Arc<Mutex<Handset>>>,
    memo: Memo,
}

impl HandsetCell {
    /// A handset reached through `smsc`; its numbers begin where `memo` says.
    pub fn new(id: HandsetId, number: &Msisdn, smsc: Arc<Smsc>, serial: u32, memo: Memo) -> Self {
        Self {
            id,
            number: number.into(),
            smsc,
            engine: Mutex::new(Engine { awake: None, memo }),
            comes_at: AtomicU64::new(NEVER),
            serial,
            subscriptions: AtomicU16::new(0),
            in_line: AtomicBool::new(false),
            broken: AtomicBool::new(false),
        }
    }

    /// Who it is.
    pub fn id(&self) -> HandsetId {
        self.id
    }

    /// Where it is reached.
    pub fn number(&self) -> Msisdn {
        self.number.unpack()
    }

    /// The SMSC that reaches it.
    pub fn smsc(&self) -> &Arc<Smsc> {
        &self.smsc
    }

    /// Subscriptions that the router has for it.
    pub(super) fn subscriptions(&self) -> &AtomicU16 {
        &self.subscriptions
    }

    /// Works on the engine, if it is awake, without changing what is to be sent.
    pub fn look<R>(&self, work: impl FnOnce(&mut Handset) -> R) -> Option<R> {
        let engine = self.engine.lock().awake.clone()?;
        let mut engine = engine.lock();
        Some(work(&mut engine))
    }

    /// Works on the engine, which is woken if it is asleep. `None` if a panic took it out of service.
    pub fn wake<R>(&self, work: impl FnOnce(&mut Handset) -> R) -> Option<R> {
        if self.is_broken() {
            return None;
        }
        let mut engine = self.engine.lock();
        let Engine { awake, memo } = &mut *engine;
        let awake = Arc::clone(awake.get_or_insert_with(|| {
            let addressing = Arc::clone(self.smsc.addressing());
            Arc::new(Mutex::new(Handset::new(self.serial, addressing, &self.number(), *memo)))
        }));
        drop(engine);
        let mut handset = awake.lock();
        Some(work(&mut handset))
    }

    /// Lets the engine go if its memo says all about it.
    pub fn rest(&self, now: Now) {
        let mut engine = self.engine.lock();
        // Whoever has it in his hands took it under this lock.
        let alone = engine.awake.as_ref().filter(|awake| Arc::strong_count(awake) == 1);
        let memo = alone.and_then(|awake| awake.try_lock()?.memo(now));
        if let Some(memo) = memo {
            *engine = Engine { awake: None, memo };
        }
    }

    /// Takes out an engine that a panic took out of service, and puts the handset back into it. Its numbers begin anew
    /// behind `seed`, for nobody knows which were given.
    pub fn mend(&self, seed: u16) -> Option<Arc<Mutex<Handset>>> {
        let mut engine = self.engine.lock();
        let memo = engine.awake.as_ref().map_or(engine.memo, |broken| broken.lock().begin_anew(seed));
        let broken = std::mem::replace(&mut *engine, Engine { awake: None, memo });
        self.broken.store(false, Ordering::Relaxed);
        broken.awake
    }

    /// Works on the engine, then puts the handset in line if that gave it something to send. `None` if it is asleep or
    /// out of service, and when the work takes it out of service by a panic.
    pub fn serve<R>(this: &Arc<Self>, now: Now, work: impl FnOnce(&mut Handset) -> R) -> Option<R> {
        let mut service = Service::begin(this)?;
        let result = service.work(work);
        service.end(now);
        result
    }

    /// As [`HandsetCell::serve`] for work that also settles: the SMSC's receipts are locked first.
    pub fn settle<R>(this: &Arc<Self>, now: Now, work: impl FnOnce(&mut Handset, &mut Receipts) -> R) -> Option<R> {
        let mut receipts = this.smsc.receipts().lock();
        Self::serve(this, now, |engine| work(engine, &mut receipts))
    }

    /// Whether a panic took it out of service.
    pub fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    /// Whether nothing is outstanding of any subscription that it has, or had; true for a broken one.
    pub fn is_idle(&self) -> bool {
        self.is_broken() || self.look(|engine| engine.is_vacant()).unwrap_or(true)
    }

    /// Puts the handset in line if it has something to send, or will have.
    pub fn offer(this: &Arc<Self>, now: Now) {
        if let Some(service) = Service::begin(this) {
            service.end(now);
        }
    }

    fn line_up(this: &Arc<Self>, ready: bool, timeout: Option<Duration>) {
        if ready {
            if !this.in_line.swap(true, Ordering::AcqRel) {
                this.smsc.lane(this.serial as usize).push(Arc::clone(this));
            }
        } else if let Some(at) = timeout {
            // Rounded up: one that comes a moment too early is not ready, and would come again at once and for ever.
            let micros = at.as_nanos().div_ceil(1000) as u64;
            let before = this.comes_at.fetch_min(micros, Ordering::AcqRel);
            if before > micros {
                let (at, before) = (Duration::from_micros(micros), Duration::from_micros(before));
                this.smsc.lane(this.serial as usize).push_later(at, before, Arc::clone(this));
            }
        }
    }

    /// The time `at` has come; whether it is to be put in line. Not if it has been given another time since.
    pub(super) fn comes_back(&self, at: Duration) -> bool {
        let micros = at.as_micros() as u64;
        self.comes_at.compare_exchange(micros, NEVER, Ordering::AcqRel, Ordering::Relaxed).is_ok()
            && !self.in_line.swap(true, Ordering::AcqRel)
    }

    /// It was taken out of the line.
    pub(super) fn leaves_line(&self) {
        self.in_line.store(false, Ordering::Release);
    }

    /// It was taken out of the list of those who come later.
    pub(super) fn forgets_time(&self) {
        self.comes_at.store(NEVER, Ordering::Release);
    }
}

/// A handset's engine in somebody's hands: locked once and put in line once, for several pieces of work.
pub struct Service {
    handset: Arc<HandsetCell>,
    engine: ArcMutexGuard<RawMutex, Handset>,
}

impl Service {
    /// Takes the engine, unless it is asleep or a panic took it out of service.
    pub fn begin(handset: &Arc<HandsetCell>) -> Option<Self> {
        if handset.is_broken() {
            return None;
        }
        let engine = handset.engine.lock().awake.clone()?;
        Some(Self { engine: engine.lock_arc(), handset: Arc::clone(handset) })
    }

    /// Whether it is this handset's.
    pub fn is_of(&self, handset: &Arc<HandsetCell>) -> bool {
        Arc::ptr_eq(&self.handset, handset)
    }

    /// Works on the engine. Whoever works must outlive it: a panic takes the handset out of service and nothing else;
    /// `None` then, and from then on.
    pub fn work<R>(&mut self, work: impl FnOnce(&mut Handset) -> R) -> Option<R> {
        if self.handset.is_broken() {
            return None;
        }
        let result = catch_unwind(AssertUnwindSafe(|| work(&mut self.engine)));
        if result.is_err() {
            self.handset.broken.store(true, Ordering::Relaxed);
        }
        result.ok()
    }

    /// Gives the engine back, and puts the handset in line if it has something to send, or will have.
    pub fn end(mut self, now: Now) {
        let Some((ready, timeout)) = self.work(|engine| (engine.is_ready(now), engine.poll_timeout())) else { return };
        let Self { handset, engine } = self;
        drop(engine);
        HandsetCell::line_up(&handset, ready, timeout);
    }
}

impl fmt::Debug for HandsetCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandsetCell").field("id", &self.id).field("smsc", &self.smsc.name()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With the counts of an `Arc` before it.
    #[test]
    fn a_handset_that_sleeps_takes_88_octets() {
        assert_eq!(16 + size_of::<HandsetCell>(), 88);
    }
}
