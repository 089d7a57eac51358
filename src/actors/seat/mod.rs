//! One subscription: what is always there of it, whether it is awake or asleep.
//!
//! A subscription is awake while it has a part in its handset's engine, and asleep when nothing of it waits or is
//! outstanding: then the number of its next event says everything, and it takes a few octets only. Its next event
//! wakes it. Only its group's actor gives it events.
//!
//! `moment` keeps when it was activated, `figures` says how far it is, `trouble` is about what comes after a failure.

mod figures;
mod moment;
mod trouble;

pub use figures::Figures;

use super::handset::HandsetCell;
use super::port::Port;
use super::terms::Terms;
use crate::engine::chunk::Chunk;
use crate::engine::clock::Now;
use crate::engine::handset::{Handset, Place};
use crate::engine::progress::Progress;
use crate::engine::subscription::{Backlog, Settlement, Subscription, Taken};
use crate::engine::tally::Tally;
use crate::model::{DropReason, Outcome, StreamKey, SubscriptionId};
use bytes::Bytes;
use moment::Moment;
use parking_lot::Mutex;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A subscription in several hands. Nobody needs a weak reference, so none is counted: of a million that is 8 MB.
pub type SharedSeat = triomphe::Arc<Seat>;

/// One subscription. There may be millions: it is kept small.
pub struct Seat {
    pub(super) id: SubscriptionId,
    handset: Arc<HandsetCell>,
    activated: Moment,
    stream: StreamKey,
    /// A stream brings its events to the handset.
    streamed: AtomicBool,
    state: Mutex<State>,
}

struct State {
    terms: Arc<Terms>,
    /// While it is asleep: every event before this one has ended.
    released: u64,
    /// Where it is in its handset's engine while it is awake.
    place: Option<Place>,
    phase: Phase,
    /// Which of its source's groups it is in.
    group: [u8; 3],
}

/// How far a subscription has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Its source has not let it in yet.
    New,
    /// Its source has told it where it starts, and has older events on their way to it: later ones wait for them.
    Placed,
    /// It takes what comes; whether events came since its group last looked.
    Attached { stirred: bool },
    /// It has no room for what comes: what it misses is in the log, and it is given more when it has.
    Behind,
    /// It is over.
    Closed,
}

/// Where a subscription starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the event of this number.
    At(u64),
    /// After the event with this id, if the log has it.
    After(Bytes),
    /// With the event of this number, and the handset is told that some are missing before it.
    Behind {
        /// The number.
        next: u64,
    },
}

/// The handset's engine is out of service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken;

impl Seat {
    /// A subscription of `handset`, asleep, that its source has not let in yet.
    pub fn new(
        id: SubscriptionId,
        stream: StreamKey,
        handset: Arc<HandsetCell>,
        terms: Arc<Terms>,
        activated_unix_ms: u64,
    ) -> Self {
        let state = State { terms, released: 0, place: None, phase: Phase::New, group: [0; 3] };
        let activated = Moment::new(activated_unix_ms);
        Self { id, handset, activated, stream, streamed: AtomicBool::new(false), state: Mutex::new(state) }
    }

    /// Which one.
    pub fn id(&self) -> SubscriptionId {
        self.id
    }

    /// Whose.
    pub fn handset(&self) -> &Arc<HandsetCell> {
        &self.handset
    }

    /// When it was activated, in milliseconds since 1970.
    pub fn activated_unix_ms(&self) -> u64 {
        self.activated.unix_ms()
    }

    /// Which of its handset's subscriptions it is.
    pub fn stream(&self) -> StreamKey {
        self.stream
    }

    /// What it asks for.
    pub fn terms(&self) -> Arc<Terms> {
        Arc::clone(&self.state.lock().terms)
    }

    /// Whether nothing of it waits or is outstanding, and nothing came lately.
    pub(super) fn is_asleep(&self) -> bool {
        self.state.lock().place.is_none()
    }

    /// Which of its source's groups it is in.
    pub(super) fn group(&self) -> usize {
        let [low, middle, high] = self.state.lock().group;
        u32::from_le_bytes([low, middle, high, 0]) as usize
    }

    /// It is in this one from now on; there are at most 16 million.
    pub(super) fn set_group(&self, group: usize) {
        let [low, middle, high, ..] = group.to_le_bytes();
        self.state.lock().group = [low, middle, high];
    }

    /// Whether nobody knows yet where it starts.
    pub(super) fn is_new(&self) -> bool {
        self.state.lock().phase == Phase::New
    }

    /// Where its source has to go on with it when it starts anew, `next` if that is where it is; none if it has all.
    pub(super) fn missing(&self, next: u64) -> Option<Start> {
        let phase = self.state.lock().phase;
        match phase {
            Phase::New => Some(Start::At(next)),
            Phase::Placed | Phase::Behind => Some(Start::At(self.end())),
            Phase::Attached { .. } | Phase::Closed => None,
        }
    }

    /// One past the number of the last event that it was given.
    pub(super) fn end(&self) -> u64 {
        let state = self.state.lock();
        let end = |place| self.handset.look(|engine| engine.get(place).map(|one| one.end())).flatten();
        state.place.and_then(end).unwrap_or(state.released)
    }

    /// Its next event is number `from`, unless that is known; none is for it before it is attached.
    pub(super) fn place_at(&self, from: u64) {
        let mut state = self.state.lock();
        if state.phase == Phase::New {
            (state.released, state.phase) = (from, Phase::Placed);
        }
    }

    /// It goes on where it was in an earlier process; whether that wakes it.
    pub(super) fn resume(&self, now: Now, progress: &Progress, backlog: Backlog) -> bool {
        let mut state = self.state.lock();
        (state.released, state.phase) = (progress.released, Phase::Placed);
        if !progress.is_quiet() {
            let (terms, resends) = (&state.terms, self.handset.reach().home().resends());
            state.place = self.handset.wake(|engine| {
                let one = subscription(self, engine, terms, progress.released, backlog);
                engine.resume(now, one, progress, resends)
            });
        }
        state.place.is_some()
    }

    /// What comes from now on is for it.
    pub(super) fn attach(&self) {
        let mut state = self.state.lock();
        if let (Phase::Behind, Some(place)) = (state.phase, state.place) {
            self.handset.look(|engine| engine.get(place).map(Subscription::catch_up));
        }
        if matches!(state.phase, Phase::Placed | Phase::Behind) {
            state.phase = Phase::Attached { stirred: false };
        }
    }

    /// What comes for all is not for it: there is more before that.
    pub(super) fn fall_behind(&self) {
        let mut state = self.state.lock();
        if matches!(state.phase, Phase::Attached { .. }) {
            state.phase = Phase::Behind;
        }
    }

    /// Calls `roomy` when it is behind and has room for more.
    pub(super) fn call_when_roomy(this: &SharedSeat, roomy: Port<SharedSeat>) {
        let state = this.state.lock();
        if state.phase != Phase::Behind {
            return;
        }
        let (place, seat) = (state.place, SharedSeat::clone(this));
        let call = Arc::new(move || roomy.send(SharedSeat::clone(&seat)));
        let told = place.and_then(|place| {
            let call = Arc::clone(&call);
            this.handset.look(|engine| engine.get(place).map(|one| one.call_when_roomy(call))).flatten()
        });
        if told.is_none() {
            call();
        }
    }

    /// Gives it events, waking it if there are new ones among them. It keeps no more waiting than `backlog` says.
    ///
    /// # Errors
    /// When its handset's engine is out of service, or was taken out of it by these events.
    pub(super) fn handle_events(
        &self,
        now: Now,
        chunk: &Arc<Chunk>,
        backlog: Backlog,
        tally: &mut Tally,
    ) -> Result<Taken, Broken> {
        let mut state = self.state.lock();
        if !matches!(state.phase, Phase::Attached { .. }) {
            return Ok(Taken::Whole);
        }
        let place = match state.place {
            Some(place) => place,
            None if chunk.range().end <= state.released => return Ok(Taken::Whole),
            None => {
                let (terms, released) = (&state.terms, state.released);
                let streamed = self.streamed.load(Ordering::Relaxed);
                let place = self.handset.wake(|engine| {
                    let mut one = subscription(self, engine, terms, released, backlog);
                    if streamed {
                        one.handle_stream_opened();
                    }
                    engine.insert(one)
                });
                state.place = place;
                tally.woken += 1;
                place.ok_or(Broken)?
            }
        };
        state.phase = Phase::Attached { stirred: true };
        let taken = HandsetCell::serve(&self.handset, now, |engine| engine.handle_chunk(now, place, chunk, tally));
        if taken == Some(Taken::Full) {
            state.phase = Phase::Behind;
        }
        taken.ok_or(Broken)
    }

    /// The first event that no push was formed of yet.
    pub(super) fn owed(&self) -> u64 {
        let state = self.state.lock();
        let owed = |place| self.handset.look(|engine| engine.get(place).map(|one| one.next())).flatten();
        state.place.and_then(owed).unwrap_or(state.released)
    }

    /// A stream is open: nothing is pushed from now on.
    pub(super) fn open_stream(&self) {
        let state = self.state.lock();
        self.streamed.store(true, Ordering::Relaxed);
        if let Some(place) = state.place {
            self.handset.look(|engine| engine.get(place).map(Subscription::handle_stream_opened));
        }
    }

    /// Every event before `written` was written to a stream, and every one before `confirmed` has arrived. One that is
    /// asleep has had nothing that could be meant.
    pub(super) fn relayed(&self, now: Now, written: u64, confirmed: u64, tally: &mut Tally) {
        let Some(place) = self.state.lock().place else { return };
        HandsetCell::serve(&self.handset, now, |engine| {
            engine.get(place).map(|one| one.handle_relayed(written, confirmed, tally))
        });
    }

    /// The last stream is closed: what has not arrived is pushed from `push_at` on.
    pub(super) fn close_streams(&self, now: Now, push_at: Duration) {
        let state = self.state.lock();
        self.streamed.store(false, Ordering::Relaxed);
        if let Some(place) = state.place {
            HandsetCell::serve(&self.handset, now, |engine| {
                engine.get(place).map(|one| one.handle_streams_closed(push_at))
            });
        }
    }

    /// Changes what it asks for, and returns what it asked for before; pushes on their way keep what they were formed
    /// by.
    pub(super) fn set_terms(&self, now: Now, terms: Arc<Terms>) -> Arc<Terms> {
        let mut state = self.state.lock();
        if let Some(place) = state.place {
            let policy = terms.policy.clone();
            HandsetCell::serve(&self.handset, now, |engine| engine.get(place).map(|one| one.set_policy(policy)));
        }
        std::mem::replace(&mut state.terms, terms)
    }

    /// Puts it to sleep if nothing waits or is outstanding, and nothing came since the last call. Whether it is asleep.
    pub(super) fn sweep(&self, now: Now, tally: &mut Tally) -> bool {
        let mut state = self.state.lock();
        let Some(place) = state.place else { return true };
        if let Phase::Attached { stirred } = &mut state.phase
            && std::mem::take(stirred)
        {
            return false;
        }
        if self.handset.is_broken() || state.phase == Phase::Behind {
            return false;
        }
        if !self.handset.may_sleep(now) {
            return false;
        }
        let Some(released) = self.handset.look(|engine| engine.put_to_sleep(now, place)).flatten() else {
            return false;
        };
        (state.released, state.place) = (released, None);
        tally.slept += 1;
        self.handset.rest(now);
        true
    }

    /// Ends it: what waits is dropped for `reason`, what was sent is still answered. Its source has taken every event
    /// before `next` for it.
    pub(super) fn close(&self, now: Now, reason: DropReason, next: u64, tally: &mut Tally) {
        let mut state = self.state.lock();
        let before = std::mem::replace(&mut state.phase, Phase::Closed);
        if let Some(place) = state.place.take() {
            tally.slept += 1;
            HandsetCell::settle(&self.handset, now, |engine, receipts| {
                engine.close(
                    now,
                    place,
                    reason,
                    next,
                    &mut Settlement { tally, receipts, smsc: self.handset.smsc().number() },
                );
            });
        } else if matches!(before, Phase::Placed | Phase::Attached { .. } | Phase::Behind) {
            tally.settle(Outcome::Dropped(reason), next.saturating_sub(state.released));
        }
        if reason.takes_back() && before != Phase::Closed {
            // It may have slept while its receipts were awaited.
            let smsc = self.handset.smsc();
            let mut receipts = smsc.receipts().lock();
            if receipts.is_withdrawing() {
                receipts.withdraw_all(&self.id);
            }
            drop(receipts);
            smsc.offer_errands();
        }
    }
}

fn subscription(seat: &Seat, engine: &Handset, terms: &Terms, from: u64, backlog: Backlog) -> Subscription {
    let (policy, envelope) = (terms.policy.clone(), terms.envelopes.of(seat.stream));
    let subscription = Subscription::new(seat.id, policy, envelope, engine.cut(), from, backlog);
    let mut subscription = subscription.charged(terms.shares.clone());
    subscription.handle_attached(from);
    subscription
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seat").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With the count of a `SharedSeat` before it.
    #[test]
    fn a_subscription_that_sleeps_takes_72_octets() {
        assert_eq!(8 + size_of::<Seat>(), 72);
    }
}
