//! What waits under the names that an SMSC gave, oldest first: a queue, and beside it an index of the names. There may be
//! a million waiting, and most are looked for once, long after they came: a look costs two lines of cache.
//!
//! Names that differ only in blanks around them, leading zeros and case have the same place in the index, so that one is
//! found by the other as fast as by itself.

use super::clock::Stamp;
use std::collections::VecDeque;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::num::NonZeroU32;

/// Octets of a message_id that are kept without an allocation: numbers in either base have fewer.
const INLINE_OCTETS: usize = 22;
/// The index has a power of two of places, and no fewer.
const MIN_PLACES: usize = 16;
/// Other spellings of one id that wait at a time: a look passes them all.
const MAX_ALIKE: u8 = 32;

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
    keys: Keys,
    /// The number of the first entry that was not asked for.
    asked: u32,
}

impl<T: Copy> Waiting<T> {
    /// With nothing waiting.
    pub fn new() -> Self {
        Self {
            entries: VecDeque::new(),
            first: 0,
            places: vec![None; MIN_PLACES],
            len: 0,
            keys: Keys::random(),
            asked: 0,
        }
    }

    /// Items that wait.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Puts an item behind the others; `until` is not before theirs. Gives back the one that had the id, or one under
    /// another spelling of it if there are too many, whose id is then shown to `told`.
    pub fn insert(&mut self, id: &[u8], until: Stamp, item: T, told: impl FnOnce(&[u8])) -> Option<T> {
        let hash = place(self.keys.alike(id));
        let before = if self.len == 0 { None } else { self.make_way(hash, id, told) };
        // A quarter stays free, so that the ways to an entry are short.
        if (self.len + 1) * 4 > self.places.len() * 3 {
            self.grow();
        }
        let number = self.first.wrapping_add(self.entries.len() as u32);
        self.entries.push_back(Entry { until, id: MessageId::new(id), item: Some(item) });
        self.settle_in(Place { hash, number });
        self.len += 1;
        before
    }

    /// Takes the item with this id.
    pub fn take(&mut self, id: &[u8]) -> Option<T> {
        self.take_hashed(self.hash(id), id)
    }

    /// What [`Waiting::take_hashed`] needs of an id: the same for ids that are alike.
    #[inline]
    pub fn hash(&self, id: &[u8]) -> u64 {
        self.keys.alike(id)
    }

    /// Takes the item with this id, of which `hash` is known.
    #[inline]
    pub fn take_hashed(&mut self, hash: u64, id: &[u8]) -> Option<T> {
        if self.len == 0 {
            return None;
        }
        let (at, index) = self.look(place(hash), |own| own == id)?;
        self.take_out(at, index)
    }

    /// The item with this id.
    pub fn find(&self, id: &[u8]) -> Option<T> {
        let (_, index) = self.look(place(self.keys.alike(id)), |own| own == id)?;
        self.entries.get(index)?.item
    }

    /// The id that waits and is another spelling of this one, or this one, unless there are several.
    pub fn find_alike(&self, id: &[u8]) -> Option<&[u8]> {
        let (hash, mut found) = (place(self.keys.alike(id)), None);
        let several = self.look(hash, |own| are_alike(own, id) && found.replace(()).is_some());
        let (_, index) = self.look(hash, |own| are_alike(own, id)).filter(|_| several.is_none())?;
        self.entries.get(index).map(|entry| entry.id.octets())
    }

    /// When the oldest item's time is over.
    pub fn oldest_until(&self) -> Option<Stamp> {
        self.entries.front().map(|entry| entry.until)
    }

    /// The place and the entry of the first with this hash whose id is the one that is looked for.
    fn look(&self, hash: NonZeroU32, mut is_it: impl FnMut(&[u8]) -> bool) -> Option<(usize, usize)> {
        let mut at = self.home(hash);
        while let Some(place) = self.places[at] {
            let index = place.number.wrapping_sub(self.first) as usize;
            if place.hash == hash
                && let Some(entry) = self.entries.get(index)
                && is_it(entry.id.octets())
            {
                return Some((at, index));
            }
            at = self.next(at);
        }
        None
    }

    /// Takes out the item that has the id, or one of those in its way that are too many.
    fn make_way(&mut self, hash: NonZeroU32, id: &[u8], told: impl FnOnce(&[u8])) -> Option<T> {
        let (mut others, mut same) = (0, false);
        let (at, index) = self.look(hash, |own| {
            same = own == id;
            others += 1;
            same || others >= MAX_ALIKE
        })?;
        if !same && let Some(entry) = self.entries.get(index) {
            told(entry.id.octets());
        }
        self.take_out(at, index)
    }

    #[inline]
    fn take_out(&mut self, at: usize, index: usize) -> Option<T> {
        let item = self.entries.get_mut(index)?.item.take();
        self.vacate(at);
        self.drop_taken();
        item
    }

    /// Takes the oldest item, and shows `told` its id.
    pub fn take_oldest(&mut self, told: impl FnOnce(&[u8])) -> Option<T> {
        // The first entry was not taken, or it would be gone.
        let (first, hash) = (self.first, place(self.keys.alike(self.entries.front()?.id.octets())));
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

    /// Shows `visit` the items whose time is over by `until`, each once, and at most so many at a time.
    pub fn ask_until(&mut self, until: Stamp, most: usize, mut visit: impl FnMut(&[u8], T)) {
        // What was asked for last may be gone, and all before it.
        let ahead = self.asked.wrapping_sub(self.first) as usize;
        let start = if ahead <= self.entries.len() { ahead } else { 0 };
        let (mut at, mut count) = (start, 0);
        while count < most
            && let Some(entry) = self.entries.get(at).filter(|entry| entry.until <= until)
        {
            if let Some(item) = entry.item {
                visit(entry.id.octets(), item);
                count += 1;
            }
            at += 1;
        }
        self.asked = self.first.wrapping_add(at as u32);
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
}

/// Where a hash has its place. The lowest bit says nothing.
fn place(hash: u64) -> NonZeroU32 {
    NonZeroU32::MIN | hash as u32
}

/// What ids are hashed with: keys, so that an SMSC cannot choose ids that meet in one place.
#[derive(Clone, Copy)]
struct Keys([u64; 2]);

impl Keys {
    /// Nobody knows them.
    fn random() -> Self {
        let random = RandomState::new();
        Self([random.hash_one(0), random.hash_one(1)])
    }

    /// The same for ids that are alike.
    #[inline]
    fn alike(self, id: &[u8]) -> u64 {
        // Most ids have nothing to be left out: neither a blank nor a zero at the ends.
        match id {
            [b'1'..=b'\xff', .., b'!'..=b'\xff'] => self.hash(id),
            _ => self.hash(significant(trimmed(id))),
        }
    }

    fn hash(self, id: &[u8]) -> u64 {
        // Both cases of a letter differ in one bit, which no digit has clear.
        const LOWER: u64 = 0x2020_2020_2020_2020;
        let Self([a, b]) = self;
        let mut hash = a ^ id.len() as u64;
        let Some(last) = id.last_chunk::<8>() else {
            let short = id.iter().fold(0, |word, octet| word << 8 | u64::from(*octet));
            return fold(fold(hash ^ (short | LOWER), b), a);
        };
        let (words, rest) = id.as_chunks::<8>();
        for word in words {
            hash = fold(hash ^ (u64::from_le_bytes(*word) | LOWER), b);
        }
        // What is left is read with some of what was before it, rather than in smaller pieces.
        if !rest.is_empty() {
            hash = fold(hash ^ (u64::from_le_bytes(*last) | LOWER), b);
        }
        fold(hash, a)
    }
}

/// Both halves of the product, one over the other.
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b | 1);
    product as u64 ^ (product >> 64) as u64
}

/// Whether two ids are the same but for blanks around them, case and, if they are numbers in whatever base, leading zeros
/// and a mark of hexadecimal.
fn are_alike(a: &[u8], b: &[u8]) -> bool {
    let (a, b) = (trimmed(a), trimmed(b));
    if a.eq_ignore_ascii_case(b) {
        return true;
    }
    let (a, b) = (significant(a), significant(b));
    a.iter().chain(b).all(u8::is_ascii_hexdigit) && !a.is_empty() && a.eq_ignore_ascii_case(b)
}

/// Without leading zeros and a mark of hexadecimal.
fn significant(id: &[u8]) -> &[u8] {
    match id {
        [b'0', b'x' | b'X', digits @ ..] => without_zeros(digits),
        _ => without_zeros(id),
    }
}

/// Without blanks around it.
pub(super) fn trimmed(mut id: &[u8]) -> &[u8] {
    while let [b' ', rest @ ..] | [rest @ .., b' '] = id {
        id = rest;
    }
    id
}

/// Without leading zeros; of nothing but zeros one is left.
pub(super) fn without_zeros(mut id: &[u8]) -> &[u8] {
    while let [b'0', rest @ ..] = id
        && !rest.is_empty()
    {
        id = rest;
    }
    id
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
            assert_eq!(waiting.insert(id, Stamp::NEVER, number, |_| {}), None);
        }
        for (number, id) in ids.iter().enumerate() {
            assert_eq!((waiting.take(id), waiting.take(id)), (Some(number), None));
        }
        assert_eq!((waiting.len(), waiting.entries.len()), (0, 0));
    }

    #[test]
    fn ids_that_are_alike_are_found_by_each_other() {
        let alike = [["0913", " 913 "], ["aB-1", "Ab-1"], ["0", "000"], ["0x1F", "01f"], ["", "  "]];
        let different = [["a-01", "0a-01"], ["0", ""], ["0x", "0"], ["12", "120"], ["1 2", "12"], ["0xy", "y"]];
        for ([one, other], found) in
            alike.map(|pair| (pair, true)).into_iter().chain(different.map(|pair| (pair, false)))
        {
            for (one, other) in [(one, other), (other, one)] {
                let mut waiting = Waiting::new();
                waiting.insert(one.as_bytes(), Stamp::NEVER, 1, |_| {});
                let expected = found.then_some(one.as_bytes());
                assert_eq!(waiting.find_alike(other.as_bytes()), expected, "{one:?} {other:?}");
                assert_eq!((waiting.find(other.as_bytes()), waiting.take(other.as_bytes())), (None, None));
                assert_eq!(waiting.find_alike(one.as_bytes()), Some(one.as_bytes()));
            }
        }
    }

    #[test]
    fn so_many_that_are_alike_wait_and_no_more() {
        let (mut waiting, mut out) = (Waiting::new(), Vec::new());
        for zeros in 0..2 * usize::from(MAX_ALIKE) {
            let id = format!("{}7", "0".repeat(zeros));
            waiting.insert(id.as_bytes(), Stamp::NEVER, zeros, |other| out.push(other.len()));
            assert_eq!(waiting.find(id.as_bytes()), Some(zeros));
            assert_eq!(waiting.find_alike(b"7").is_some(), zeros == 0, "one of several is none");
        }
        assert_eq!((waiting.len(), out.len()), (usize::from(MAX_ALIKE), usize::from(MAX_ALIKE)));
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
                        prop_assert_eq!(waiting.insert(octets.as_bytes(), Stamp::default(), step, |_| {}), before);
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
