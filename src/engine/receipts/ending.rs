//! How messages end, and how those ended that ended lately: an SMSC says so more than once, and not always the same.

use crate::codec::smpp::MessageState;
use crate::engine::waiting::Keys;
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
    Delivered,
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

#[derive(Clone, Copy)]
struct One {
    /// Hash of the id and its SMSC.
    name: u64,
    seconds: u32,
    ending: Option<Ending>,
}

/// The ids of receipts that were final, for a while: so repeats are told from receipts that nobody waits for.
pub(super) struct Ended {
    keys: Keys,
    /// None before the first.
    lines: Vec<[One; WAYS]>,
}

impl Ended {
    pub fn new() -> Self {
        Self { keys: Keys::random(), lines: Vec::new() }
    }

    /// The receipt for `id` was final.
    pub fn note(&mut self, now: Duration, smsc: u8, id: &[u8], ending: Ending) {
        if self.lines.is_empty() {
            self.lines = vec![[One { name: 0, seconds: 0, ending: None }; WAYS]; LINES];
        }
        let (name, seconds) = (self.name(smsc, id), now.as_secs() as u32);
        if let Some(line) = self.lines.get_mut(name as usize % LINES) {
            // The newest is first, so that the last is the oldest.
            line.copy_within(..WAYS - 1, 1);
            line[0] = One { name, seconds, ending: Some(ending) };
        }
    }

    /// How the message ended, if its receipt was noted not long ago.
    pub fn find(&self, now: Duration, smsc: u8, id: &[u8]) -> Option<Ending> {
        let name = self.name(smsc, id);
        let line = self.lines.get(name as usize % LINES)?;
        let one = line.iter().find(|one| one.ending.is_some() && one.name == name)?;
        let age = (now.as_secs() as u32).wrapping_sub(one.seconds);
        one.ending.filter(|_| u64::from(age) < REMEMBERED.as_secs())
    }

    fn name(&self, smsc: u8, id: &[u8]) -> u64 {
        self.keys.literal(id).wrapping_add(u64::from(smsc) << 56)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Duration = Duration::ZERO;

    #[test]
    fn an_id_is_known_for_a_while() {
        let mut ended = Ended::new();
        assert_eq!(ended.find(T0, 0, b"a"), None);
        ended.note(T0, 0, b"a", Ending::Failed);
        ended.note(T0, 0, b"b", Ending::Delivered);
        let late = REMEMBERED - Duration::from_secs(1);
        assert_eq!(
            (ended.find(late, 0, b"a"), ended.find(late, 0, b"b")),
            (Some(Ending::Failed), Some(Ending::Delivered))
        );
        assert_eq!(
            (ended.find(REMEMBERED, 0, b"a"), ended.find(late, 1, b"a"), ended.find(late, 0, b"A")),
            (None, None, None)
        );
    }

    #[test]
    fn an_id_that_ends_again_has_ended_as_it_did_last() {
        let mut ended = Ended::new();
        ended.note(T0, 0, b"a", Ending::Failed);
        ended.note(REMEMBERED, 0, b"a", Ending::Delivered);
        assert_eq!(ended.find(REMEMBERED, 0, b"a"), Some(Ending::Delivered));
    }

    #[test]
    fn a_line_of_ids_is_a_line_of_cache() {
        assert_eq!(size_of::<[One; WAYS]>(), 64);
    }
}
