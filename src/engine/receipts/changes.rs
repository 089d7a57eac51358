//! Which receipts another process would have to wait for: what changed since somebody asked.

use crate::engine::clock::{Now, Stamp};
use crate::engine::waiting::MessageId;
use crate::model::SubscriptionId;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::time::Duration;

/// Which push a segment is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PushOf {
    /// Whose.
    pub subscription: SubscriptionId,
    /// Its first event.
    pub first: u64,
    /// How many events it has.
    pub events: u64,
}

/// A receipt that is awaited, for another process to wait for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwaitedReceipt {
    pub(super) subscription: [u8; 16],
    /// The first event of the push; with its subscription it names the push.
    pub first: u64,
    pub(super) events: u64,
    pub(super) until_unix_ms: u64,
}

impl AwaitedReceipt {
    /// Whose push it is.
    pub fn subscription(&self) -> SubscriptionId {
        SubscriptionId::from_octets(self.subscription)
    }
}

/// What became of an id since the table was saved.
#[derive(Clone, Copy, Debug)]
enum Change {
    /// Its receipt is awaited; whether the store knew the id before.
    Awaited(PushOf, Stamp, bool),
    /// It is not awaited any more.
    Gone,
}

/// What became of ids since the table was saved, if anything has to outlive the process.
#[derive(Default)]
pub(super) struct Changes(Option<HashMap<MessageId, Change>>);

impl Changes {
    /// Nothing has changed yet, and what does has to be saved.
    pub fn recorded() -> Self {
        Self(Some(HashMap::new()))
    }

    /// Whether anything has to be saved.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// A receipt is awaited.
    #[inline]
    pub fn note_awaited(&mut self, message_id: &[u8], of: &PushOf, until: Stamp) {
        if let Some(changes) = &mut self.0 {
            let id = MessageId::new(message_id);
            let stored = matches!(changes.get(&id), Some(Change::Gone | Change::Awaited(_, _, true)));
            changes.insert(id, Change::Awaited(*of, until, stored));
        }
    }

    /// A receipt is awaited no more.
    #[inline]
    pub fn note_gone(&mut self, message_id: &[u8]) {
        if let Some(changes) = &mut self.0 {
            let id = MessageId::new(message_id);
            match changes.get(&id) {
                Some(Change::Awaited(_, _, false)) => drop(changes.remove(&id)),
                _ => drop(changes.insert(id, Change::Gone)),
            }
        }
    }

    /// Shows `visit` what changed, and starts anew.
    pub fn save(&mut self, now: Now, visit: &mut dyn FnMut(&[u8], Option<AwaitedReceipt>)) {
        for (id, change) in self.0.iter_mut().flat_map(HashMap::drain) {
            let awaited = match change {
                Change::Awaited(PushOf { subscription, first, events }, until, _) => {
                    let left = Duration::from(until).saturating_sub(now.monotonic).as_millis() as u64;
                    let subscription = *subscription.octets();
                    Some(AwaitedReceipt { subscription, first, events, until_unix_ms: now.unix_ms + left })
                }
                Change::Gone => None,
            };
            visit(id.octets(), awaited);
        }
    }
}
