//! Whoever wants events without a subscription asks for them: as much as there is, or whatever comes next.

use super::log::LastRun;
use super::{FEED_OCTETS, READ_AGAIN, State};
use crate::actors::journal::{self, Journal};
use crate::actors::streams::Streams;
use crate::engine::chunk::Chunk;
use crate::model::OwnId;
use crate::store::{Logged, SourceNumber, StoreError};
use bytes::Bytes;
use ractor::RpcReplyPort;
use std::sync::Arc;
use std::time::Duration;
use tracing::debug;

/// So many of the newest events are looked through for one with some id.
const SEARCHED_EVENTS: u64 = 50_000;

/// How often the store is asked for a log that it cannot read.
const MAX_TRIES: usize = 50;

/// Where somebody goes on who knows the id of the last event that he has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// With the event of this number.
    At(u64),
    /// The log does not have it.
    Nowhere {
        /// One past the number of the last event.
        next: u64,
    },
}

/// Some events.
#[derive(Clone, Debug)]
pub struct Piece {
    /// In order; the first may begin with events that were not asked for.
    pub chunks: Vec<Arc<Chunk>>,
    /// The number to go on with.
    pub next: u64,
    /// What was asked for is gone: it goes on with the oldest there is.
    pub lost: bool,
    /// What the origin says of coming again.
    pub retry: Option<Duration>,
}

/// Who waits for what comes next.
pub(super) type Readers = Vec<RpcReplyPort<Piece>>;

impl State {
    /// Finds the event with this id, and says `then` where it is; none is behind the newest.
    pub(super) fn find(&self, id: Bytes, then: impl FnOnce(Found) + Send + 'static) {
        let next = self.log.end().unwrap_or(self.next);
        let journal = &self.arguments.surroundings.journal;
        let own = OwnId::read(&id);
        let known = match own {
            _ if id.is_empty() => Some(next),
            Some(own) => self.log.has(own).then_some(own.seq + 1),
            None => self.log.after(&id).or_else(|| (id == self.arguments.record.behind()).then_some(0)),
        };
        match known {
            Some(at) => then(Found::At(at)),
            None if journal.is_on() && next > 0 => {
                let (journal, record) = (journal.clone(), Arc::clone(&self.arguments.record));
                tokio::spawn(async move {
                    then(match own {
                        Some(own) => look_up(&journal, record.number(), next, own).await,
                        None => search(&journal, record.number(), next, &id).await,
                    });
                });
            }
            None => then(Found::Nowhere { next }),
        }
    }

    /// A handset has the event with this id, and what came before it; of several, the last that was written to it, or
    /// one that inherits an id for ever would never be confirmed.
    pub(super) fn acknowledge(&self, streams: &Streams, id: &[u8]) {
        let seq = match OwnId::read(id) {
            Some(own) => Some(own.seq).filter(|_| self.log.has(own)),
            None => self.log.last(id, streams.written()),
        };
        if let Some(seq) = seq {
            streams.acknowledge(seq + 1);
        }
    }

    /// Answers with events from number `from` on, when there are any.
    pub(super) fn read(&mut self, from: u64, reply: RpcReplyPort<Piece>) {
        let (start, end) = match self.log.start().zip(self.log.end()) {
            Some(kept) => kept,
            None => (self.next, self.next),
        };
        let retry = self.retry;
        if from >= end {
            self.readers.retain(|reader| !reader.is_closed());
            self.readers.push(reply);
            return;
        }
        let journal = &self.arguments.surroundings.journal;
        if from >= start {
            let _ = reply.send(Piece { chunks: self.log.some(from, FEED_OCTETS), next: from, lost: false, retry });
        } else if journal.is_on() {
            let (journal, clock) = (journal.clone(), self.arguments.surroundings.clock.clone());
            let record = Arc::clone(&self.arguments.record);
            tokio::spawn(async move {
                // A stream that is not answered ends, and its client comes again: what cannot be read now is not lost.
                let Ok(logged) = journal.read(record.number(), from, FEED_OCTETS).await else { return };
                let now = clock.now();
                let chunks: Vec<_> = logged.into_iter().map(|one| journal::chunk(now, one)).collect();
                let next = chunks.first().map_or(start, |chunk| chunk.range().start.max(from));
                let _ = reply.send(Piece { chunks, next, lost: next > from, retry });
            });
        } else {
            let _ = reply.send(Piece { chunks: Vec::new(), next: start, lost: true, retry });
        }
    }

    /// Gives whoever waits what has come.
    pub(super) fn give_readers(&mut self, chunk: &Arc<Chunk>) {
        let retry = self.retry;
        for reader in self.readers.drain(..) {
            let (chunks, next) = (vec![Arc::clone(chunk)], chunk.range().start);
            // It may have gone.
            let _ = reader.send(Piece { chunks, next, lost: false, retry });
        }
    }
}

/// What the log has from a number on; if it cannot be read now, as soon as it can be, but not for ever.
async fn patiently(journal: &Journal, source: SourceNumber, from: u64, octets: usize) -> Vec<Logged> {
    for _ in 0..MAX_TRIES {
        match journal.read(source, from, octets).await {
            Ok(logged) => return logged,
            Err(error @ StoreError::Damaged { .. }) => {
                debug!(%error, "the log cannot be searched");
                return Vec::new();
            }
            Err(error) => debug!(%error, "the log cannot be searched now"),
        }
        tokio::time::sleep(READ_AGAIN).await;
    }
    Vec::new()
}

/// Looks whether the log has the event that we have called so.
async fn look_up(journal: &Journal, source: SourceNumber, next: u64, own: OwnId) -> Found {
    let logged = patiently(journal, source, own.seq, 1).await;
    let has =
        |one: &Logged| (one.first..one.first + one.events.len() as u64).contains(&own.seq) && one.epoch == own.epoch;
    if logged.iter().any(has) { Found::At(own.seq + 1) } else { Found::Nowhere { next } }
}

/// Looks through the newest events of a log, up to number `next`.
async fn search(journal: &Journal, source: SourceNumber, next: u64, id: &[u8]) -> Found {
    let mut run = LastRun::of(id);
    let mut from = next.saturating_sub(SEARCHED_EVENTS);
    while from < next {
        let logged = patiently(journal, source, from, FEED_OCTETS).await;
        let Some(last) = logged.last() else { break };
        from = last.first + last.events.len() as u64;
        for one in &logged {
            (one.first..).zip(&one.events).for_each(|(seq, event)| run.note(seq, event.id));
        }
    }
    run.begin().map_or(Found::Nowhere { next }, |at| Found::At(at + 1))
}
