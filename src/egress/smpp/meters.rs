//! A link's counts on their way to the metrics: once per wake-up, not once per segment.

use crate::actors::ledger;
use crate::engine::tally::Tally;
use crate::telemetry::{SmscMeters, Telemetry};

/// The metrics that a link feeds.
#[derive(Clone, Debug)]
pub(super) struct Meters {
    pub telemetry: Telemetry,
    pub smsc: SmscMeters,
}

impl Meters {
    /// Adds what `tally` holds, and clears it.
    pub fn carry(&self, tally: &mut Tally) {
        self.smsc.pushes.increment(tally.pushes);
        self.smsc.segments.increment(tally.segments);
        if tally.stray_responses > 0 {
            self.smsc.stray_responses.increment(tally.stray_responses);
        }
        for (verdict, count) in tally.answered.iter().enumerate().filter(|(_, count)| **count > 0) {
            self.smsc.answered.add(verdict, *count);
        }
        for (kind, count) in tally.receipts.iter().enumerate().filter(|(_, count)| **count > 0) {
            self.smsc.receipts.add(kind, *count);
        }
        for (kind, counts) in tally.errands.iter().enumerate() {
            for (result, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                self.smsc.errands.add(kind * counts.len() + result, *count);
            }
        }
        ledger::carry(tally, &self.telemetry);
    }
}
