//! Publications by the names that their publishers gave them, so that a retry publishes nothing twice.

use std::collections::{HashMap, VecDeque};

/// Names remembered; beyond it the oldest is forgotten.
const REMEMBERED: usize = 10_000;

/// Publications that were taken.
#[derive(Debug, Default)]
pub struct Published {
    first: HashMap<String, u64>,
    order: VecDeque<String>,
}

impl Published {
    /// What an earlier process remembered: each by its first event, and its name.
    pub fn restored(mut publications: Vec<(u64, String)>) -> Self {
        publications.sort_unstable();
        let mut published = Self::default();
        for (first, publish_id) in publications {
            published.remember(publish_id, first);
        }
        published
    }

    /// The names that are remembered.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.order.iter().map(String::as_str)
    }

    /// The number of the first event of a publication, if it was taken before.
    pub fn get(&self, publish_id: &str) -> Option<u64> {
        self.first.get(publish_id).copied()
    }

    /// A publication was taken, later than all others; returns the one that is forgotten for it.
    pub fn remember(&mut self, publish_id: String, first: u64) -> Option<String> {
        let forgotten = if self.order.len() == REMEMBERED { self.order.pop_front() } else { None };
        if let Some(oldest) = &forgotten {
            self.first.remove(oldest);
        }
        self.order.push_back(publish_id.clone());
        self.first.insert(publish_id, first);
        forgotten
    }
}
