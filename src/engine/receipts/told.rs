//! Who is told that the receipts of a push are in: few ask, since most handsets have room for a next push before.

use super::FateId;
use crate::engine::clock::Now;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// So long without any receipt means that none are sent.
const SILENT_AFTER: Duration = Duration::from_secs(24 * 3600);

/// Who is told what becomes of a push.
pub trait Told: Send + Sync {
    /// The receipts of a push are in, or not awaited any more.
    fn handle_told(self: Arc<Self>, now: Now, fate: FateId);
}

/// Whom to tell, and of what.
pub type Tidings = Vec<(Arc<dyn Told>, FateId)>;

/// Who asked to be told of a push, and who is to be told.
#[derive(Default)]
pub(super) struct Watches {
    /// When a receipt came last that somebody waited for, by the number of the SMSC.
    heard_at: Vec<Option<Duration>>,
    /// By the place of its fate.
    watched: HashMap<u32, Arc<dyn Told>>,
    tidings: Tidings,
}

impl Watches {
    /// A receipt of this SMSC came that somebody waited for.
    pub fn note_heard(&mut self, now: Duration, smsc: u8) {
        let at = usize::from(smsc);
        if at >= self.heard_at.len() {
            self.heard_at.resize(at + 1, None);
        }
        self.heard_at[at] = Some(now);
    }

    /// Whether receipts of this SMSC do not come at all.
    pub fn is_silent(&self, now: Duration, smsc: u8) -> bool {
        let heard_at = self.heard_at.get(usize::from(smsc)).copied().flatten();
        heard_at.is_none_or(|heard_at| now.saturating_sub(heard_at) > SILENT_AFTER)
    }

    /// Somebody is to be told of a push.
    pub fn watch(&mut self, fate: FateId, is_open: bool, told: Arc<dyn Told>) {
        if is_open {
            self.watched.insert(fate.index, told);
        } else {
            self.tidings.push((told, fate));
        }
    }

    /// The receipts of a push are in, or not awaited any more.
    #[inline]
    pub fn note_closed(&mut self, fate: FateId) {
        if !self.watched.is_empty()
            && let Some(told) = self.watched.remove(&fate.index)
        {
            self.tidings.push((told, fate));
        }
    }

    pub fn take_tidings(&mut self) -> Tidings {
        std::mem::take(&mut self.tidings)
    }
}
