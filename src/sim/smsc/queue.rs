//! What waits for its time, in the order of times and, at one time, of arrival.

use std::collections::BTreeMap;
use std::time::Duration;

/// Where something is in a queue.
pub(super) type Place = (Duration, u64);

#[derive(Debug)]
pub(super) struct Queue<T> {
    waiting: BTreeMap<Place, T>,
    arrivals: u64,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self { waiting: BTreeMap::new(), arrivals: 0 }
    }
}

impl<T> Queue<T> {
    /// Says where it is, for [`Queue::remove`].
    pub(super) fn put(&mut self, due: Duration, what: T) -> Place {
        self.arrivals += 1;
        self.waiting.insert((due, self.arrivals), what);
        (due, self.arrivals)
    }

    /// What is there does not wait any more; nothing if it does not anyway.
    pub(super) fn remove(&mut self, place: Place) {
        self.waiting.remove(&place);
    }

    /// The first that is due.
    pub(super) fn due(&mut self, now: Duration) -> Option<T> {
        let first = self.waiting.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// When the first is due.
    pub(super) fn next(&self) -> Option<Duration> {
        self.waiting.first_key_value().map(|((due, _), _)| *due)
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Everything, in order.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = T> + use<T> {
        std::mem::take(&mut self.waiting).into_values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_comes_in_order_and_nothing_before_its_time() {
        let mut queue = Queue::default();
        for (due, what) in [(5, 'c'), (1, 'a'), (1, 'b')] {
            queue.put(Duration::from_secs(due), what);
        }
        let gone = queue.put(Duration::ZERO, 'd');
        queue.remove(gone);
        queue.remove(gone);
        assert_eq!(queue.next(), Some(Duration::from_secs(1)));
        let now = Duration::from_secs(4);
        assert_eq!([queue.due(now), queue.due(now), queue.due(now)], [Some('a'), Some('b'), None]);
        assert_eq!((queue.len(), queue.drain().collect::<String>()), (1, "c".to_owned()));
    }
}
