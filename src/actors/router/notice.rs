//! What the proxy itself has to say to a handset: an event that no source made, in a push of its own.

use super::activation::unencodable;
use super::message::ActivateError;
use super::state::State;
use crate::actors::handset::HandsetCell;
use crate::codec::sse::EventsBuilder;
use crate::engine::chunk::Chunk;
use crate::engine::envelope::Envelope;
use crate::engine::subscription::{Backlog, BacklogRule, Subscription};
use crate::model::{Policy, Receipts, SubscriptionId};
use std::sync::Arc;
use std::time::Duration;

/// Octets of the one event.
const BACKLOG: Backlog = Backlog { limit: 4096, rule: BacklogRule::DropOldest };

impl State {
    /// Pushes one event of this type and data, which is worth something for `ttl`. It is not kept: whoever misses it asks
    /// again.
    pub(super) fn push_notice(
        &mut self,
        cell: &Arc<HandsetCell>,
        envelope: Envelope,
        (event_type, data): (&str, &str),
        ttl: Duration,
    ) -> Result<(), ActivateError> {
        let now = self.arguments.clock.now();
        let mut events = EventsBuilder::new();
        events.push(event_type.as_bytes(), data.as_bytes(), b"").map_err(unencodable)?;
        let chunk = Arc::new(Chunk::new(events.finish(), now.unix_ms, now, None, None));
        let policy = Policy {
            receipts: Receipts::None,
            ttl: ttl.clamp(Duration::from_secs(1), Policy::MAX_TTL),
            ..Policy::default()
        };
        self.arguments.ledger.record(|tally| {
            let place = cell.wake(|engine| {
                // Nothing of it is kept, so it needs no name.
                let id = SubscriptionId::from_octets([0; 16]);
                engine.insert(Subscription::new(id, policy, envelope, engine.cut(), now.unix_ms, BACKLOG))
            });
            if let Some(place) = place {
                HandsetCell::serve(cell, now, |engine| {
                    engine.handle_chunk(now, place, &chunk, tally);
                    engine.get(place).map(Subscription::drain)
                });
            }
        });
        self.arguments.telemetry.received_notice.increment(1);
        self.let_leave(cell);
        Ok(())
    }
}
