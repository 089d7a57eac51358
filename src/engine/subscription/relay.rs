//! While a stream to the handset is open, events reach it there, and none of them goes by push.
//!
//! What was written to a stream has not been read yet, so it stays here as if nothing had happened: it waits, held, until
//! the stream's tail confirms it (then it has ended) or the stream dies (then it is pushed, with all that followed). So
//! there is no third state to be in, and an event can be neither lost nor forgotten between two bearers.

use super::Subscription;
use crate::engine::clock::{Now, Stamp};
use crate::engine::tally::Tally;
use crate::model::Outcome;
use std::time::Duration;

/// Streams of a handset, as its subscription knows them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Relay {
    /// Until when nothing is pushed: never ends while a stream is open.
    held_until: Stamp,
    /// Every event before this one was written to a stream.
    written: u64,
    /// Every event before this one has reached the handset.
    confirmed: u64,
}

impl Subscription {
    /// A stream is open: events wait until they are known to have arrived.
    pub fn handle_stream_opened(&mut self) {
        let begin = Relay { held_until: Stamp::NEVER, written: 0, confirmed: 0 };
        self.relay.get_or_insert_with(|| Box::new(begin)).held_until = Stamp::NEVER;
    }

    /// Every event before `written` was written to a stream, and every one before `confirmed` has arrived, whether
    /// they are here yet or not.
    pub fn handle_relayed(&mut self, written: u64, confirmed: u64, tally: &mut Tally) {
        let Some(relay) = &mut self.relay else { return };
        relay.written = relay.written.max(written).max(confirmed);
        relay.confirmed = relay.confirmed.max(confirmed);
        self.end_confirmed(tally);
    }

    /// The last stream is closed: what has not arrived is pushed from `push_at` on, unless another is opened by then.
    pub fn handle_streams_closed(&mut self, push_at: Duration) {
        if let Some(relay) = &mut self.relay {
            relay.held_until = push_at.into();
        }
    }

    /// Whether new pushes wait for a stream.
    pub(super) fn is_held(&self, now: Now) -> bool {
        self.relay.as_ref().is_some_and(|relay| relay.held_until > Stamp::from(now.monotonic))
    }

    /// Whether a stream is open.
    pub(super) fn is_streamed(&self) -> bool {
        self.relay.as_ref().is_some_and(|relay| relay.held_until == Stamp::NEVER)
    }

    /// Every event before this one was written to a stream.
    pub(super) fn written_to_streams(&self) -> u64 {
        self.relay.as_ref().map_or(0, |relay| relay.written)
    }

    /// When it is held no longer; none while a stream is open.
    pub(super) fn held_until(&self) -> Option<Duration> {
        match &self.relay {
            Some(relay) if relay.held_until == Stamp::NEVER => None,
            Some(relay) => Some(relay.held_until.into()),
            None => Some(Duration::ZERO),
        }
    }

    /// Whether streams have left nothing to be remembered but that one is open.
    pub(super) fn has_no_news(&self) -> bool {
        self.relay.as_ref().is_none_or(|relay| relay.confirmed <= self.end)
    }

    /// Ends what has arrived. What an earlier process may have pushed goes on as a push.
    pub(super) fn end_confirmed(&mut self, tally: &mut Tally) {
        if let Some(relay) = &self.relay {
            let until = relay.confirmed.min(self.end).min(self.again_start());
            self.skip(self.cursor..until, Outcome::Relayed, tally);
        }
    }

    /// Takes for arrived what was written: nobody will ask for it any more.
    pub(super) fn end_written(&mut self, tally: &mut Tally) {
        if let Some(relay) = &mut self.relay {
            relay.confirmed = relay.written;
            self.end_confirmed(tally);
        }
    }
}
