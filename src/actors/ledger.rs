//! Counts made outside a link's buffer, on their way to the metrics.

use crate::engine::tally::Tally;
use parking_lot::Mutex;

/// Takes what a tally holds to wherever it is shown.
pub type Carry = Box<dyn Fn(&mut Tally) + Send + Sync>;

/// One tally for all actors, carried on after each use.
pub struct Ledger {
    tally: Mutex<Tally>,
    carry: Carry,
}

impl Ledger {
    /// A ledger whose counts are carried on by `carry`.
    pub fn new(carry: Carry) -> Self {
        Self { tally: Mutex::new(Tally::default()), carry }
    }

    /// Lets `work` count, and carries the counts on.
    pub fn record<R>(&self, work: impl FnOnce(&mut Tally) -> R) -> R {
        let mut tally = self.tally.lock();
        let result = work(&mut tally);
        if !tally.is_clear() {
            (self.carry)(&mut tally);
            tally.clear();
        }
        result
    }
}
