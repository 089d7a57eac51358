//! What was written to a link and is not answered: an array by sequence number, since answers mostly come in order.

use super::clock::Stamp;
use std::time::Duration;

/// Highest sequence number (SMPP v3.4 §5.1.4: 0x00000001 to 0x7FFFFFFF).
const LAST_SEQUENCE_NUMBER: u32 = 0x7FFF_FFFF;

struct Entry<T> {
    sequence_number: u32,
    written_at: Stamp,
    item: T,
}

/// Requests awaiting their response; whoever writes them sees to it that they are no more than there is room for.
pub struct InFlight<T> {
    slots: Vec<Option<Entry<T>>>,
    last: u32,
    open: usize,
}

impl<T> InFlight<T> {
    /// Room for `window` requests.
    pub fn new(window: usize) -> Self {
        let window = window.max(1);
        // Twice the window, so that a few late answers do not block the numbers behind them.
        let slots = (window * 2).next_power_of_two();
        Self { slots: std::iter::repeat_with(|| None).take(slots).collect(), last: 0, open: 0 }
    }

    /// Requests awaiting their response.
    pub fn open(&self) -> usize {
        self.open
    }

    /// The next sequence number whose place is free; the same until it is used by [`InFlight::insert`] or
    /// [`InFlight::pass`].
    pub fn next_sequence_number(&self) -> u32 {
        let mut number = self.last;
        for _ in 0..=self.slots.len() {
            number = if number >= LAST_SEQUENCE_NUMBER { 1 } else { number + 1 };
            if self.slots[self.place(number)].is_none() {
                break;
            }
        }
        number
    }

    /// Remembers the request written as `sequence_number`.
    pub fn insert(&mut self, sequence_number: u32, written_at: Duration, item: T) {
        let place = self.place(sequence_number);
        debug_assert!(self.slots[place].is_none(), "a sequence number is given only when its place is free");
        self.open += usize::from(self.slots[place].is_none());
        self.slots[place] = Some(Entry { sequence_number, written_at: written_at.into(), item });
        self.last = sequence_number;
    }

    /// The next sequence number, for a request outside the window.
    pub fn pass(&mut self) -> u32 {
        self.last = self.next_sequence_number();
        self.last
    }

    /// Takes the request that a response answers, and when it was written; none for a stray or second response.
    pub fn take(&mut self, sequence_number: u32) -> Option<(T, Duration)> {
        let place = self.place(sequence_number);
        let entry = self.slots[place].take_if(|entry| entry.sequence_number == sequence_number)?;
        self.open -= 1;
        Some((entry.item, entry.written_at.into()))
    }

    /// Takes every request written at `before` or earlier, in the order they were written.
    pub fn take_older(&mut self, before: Duration) -> Vec<T> {
        let before = Stamp::from(before);
        let mut old: Vec<Entry<T>> =
            self.slots.iter_mut().filter_map(|slot| slot.take_if(|entry| entry.written_at <= before)).collect();
        self.open -= old.len();
        // Numbers count up and wrap; age says which came first, the distance to the last number breaks ties.
        let last = self.last;
        old.sort_by_key(|entry| {
            (entry.written_at, std::cmp::Reverse(last.wrapping_sub(entry.sequence_number) & LAST_SEQUENCE_NUMBER))
        });
        old.into_iter().map(|entry| entry.item).collect()
    }

    /// Takes every request, in the order they were written.
    pub fn take_all(&mut self) -> Vec<T> {
        self.take_older(Duration::MAX)
    }

    fn place(&self, sequence_number: u32) -> usize {
        sequence_number as usize & (self.slots.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn the_window_bounds_what_is_open_and_answers_may_come_in_any_order() {
        let mut in_flight = InFlight::new(3);
        let numbers: Vec<u32> = (0..3)
            .map(|n| {
                let number = in_flight.next_sequence_number();
                in_flight.insert(number, seconds(n), n);
                number
            })
            .collect();
        assert_eq!(in_flight.open(), 3);
        assert_eq!(in_flight.take(numbers[2]), Some((2, seconds(2))));
        assert_eq!(in_flight.take(numbers[2]), None, "the second answer is stray");
        assert_eq!(in_flight.take(numbers[0]), Some((0, seconds(0))));
        assert_eq!(in_flight.take_all(), [1]);
        assert_eq!(in_flight.open(), 0);
    }

    #[test]
    fn an_answer_that_never_comes_does_not_block_the_numbers_behind_it() {
        let mut in_flight = InFlight::new(2);
        let stuck = in_flight.next_sequence_number();
        in_flight.insert(stuck, seconds(0), 'x');
        for _ in 0..1000 {
            let number = in_flight.next_sequence_number();
            in_flight.insert(number, seconds(1), 'y');
            assert_eq!(in_flight.take(number).map(|(item, _)| item), Some('y'));
        }
        assert_eq!(in_flight.take_older(seconds(0)), ['x']);
    }

    #[test]
    fn sequence_numbers_wrap_past_zero_and_keep_their_order() {
        let mut in_flight = InFlight::new(4);
        in_flight.last = LAST_SEQUENCE_NUMBER - 2;
        for item in 0..4 {
            let number = in_flight.next_sequence_number();
            assert!((1..=LAST_SEQUENCE_NUMBER).contains(&number));
            in_flight.insert(number, seconds(7), item);
        }
        assert_eq!(in_flight.take_all(), [0, 1, 2, 3]);
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_map(window in 1usize..20, steps in proptest::collection::vec((any::<bool>(), 0usize..20), 0..200)) {
            let mut in_flight = InFlight::new(window);
            let mut map: HashMap<u32, usize> = HashMap::new();
            for (step, (write, pick)) in steps.into_iter().enumerate() {
                if write && in_flight.open() < window {
                    let number = in_flight.next_sequence_number();
                    in_flight.insert(number, seconds(step as u64), step);
                    prop_assert!(map.insert(number, step).is_none());
                } else if let Some(number) = map.keys().copied().nth(pick) {
                    prop_assert_eq!(in_flight.take(number).map(|(item, _)| item), map.remove(&number));
                }
                prop_assert_eq!(in_flight.open(), map.len());
                prop_assert!(in_flight.open() <= window);
            }
        }
    }
}
