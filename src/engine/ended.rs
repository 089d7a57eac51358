//! Events that ended out of turn: while others before them are still to be sent.

use std::ops::Range;

/// Numbers of events, as ranges in order that do not touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ended(Vec<Range<u64>>);

impl Ended {
    /// Those of `ranges`, in whatever order.
    pub fn new(mut ranges: Vec<Range<u64>>) -> Self {
        ranges.retain(|range| !range.is_empty());
        ranges.sort_unstable_by_key(|range| range.start);
        ranges.dedup_by(|next, before| {
            let touch = next.start <= before.end;
            if touch {
                before.end = before.end.max(next.end);
            }
            touch
        });
        Self(ranges)
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many ranges there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// One past the last event of those from `seq` on that have ended without one between them that has not; none if
    /// `seq` has not.
    pub fn until(&self, seq: u64) -> Option<u64> {
        self.0.get(self.place(seq)).filter(|range| range.start <= seq).map(|range| range.end)
    }

    /// The first of those before `seq` that have ended without one between them that has not; none if the one before
    /// `seq` has not.
    pub fn since(&self, seq: u64) -> Option<u64> {
        let last = seq.checked_sub(1)?;
        self.0.get(self.place(last)).filter(|range| range.start <= last).map(|range| range.start)
    }

    /// Whether each event of `range` has ended.
    pub fn covers(&self, range: &Range<u64>) -> bool {
        range.is_empty() || self.until(range.start).is_some_and(|until| until >= range.end)
    }

    /// The parts of `range` that have ended.
    pub fn within(&self, range: &Range<u64>) -> impl Iterator<Item = Range<u64>> {
        let Range { start, end } = *range;
        let from = self.0[self.place(start)..].iter();
        from.take_while(move |one| one.start < end).map(move |one| one.start.max(start)..one.end.min(end))
    }

    /// How many events of `range` have not ended.
    #[inline]
    pub fn count_open(&self, range: &Range<u64>) -> u64 {
        let all = range.end.saturating_sub(range.start);
        if self.0.is_empty() { all } else { all - self.within(range).map(|one| one.end - one.start).sum::<u64>() }
    }

    /// The parts of `range` that have not ended.
    pub fn open(&self, range: &Range<u64>) -> Vec<Range<u64>> {
        let (mut open, mut from) = (Vec::new(), range.start);
        for ended in self.within(range) {
            open.push(from..ended.start);
            from = ended.end;
        }
        open.push(from..range.end);
        open.retain(|part| !part.is_empty());
        open
    }

    /// These have ended, too.
    pub fn insert(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        // Ranges that touch it become part of it.
        let from = self.0.partition_point(|one| one.end < range.start);
        let to = self.0.partition_point(|one| one.start <= range.end);
        let touched = self.0.get(from..to).unwrap_or_default();
        let start = touched.first().map_or(range.start, |one| one.start.min(range.start));
        let end = touched.last().map_or(range.end, |one| one.end.max(range.end));
        if to == from + 1 {
            self.0[from] = start..end;
        } else {
            self.0.splice(from..to, std::iter::once(start..end));
        }
    }

    /// Events before `seq` are of no interest any more.
    pub fn forget_before(&mut self, seq: u64) {
        let gone = self.0.partition_point(|range| range.end <= seq);
        self.0.drain(..gone);
    }

    /// Where the first range is that ends behind `seq`.
    fn place(&self, seq: u64) -> usize {
        self.0.partition_point(|range| range.end <= seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn ranges_that_touch_are_one() {
        let mut ended = Ended::new(vec![8..9, 3..5, 5..6, 7..7]);
        assert_eq!(ended, Ended(vec![3..6, 8..9]));
        ended.insert(6..8);
        assert!(ended.covers(&(3..9)) && ended.len() == 1);
        assert_eq!((ended.until(3), ended.until(9), ended.since(9), ended.since(10)), (Some(9), None, Some(3), None));
    }

    proptest! {
        #[test]
        fn they_say_of_each_event_whether_it_has_ended(
            ranges in prop::collection::vec((0u64..60, 0u64..9), 0..20),
            at in 0u64..60,
            octets in 0u64..20,
        ) {
            let mut ended = Ended::default();
            let mut model = BTreeSet::new();
            for (start, length) in ranges {
                ended.insert(start..start + length);
                model.extend(start..start + length);
            }
            prop_assert!(ended.0.windows(2).all(|pair| pair[0].end < pair[1].start), "{ended:?}");
            let range = at..at + octets;
            let open: Vec<u64> = range.clone().filter(|seq| !model.contains(seq)).collect();
            prop_assert_eq!(ended.count_open(&range), open.len() as u64);
            prop_assert_eq!(ended.covers(&range), open.is_empty());
            prop_assert_eq!(ended.until(at).is_some(), model.contains(&at));
            prop_assert_eq!(ended.open(&range).into_iter().flatten().collect::<Vec<_>>(), open);
            ended.forget_before(at);
            prop_assert!((at..90).all(|seq| ended.until(seq).is_some() == model.contains(&seq)));
        }
    }
}
