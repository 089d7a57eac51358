//! An SMSC that has no room for many handsets at once has no room at all.
//!
//! RMSGQFUL (SMPP v3.4 §5.1.3) means the queue of one destination at some SMSCs, and their own at others. So a handset is
//! parked for it, and when several are within a moment, the link is held as if it were too fast.

use super::clock::Now;
use std::collections::VecDeque;
use std::time::Duration;

/// When the refusals of several handsets are one of the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crowding {
    /// So many different handsets; 0 for never.
    pub handsets: u16,
    /// Within this time.
    pub within: Duration,
}

impl Default for Crowding {
    fn default() -> Self {
        Self { handsets: 5, within: Duration::from_secs(1) }
    }
}

/// The handsets that were refused on one link of late.
#[derive(Debug)]
pub struct Crowd {
    crowding: Crowding,
    /// One for each handset, and no more than make a crowd.
    refused: VecDeque<(Duration, u64)>,
}

impl Crowd {
    /// Nobody was refused.
    pub fn new(crowding: Crowding) -> Self {
        Self { crowding, refused: VecDeque::new() }
    }

    /// There was no room for a handset. True if that makes a crowd; the next one begins from nothing.
    pub fn handle_refused(&mut self, now: Now, handset: u64) -> bool {
        let Crowding { handsets, within } = self.crowding;
        if handsets == 0 {
            return false;
        }
        self.refused.retain(|(at, other)| *other != handset && now.monotonic.saturating_sub(*at) < within);
        self.refused.push_back((now.monotonic, handset));
        let crowded = self.refused.len() >= usize::from(handsets);
        if crowded {
            self.refused.clear();
        }
        crowded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Now {
        Now { monotonic: Duration::from_millis(ms), unix_ms: 0 }
    }

    #[test]
    fn several_handsets_within_the_time_make_a_crowd() {
        let mut crowd = Crowd::new(Crowding { handsets: 3, within: Duration::from_secs(1) });
        let told: Vec<bool> = [1, 2, 3, 4].map(|handset| crowd.handle_refused(at(handset * 10), handset)).into();
        assert_eq!(told, [false, false, true, false], "and then it begins again");
    }

    #[test]
    fn one_handset_however_often_makes_none_nor_do_some_over_a_long_time() {
        let mut crowd = Crowd::new(Crowding { handsets: 3, within: Duration::from_secs(1) });
        assert!((0..100).all(|ms| !crowd.handle_refused(at(ms), 7)));
        assert!((1..100).all(|second| !crowd.handle_refused(at(second * 600), second)));
        let mut never = Crowd::new(Crowding { handsets: 0, ..Crowding::default() });
        assert!((0..100).all(|handset| !never.handle_refused(at(0), handset)));
    }
}
