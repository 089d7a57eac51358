//! A handset where its subscriptions' actors and its link meet.
//!
//! The actors put events into its engine, the link takes segments out and gives answers back. Each holds the lock for one
//! chunk or one batch of segments; nothing waits while it is held. The engine is there only while a subscription of the
//! handset is awake; what is kept of it in between is its memo.

use super::journal::Save;
use super::reach::Reach;
use super::smsc::Smsc;
use super::standing::Standing;
use crate::engine::clock::Now;
use crate::engine::handset::{Handset, Memo};
use crate::engine::progress::{HandsetProgress, Saved};
use crate::engine::receipts::{FateId, Receipts, Told};
use crate::model::{HandsetId, Msisdn, PackedMsisdn};
use crate::store::row;
use crate::store::{Batch, Table};
use parking_lot::{ArcMutexGuard, Mutex, RawMutex};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

/// A handset, how it is reached, and whether it stands in line for a link. There may be millions: it is kept small.
pub struct HandsetCell {
    pub(super) id: HandsetId,
    number: PackedMsisdn,
    reach: Arc<Reach>,
    state: Mutex<State>,
}

struct State {
    /// The engine while it is awake.
    engine: Option<Arc<Mutex<Handset>>>,
    /// What is kept of the engine while it is asleep.
    memo: Memo,
    standing: Standing,
    /// Subscriptions that the router has for it.
    subscriptions: u16,
}

impl HandsetCell {
    /// A handset reached as `reach` says; its numbers begin where `memo` says.
    pub fn new(id: HandsetId, number: &Msisdn, reach: Arc<Reach>, memo: Memo) -> Self {
        let state = State { engine: None, memo, standing: Standing::OUT, subscriptions: 0 };
        Self { id, number: number.into(), reach, state: Mutex::new(state) }
    }

    /// Who it is.
    pub fn id(&self) -> HandsetId {
        self.id
    }

    /// Where it is reached.
    pub fn number(&self) -> Msisdn {
        self.number.unpack()
    }

    /// How it is reached.
    pub fn reach(&self) -> &Arc<Reach> {
        &self.reach
    }

    /// As [`HandsetCell::number`], for looking it up.
    pub(super) fn packed_number(&self) -> PackedMsisdn {
        self.number
    }

    /// The SMSC that reaches it now.
    pub fn smsc(&self) -> &Arc<Smsc> {
        self.reach.smsc()
    }

    /// Subscriptions that the router has for it.
    pub(super) fn subscriptions(&self) -> u16 {
        self.state.lock().subscriptions
    }

    pub(super) fn add_subscription(&self) {
        let mut state = self.state.lock();
        state.subscriptions = state.subscriptions.saturating_add(1);
    }

    pub(super) fn remove_subscription(&self) {
        let mut state = self.state.lock();
        state.subscriptions = state.subscriptions.saturating_sub(1);
    }

    /// Works on the engine, if it is awake, without changing what is to be sent.
    pub fn look<R>(&self, work: impl FnOnce(&mut Handset) -> R) -> Option<R> {
        let engine = self.state.lock().engine.clone()?;
        let mut engine = engine.lock();
        Some(work(&mut engine))
    }

    /// Works on the engine, which is woken if it is asleep. `None` if a panic took it out of service.
    pub fn wake<R>(&self, work: impl FnOnce(&mut Handset) -> R) -> Option<R> {
        let mut state = self.state.lock();
        let State { engine, memo, standing, .. } = &mut *state;
        if standing.is_broken() {
            return None;
        }
        let engine = Arc::clone(engine.get_or_insert_with(|| {
            let home = self.reach.home();
            let engine = Handset::new(self.id.half(), Arc::clone(home.addressing()), &self.number(), *memo);
            let engine = engine.capped(home.unreceipted());
            Arc::new(Mutex::new(if home.journal().is_on() { engine.recorded() } else { engine }))
        }));
        drop(state);
        let mut engine = engine.lock();
        Some(work(&mut engine))
    }

    /// It goes on where it was in an earlier process.
    pub fn remember(&self, now: Now, progress: &HandsetProgress) {
        self.state.lock().memo = Memo::past(progress, self.reach.home().addressing().references);
        if !progress.quarantined.is_empty() {
            self.wake(|engine| engine.restore(now, &progress.quarantined));
        }
    }

    /// Whether its subscriptions may sleep: nothing of what it has sent is to be remembered.
    pub(super) fn may_sleep(&self, now: Now) -> bool {
        if !self.look(|engine| engine.has_unreceipted()).unwrap_or(false) {
            return true;
        }
        let home = self.reach.home();
        let receipts = home.receipts().lock();
        self.look(|engine| engine.may_sleep(now, &receipts, home.number())).unwrap_or(true)
    }

    /// Lets the engine go if its memo says all about it.
    pub fn rest(&self, now: Now) {
        let mut state = self.state.lock();
        // Whoever has it in his hands took it under this lock.
        let alone = state.engine.as_ref().filter(|engine| Arc::strong_count(engine) == 1);
        if let Some(memo) = alone.and_then(|engine| engine.try_lock()?.memo(now)) {
            (state.engine, state.memo) = (None, memo);
        }
    }

    /// Takes out an engine that a panic took out of service, and puts the handset back into it. Its numbers begin anew
    /// behind `seed`, for nobody knows which were given.
    pub fn mend(&self, seed: u16) -> Option<Arc<Mutex<Handset>>> {
        let mut state = self.state.lock();
        let broken = state.engine.take();
        if let Some(broken) = &broken {
            let mut engine = broken.lock();
            state.memo = engine.begin_anew(seed);
            if engine.is_shown_parked() {
                self.reach.home().forget_parked(self);
            }
        }
        state.standing.mend();
        broken
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
        let mut receipts = this.smsc().receipts().lock();
        Self::serve(this, now, |engine| work(engine, &mut receipts))
    }

    /// Whether a panic took it out of service.
    pub fn is_broken(&self) -> bool {
        self.state.lock().standing.is_broken()
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

    fn line_up(this: &Arc<Self>, ready: bool, timeout: Option<Duration>, priority: u8) {
        // It sticks to one of an SMSC's lanes while that is open.
        let lane = || this.smsc().lane(this.id.half() as usize);
        if ready {
            if this.enters_line(priority) {
                lane().push(Arc::clone(this), priority);
            }
        } else if let Some(at) = timeout {
            lane().push_later(at, this, priority);
        }
    }

    /// Which tenant's share of a link it has part in.
    pub(super) fn tenant(&self) -> u16 {
        self.reach.tenant()
    }

    /// It has something to send with this priority; true if it is to be put in line for that.
    pub(super) fn enters_line(&self, priority: u8) -> bool {
        self.state.lock().standing.enters(priority)
    }

    /// It was taken out of the line that it stood in for this priority; false if it does not wait there any more.
    pub(super) fn leaves_line(&self, priority: u8) -> bool {
        self.state.lock().standing.leaves(priority)
    }
}

/// A handset's engine in somebody's hands: locked once and put in line once, for several pieces of work.
pub struct Service {
    handset: Arc<HandsetCell>,
    engine: ArcMutexGuard<RawMutex, Handset>,
    broken: bool,
}

impl Service {
    /// Takes the engine, unless it is asleep or a panic took it out of service.
    pub fn begin(handset: &Arc<HandsetCell>) -> Option<Self> {
        let state = handset.state.lock();
        let engine = state.engine.clone().filter(|_| !state.standing.is_broken())?;
        drop(state);
        Some(Self { engine: engine.lock_arc(), handset: Arc::clone(handset), broken: false })
    }

    /// Whether it is this handset's.
    pub fn is_of(&self, handset: &Arc<HandsetCell>) -> bool {
        Arc::ptr_eq(&self.handset, handset)
    }

    /// Works on the engine. Whoever works must outlive it: a panic takes the handset out of service and nothing else;
    /// `None` then, and from then on.
    pub fn work<R>(&mut self, work: impl FnOnce(&mut Handset) -> R) -> Option<R> {
        if self.broken {
            return None;
        }
        let result = catch_unwind(AssertUnwindSafe(|| work(&mut self.engine)));
        if result.is_err() {
            self.broken = true;
            self.handset.state.lock().standing.take_out_of_service();
        }
        result.ok()
    }

    /// Asks to be told of receipts that it waits for. To be called after answers.
    pub fn watch(&mut self, receipts: &mut Receipts) {
        if self.engine.wants_to_be_told() {
            for fate in self.engine.watch_for() {
                receipts.watch(fate, Arc::clone(&self.handset) as Arc<dyn Told>);
            }
        }
    }

    /// Gives the engine back, and puts the handset in line if it has something to send, or will have.
    pub fn end(mut self, now: Now) {
        let state = |engine: &mut Handset| {
            let waits = (engine.is_ready(now), engine.poll_timeout(), engine.priority());
            (waits, engine.note_change(), engine.parking_change())
        };
        let Some(((ready, timeout, priority), changed, parked)) = self.work(state) else { return };
        let Self { handset, engine, .. } = self;
        drop(engine);
        if changed {
            handset.reach.home().journal().note(Arc::clone(&handset) as Arc<dyn Save>);
        }
        if let Some(parked) = parked {
            handset.reach.home().note_parked(&handset, parked);
        }
        HandsetCell::line_up(&handset, ready, timeout, priority);
    }
}

impl Told for HandsetCell {
    fn handle_told(self: Arc<Self>, now: Now, fate: FateId) {
        Self::serve(&self, now, |engine| engine.handle_told(fate));
    }
}

impl Save for HandsetCell {
    fn save(&self, now: Now, batch: &mut Batch) {
        if self.is_broken() {
            return; // what a panic left half-done is not believed; it goes on from where it was saved last
        }
        self.look(|engine| {
            engine.save(now, &mut |saved| match saved {
                Saved::Subscription(id, progress) => batch.put(Table::Progress, *id.octets(), row::encode(&progress)),
                Saved::Handset(progress) => batch.put(Table::Handsets, *self.id.octets(), row::encode(&progress)),
            });
        });
        self.rest(now);
    }
}

impl fmt::Debug for HandsetCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandsetCell").field("id", &self.id).field("smsc", &self.smsc().name()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With the counts of an `Arc` before it.
    #[test]
    fn a_handset_that_sleeps_takes_72_octets() {
        assert_eq!(16 + size_of::<HandsetCell>(), 72);
    }
}
