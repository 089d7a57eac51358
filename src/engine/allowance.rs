//! So much in so much time for each of many: a leaky bucket for every key (GCRA, ITU-T I.371).

use super::clock::Stamp;
use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

/// What each key may do.
#[derive(Debug)]
pub struct Allowance<K> {
    /// One more is allowed after so long.
    interval: Duration,
    /// How much earlier than that, so that several may come at once.
    burst: Duration,
    /// When each key that used some will have used none.
    used: HashMap<K, Stamp>,
    max_keys: usize,
}

impl<K: Eq + Hash> Allowance<K> {
    /// `times` (at least one) in `period`, all of them at once if need be. Of at most `max_keys` is remembered what they
    /// have used; beyond that nobody new is allowed anything until some of them have all back.
    pub fn new(times: u32, period: Duration, max_keys: usize) -> Self {
        let times = times.max(1);
        let interval = period / times;
        Self { interval, burst: interval * (times - 1), used: HashMap::new(), max_keys }
    }

    /// Uses one.
    ///
    /// # Errors
    /// How long until there is one, if there is none.
    pub fn take(&mut self, now: Duration, key: K) -> Result<(), Duration> {
        if self.used.len() >= self.max_keys && !self.used.contains_key(&key) {
            self.used.retain(|_, free_at| *free_at > Stamp::from(now));
            if self.used.len() >= self.max_keys {
                return Err(self.interval);
            }
        }
        let free_at = self.used.entry(key).or_default();
        let begin = now.max(Duration::from(*free_at));
        if let Some(early) = begin.checked_sub(now + self.burst).filter(|early| !early.is_zero()) {
            return Err(early);
        }
        *free_at = (begin + self.interval).into();
        Ok(())
    }

    /// Gives back all that the key has used.
    pub fn give_back(&mut self, key: &K) {
        self.used.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn all_of_it_may_be_used_at_once_and_comes_back_bit_by_bit() {
        let mut allowance = Allowance::new(3, MINUTE, 10);
        let now = MINUTE * 5;
        assert!((0..3).all(|_| allowance.take(now, 'a').is_ok()));
        assert_eq!(allowance.take(now, 'a'), Err(MINUTE / 3));
        assert_eq!(allowance.take(now, 'b'), Ok(()));
        assert_eq!(allowance.take(now + MINUTE / 3, 'a'), Ok(()));
        assert!(allowance.take(now + MINUTE / 3, 'a').is_err());
        allowance.give_back(&'a');
        assert!(allowance.take(now + MINUTE / 3, 'a').is_ok());
    }

    #[test]
    fn when_too_many_are_known_nobody_new_gets_any_until_some_have_all_back() {
        let mut allowance = Allowance::new(1, MINUTE, 2);
        assert_eq!([1, 2, 3].map(|key| allowance.take(MINUTE, key)), [Ok(()), Ok(()), Err(MINUTE)]);
        assert_eq!(allowance.take(MINUTE * 2, 3), Ok(()));
    }

    proptest! {
        /// In no stretch of time is more allowed than was said.
        #[test]
        fn it_is_never_exceeded(steps in proptest::collection::vec(0u64..30, 1..200), times in 1u32..6) {
            let mut allowance = Allowance::new(times, MINUTE, 1);
            let (mut now, mut taken) = (MINUTE, Vec::new());
            for step in steps {
                now += Duration::from_secs(step);
                if allowance.take(now, ()).is_ok() {
                    taken.push(now);
                }
            }
            for (at, begin) in taken.iter().enumerate() {
                let within = taken[at..].iter().take_while(|one| **one - *begin < MINUTE).count();
                prop_assert!(within < 2 * times as usize);
            }
        }
    }
}
