//! How messages end, and how those ended that ended lately: an SMSC says so more than once, and not always the same.

use crate::codec::smpp::MessageState;
use crate::model::Outcome;
use std::time::Duration;

/// How long an id is known after its final state: long enough for an SMSC to bind again and repeat what was not answered,
/// and short enough for one that counts anew after a restart.
const REMEMBERED: Duration = Duration::from_secs(300);
/// Lines of [`Ended`], a power of two; with four ids each and one line of cache it is 1 MiB.
const LINES: usize = 1 << 14;
/// Ids that meet in one line. More push out the oldest.
const WAYS: usize = 4;

/// A final state: nothing else becomes of the message. A push ends as the worst of its segments does, which is the last
/// here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ending {
    Delivered = 1,
    Unknown,
    Failed,
}

impl Ending {
    /// How a message ends by its state (SMPP v3.4 §5.2.28). `None` while it is on its way: SCHEDULED, ENROUTE and
    /// ACCEPTED come before every other, in whatever order they arrive; SKIPPED and states that nobody knows end nothing.
    pub fn of(state: MessageState) -> Option<Self> {
        match state {
            MessageState::DELIVERED => Some(Self::Delivered),
            MessageState::EXPIRED | MessageState::DELETED | MessageState::UNDELIVERABLE | MessageState::REJECTED => {
                Some(Self::Failed)
            }
            MessageState::UNKNOWN => Some(Self::Unknown),
            _ => None,
        }
    }

    pub fn outcome(self) -> Outcome {
        match self {
            Self::Delivered => Outcome::Delivered,
            Self::Failed => Outcome::Failed,
            Self::Unknown => Outcome::Unknown,
        }
    }
}

/// The ids of receipts that were final, for a while: so repeats are told from receipts that nobody waits for. In each line
/// are pairs, the newest first: what the id and its SMSC hash to; and seconds and how it ended, 0 for none.
#[derive(Default)]
pub(super) struct Ended {
    /// None before the first.
    lines: Vec<[u64; 2 * WAYS]>,
}

impl Ended {
    /// The receipt was final for the id that the SMSC's table hashes to `name`.
    pub fn note(&mut self, now: Duration, (smsc, name): (u8, u64), ending: Ending) {
        if self.lines.is_empty() {
            self.lines = vec![[0; 2 * WAYS]; LINES];
        }
        let name = Self::name(smsc, name);
        if let Some(line) = self.lines.get_mut(name as usize % LINES) {
            let [a, b, c, d, e, f, ..] = *line;
            *line = [name, now.as_secs() << 8 | ending as u64, a, b, c, d, e, f];
        }
    }

    /// How the message ended, if its receipt was noted not long ago.
    pub fn find(&self, now: Duration, (smsc, name): (u8, u64)) -> Option<Ending> {
        let name = Self::name(smsc, name);
        let line = self.lines.get(name as usize % LINES)?;
        let (pairs, _) = line.as_chunks::<2>();
        let [_, how] = pairs.iter().find(|[known, how]| *known == name && *how > 0)?;
        let ending = match *how as u8 {
            1 => Ending::Delivered,
            2 => Ending::Unknown,
            _ => Ending::Failed,
        };
        (now.as_secs().saturating_sub(how >> 8) < REMEMBERED.as_secs()).then_some(ending)
    }

    fn name(smsc: u8, name: u64) -> u64 {
        name.wrapping_add(u64::from(smsc) << 56)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Duration = Duration::ZERO;

    const A: (u8, u64) = (0, 7);
    const B: (u8, u64) = (0, 7 + LINES as u64);

    #[test]
    fn an_id_is_known_for_a_while() {
        let mut ended = Ended::default();
        assert_eq!(ended.find(T0, A), None);
        ended.note(T0, A, Ending::Failed);
        ended.note(T0, B, Ending::Delivered);
        let late = REMEMBERED - Duration::from_secs(1);
        assert_eq!((ended.find(late, A), ended.find(late, B)), (Some(Ending::Failed), Some(Ending::Delivered)));
        assert_eq!(
            (ended.find(REMEMBERED, A), ended.find(late, (1, A.1)), ended.find(late, (0, 8))),
            (None, None, None)
        );
    }

    #[test]
    fn an_id_that_ends_again_has_ended_as_it_did_last() {
        let mut ended = Ended::default();
        ended.note(T0, A, Ending::Failed);
        ended.note(REMEMBERED, A, Ending::Unknown);
        assert_eq!(ended.find(REMEMBERED, A), Some(Ending::Unknown));
    }

    #[test]
    fn of_those_that_meet_the_newest_are_known() {
        let mut ended = Ended::default();
        let name = |n: u64| (0, n * LINES as u64);
        (0..6).for_each(|n| ended.note(T0, name(n), Ending::Delivered));
        assert_eq!((0..6).filter(|n| ended.find(T0, name(*n)).is_some()).collect::<Vec<u64>>(), [2, 3, 4, 5]);
    }
}
