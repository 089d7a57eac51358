//! How events are called in a push.

use crate::codec::sse;
use crate::model::{Ids, OwnId, StreamKey, StreamKeyText};
use bytes::BytesMut;

/// Which ids the events of a push have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// Those that their origin gave them.
    Origin,
    /// Those, and [`OwnId`]s where it gave none.
    All,
    /// As [`Naming::All`], each behind the key of its stream and a dot.
    Keyed(StreamKey),
}

impl Naming {
    /// What a profile and a policy ask for.
    pub fn of(key: Option<StreamKey>, ids: Ids) -> Self {
        match (key, ids) {
            (Some(key), _) => Self::Keyed(key),
            (None, Ids::Origin) => Self::Origin,
            (None, Ids::All) => Self::All,
        }
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
        match self {
            Self::Origin if id.is_empty() => {}
            Self::Origin | Self::All => line(b"", own_or),
            Self::Keyed(key) => {
                let key = key.text();
                let mut head = [0; StreamKeyText::MAX_OCTETS + 1];
                let (name, dot) = head.split_at_mut(key.as_bytes().len());
                name.copy_from_slice(key.as_bytes());
                dot[0] = b'.';
                line(&head[..=key.as_bytes().len()], own_or);
            }
        }
    }

    /// Whether an event whose origin called it `id` needs a line with its id behind one that it called `before`. An id of
    /// ours is never the same twice.
    pub fn is_another(self, id: &[u8], before: &[u8]) -> bool {
        id != before || (id.is_empty() && self != Self::Origin)
    }
}
