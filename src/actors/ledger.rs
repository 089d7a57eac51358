//! Counts on their way from the engine to the metrics.

use super::journal::Save;
use crate::engine::clock::Now;
use crate::engine::tally::{ReceiptKind, Tally};
use crate::model::{DropReason, Outcome};
use crate::store::row::{self, COUNTS_KEY, Counts};
use crate::store::{Batch, Table};
use crate::telemetry::{Count, Telemetry};
use parking_lot::Mutex;

/// One tally for all actors, carried on after each use. What it counts outlives the process.
pub struct Ledger {
    tally: Mutex<Tally>,
    telemetry: Telemetry,
    saved: Mutex<Counts>,
}

impl Ledger {
    /// A ledger whose counts go to `telemetry`.
    pub fn new(telemetry: Telemetry) -> Self {
        Self { tally: Mutex::new(Tally::default()), telemetry, saved: Mutex::default() }
    }

    /// Lets `work` count, and carries the counts on.
    pub fn record<R>(&self, work: impl FnOnce(&mut Tally) -> R) -> R {
        let mut tally = self.tally.lock();
        let result = work(&mut tally);
        carry(&mut tally, &self.telemetry);
        result
    }
}

impl Ledger {
    /// Goes on counting where an earlier process stopped. What this version does not count any more is left out.
    pub fn go_on(&self, counts: Counts) {
        let Telemetry { settled, dropped, .. } = &self.telemetry;
        let add = |counts: &[(String, u64)], labels: &[&str], add: &dyn Fn(usize, u64)| {
            for (label, count) in counts {
                labels.iter().position(|known| known == label).into_iter().for_each(|index| add(index, *count));
            }
        };
        add(&counts.settled, &Outcome::LABELS, &|index, count| settled.add(index, count));
        add(&counts.dropped, &DropReason::LABELS, &|index, count| dropped.add(index, count));
        let door = self.door();
        let lone = counts.received.iter().chain(&counts.dropped);
        for (label, count) in lone {
            door.iter().filter(|(known, _)| known == label).for_each(|(_, counter)| counter.increment(*count));
        }
        *self.saved.lock() = counts;
    }

    /// What is counted at the door, apart from what becomes of events.
    fn door(&self) -> [(&'static str, &Count); 5] {
        let Telemetry {
            received_sse, received_grpc, received_notice, dropped_oversize_line, dropped_no_credit, ..
        } = &self.telemetry;
        [
            ("sse", received_sse),
            ("grpc", received_grpc),
            ("proxy", received_notice),
            ("oversize_line", dropped_oversize_line),
            ("no_credit", dropped_no_credit),
        ]
    }

    fn counts(&self) -> Counts {
        let Telemetry { settled, dropped, .. } = &self.telemetry;
        let labelled = |labels: &[&str], totals: Vec<u64>| -> Vec<(String, u64)> {
            labels.iter().map(|label| (*label).to_owned()).zip(totals).collect()
        };
        let [sse, grpc, proxy, oversize, no_credit] =
            self.door().map(|(label, count)| (label.to_owned(), count.total()));
        let mut left_out = labelled(&DropReason::LABELS, dropped.totals().collect());
        left_out.extend([oversize, no_credit]);
        Counts {
            received: vec![sse, grpc, proxy],
            settled: labelled(&Outcome::LABELS, settled.totals().collect()),
            dropped: left_out,
        }
    }
}

impl Save for Ledger {
    /// Counts are carried to the metrics before anybody else has his turn, so they are those of this moment.
    fn save(&self, _: Now, batch: &mut Batch) {
        let counts = self.counts();
        let mut saved = self.saved.lock();
        if *saved != counts {
            batch.put(Table::Node, COUNTS_KEY, row::encode(&counts));
            *saved = counts;
        }
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
    counted(&tally.oversize, &|index, count| telemetry.oversize.add(index, count));
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
    telemetry.references_reused.increment(tally.references_reused);
    telemetry.gaps.increment(tally.gaps);
    counted(&tally.wakes, &|cause, count| telemetry.wakes[cause].increment(count));
    telemetry.stray_receipts.increment(tally.receipts[ReceiptKind::Stray as usize]);
    tally.clear();
}
