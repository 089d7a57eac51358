//! What waits for its time, in the order of times and, at one time, of arrival.

use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Debug)]
pub(super) struct Queue<T> {
    waiting: BTreeMap<(Duration, u64), T>,
    arrivals: u64,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self { waiting: BTreeMap::new(), arrivals: 0 }
    }
}

impl<T> Queue<T> {
    pub(super) fn put(&mut self, due: Duration, what: T) {
        self.arrivals += 1;
        self.waiting.insert((due, self.arrivals), what);
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
        assert_eq!(queue.next(), Some(Duration::from_secs(1)));
        let now = Duration::from_secs(4);
        assert_eq!([queue.due(now), queue.due(now), queue.due(now)], [Some('a'), Some('b'), None]);
        assert_eq!((queue.len(), queue.drain().collect::<String>()), (1, "c".to_owned()));
    }
}
