//! Counts on their way from the engine to the metrics.

use crate::engine::tally::Tally;
use crate::telemetry::Telemetry;
use parking_lot::Mutex;

/// One tally for all actors, carried on after each use.
pub struct Ledger {
    tally: Mutex<Tally>,
    telemetry: Telemetry,
}

impl Ledger {
    /// A ledger whose counts go to `telemetry`.
    pub fn new(telemetry: Telemetry) -> Self {
        Self { tally: Mutex::new(Tally::default()), telemetry }
    }

    /// Lets `work` count, and carries the counts on.
    pub fn record<R>(&self, work: impl FnOnce(&mut Tally) -> R) -> R {
        let mut tally = self.tally.lock();
        let result = work(&mut tally);
        carry(&mut tally, &self.telemetry);
        result
    }
}

/// Adds what `tally` holds to the metrics that belong to no SMSC, and clears it.
pub fn carry(tally: &mut Tally, telemetry: &Telemetry) {
    if tally.is_clear() {
        return;
    }
    let counted = |counts: &[u64], add: &dyn Fn(usize, u64)| {
        counts.iter().enumerate().filter(|(_, count)| **count > 0).for_each(|(index, count)| add(index, *count));
    };
    counted(&tally.settled, &|index, count| telemetry.settled.add(index, count));
    counted(&tally.dropped, &|index, count| telemetry.dropped.add(index, count));
    for (index, runs) in tally.stages.iter().enumerate() {
        runs.iter().for_each(|(elapsed, count)| telemetry.stages.record(index, *elapsed, *count));
    }
    if tally.woken != tally.slept {
        let more_awake = tally.woken as f64 - tally.slept as f64;
        telemetry.subscriptions_active.increment(more_awake);
        telemetry.subscriptions_dormant.decrement(more_awake);
    }
    telemetry.resent.increment(tally.resent);
    telemetry.reordered.increment(tally.reordered);
    telemetry.gaps.increment(tally.gaps);
    telemetry.stray_receipts.increment(tally.stray_receipts);
    tally.clear();
}
