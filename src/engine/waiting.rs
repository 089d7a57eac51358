//! What waits under the names that an SMSC gave, oldest first: a queue, and beside it an index of the names. There may be
//! a million waiting, and most are looked for once, long after they came: a look costs two lines of cache.

use super::clock::Stamp;
use std::collections::VecDeque;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::num::NonZeroU32;

/// Octets of a message_id that are kept without an allocation: numbers in either base have fewer.
const INLINE_OCTETS: usize = 22;
/// The index has a power of two of places, and no fewer.
const MIN_PLACES: usize = 16;

/// An SMSC's name for a segment: opaque octets, compared as they are.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum MessageId {
    Short { len: u8, octets: [u8; INLINE_OCTETS] },
    Long(Box<[u8]>),
}

const _: () = assert!(size_of::<MessageId>() == 24, "there may be a million of them");

impl MessageId {
    pub fn new(id: &[u8]) -> Self {
        let mut octets = [0; INLINE_OCTETS];
        match octets.get_mut(..id.len()) {
            Some(own) => {
                own.copy_from_slice(id);
                Self::Short { len: id.len() as u8, octets }
            }
            None => Self::Long(id.into()),
        }
    }

    pub fn octets(&self) -> &[u8] {
        match self {
            Self::Short { len, octets } => octets.get(..usize::from(*len)).unwrap_or_default(),
            Self::Long(octets) => octets,
        }
    }
}

struct Entry<T> {
    until: Stamp,
    id: MessageId,
    /// None once it was taken.
    item: Option<T>,
}

/// Where an entry is: its hash and its number, counted from the first entry that ever was.
#[derive(Clone, Copy)]
struct Place {
    hash: NonZeroU32,
    number: u32,
}

/// Items under the ids that their receipts will name, each until its time is over.
pub(super) struct Waiting<T> {
    entries: VecDeque<Entry<T>>,
    /// The number of the first of `entries`.
    first: u32,
    /// By hash; whoever finds his place taken lies behind, with no gap in between.
    places: Vec<Option<Place>>,
    len: usize,
    keys: [u64; 2],
}

impl<T: Copy> Waiting<T> {
    /// With nothing waiting.
    pub fn new() -> Self {
        let random = RandomState::new();
        let keys = [random.hash_one(0), random.hash_one(1)];
        Self { entries: VecDeque::new(), first: 0, places: vec![None; MIN_PLACES], len: 0, keys }
    }

    /// Items that wait.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Puts an item behind the others; `until` is not before theirs. Gives back the one that had the id.
    pub fn insert(&mut self, id: &[u8], until: Stamp, item: T) -> Option<T> {
        let before = self.take(id);
        // A quarter stays free, so that the ways to an entry are short.
        if (self.len + 1) * 4 > self.places.len() * 3 {
            self.grow();
        }
        let number = self.first.wrapping_add(self.entries.len() as u32);
        self.entries.push_back(Entry { until, id: MessageId::new(id), item: Some(item) });
        self.settle_in(Place { hash: self.hash(id), number });
        self.len += 1;
        before
    }

    /// Takes the item with this id.
    pub fn take(&mut self, id: &[u8]) -> Option<T> {
        if self.len == 0 {
            return None;
        }
        let hash = self.hash(id);
        let mut at = self.home(hash);
        while let Some(place) = self.places[at] {
            let index = place.number.wrapping_sub(self.first) as usize;
            if place.hash == hash
                && let Some(entry) = self.entries.get_mut(index)
                && entry.id.octets() == id
            {
                let item = entry.item.take();
                self.vacate(at);
                self.drop_taken();
                return item;
            }
            at = self.next(at);
        }
        None
    }

    /// The item with this id.
    pub fn find(&self, id: &[u8]) -> Option<T> {
        let hash = self.hash(id);
        let mut at = self.home(hash);
        while let Some(place) = self.places[at] {
            let entry = self.entries.get(place.number.wrapping_sub(self.first) as usize);
            if place.hash == hash
                && let Some(entry) = entry.filter(|entry| entry.id.octets() == id)
            {
                return entry.item;
            }
            at = self.next(at);
        }
        None
    }

    /// Takes the oldest item, and shows `told` its id.
    pub fn take_oldest(&mut self, told: impl FnOnce(&[u8])) -> Option<T> {
        // The first entry was not taken, or it would be gone.
        let (first, hash) = (self.first, self.hash(self.entries.front()?.id.octets()));
        let mut at = self.home(hash);
        while self.places[at].is_some_and(|place| place.number != first) {
            at = self.next(at);
        }
        self.vacate(at);
        let oldest = self.entries.front_mut()?;
        told(oldest.id.octets());
        let item = oldest.item.take();
        self.drop_taken();
        item
    }

    /// Takes the oldest item if its time is over, and shows `told` its id.
    pub fn take_due(&mut self, now: Stamp, told: impl FnOnce(&[u8])) -> Option<T> {
        let due = self.entries.front().is_some_and(|entry| entry.until <= now);
        if due { self.take_oldest(told) } else { None }
    }

    fn drop_taken(&mut self) {
        while self.entries.pop_front_if(|entry| entry.item.is_none()).is_some() {
            self.first = self.first.wrapping_add(1);
        }
    }

    fn grow(&mut self) {
        let places = vec![None; self.places.len() * 2];
        let old = std::mem::replace(&mut self.places, places);
        old.into_iter().flatten().for_each(|place| self.settle_in(place));
    }

    fn settle_in(&mut self, place: Place) {
        let mut at = self.home(place.hash);
        while self.places[at].is_some() {
            at = self.next(at);
        }
        self.places[at] = Some(place);
    }

    /// Empties the place, and moves up those behind it that it kept from theirs.
    fn vacate(&mut self, mut free: usize) {
        self.len -= 1;
        let mask = self.places.len() - 1;
        let mut at = free;
        loop {
            at = self.next(at);
            let Some(place) = self.places[at] else { break };
            let (way, to_free) = (at.wrapping_sub(self.home(place.hash)) & mask, at.wrapping_sub(free) & mask);
            if way >= to_free {
                self.places[free] = Some(place);
                free = at;
            }
        }
        self.places[free] = None;
    }

    fn home(&self, hash: NonZeroU32) -> usize {
        (hash.get() >> 1) as usize & (self.places.len() - 1)
    }

    fn next(&self, at: usize) -> usize {
        (at + 1) & (self.places.len() - 1)
    }

    /// Keyed, so that an SMSC cannot choose ids that meet in one place. The lowest bit says nothing.
    fn hash(&self, id: &[u8]) -> NonZeroU32 {
        let [a, b] = self.keys;
        let (words, rest) = id.as_chunks::<8>();
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        let mut hash = a ^ id.len() as u64;
        for word in words.iter().chain([&last]) {
            hash = fold(hash ^ u64::from_le_bytes(*word), b);
        }
        NonZeroU32::MIN | fold(hash, a) as u32
    }
}

/// Both halves of the product, one over the other.
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b | 1);
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_id_of_any_length_is_found() {
        let mut waiting = Waiting::new();
        let ids: Vec<Vec<u8>> = [0, 1, 8, INLINE_OCTETS, INLINE_OCTETS + 1, 64].map(|len| vec![b'7'; len]).into();
        for (number, id) in ids.iter().enumerate() {
            assert_eq!(waiting.insert(id, Stamp::NEVER, number), None);
        }
        for (number, id) in ids.iter().enumerate() {
            assert_eq!((waiting.take(id), waiting.take(id)), (Some(number), None));
        }
        assert_eq!((waiting.len(), waiting.entries.len()), (0, 0));
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_list(steps in proptest::collection::vec((0u8..4, 0u16..60), 0..300)) {
            let mut waiting = Waiting::new();
            waiting.first = u32::MAX - 20;
            let mut list: Vec<(u16, usize)> = Vec::new();
            for (step, (what, id)) in steps.into_iter().enumerate() {
                let octets = id.to_string();
                let known = list.iter().position(|(known, _)| *known == id);
                match what {
                    0 | 1 => {
                        let before = known.map(|at| list.remove(at).1);
                        prop_assert_eq!(waiting.insert(octets.as_bytes(), Stamp::default(), step), before);
                        list.push((id, step));
                    }
                    2 => prop_assert_eq!(waiting.take(octets.as_bytes()), known.map(|at| list.remove(at).1)),
                    _ => {
                        let oldest = (!list.is_empty()).then(|| list.remove(0).1);
                        prop_assert_eq!(waiting.take_due(Stamp::NEVER, |_| {}), oldest);
                    }
                }
                prop_assert_eq!(waiting.len(), list.len());
            }
        }
    }
}
