//! How far a source is, and where its upstream can safely go on.
//!
//! An id is no number: origins repeat one for several events, or leave it out, and then it is still in force (HTML
//! §9.2.6). Whoever asks an origin for what follows an id may therefore miss the rest of the events that share it. So
//! the point to go on from is behind the last id whose run is over: every event that has it was followed by one that
//! has another. What comes again from there on is known, and left out.

use crate::actors::upstream::Resume;
use crate::codec::sse::Events;
use crate::model::SourceId;
use crate::store::row::SourceRow;
use bytes::Bytes;

/// A place in a source's events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Position {
    epoch: u32,
    next: u64,
    /// The id of the last event.
    last: Bytes,
    /// The number of the first event that has it, in a row with the last.
    last_from: u64,
    /// Behind the last id whose run is over.
    closed: Resume,
}

impl Position {
    /// Nothing came yet; the upstream starts behind `id`, or wherever it does if that is empty.
    pub fn behind(id: Bytes) -> Self {
        Self { last: id.clone(), closed: Resume { id, from: 0, after: 0 }, ..Self::default() }
    }

    /// Where an earlier process was.
    pub fn restored(row: &SourceRow) -> Self {
        let (id, last) = (Bytes::copy_from_slice(&row.closed_id), Bytes::copy_from_slice(&row.last_id));
        let closed = Resume { id, from: row.closed_from, after: row.closed_after };
        Self { epoch: row.epoch, next: row.next, last, last_from: row.last_from, closed }
    }

    /// As the store keeps it.
    pub fn row(&self, id: SourceId) -> SourceRow {
        let Self { epoch, next, last, last_from, closed } = self;
        SourceRow {
            id,
            epoch: *epoch,
            next: *next,
            last_id: last.to_vec(),
            last_from: *last_from,
            closed_id: closed.id.to_vec(),
            closed_from: closed.from,
            closed_after: closed.after,
        }
    }

    /// The numbering begins with this epoch.
    #[must_use]
    pub fn in_epoch(self, epoch: u32) -> Self {
        Self { epoch, ..self }
    }

    /// Which epoch it is.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// One past the number of the last event.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Where the upstream goes on. As long as no run is over, that is the first one: without it the origin would
    /// start anywhere.
    pub fn resume(&self) -> Resume {
        match self.closed.id.is_empty() {
            true => self.last(),
            false => self.closed.clone(),
        }
    }

    /// Behind the last event.
    pub fn last(&self) -> Resume {
        Resume { id: self.last.clone(), from: self.next, after: self.next }
    }

    /// Moves on over `events`.
    pub fn advance(&mut self, events: &Events) {
        let Some(end) = events.len().checked_sub(1) else { return };
        let id = |index: usize| events.get(index).map_or(&b""[..], |event| event.id);
        let first = self.next;
        self.next = first + events.len() as u64;
        let last = id(end);
        let begins = (0..end).rev().find(|index| id(*index) != last).map_or(0, |before| before + 1);
        let (before, from) = match begins {
            0 if last == self.last => return, // the run goes on
            0 => (std::mem::take(&mut self.last), self.last_from),
            _ => {
                let before = id(begins - 1);
                let from = (0..begins).rev().find(|index| id(*index) != before).map_or(0, |other| other + 1);
                let goes_on = from == 0 && before == self.last;
                (Bytes::copy_from_slice(before), if goes_on { self.last_from } else { first + from as u64 })
            }
        };
        let after = first + begins as u64;
        if last.is_empty() {
            self.closed = Resume::default(); // the origin has reset it: nobody is to be asked for what follows
        } else if !before.is_empty() {
            self.closed = Resume { id: before, from: (from + 1).min(after), after };
        }
        (self.last, self.last_from) = (Bytes::copy_from_slice(last), after);
    }

    /// Events may be missing between the last and the next; returns the epoch that begins.
    pub fn begin_epoch(&mut self) -> u32 {
        self.epoch += 1;
        self.epoch
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::sse::EventsBuilder;

    fn after(chunks: &[&[&str]]) -> (&'static str, u64, u64) {
        let mut position = Position::default();
        for ids in chunks {
            let mut builder = EventsBuilder::new();
            ids.iter().for_each(|id| builder.push(b"message", b"x", id.as_bytes()).unwrap());
            position.advance(&builder.finish());
        }
        let Resume { id, from, after } = position.resume();
        (["", "1", "2", "7"].into_iter().find(|known| id == known.as_bytes()).unwrap(), from, after)
    }

    #[test]
    fn it_goes_on_behind_the_last_id_whose_every_event_came() {
        assert_eq!(after(&[&["1", "2", "3"]]), ("2", 2, 2));
        assert_eq!(after(&[&["1"], &["2"], &["3"]]), ("2", 2, 2));
        assert_eq!(after(&[&["1", "2", "2"], &["2", "2"]]), ("1", 1, 1), "there may be more of 2");
        assert_eq!(after(&[&["1", "2", "2"], &["2", "3"]]), ("2", 2, 4), "the last two may come again");
        assert_eq!(after(&[&["1", "2", "2"], &["3"]]), ("2", 2, 3));
        assert_eq!(after(&[&["1", "2", "2", "3"]]), ("2", 2, 3));
        assert_eq!(after(&[&["1", "2"], &["", ""]]), ("", 4, 4), "an id that was reset");
    }

    #[test]
    fn without_a_run_that_is_over_it_goes_on_behind_what_there_is() {
        assert_eq!(after(&[]), ("", 0, 0));
        assert_eq!(after(&[&["7"]]), ("7", 1, 1));
        assert_eq!(after(&[&["7", "7"], &["7"]]), ("7", 3, 3));
        assert_eq!(after(&[&["", ""], &[""]]), ("", 3, 3), "an origin without ids");
    }

    #[test]
    fn a_start_given_from_outside_is_a_run_that_is_over() {
        let mut position = Position::behind(Bytes::from_static(b"41"));
        let begin = Resume { id: Bytes::from_static(b"41"), from: 0, after: 0 };
        assert_eq!(position.resume(), begin);
        let mut builder = EventsBuilder::new();
        builder.push(b"message", b"x", b"42").unwrap();
        position.advance(&builder.finish());
        assert_eq!(position.resume(), begin);
    }
}
