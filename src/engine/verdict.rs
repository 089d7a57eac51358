//! What an answer from an SMSC means for the segment, its handset and the link.

use crate::codec::smpp::CommandStatus;
use std::time::Duration;

/// What to do about a refused segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was accepted.
    Accept,
    /// The account is too fast: the whole link waits, in order, and this segment goes first.
    HoldLink,
    /// The queue of this destination is full: its handset waits.
    ParkHandset,
    /// A passing fault, or a status that means different things at different SMSCs: tried again a few times.
    Retry,
    /// More awaited their answers than the SMSC bears, perhaps: the window narrows, and this is tried again a few times.
    NarrowWindow,
    /// The session is not what we thought: bind anew, and this segment goes first.
    Rebind,
    /// It will never be accepted.
    GiveUp,
}

/// Times a segment is tried again for [`Verdict::Retry`] before its push fails.
pub const MAX_RETRIES: u8 = 5;

/// What `status` means for the segment it answers.
///
/// SMPP v3.4 §5.1.3 names the statuses and not what to do about them; the classes are those that gateways in service
/// have arrived at. A status we do not know was a refusal all the same, so trying again cannot bill twice; it is tried
/// a few times and then given up.
pub fn judge(status: CommandStatus) -> Verdict {
    match status.0 {
        0x00 => Verdict::Accept,
        0x58 => Verdict::HoldLink,
        0x14 => Verdict::ParkHandset,
        0x45 => Verdict::NarrowWindow,
        0x04 => Verdict::Rebind,
        0x01 | 0x06 | 0x07 | 0x0A | 0x0B | 0x15 | 0x33 | 0x43 | 0x48..=0x51 | 0x61..=0x63 => Verdict::GiveUp,
        0x65 | 0x66 | 0xC0..=0xC4 | 0x100..=0x106 => Verdict::GiveUp,
        _ => Verdict::Retry,
    }
}

/// What the statuses of one SMSC mean: as [`judge`] says, except where its operator says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judge {
    /// Statuses from the first to the last of a pair, in the order they were written: the first that fits holds.
    exceptions: Vec<(u32, u32, Verdict)>,
}

impl Judge {
    /// `exceptions` are statuses, from the first to the last of a pair, and what they mean.
    pub fn new(exceptions: Vec<(u32, u32, Verdict)>) -> Self {
        Self { exceptions }
    }

    /// What `status` means.
    pub fn judge(&self, status: CommandStatus) -> Verdict {
        let exception = self.exceptions.iter().find(|(first, last, _)| (*first..=*last).contains(&status.0));
        exception.map_or_else(|| judge(status), |(.., verdict)| *verdict)
    }
}

/// How long a segment, handset or link waits after its `attempt`th refusal in a row, from one second on, doubling.
pub fn pause(attempt: u8) -> Duration {
    Duration::from_secs(1 << attempt.saturating_sub(1).min(5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_of_status_has_its_verdict() {
        let table = [
            (0x00, Verdict::Accept),
            (0x04, Verdict::Rebind),
            (0x08, Verdict::Retry),
            (0x0B, Verdict::GiveUp),
            (0x14, Verdict::ParkHandset),
            (0x45, Verdict::NarrowWindow),
            (0x58, Verdict::HoldLink),
            (0x64, Verdict::Retry),
            (0x66, Verdict::GiveUp),
            (0x104, Verdict::GiveUp),
            (0x400, Verdict::Retry),
            (0xFFFF_FFFF, Verdict::Retry),
        ];
        for (status, verdict) in table {
            assert_eq!(judge(CommandStatus(status)), verdict, "{status:#x}");
        }
    }

    #[test]
    fn an_operator_may_know_better() {
        let judge = Judge::new(vec![(0x45, 0x45, Verdict::GiveUp), (0x400, 0x4FF, Verdict::HoldLink)]);
        let verdicts = [0x45, 0x400, 0x4FF, 0x500, 0x58].map(|status| judge.judge(CommandStatus(status)));
        assert_eq!(
            verdicts,
            [Verdict::GiveUp, Verdict::HoldLink, Verdict::HoldLink, Verdict::Retry, Verdict::HoldLink]
        );
    }

    #[test]
    fn pauses_double_and_end_at_32_seconds() {
        let seconds: Vec<u64> = [0, 1, 2, 3, 6, 7, 255].iter().map(|n| pause(*n).as_secs()).collect();
        assert_eq!(seconds, [1, 1, 2, 4, 32, 32, 32]);
    }
}
