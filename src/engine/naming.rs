//! How events are called in a push.

use crate::codec::sse;
use crate::model::{Ids, OwnId};
use bytes::BytesMut;

/// Which ids the events of a push have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// Those that their origin gave them.
    Origin,
    /// Those, and [`OwnId`]s where it gave none.
    All,
}

impl Naming {
    /// What a policy asks for.
    pub(super) fn of(ids: Ids) -> Self {
        match ids {
            Ids::Origin => Self::Origin,
            Ids::All => Self::All,
        }
    }

    /// Octets of the line that [`Naming::write`] writes.
    pub(super) fn octets(self, id: &[u8], own: OwnId) -> usize {
        match self {
            _ if !id.is_empty() => sse::id_line_len(b"", id),
            Self::Origin => 0,
            Self::All => sse::id_line_len(b"", own.text().as_bytes()),
        }
    }

    /// Writes the line with the id of an event at the head of a push: its origin called it `id`, and `own` is what we
    /// call it.
    pub(super) fn write(self, id: &[u8], own: OwnId, out: &mut BytesMut) {
        match self {
            _ if !id.is_empty() => sse::encode_id_line(b"", id, out),
            Self::Origin => {}
            Self::All => sse::encode_id_line(b"", own.text().as_bytes(), out),
        }
    }

    /// Whether an event whose origin called it `id` needs a line with its id behind one that it called `before`. An id of
    /// ours is never the same twice.
    pub(super) fn is_another(self, id: &[u8], before: &[u8]) -> bool {
        id != before || (id.is_empty() && self != Self::Origin)
    }
}
