//! Events that come again when an upstream is opened again, and are left out.

use super::log::Log;
use crate::actors::admission::Credit;
use crate::actors::upstream::Resume;
use crate::codec::sse::{EventRef, Events};
use crate::engine::clock::Now;
use bytes::Bytes;
use std::ops::Range;

/// Events as a reader tells of them.
#[derive(Debug)]
pub(super) struct Arrived {
    pub events: Events,
    pub credit: Credit,
    pub read_at: Now,
}

/// Events that were taken from behind the point where the upstream went on.
///
/// They come again in the same order and with the same octets, or the origin does something else: then what comes is
/// new. The first of them has an id that differs from the one that was asked for, so an origin that went on elsewhere
/// is not mistaken for one that repeats.
///
/// Before it may come some that share the id that was asked for: those behind the one that said it, for the others
/// inherit it. They say nothing by themselves: an origin that goes on elsewhere may begin with events without an id,
/// which inherit the same. So they are held until the first with another id says which it is.
#[derive(Debug, Default)]
pub(super) struct Known {
    id: Bytes,
    /// Those that share the id, as long as it is not clear whether they come.
    shared: Range<u64>,
    rest: Range<u64>,
    held: Vec<Arrived>,
}

impl Known {
    /// The upstream went on at `resume`, and events up to number `next` were taken.
    pub fn new(resume: Resume, next: u64) -> Self {
        let Resume { id, from, after } = resume;
        Self { id, shared: from..after, rest: after..next, held: Vec::new() }
    }

    /// Whether nothing is expected to come again.
    pub fn is_empty(&self) -> bool {
        self.shared.is_empty() && self.rest.is_empty() && self.held.is_empty()
    }

    /// Whether events wait for others to say what they are.
    pub fn holds(&self) -> bool {
        !self.held.is_empty()
    }

    /// What of it is new, and of what was held; and how many events are not. `log` has those that were taken.
    pub fn sift(&mut self, arrived: Arrived, log: &Log) -> (Vec<Arrived>, u64) {
        if !self.shared.is_empty() {
            let alike = arrived.events.iter().take_while(|event| event.id == self.id).count();
            let waiting: usize = self.held.iter().map(|one| one.events.len()).sum();
            if alike == arrived.events.len() && waiting + alike <= self.shared_len() {
                self.held.push(arrived);
                return (Vec::new(), 0);
            }
            return self.settle(arrived, alike, waiting, log);
        }
        let mut new = std::mem::take(&mut self.held);
        let again = self.count_rest(&arrived.events, log);
        new.extend(arrived.without_first(again));
        (new, again as u64)
    }

    /// Nothing says any more what was held: it is new.
    pub fn give_up(&mut self) -> Vec<Arrived> {
        self.shared = 0..0;
        std::mem::take(&mut self.held)
    }

    fn shared_len(&self) -> usize {
        (self.shared.end - self.shared.start) as usize
    }

    /// An event with another id came behind `alike` that share it, and `waiting` that are held.
    fn settle(&mut self, arrived: Arrived, alike: usize, waiting: usize, log: &Log) -> (Vec<Arrived>, u64) {
        let shared = std::mem::replace(&mut self.shared, 0..0);
        let mut new = std::mem::take(&mut self.held);
        let repeats = (waiting + alike) as u64 <= shared.end - shared.start && {
            let start = shared.end - (waiting + alike) as u64;
            let front = new.iter().flat_map(|one| one.events.iter()).chain(arrived.events.iter().take(alike));
            let evidence = arrived.events.get(alike).zip(log.get(self.rest.start));
            let same = (start..).zip(front).all(|(seq, event)| log.get(seq).is_some_and(|known| is_same(known, event)));
            same && evidence.is_some_and(|(event, known)| is_same(known, event))
        };
        if !repeats {
            let again = if alike == 0 { self.count_rest(&arrived.events, log) } else { 0 };
            if alike > 0 {
                self.rest = 0..0;
            }
            new.extend(arrived.without_first(again));
            return (new, again as u64);
        }
        let arrived = Arrived { events: arrived.events.without_first(alike), ..arrived };
        let again = self.count_rest(&arrived.events, log);
        (arrived.without_first(again).into_iter().collect(), (waiting + alike + again) as u64)
    }

    /// How many of the events at the front of `events` come again.
    fn count_rest(&mut self, events: &Events, log: &Log) -> usize {
        let mut again = 0;
        for event in events {
            if self.rest.is_empty() {
                break;
            }
            if !log.get(self.rest.start).is_some_and(|known| is_same(known, event)) {
                self.rest = 0..0;
                break;
            }
            self.rest.start += 1;
            again += 1;
        }
        again
    }
}

impl Arrived {
    /// Without the first `count`; none if that leaves nothing.
    fn without_first(self, count: usize) -> Option<Self> {
        if count == 0 {
            return Some(self);
        }
        let events = self.events.without_first(count);
        (!events.is_empty()).then_some(Self { events, ..self })
    }
}

fn is_same(one: EventRef<'_>, other: EventRef<'_>) -> bool {
    (one.id, one.event_type, one.data) == (other.id, other.event_type, other.data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actors::admission::Admission;
    use crate::codec::sse::EventsBuilder;
    use crate::engine::chunk::Chunk;
    use std::sync::Arc;

    /// Events written as their id and their data.
    fn events(written: &[&str]) -> Events {
        let mut builder = EventsBuilder::new();
        written.iter().for_each(|one| builder.push(b"message", &one.as_bytes()[1..], &one.as_bytes()[..1]).unwrap());
        builder.finish()
    }

    fn arrived(written: &[&str]) -> Arrived {
        let credit = Admission::new(100).door(100).try_admit(1).unwrap();
        Arrived { events: events(written), credit, read_at: Now::default() }
    }

    /// What is new of pieces that come behind 1a, 1b, 1c, 2d, 2e, and what is held in the end.
    fn new(pieces: &[&[&str]]) -> (Vec<String>, Vec<String>) {
        let mut log = Log::new(1 << 20);
        log.push(Arc::new(Chunk::new(events(&["1a", "1b", "1c", "2d", "2e"]), 10, Now::default(), None, None)));
        let resume = Resume { id: Bytes::from_static(b"1"), from: 11, after: 13 };
        let mut known = Known::new(resume, 15);
        let text = |all: Vec<Arrived>| -> Vec<String> {
            let each = all.iter().flat_map(|one| one.events.iter());
            each.map(|event| String::from_utf8([event.id, event.data].concat()).unwrap()).collect()
        };
        let mut new = Vec::new();
        for piece in pieces {
            new.extend(known.sift(arrived(piece), &log).0);
        }
        (text(new), text(known.give_up()))
    }

    fn nothing() -> Vec<String> {
        Vec::new()
    }

    #[test]
    fn what_comes_again_is_left_out_however_it_is_cut() {
        for pieces in [
            &[&["1b", "1c", "2d", "2e", "3f"][..]][..],
            &[&["1b"], &["1c"], &["2d"], &["2e"], &["3f"]],
            &[&["1c"], &["2d", "2e"], &["3f"]],
            &[&["2d"], &["2e", "3f"]],
        ] {
            assert_eq!(new(pieces), (vec!["3f".to_owned()], nothing()), "{pieces:?}");
        }
        assert_eq!(new(&[&["1b"], &["1c"]]), (nothing(), vec!["1b".to_owned(), "1c".to_owned()]));
    }

    #[test]
    fn what_is_like_something_known_and_does_not_lead_to_the_rest_is_new() {
        for pieces in [
            &[&["1c"][..], &["3f"]][..],
            &[&["1c", "3f"]],
            &[&["1x", "2d"]],
            &[&["1b", "2d"]],
            &[&["1c"], &["1c"], &["1c"], &["1c"]],
            &[&["2e", "2d"]],
        ] {
            let all: Vec<String> = pieces.iter().flat_map(|piece| piece.iter().map(|one| (*one).to_owned())).collect();
            assert_eq!(new(pieces), (all, nothing()), "{pieces:?}");
        }
        assert_eq!(new(&[&["2d"], &["3f", "2e"]]).0, ["3f", "2e"], "behind the first that differs all is new");
    }
}
