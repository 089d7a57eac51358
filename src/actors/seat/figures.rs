//! How far a subscription is, and what holds it: for whoever asks.

use super::Seat;
use crate::actors::clock::Clock;
use crate::engine::budget::Scope;
use crate::engine::subscription::Subscription;

/// How far a subscription is, for showing it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Every event before this number has ended.
    pub released: u64,
    /// Events that wait.
    pub pending: u64,
    /// Pushes that are not settled.
    pub outstanding: u64,
}

impl Seat {
    /// How far it is.
    pub fn figures(&self) -> Figures {
        let state = self.state.lock();
        let awake = state.place.and_then(|place| {
            let figures = |one: &mut Subscription| Figures {
                released: one.released(),
                pending: one.pending(),
                outstanding: one.outstanding() as u64,
            };
            self.handset.look(|engine| engine.get(place).map(figures)).flatten()
        });
        awake.unwrap_or(Figures { released: state.released, ..Figures::default() })
    }

    /// The budget that its events wait for, and until when, in milliseconds since 1970.
    pub fn held_by(&self, clock: &Clock) -> Option<(Scope, u64)> {
        let place = self.state.lock().place?;
        let (scope, until) = self.handset.look(|engine| engine.get(place)?.held_by()).flatten()?;
        let now = clock.now();
        (until > now.monotonic).then(|| (scope, now.unix_ms + until.saturating_sub(now.monotonic).as_millis() as u64))
    }
}
