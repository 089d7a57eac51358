//! Whether this node should get traffic, as a few atomics that anyone may set.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

/// What readiness depends on. Clones are handles to the same state; it starts as not ready.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<State>);

#[derive(Debug)]
struct State {
    listeners: AtomicBool,
    links: AtomicUsize,
    requires_link: bool,
}

impl Readiness {
    /// Not ready yet. With `requires_link` at least one SMPP link has to be bound as well.
    pub fn new(requires_link: bool) -> Self {
        Self(Arc::new(State { listeners: AtomicBool::new(false), links: AtomicUsize::new(0), requires_link }))
    }

    /// Says whether every listener takes requests; false again as soon as the node drains.
    pub fn set_listeners(&self, open: bool) {
        self.0.listeners.store(open, Relaxed);
    }

    /// Says how many SMPP links are bound.
    pub fn set_links(&self, bound: usize) {
        self.0.links.store(bound, Relaxed);
    }

    /// How many SMPP links are bound.
    pub fn links(&self) -> usize {
        self.0.links.load(Relaxed)
    }

    /// What is missing: nothing when the node is ready.
    pub fn missing(&self) -> Vec<&'static str> {
        let mut missing = Vec::new();
        if !self.0.listeners.load(Relaxed) {
            missing.push("listeners");
        }
        if self.0.requires_link && self.links() == 0 {
            missing.push("links");
        }
        missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_starts_unready_and_draining_makes_it_so_again() {
        let readiness = Readiness::new(false);
        assert_eq!(readiness.missing(), ["listeners"]);
        readiness.set_listeners(true);
        assert!(readiness.missing().is_empty());
        readiness.clone().set_listeners(false);
        assert_eq!(readiness.missing(), ["listeners"]);
    }

    #[test]
    fn links_count_only_where_they_are_required() {
        let readiness = Readiness::new(true);
        readiness.set_listeners(true);
        assert_eq!(readiness.missing(), ["links"]);
        readiness.set_links(1);
        assert!(readiness.missing().is_empty());
    }
}
