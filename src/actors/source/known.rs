//! Events that come again when an upstream is opened again, and are left out.

use super::log::Log;
use crate::codec::sse::{EventRef, Events};
use std::ops::Range;

/// Events that were taken from behind the point where the upstream went on.
///
/// They come first, in the same order and with the same octets, or the origin does something else: then what comes is
/// new. The first of them has an id that differs from the one that was asked for, so an origin that went on elsewhere
/// is not mistaken for one that repeats.
#[derive(Debug, Default)]
pub(super) struct Known(Range<u64>);

impl Known {
    /// Events with the numbers of `range` were taken.
    pub fn new(range: Range<u64>) -> Self {
        Self(range)
    }

    /// Whether nothing is expected to come again.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many of the events at the front of `events` come again. `log` has those that were taken.
    pub fn count_in(&mut self, events: &Events, log: &Log) -> usize {
        let mut again = 0;
        for event in events {
            if self.0.is_empty() {
                break;
            }
            if !log.get(self.0.start).is_some_and(|known| is_same(known, event)) {
                self.0 = 0..0;
                break;
            }
            self.0.start += 1;
            again += 1;
        }
        again
    }
}

fn is_same(one: EventRef<'_>, other: EventRef<'_>) -> bool {
    (one.id, one.event_type, one.data) == (other.id, other.event_type, other.data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::sse::EventsBuilder;
    use crate::engine::chunk::Chunk;
    use crate::engine::clock::Now;
    use std::sync::Arc;

    fn events(data: &[&str]) -> Events {
        let mut builder = EventsBuilder::new();
        data.iter().for_each(|data| builder.push(b"message", data.as_bytes(), b"7").unwrap());
        builder.finish()
    }

    fn log(data: &[&str]) -> Log {
        let mut log = Log::new(1 << 20);
        log.push(Arc::new(Chunk::new(events(data), 10, Now::default(), None, None)));
        log
    }

    #[test]
    fn what_comes_again_is_counted_however_it_is_cut() {
        let log = log(&["a", "b", "c"]);
        let mut known = Known::new(11..13);
        assert_eq!(known.count_in(&events(&["b"]), &log), 1);
        assert_eq!(known.count_in(&events(&["c", "c", "d"]), &log), 1, "the second is another one");
        assert!(known.is_empty());
    }

    #[test]
    fn behind_the_first_that_differs_everything_is_new() {
        let log = log(&["a", "b", "c"]);
        let mut known = Known::new(10..13);
        assert_eq!(known.count_in(&events(&["a", "x", "b"]), &log), 1);
        assert_eq!(known.count_in(&events(&["b"]), &log), 0);
    }
}
