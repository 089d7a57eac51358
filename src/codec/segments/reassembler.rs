//! Joining segments as a handset does (TS 23.040 §9.2.3.24.1).
//!
//! Parts belong together by source address, reference and total. They come in any order; an exact copy of a part is
//! dropped and another part with the same number replaces the first. Number of messages, octets and time are bounded;
//! when there is too much, the oldest incomplete message goes, whoever sent it.

use std::collections::hash_map::{DefaultHasher, Entry};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{Hash, Hasher};
use std::num::NonZeroU8;
use std::sync::Arc;
use std::time::Duration;

use super::super::udh::{Concatenation, Reference};

/// How much is kept, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Messages that are not complete; also how many complete ones are remembered.
    pub messages: usize,
    /// Octets of their parts.
    pub octets: usize,
    /// How long a message may take from its first part to arrive.
    pub patience: Duration,
    /// How long copies of a complete message's parts are known as such. References come round after 256 messages, so
    /// this must be shorter than a sender takes for them; a part that differs starts a new message even so.
    pub memory: Duration,
}

impl Default for Limits {
    /// 64 messages in 256 KiB, a day of patience, a minute of memory.
    fn default() -> Self {
        Self {
            messages: 64,
            octets: 256 * 1024,
            patience: Duration::from_secs(24 * 60 * 60),
            memory: Duration::from_secs(60),
        }
    }
}

/// What became of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reassembled {
    /// It was the last one missing: the message.
    Complete(Vec<u8>),
    /// Others are missing still.
    Waiting {
        /// Parts that are there.
        have: u8,
        /// Parts there must be.
        total: NonZeroU8,
    },
    /// It was there already, or its message was complete.
    Duplicate,
}

/// Messages in the making. Time is an argument: any clock that does not go back.
#[derive(Debug)]
pub struct Reassembler {
    limits: Limits,
    partials: HashMap<Key, Partial>,
    /// By first arrival, so that the oldest is found without a search.
    by_age: BTreeMap<u64, Key>,
    arrivals: u64,
    octets: usize,
    completed: Completed,
    evicted: u64,
    expired: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    source: Arc<str>,
    reference: Reference,
    total: NonZeroU8,
}

#[derive(Debug)]
struct Partial {
    arrival: u64,
    since: Duration,
    parts: BTreeMap<NonZeroU8, Vec<u8>>,
}

impl Reassembler {
    /// With nothing in it.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            partials: HashMap::new(),
            by_age: BTreeMap::new(),
            arrivals: 0,
            octets: 0,
            completed: Completed::default(),
            evicted: 0,
            expired: 0,
        }
    }

    /// Takes a segment's payload, the octets behind its user data header. One that is no part of a concatenated message
    /// is complete at once and not remembered.
    pub fn handle_part(
        &mut self,
        source: &str,
        part: Option<Concatenation>,
        payload: &[u8],
        now: Duration,
    ) -> Reassembled {
        self.handle_time(now);
        let Some(part) = part else {
            return Reassembled::Complete(payload.to_vec());
        };
        let key = Key { source: source.into(), reference: part.reference(), total: part.total() };
        if !self.partials.contains_key(&key) && self.completed.had(&key, part.sequence(), payload) {
            return Reassembled::Duplicate;
        }
        let Some(have) = self.insert(&key, part.sequence(), payload, now) else {
            return Reassembled::Duplicate;
        };
        if have == usize::from(part.total().get())
            && let Some(partial) = self.remove(&key)
        {
            return Reassembled::Complete(self.complete(key, partial, now));
        }
        self.evict();
        Reassembled::Waiting { have: have as u8, total: part.total() }
    }

    /// Forgets what has become too old. Called with every part; call it also when none come for long.
    pub fn handle_time(&mut self, now: Duration) {
        while let Some((_, key)) = self.by_age.first_key_value() {
            let age = self.partials.get(key).map(|partial| now.saturating_sub(partial.since));
            if age.is_some_and(|age| age < self.limits.patience) {
                break;
            }
            self.remove_oldest();
            self.expired += 1;
        }
        self.completed.forget(now, self.limits);
    }

    /// Messages dropped because too much was incomplete.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Messages dropped because parts did not come in time.
    pub fn expired(&self) -> u64 {
        self.expired
    }

    /// Messages that are incomplete now.
    pub fn waiting(&self) -> usize {
        self.partials.len()
    }

    /// How many parts are there now; `None` if exactly this one was.
    fn insert(&mut self, key: &Key, sequence: NonZeroU8, payload: &[u8], now: Duration) -> Option<usize> {
        let partial = match self.partials.entry(key.clone()) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                self.arrivals += 1;
                self.by_age.insert(self.arrivals, key.clone());
                entry.insert(Partial { arrival: self.arrivals, since: now, parts: BTreeMap::new() })
            }
        };
        if partial.parts.get(&sequence).is_some_and(|part| part == payload) {
            return None;
        }
        let replaced = partial.parts.insert(sequence, payload.to_vec());
        self.octets += payload.len();
        self.octets -= replaced.map_or(0, |part| part.len());
        Some(partial.parts.len())
    }

    fn remove_oldest(&mut self) {
        if let Some((_, key)) = self.by_age.pop_first() {
            self.remove(&key);
        }
    }

    fn remove(&mut self, key: &Key) -> Option<Partial> {
        let partial = self.partials.remove(key)?;
        self.by_age.remove(&partial.arrival);
        self.octets -= partial.parts.values().map(Vec::len).sum::<usize>();
        Some(partial)
    }

    fn complete(&mut self, key: Key, partial: Partial, now: Duration) -> Vec<u8> {
        let hashes = partial.parts.values().map(|part| hash(part)).collect();
        self.completed.remember(key, hashes, now, self.limits);
        partial.parts.into_values().flatten().collect()
    }

    fn evict(&mut self) {
        while !self.by_age.is_empty()
            && (self.partials.len() > self.limits.messages || self.octets > self.limits.octets)
        {
            self.remove_oldest();
            self.evicted += 1;
        }
    }
}

/// Messages that are complete: by hashes, since only their copies must be known.
#[derive(Debug, Default)]
struct Completed {
    parts: HashMap<Key, (Duration, Vec<u64>)>,
    by_age: VecDeque<(Duration, Key)>,
}

impl Completed {
    fn had(&self, key: &Key, sequence: NonZeroU8, payload: &[u8]) -> bool {
        let Some((_, hashes)) = self.parts.get(key) else {
            return false;
        };
        hashes.get(usize::from(sequence.get()) - 1).is_some_and(|had| *had == hash(payload))
    }

    fn remember(&mut self, key: Key, hashes: Vec<u64>, now: Duration, limits: Limits) {
        self.by_age.push_back((now, key.clone()));
        self.parts.insert(key, (now, hashes));
        self.forget(now, limits);
    }

    fn forget(&mut self, now: Duration, limits: Limits) {
        while let Some((since, _)) = self.by_age.front() {
            if now.saturating_sub(*since) < limits.memory && self.by_age.len() <= limits.messages {
                return;
            }
            let Some((since, key)) = self.by_age.pop_front() else {
                return;
            };
            // The same key may have been complete once more since then, and is then remembered from there.
            if self.parts.get(&key).is_some_and(|(last, _)| *last == since) {
                self.parts.remove(&key);
            }
        }
    }
}

fn hash(payload: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    payload.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(100);

    fn part(reference: u8, total: u8, sequence: u8) -> Option<Concatenation> {
        Some(Concatenation::new(Reference::Bits8(reference), total, sequence).unwrap())
    }

    fn waiting(have: u8, total: u8) -> Reassembled {
        Reassembled::Waiting { have, total: NonZeroU8::new(total).unwrap() }
    }

    fn complete(pdu: &[u8]) -> Reassembled {
        Reassembled::Complete(pdu.to_vec())
    }

    #[test]
    fn interleaved_messages_are_kept_apart() {
        let mut reassembler = Reassembler::new(Limits::default());
        let wide = Concatenation::new(Reference::Bits16(1), 2, 1);
        for (source, part) in [("1", part(1, 2, 1)), ("2", part(1, 2, 1)), ("1", part(2, 2, 1)), ("1", part(1, 3, 1))] {
            assert!(matches!(reassembler.handle_part(source, part, b"a", NOW), Reassembled::Waiting { have: 1, .. }));
        }
        assert_eq!(reassembler.handle_part("1", wide, b"a", NOW), waiting(1, 2));
        assert_eq!(reassembler.waiting(), 5);
        assert_eq!(reassembler.handle_part("1", part(1, 2, 2), b"b", NOW), complete(b"ab"));
        assert_eq!(reassembler.waiting(), 4);
    }

    #[test]
    fn a_copy_is_dropped_and_a_conflict_replaces() {
        let mut reassembler = Reassembler::new(Limits::default());
        assert_eq!(reassembler.handle_part("1", part(7, 2, 2), b"old", NOW), waiting(1, 2));
        assert_eq!(reassembler.handle_part("1", part(7, 2, 2), b"old", NOW), Reassembled::Duplicate);
        assert_eq!(reassembler.handle_part("1", part(7, 2, 2), b"new", NOW), waiting(1, 2));
        assert_eq!(reassembler.handle_part("1", part(7, 2, 1), b"a ", NOW), complete(b"a new"));
    }

    #[test]
    fn copies_of_a_complete_message_are_dropped_for_a_while() {
        let mut reassembler = Reassembler::new(Limits::default());
        reassembler.handle_part("1", part(7, 2, 1), b"a", NOW);
        assert_eq!(reassembler.handle_part("1", part(7, 2, 2), b"b", NOW), complete(b"ab"));
        let later = NOW + Duration::from_secs(59);
        assert_eq!(reassembler.handle_part("1", part(7, 2, 1), b"a", later), Reassembled::Duplicate);
        assert_eq!(reassembler.handle_part("1", part(7, 2, 1), b"c", later), waiting(1, 2));
        assert_eq!(reassembler.handle_part("1", part(7, 2, 2), b"b", later), complete(b"cb"));
        let forgotten = later + Duration::from_secs(60);
        assert_eq!(reassembler.handle_part("1", part(7, 2, 1), b"c", forgotten), waiting(1, 2));
    }

    #[test]
    fn a_reference_that_wrapped_is_a_new_message() {
        let mut reassembler = Reassembler::new(Limits::default());
        let mut reference = Reference::Bits8(254);
        for message in 0..300_u16 {
            let octets = message.to_be_bytes();
            let first = Concatenation::new(reference, 2, 1);
            let second = Concatenation::new(reference, 2, 2);
            assert_eq!(reassembler.handle_part("1", second, &octets[1..], NOW), waiting(1, 2), "{message}");
            assert_eq!(reassembler.handle_part("1", first, &octets[..1], NOW), complete(&octets), "{message}");
            reference = reference.next();
        }
    }

    #[test]
    fn a_message_that_does_not_come_in_time_is_forgotten() {
        let limits = Limits { patience: Duration::from_secs(10), ..Limits::default() };
        let mut reassembler = Reassembler::new(limits);
        reassembler.handle_part("1", part(1, 2, 1), b"a", NOW);
        reassembler.handle_part("1", part(2, 2, 1), b"a", NOW + Duration::from_secs(5));
        reassembler.handle_time(NOW + Duration::from_secs(10));
        assert_eq!((reassembler.waiting(), reassembler.expired()), (1, 1));
        let late = reassembler.handle_part("1", part(1, 2, 2), b"b", NOW + Duration::from_secs(10));
        assert_eq!(late, waiting(1, 2));
    }

    #[test]
    fn the_oldest_goes_when_there_is_too_much() {
        let mut reassembler = Reassembler::new(Limits { messages: 2, octets: 5, ..Limits::default() });
        for reference in 1..=3 {
            reassembler.handle_part("1", part(reference, 2, 1), b"a", NOW);
        }
        assert_eq!((reassembler.waiting(), reassembler.evicted()), (2, 1));
        assert_eq!(reassembler.handle_part("1", part(3, 2, 2), b"b", NOW), complete(b"ab"));
        reassembler.handle_part("1", part(4, 3, 1), b"12345", NOW);
        assert_eq!((reassembler.waiting(), reassembler.evicted()), (1, 2));
        reassembler.handle_part("1", part(4, 3, 2), b"6", NOW);
        assert_eq!((reassembler.waiting(), reassembler.evicted()), (0, 3));
    }

    #[test]
    fn a_message_of_one_part_is_complete_at_once() {
        let mut reassembler = Reassembler::new(Limits::default());
        assert_eq!(reassembler.handle_part("1", None, b"a", NOW), complete(b"a"));
        assert_eq!(reassembler.handle_part("1", None, b"a", NOW), complete(b"a"));
        assert_eq!(reassembler.handle_part("1", part(1, 1, 1), b"a", NOW), complete(b"a"));
        assert_eq!(reassembler.handle_part("1", part(1, 1, 1), b"a", NOW), Reassembled::Duplicate);
    }
}
