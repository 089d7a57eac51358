//! Publications by the names that their publishers gave them, so that a retry publishes nothing twice.

use std::collections::{HashMap, VecDeque};

/// Names remembered; beyond it the oldest is forgotten.
const REMEMBERED: usize = 10_000;

/// Publications that were taken.
#[derive(Default)]
pub(super) struct Published {
    first: HashMap<String, u64>,
    order: VecDeque<String>,
}

impl Published {
    /// The number of the first event of a publication, if it was taken before.
    pub fn get(&self, publish_id: &str) -> Option<u64> {
        self.first.get(publish_id).copied()
    }

    /// A publication was taken. One without a name is not remembered.
    pub fn remember(&mut self, publish_id: String, first: u64) {
        if publish_id.is_empty() {
            return;
        }
        if self.order.len() == REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.first.remove(&oldest);
        }
        self.order.push_back(publish_id.clone());
        self.first.insert(publish_id, first);
    }
}
