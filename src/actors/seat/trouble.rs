//! A subscription after a failure: it starts anew, or is taken out of service.

use super::{Phase, Seat, State, subscription};
use crate::actors::handset::HandsetCell;
use crate::engine::clock::Now;
use crate::engine::handset::Handset;
use crate::engine::subscription::{Backlog, Settlement, Subscription};
use crate::engine::tally::Tally;
use crate::model::{DropReason, Outcome};

impl Seat {
    /// Starts it again after a failure, in `broken` if its handset's engine is no longer in service. It takes no events
    /// until it is attached again; returns with which its source has to go on, none if it has still to let it in.
    pub(in super::super) fn restart(
        &self,
        broken: Option<&mut Handset>,
        backlog: Backlog,
        tally: &mut Tally,
    ) -> Option<u64> {
        let mut state = self.state.lock();
        match state.phase {
            Phase::New | Phase::Closed => return None,
            Phase::Placed | Phase::Attached { .. } | Phase::Behind => state.phase = Phase::Placed,
        }
        let Some(old) = self.take_out(&mut state, broken) else { return Some(state.released) };
        tally.resent += old.awaited();
        let State { terms, released, .. } = &*state;
        state.place = self.handset.wake(|engine| {
            let mut fresh = subscription(self, engine, terms, *released, backlog);
            fresh.handle_restart(&old);
            engine.insert(fresh)
        });
        tally.slept += u64::from(state.place.is_none());
        Some(state.released)
    }

    /// Takes it out of service. Its source has taken every event before `next` for it; what of them has not ended,
    /// ends here, also what its group's actor died with.
    pub(in super::super) fn quarantine(&self, now: Now, broken: Option<&mut Handset>, next: u64, tally: &mut Tally) {
        let mut state = self.state.lock();
        let is_new = std::mem::replace(&mut state.phase, Phase::Closed) == Phase::New;
        let mut end = if is_new { next } else { state.released };
        if broken.is_some() {
            // An engine that has panicked is not asked how far it came.
            end = self.take_out(&mut state, broken).map_or(end, |old| old.released());
        } else if let Some(place) = state.place {
            let closed = HandsetCell::settle(&self.handset, now, |engine, receipts| {
                engine.close(
                    now,
                    place,
                    DropReason::Quarantined,
                    next,
                    &mut Settlement { tally, receipts, smsc: self.handset.smsc().number() },
                );
            });
            end = closed.map_or(end, |()| next);
        }
        tally.slept += u64::from(state.place.take().is_some());
        tally.settle(Outcome::Dropped(DropReason::Quarantined), next.saturating_sub(end));
    }

    fn take_out(&self, state: &mut State, broken: Option<&mut Handset>) -> Option<Subscription> {
        let place = state.place?;
        let old = match broken {
            Some(engine) => engine.take(place),
            None => self.handset.look(|engine| engine.take(place)).flatten(),
        }?;
        state.released = old.released();
        Some(old)
    }
}
