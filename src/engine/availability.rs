//! Whether an SMSC is one to send by, or others stand in for it.
//!
//! An SMSC goes out of service when none of its links has been bound for a while, and comes back when it has had one
//! without a break for longer than that: so one that flaps stays out, and its handsets stay where they are.

use std::time::Duration;

/// How patient one is with an SMSC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Patience {
    /// How long it may be without a bound link; zero is for ever.
    pub failover_after: Duration,
    /// How long it has to have one before it is believed again.
    pub return_after: Duration,
}

/// What has become of an SMSC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is out of service.
    Failed,
    /// It is back in service.
    Returned,
}

/// One SMSC's availability.
#[derive(Clone, Debug)]
pub struct Availability {
    patience: Patience,
    in_service: bool,
    bound: bool,
    /// Since when it is as `bound` says; it is looked at first when the process begins.
    since: Option<Duration>,
}

impl Availability {
    /// In service, until it has been without a link for too long.
    pub fn new(patience: Patience) -> Self {
        Self { patience, in_service: true, bound: false, since: None }
    }

    /// Whether it is one to send by.
    pub fn is_in_service(&self) -> bool {
        self.in_service
    }

    /// Sees at `now` whether any of its links is bound; what that changes. Looks in between are harmless.
    pub fn look(&mut self, now: Duration, bound: bool) -> Option<Change> {
        if self.since.is_none() || self.bound != bound {
            (self.bound, self.since) = (bound, Some(now));
        }
        if self.poll_timeout().is_none_or(|due| now < due) {
            return None;
        }
        self.in_service = bound;
        Some(if bound { Change::Returned } else { Change::Failed })
    }

    /// When it is to be looked at again, if nothing changes before.
    pub fn poll_timeout(&self) -> Option<Duration> {
        if self.in_service == self.bound || self.patience.failover_after.is_zero() {
            return None;
        }
        let after = if self.bound { self.patience.return_after } else { self.patience.failover_after };
        Some(self.since?.saturating_add(after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience =
        Patience { failover_after: Duration::from_secs(15), return_after: Duration::from_secs(60) };

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn one_that_never_binds_is_given_up_in_time() {
        let mut smsc = Availability::new(PATIENCE);
        assert_eq!((smsc.poll_timeout(), smsc.look(at(100), false)), (None, None));
        assert_eq!((smsc.poll_timeout(), smsc.look(at(114), false)), (Some(at(115)), None));
        assert!(smsc.is_in_service());
        assert_eq!(smsc.look(at(115), false), Some(Change::Failed));
        assert!(!smsc.is_in_service());
        assert_eq!((smsc.poll_timeout(), smsc.look(at(500), false)), (None, None), "that is told once");
    }

    #[test]
    fn a_link_in_time_is_enough_and_the_time_begins_anew() {
        let mut smsc = Availability::new(PATIENCE);
        smsc.look(at(0), false);
        assert_eq!(smsc.look(at(14), true), None);
        assert_eq!(smsc.poll_timeout(), None);
        assert_eq!(smsc.look(at(16), false), None);
        assert_eq!(smsc.poll_timeout(), Some(at(31)));
    }

    #[test]
    fn one_that_flaps_stays_out_until_it_has_proven_itself() {
        let mut smsc = Availability::new(PATIENCE);
        smsc.look(at(0), false);
        assert_eq!(smsc.look(at(15), false), Some(Change::Failed));
        for minute in 1..10 {
            assert_eq!(smsc.look(at(60 * minute), true), None);
            assert_eq!(smsc.look(at(60 * minute + 59), true), None);
            assert_eq!(smsc.look(at(60 * minute + 59), false), None);
        }
        smsc.look(at(1000), true);
        assert_eq!(smsc.poll_timeout(), Some(at(1060)));
        assert_eq!(smsc.look(at(1060), true), Some(Change::Returned));
        assert!(smsc.is_in_service());
    }

    #[test]
    fn without_patience_to_lose_nothing_ever_changes() {
        let mut smsc = Availability::new(Patience::default());
        smsc.look(at(0), false);
        assert_eq!((smsc.poll_timeout(), smsc.look(at(1_000_000), false)), (None, None));
        assert!(smsc.is_in_service());
    }
}
