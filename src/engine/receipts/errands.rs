//! What is asked of SMSCs about messages that they hold: how far one came (query_sm, SMPP v3.4 §4.8), and not to deliver it
//! (cancel_sm, §4.9). Errands wait here until a link has room for them; their answers come back here.
//!
//! Only messages that have a receipt to come are known by name, and so only they can be asked for. Left out: replace_sm. It
//! changes neither esm_class nor what parts there are, and handsets tell a push by its transaction id from the one before: to
//! cancel and to send does the same for every push.

use super::fates::FateId;
use crate::engine::tally::{ErrandKind, ErrandResult, Tally};
use crate::engine::waiting::MessageId;
use crate::model::{DropReason, Outcome, SubscriptionId};
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Errands of one SMSC that wait, at most: those beyond it are dropped, and counted.
const MAX_WAITING: usize = 10_000;
/// A push whose events have more keys than this is superseded by nothing.
const MAX_KEYS: usize = 64;

/// What may be asked of an SMSC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ErrandSettings {
    /// Whether messages are taken back that nobody wants any more.
    pub withdraws: bool,
    /// After how long a receipt that did not come is asked for, once; none for never.
    pub query_after: Option<Duration>,
}

/// Something to be asked of an SMSC.
pub struct Errand {
    /// What.
    pub kind: ErrandKind,
    pub(super) id: MessageId,
    pub(super) fate: FateId,
}

impl Errand {
    /// The message, as its SMSC calls it.
    pub fn message_id(&self) -> &[u8] {
        self.id.octets()
    }
}

impl fmt::Debug for Errand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({})", self.kind, self.id.octets().escape_ascii())
    }
}

/// Why a message is taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// Its subscription ended.
    Withdrawn,
    /// A later push makes it needless.
    Superseded,
}

impl Why {
    pub fn outcome(self) -> Outcome {
        match self {
            Self::Withdrawn => Outcome::Dropped(DropReason::Withdrawn),
            Self::Superseded => Outcome::Coalesced,
        }
    }
}

/// What of one SMSC waits.
#[derive(Default)]
struct Outbox {
    settings: ErrandSettings,
    queue: VecDeque<Errand>,
    /// By kind, since somebody asked.
    dropped: [u64; ErrandKind::LABELS.len()],
    /// How many, for links to look at without a lock.
    waiting: Arc<AtomicUsize>,
}

/// A push that could be taken back.
pub(super) struct Held {
    fate: FateId,
    subscription: SubscriptionId,
    ids: Vec<(u8, MessageId)>,
    /// What its events are about, as long as nothing later was about it; none if they cannot be superseded.
    keys: Vec<u128>,
    /// Why it is being taken back.
    why: Option<Why>,
}

/// The errands of all SMSCs, and the pushes that may give cause for some.
#[derive(Default)]
pub(super) struct Errands {
    /// By the number of the SMSC.
    outboxes: Vec<Outbox>,
    is_withdrawing: bool,
    /// By the place of the fate.
    held: HashMap<u32, Held>,
    by_subscription: HashMap<SubscriptionId, Vec<u32>>,
}

impl Errands {
    pub fn set_up(&mut self, smsc: u8, settings: ErrandSettings) {
        self.outbox(smsc).settings = settings;
        self.is_withdrawing = self.outboxes.iter().any(|outbox| outbox.settings.withdraws);
    }

    /// How many wait for this SMSC, whenever it is looked at.
    pub fn waiting(&mut self, smsc: u8) -> Arc<AtomicUsize> {
        Arc::clone(&self.outbox(smsc).waiting)
    }

    /// Whether messages are taken back from any SMSC.
    #[inline]
    pub fn is_withdrawing(&self) -> bool {
        self.is_withdrawing
    }

    pub fn query_after(&mut self, smsc: u8) -> Option<Duration> {
        self.outbox(smsc).settings.query_after
    }

    /// How many more may wait for this SMSC.
    pub fn room(&mut self, smsc: u8) -> usize {
        MAX_WAITING.saturating_sub(self.outbox(smsc).queue.len())
    }

    /// Puts an errand behind the others, or drops it.
    pub fn put(&mut self, smsc: u8, errand: Errand) {
        let outbox = self.outbox(smsc);
        if outbox.queue.len() >= MAX_WAITING {
            outbox.dropped[errand.kind as usize] += 1;
            return;
        }
        outbox.queue.push_back(errand);
        outbox.waiting.store(outbox.queue.len(), Ordering::Relaxed);
    }

    /// Counts those that were dropped.
    pub fn count_dropped(&mut self, smsc: u8, tally: &mut Tally) {
        let dropped = std::mem::take(&mut self.outbox(smsc).dropped);
        for (counts, dropped) in tally.errands.iter_mut().zip(dropped) {
            counts[ErrandResult::Dropped as usize] += dropped;
        }
    }

    pub fn take(&mut self, smsc: u8) -> Option<Errand> {
        let outbox = self.outbox(smsc);
        let errand = outbox.queue.pop_front();
        outbox.waiting.store(outbox.queue.len(), Ordering::Relaxed);
        errand
    }

    /// The SMSC holds a message of this push.
    #[cold]
    pub fn hold(&mut self, smsc: u8, id: &[u8], fate: FateId, subscription: SubscriptionId) {
        if !self.outbox(smsc).settings.withdraws {
            return;
        }
        let of_one = self.by_subscription.entry(subscription).or_default();
        let held = self.held.entry(fate.index).or_insert_with(|| {
            of_one.push(fate.index);
            Held { fate, subscription, ids: Vec::new(), keys: Vec::new(), why: None }
        });
        held.ids.push((smsc, MessageId::new(id)));
    }

    /// The events of this push are about these keys and no others.
    pub fn note_keys(&mut self, fate: FateId, keys: Vec<u128>) {
        if let Some(held) = self.get(fate) {
            held.keys = if keys.len() > MAX_KEYS { Vec::new() } else { keys };
        }
    }

    /// Why this push is being taken back, if it is.
    pub fn why(&mut self, fate: FateId) -> Option<Why> {
        self.get(fate)?.why
    }

    /// The pushes of this subscription.
    pub fn of(&self, subscription: &SubscriptionId) -> Vec<FateId> {
        let places = self.by_subscription.get(subscription).into_iter().flatten();
        places.filter_map(|place| self.held.get(place).map(|held| held.fate)).collect()
    }

    /// Something later is about these keys: whether nothing is left of this push that it is not about.
    pub fn supersede(&mut self, fate: FateId, keys: &[u128]) -> bool {
        let Some(held) = self.get(fate).filter(|held| held.why.is_none() && !held.keys.is_empty()) else {
            return false;
        };
        held.keys.retain(|key| !keys.contains(key));
        held.keys.is_empty()
    }

    /// Takes all messages of this push back, once.
    pub fn withdraw(&mut self, fate: FateId, why: Option<Why>) {
        let Some(held) = self.get(fate).filter(|held| held.why.is_none()) else { return };
        held.why = why;
        for (smsc, id) in held.ids.clone() {
            self.put(smsc, Errand { kind: ErrandKind::Cancel, id, fate });
        }
    }

    /// Nothing is to be done about this push any more. What was asked already is answered all the same.
    pub fn forget(&mut self, fate: FateId) {
        if self.get(fate).is_none() {
            return;
        }
        let Some(Held { subscription, .. }) = self.held.remove(&fate.index) else { return };
        if let Some(of_one) = self.by_subscription.get_mut(&subscription) {
            of_one.retain(|place| *place != fate.index);
            if of_one.is_empty() {
                self.by_subscription.remove(&subscription);
            }
        }
    }

    /// Pushes that could be taken back.
    pub fn len(&self) -> usize {
        self.held.len()
    }

    fn get(&mut self, fate: FateId) -> Option<&mut Held> {
        self.held.get_mut(&fate.index).filter(|held| held.fate == fate)
    }

    fn outbox(&mut self, smsc: u8) -> &mut Outbox {
        let at = usize::from(smsc);
        if at >= self.outboxes.len() {
            self.outboxes.resize_with(at + 1, Outbox::default);
        }
        &mut self.outboxes[at]
    }
}
