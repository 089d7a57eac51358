//! A handset's engine where its subscriptions' actors and its link meet.
//!
//! The actors put events in, the link takes segments out and gives answers back. Each holds the lock for one chunk or
//! one batch of segments; nothing waits while it is held.

use super::smsc::Smsc;
use crate::engine::clock::Now;
use crate::engine::handset::Handset;
use crate::engine::receipts::Receipts;
use crate::model::HandsetId;
use parking_lot::{ArcMutexGuard, Mutex, RawMutex};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// No time is set at which it comes in line.
const NEVER: u64 = u64::MAX;

/// A handset, its SMSC, and whether it stands in line for a link.
pub struct HandsetCell {
    id: HandsetId,
    engine: Arc<Mutex<Handset>>,
    smsc: Arc<Smsc>,
    /// Which of the SMSC's lanes it sticks to.
    preference: usize,
    in_line: AtomicBool,
    /// Microseconds at which it comes in line.
    comes_at: AtomicU64,
    /// Its engine panicked and must not be asked again.
    broken: AtomicBool,
}

impl HandsetCell {
    /// A handset reached through `smsc`, on the lane that `preference` picks.
    pub fn new(id: HandsetId, engine: Handset, smsc: Arc<Smsc>, preference: usize) -> Self {
        Self {
            id,
            engine: Arc::new(Mutex::new(engine)),
            smsc,
            preference,
            in_line: AtomicBool::new(false),
            comes_at: AtomicU64::new(NEVER),
            broken: AtomicBool::new(false),
        }
    }

    /// Who it is.
    pub fn id(&self) -> HandsetId {
        self.id
    }

    /// The SMSC that reaches it.
    pub fn smsc(&self) -> &Arc<Smsc> {
        &self.smsc
    }

    /// Works on the engine without changing what is to be sent.
    pub fn look<R>(&self, work: impl FnOnce(&mut Handset) -> R) -> R {
        work(&mut self.engine.lock())
    }

    /// Works on the engine, then puts the handset in line if that gave it something to send.
    pub fn change<R>(this: &Arc<Self>, now: Now, work: impl FnOnce(&mut Handset) -> R) -> R {
        let mut engine = this.engine.lock();
        let result = work(&mut engine);
        let (ready, timeout) = (engine.is_ready(now), engine.poll_timeout());
        drop(engine);
        Self::line_up(this, ready, timeout);
        result
    }

    /// As [`HandsetCell::change`] for work that also settles: the SMSC's receipts are locked first.
    pub fn settle<R>(this: &Arc<Self>, now: Now, work: impl FnOnce(&mut Handset, &mut Receipts) -> R) -> R {
        let mut receipts = this.smsc.receipts().lock();
        Self::change(this, now, |engine| work(engine, &mut receipts))
    }

    /// Whether a panic took it out of service.
    pub fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    /// Whether it has no subscription, and nothing outstanding of one that it had; true for a broken one.
    pub fn is_idle(&self) -> bool {
        self.is_broken() || self.look(|engine| engine.is_vacant())
    }

    /// Puts the handset in line if it has something to send, or will have.
    pub fn offer(this: &Arc<Self>, now: Now) {
        if let Some(service) = Service::begin(this) {
            service.end(now);
        }
    }

    /// Works on the engine for a link and puts the handset in line if there is more to send; guarded as a [`Service`] is.
    pub fn serve<R>(this: &Arc<Self>, now: Now, work: impl FnOnce(&mut Handset) -> R) -> Option<R> {
        let mut service = Service::begin(this)?;
        let result = service.work(work);
        service.end(now);
        result
    }

    fn line_up(this: &Arc<Self>, ready: bool, timeout: Option<Duration>) {
        if ready {
            if !this.in_line.swap(true, Ordering::AcqRel) {
                this.smsc.lane(this.preference).push(Arc::clone(this));
            }
        } else if let Some(at) = timeout {
            // Rounded up: one that comes a moment too early is not ready, and would come again at once and for ever.
            let micros = at.as_nanos().div_ceil(1000) as u64;
            let before = this.comes_at.fetch_min(micros, Ordering::AcqRel);
            if before > micros {
                let (at, before) = (Duration::from_micros(micros), Duration::from_micros(before));
                this.smsc.lane(this.preference).push_later(at, before, Arc::clone(this));
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

/// A handset's engine in the hands of a link: locked once and put in line once, for several pieces of work.
pub struct Service {
    handset: Arc<HandsetCell>,
    engine: ArcMutexGuard<RawMutex, Handset>,
}

impl Service {
    /// Takes the engine, unless a panic took it out of service.
    pub fn begin(handset: &Arc<HandsetCell>) -> Option<Self> {
        if handset.is_broken() {
            return None;
        }
        Some(Self { engine: handset.engine.lock_arc(), handset: Arc::clone(handset) })
    }

    /// Whether it is this handset's.
    pub fn is_of(&self, handset: &Arc<HandsetCell>) -> bool {
        Arc::ptr_eq(&self.handset, handset)
    }

    /// Works on the engine. The link must outlive it: a panic takes the handset out of service and nothing else; `None`
    /// then, and from then on.
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
