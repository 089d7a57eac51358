//! How events are called in a push.

use crate::codec::sse;
use crate::model::{OwnId, StreamKey, StreamKeyText};
use bytes::BytesMut;

/// Which ids the events of a push have: a number, since it is looked at for every event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Naming(u32);

/// An event for which its origin gave no id has an [`OwnId`].
const OWN: u32 = 1;
/// Each id is behind the key of its stream, which is in the upper half, and a dot.
const KEYED: u32 = 2;

impl Naming {
    /// Those that their origin gave them.
    pub const ORIGIN: Self = Self(0);

    /// What a profile asks for, whatever the policy. Where ids have a key, every event has one.
    pub fn of(key: Option<StreamKey>) -> Self {
        key.map_or(Self::ORIGIN, |StreamKey(key)| Self(u32::from(key) << 16 | KEYED | OWN))
    }

    /// This, and ids of ours if they are asked for.
    #[must_use]
    pub fn with(self, own_ids: bool) -> Self {
        Self(self.0 | if own_ids { OWN } else { 0 })
    }

    /// Octets of the line that [`Naming::write`] writes.
    pub fn octets(self, id: &[u8], own: OwnId) -> usize {
        let mut octets = 0;
        self.say(id, own, |head, tail| octets = sse::id_line_len(head, tail));
        octets
    }

    /// Writes the line with the id of an event at the head of a push: its origin called it `id`, and `own` is what we
    /// call it.
    pub fn write(self, id: &[u8], own: OwnId, out: &mut BytesMut) {
        self.say(id, own, |head, tail| sse::encode_id_line(head, tail, out));
    }

    fn say(self, id: &[u8], own: OwnId, line: impl FnOnce(&[u8], &[u8])) {
        let own = own.text();
        let own_or = if id.is_empty() { own.as_bytes() } else { id };
        if self.0 & KEYED != 0 {
            let key = StreamKey((self.0 >> 16) as u16).text();
            let mut head = [0; StreamKeyText::MAX_OCTETS + 1];
            let (name, dot) = head.split_at_mut(key.as_bytes().len());
            name.copy_from_slice(key.as_bytes());
            dot[0] = b'.';
            line(&head[..=key.as_bytes().len()], own_or);
        } else if !id.is_empty() || self.0 & OWN != 0 {
            line(b"", own_or);
        }
    }

    /// Whether an event whose origin called it `id` needs a line with its id behind one that it called `before`. An id of
    /// ours is never the same twice.
    pub fn is_another(self, id: &[u8], before: &[u8]) -> bool {
        id != before || (id.is_empty() && self != Self::ORIGIN)
    }
}
