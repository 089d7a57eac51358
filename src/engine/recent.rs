//! How much there was in the last second, in tenths.

use std::time::Duration;

/// What a tenth of a second had.
#[derive(Clone, Copy, Debug, Default)]
struct Tenth {
    /// Which one, counted from the clock's beginning.
    number: u64,
    count: u32,
}

/// Counts of the last second.
#[derive(Debug, Default)]
pub struct Recent([Tenth; KEPT]);

/// Tenths in a second, and the one that is leaving.
const KEPT: usize = 11;
const TENTH: Duration = Duration::from_millis(100);

impl Recent {
    /// There were `count` more.
    pub fn add(&mut self, now: Duration, count: u32) {
        let number = number(now);
        let tenth = &mut self.0[(number % KEPT as u64) as usize];
        if tenth.number != number {
            *tenth = Tenth { number, count: 0 };
        }
        tenth.count = tenth.count.saturating_add(count);
    }

    /// How many there were in the last second; of the tenth that is leaving it, its part.
    pub fn within_a_second(&self, now: Duration) -> u32 {
        let (number, left) = (number(now), TENTH.as_millis() as u64 - now.as_millis() as u64 % 100);
        let (mut whole, mut leaving) = (0u32, 0);
        for tenth in self.0.iter().filter(|tenth| tenth.count > 0 && tenth.number <= number) {
            match number - tenth.number {
                0..=9 => whole = whole.saturating_add(tenth.count),
                10 => leaving = (u64::from(tenth.count) * left / 100) as u32,
                _ => {}
            }
        }
        whole.saturating_add(leaving)
    }

    /// When that will be no more than `count` if nothing comes.
    pub fn falls_to(&self, now: Duration, count: u32) -> Duration {
        let (at, mut left) = (number(now), self.within_a_second(now));
        for leaving in at.saturating_sub(KEPT as u64 - 1)..=at {
            let Tenth { number, count: here } = self.0[(leaving % KEPT as u64) as usize];
            if left <= count || number != leaving || here == 0 {
                continue;
            }
            // A tenth leaves evenly, from ten tenths after its beginning on.
            let begins = TENTH * (leaving + 10) as u32;
            let (from, has) = if begins < now { (now, left.min(here)) } else { (begins, here) };
            let surplus = left - count;
            if surplus <= has {
                return from + TENTH.mul_f64(f64::from(surplus) / f64::from(here));
            }
            left = left.saturating_sub(has);
        }
        now
    }
}

fn number(now: Duration) -> u64 {
    now.as_millis() as u64 / 100
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn what_is_older_than_a_second_is_forgotten() {
        let mut recent = Recent::default();
        recent.add(millis(5_010), 3);
        recent.add(millis(5_450), 4);
        let counts = [5_450, 6_000, 6_050, 6_099, 6_100, 6_400, 6_475].map(|at| recent.within_a_second(millis(at)));
        assert_eq!(counts, [7, 7, 5, 4, 4, 4, 1]);
        recent.add(millis(6_110), 1);
        assert_eq!(recent.within_a_second(millis(6_120)), 5, "the tenth that had 3 is another one now");
    }

    #[test]
    fn it_says_when_enough_will_be_forgotten() {
        let mut recent = Recent::default();
        recent.add(millis(5_010), 3);
        recent.add(millis(5_450), 4);
        let times = [7, 6, 4, 2, 0].map(|count| recent.falls_to(millis(5_500), count).as_millis());
        assert_eq!(times, [5_500, 6_033, 6_100, 6_450, 6_500]);
        for (time, count) in times.into_iter().zip([7, 6, 4, 2, 0]) {
            assert!(recent.within_a_second(millis(time as u64)) <= count + 1, "{count} at {time}");
        }
    }
}
