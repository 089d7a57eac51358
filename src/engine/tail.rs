//! What was written to one stream and may not have arrived.
//!
//! TCP says nothing to an application about what its peer has read, and a hop in between may keep what it took. So the
//! newest events of a stream are in doubt until something tells otherwise: the client says so, or, if it never does, as
//! many events or as much time has passed as such a hop is believed to keep.

use super::clock::Stamp;
use std::collections::VecDeque;
use std::num::NonZeroU64;
use std::ops::Range;
use std::time::Duration;

/// What is believed of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmation {
    /// It says what it has; until then no more than `window` events are written.
    Acknowledged {
        /// Events in doubt at most.
        window: NonZeroU64,
    },
    /// It has what is older than its newest `events`, or than `age`.
    Assumed {
        /// Events in doubt at most.
        events: NonZeroU64,
        /// How long any is in doubt.
        age: Duration,
    },
}

/// The doubtful end of a stream.
#[derive(Debug)]
pub struct Tail {
    confirmation: Confirmation,
    /// What was written, and when, in order; without holes where the source has none.
    written: VecDeque<(Range<u64>, Stamp)>,
    /// Every event before this one has arrived.
    confirmed: u64,
    /// Events in `written`.
    doubtful: u64,
}

impl Tail {
    /// A stream whose client has every event before `from`.
    pub fn new(confirmation: Confirmation, from: u64) -> Self {
        Self { confirmation, written: VecDeque::new(), confirmed: from, doubtful: 0 }
    }

    /// Every event before this one has arrived.
    pub fn confirmed(&self) -> u64 {
        self.confirmed
    }

    /// Events that may be written now.
    pub fn room(&self) -> u64 {
        match self.confirmation {
            Confirmation::Acknowledged { window } => window.get().saturating_sub(self.doubtful),
            Confirmation::Assumed { .. } => u64::MAX,
        }
    }

    /// `events`, which follow what was written before, were written.
    pub fn handle_written(&mut self, now: Duration, events: Range<u64>) {
        if events.is_empty() {
            return;
        }
        self.doubtful += events.end - events.start;
        self.written.push_back((events, now.into()));
        if let Confirmation::Assumed { events, .. } = self.confirmation {
            while self.doubtful > events.get()
                && let Some((oldest, _)) = self.written.front()
            {
                let excess = self.doubtful - events.get();
                self.confirm(oldest.end.min(oldest.start + excess));
            }
        }
    }

    /// The client has every event before `until`. What was not written it cannot have.
    pub fn handle_acknowledged(&mut self, until: u64) {
        let end = self.written.back().map_or(self.confirmed, |(newest, _)| newest.end);
        self.confirm(until.min(end));
    }

    /// Confirms what is in doubt for long enough. To be called at [`Tail::poll_timeout`].
    pub fn handle_timeout(&mut self, now: Duration) {
        let Confirmation::Assumed { age, .. } = self.confirmation else { return };
        let old = now.saturating_sub(age).into();
        while let Some((oldest, at)) = self.written.front()
            && *at <= old
        {
            self.confirm(oldest.end);
        }
    }

    /// When [`Tail::handle_timeout`] has something to confirm.
    pub fn poll_timeout(&self) -> Option<Duration> {
        let Confirmation::Assumed { age, .. } = self.confirmation else { return None };
        self.written.front().map(|(_, at)| Duration::from(*at) + age)
    }

    fn confirm(&mut self, until: u64) {
        self.confirmed = self.confirmed.max(until);
        while let Some((oldest, _)) = self.written.front_mut()
            && oldest.start < self.confirmed
        {
            let gone = oldest.end.min(self.confirmed) - oldest.start;
            self.doubtful -= gone;
            oldest.start += gone;
            if oldest.is_empty() {
                self.written.pop_front();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn assumed(events: u64) -> Tail {
        let events = NonZeroU64::new(events).unwrap();
        Tail::new(Confirmation::Assumed { events, age: 30 * SECOND }, 10)
    }

    #[test]
    fn what_many_newer_ones_follow_has_arrived() {
        let mut tail = assumed(4);
        tail.handle_written(SECOND, 10..13);
        assert_eq!(tail.confirmed(), 10);
        tail.handle_written(SECOND, 13..16);
        assert_eq!(tail.confirmed(), 12);
        tail.handle_written(SECOND, 20..40);
        assert_eq!(tail.confirmed(), 36);
    }

    #[test]
    fn what_is_old_has_arrived() {
        let mut tail = assumed(64);
        assert_eq!(tail.poll_timeout(), None);
        tail.handle_written(SECOND, 10..12);
        tail.handle_written(5 * SECOND, 12..13);
        assert_eq!(tail.poll_timeout(), Some(31 * SECOND));
        tail.handle_timeout(31 * SECOND);
        assert_eq!((tail.confirmed(), tail.poll_timeout()), (12, Some(35 * SECOND)));
    }

    #[test]
    fn a_client_that_tells_is_asked_and_waited_for() {
        let window = NonZeroU64::new(3).unwrap();
        let mut tail = Tail::new(Confirmation::Acknowledged { window }, 0);
        tail.handle_written(SECOND, 0..3);
        tail.handle_timeout(1000 * SECOND);
        assert_eq!((tail.confirmed(), tail.room(), tail.poll_timeout()), (0, 0, None));
        tail.handle_acknowledged(2);
        assert_eq!((tail.confirmed(), tail.room()), (2, 2));
        tail.handle_acknowledged(900);
        assert_eq!((tail.confirmed(), tail.room()), (3, 3), "it cannot have what was not written");
    }

    proptest! {
        /// Whatever happens, what is confirmed was written, grows, and leaves in doubt no more than is allowed.
        #[test]
        fn doubt_is_bounded(steps in proptest::collection::vec((0u8..4, 0u64..40), 0..100), most in 1u64..20) {
            let mut tail = assumed(most);
            let (mut end, mut now, mut before) = (10, Duration::ZERO, 10);
            for (what, amount) in steps {
                now += SECOND * amount as u32;
                match what {
                    0 | 1 => {
                        tail.handle_written(now, end..end + amount);
                        end += amount;
                    }
                    2 => tail.handle_acknowledged(amount * 3),
                    _ => tail.handle_timeout(now),
                }
                let confirmed = tail.confirmed();
                prop_assert!(confirmed >= before && confirmed <= end && end - confirmed <= most);
                prop_assert_eq!(tail.doubtful, end - confirmed);
                before = confirmed;
            }
        }
    }
}
