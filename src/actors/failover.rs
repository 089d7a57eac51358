//! Takes handsets from an SMSC that is out of service to those that stand in for it, and back.
//!
//! Where a handset goes by is for its [`Reach`](super::reach::Reach) to say, each time that it is put in line; here those
//! are put in line anew who wait where nothing goes on.

use super::handset::HandsetCell;
use super::lane::Lane;
use super::smsc::Smsc;
use crate::engine::availability::Change;
use crate::engine::clock::Now;
use std::sync::Arc;
use std::time::Duration;

/// Every SMSC, and whether it had a bound link when it was last looked at.
pub struct Failover(Vec<(Arc<Smsc>, bool)>);

impl Failover {
    /// Of these SMSCs.
    pub fn new(smscs: impl IntoIterator<Item = Arc<Smsc>>) -> Self {
        Self(smscs.into_iter().filter(|smsc| smsc.has_stand_ins()).map(|smsc| (smsc, false)).collect())
    }

    /// Sees how every SMSC is, and moves who waits at the wrong one. To be called whenever a link has come or gone, and
    /// at the time that it returns; other calls are harmless. What has changed is `told`.
    pub fn look(&mut self, now: Now, mut told: impl FnMut(&Smsc, Change)) -> Option<Duration> {
        let (mut stirred, mut returned) = (false, false);
        for (smsc, was_open) in &mut self.0 {
            let is_open = smsc.is_open();
            stirred |= std::mem::replace(was_open, is_open) != is_open;
            if let Some(change) = smsc.look(now.monotonic) {
                (stirred, returned) = (true, returned || change == Change::Returned);
                told(smsc, change);
            }
        }
        if stirred {
            // Who has a home to go back to leaves a stand-in at once; nobody else leaves a line that moves.
            let lines = self.0.iter().filter(|(_, is_open)| returned || !is_open).flat_map(|(smsc, _)| smsc.lanes());
            let waiting: Vec<_> = lines.flat_map(|lane: &Arc<Lane>| lane.take_all()).collect();
            waiting.iter().for_each(|handset| HandsetCell::offer(handset, now));
        }
        self.0.iter().filter_map(|(smsc, _)| smsc.poll_timeout()).min()
    }
}
