//! One publication on its way: what its publisher is told, and when.

use crate::actors::source::Taken;
use crate::control::proto::publish_response::Answer;
use crate::control::proto::{self, PublishResponse, Rejected, Released};
use crate::engine::chunk::Watch;
use crate::model::Outcome;
use parking_lot::Mutex;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::Sender;
use tonic::Status;

/// Answers to one publication at most.
pub(super) const MAX_ANSWERS: usize = 2;

/// An answer, and with the last one of a publication its place among the unreleased ones of its stream, which is given
/// back when the answer has been taken out of the queue. So a queue with room for [`MAX_ANSWERS`] per place is never
/// full, and whoever counts events never waits for a publisher.
pub(super) type Answered = (Result<PublishResponse, Status>, Option<OwnedSemaphorePermit>);

/// A publication, shared by its stream and by whatever counts its events.
#[derive(Clone)]
pub(super) struct Publication(Arc<Mutex<Progress>>);

struct Progress {
    publish_id: String,
    events: u64,
    counts: Released,
    /// Ends to count: known once the events were taken.
    expected: Option<u64>,
    /// Nobody will count any more.
    abandoned: bool,
    /// Where answers go, and the place among the unreleased; gone with the last answer.
    open: Option<(Sender<Answered>, OwnedSemaphorePermit)>,
}

impl Publication {
    pub fn new(publish_id: String, events: u64, answers: Sender<Answered>, place: OwnedSemaphorePermit) -> Self {
        Self(Arc::new(Mutex::new(Progress {
            publish_id,
            events,
            counts: Released::default(),
            expected: None,
            abandoned: false,
            open: Some((answers, place)),
        })))
    }

    /// What the engine tells how events end. When it is dropped before every end was told, what held the events has
    /// failed, and nothing more will come.
    pub fn watch(&self) -> Watch {
        let witness = Witness(self.clone());
        Arc::new(move |outcome, events| witness.0.count(outcome, events))
    }

    /// Its events were taken.
    pub fn handle_taken(&self, taken: Taken) {
        let mut progress = self.0.lock();
        progress.answer(Answer::Taken(proto::Taken {
            first_sequence: taken.first,
            subscriptions: u32::try_from(taken.subscriptions).unwrap_or(u32::MAX),
            repeated: taken.repeated,
        }));
        let subscriptions = if taken.repeated { 0 } else { taken.subscriptions as u64 };
        progress.expected = Some(progress.events * subscriptions);
        progress.release_if_ended();
    }

    /// Nothing of it was taken.
    pub fn handle_rejected(&self, rejected: Rejected) {
        self.0.lock().answer_last(Answer::Rejected(rejected));
    }

    fn count(&self, outcome: Outcome, events: u64) {
        let mut progress = self.0.lock();
        let Released { accepted, delivered, failed, expired, dropped, unknown, relayed, filtered, coalesced } =
            &mut progress.counts;
        *match outcome {
            Outcome::Accepted => accepted,
            Outcome::Delivered => delivered,
            Outcome::Failed => failed,
            Outcome::Relayed => relayed,
            Outcome::Expired => expired,
            Outcome::Filtered => filtered,
            Outcome::Coalesced => coalesced,
            Outcome::Dropped(_) => dropped,
            Outcome::Unknown => unknown,
        } += events;
        progress.release_if_ended();
    }
}

struct Witness(Publication);

impl Drop for Witness {
    fn drop(&mut self) {
        let mut progress = self.0.0.lock();
        progress.abandoned = true;
        progress.release_if_ended();
    }
}

impl Progress {
    /// Events may end before their publisher was told that they were taken; that comes first all the same.
    fn release_if_ended(&mut self) {
        let Released { accepted, delivered, failed, expired, dropped, unknown, relayed, filtered, coalesced } =
            self.counts;
        let ended = accepted + delivered + failed + expired + dropped + unknown + relayed + filtered + coalesced;
        if self.expected.is_some_and(|expected| ended >= expected || self.abandoned) {
            self.answer_last(Answer::Released(self.counts));
        }
    }

    fn answer(&self, answer: Answer) {
        if let Some((answers, _)) = &self.open {
            // The publisher may be gone.
            let _ = answers.try_send((Ok(self.response(answer)), None));
        }
    }

    fn answer_last(&mut self, answer: Answer) {
        if let Some((answers, place)) = self.open.take() {
            let _ = answers.try_send((Ok(self.response(answer)), Some(place)));
        }
    }

    fn response(&self, answer: Answer) -> PublishResponse {
        PublishResponse { publish_id: self.publish_id.clone(), answer: Some(answer) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DropReason;
    use tokio::sync::Semaphore;
    use tokio::sync::mpsc::{Receiver, channel};

    const TAKEN: Taken = Taken { first: 7, subscriptions: 2, repeated: false };

    fn publication() -> (Publication, Receiver<Answered>, Arc<Semaphore>) {
        let places = Arc::new(Semaphore::new(1));
        let place = Arc::clone(&places).try_acquire_owned().unwrap();
        let (answers, received) = channel(MAX_ANSWERS);
        (Publication::new("one".to_owned(), 2, answers, place), received, places)
    }

    fn next(received: &mut Receiver<Answered>) -> Option<Answer> {
        let (response, _) = received.try_recv().ok()?;
        response.unwrap().answer
    }

    fn taken() -> Option<Answer> {
        Some(Answer::Taken(proto::Taken { first_sequence: 7, subscriptions: 2, repeated: false }))
    }

    #[test]
    fn events_that_end_at_once_are_released_after_they_were_taken() {
        let (publication, mut received, _) = publication();
        let watch = publication.watch();
        watch(Outcome::Accepted, 2);
        watch(Outcome::Dropped(DropReason::Oversize), 2);
        assert_eq!(next(&mut received), None);
        publication.handle_taken(TAKEN);
        assert_eq!(next(&mut received), taken());
        let counts = Released { accepted: 2, dropped: 2, ..Released::default() };
        assert_eq!(next(&mut received), Some(Answer::Released(counts)));
        watch(Outcome::Accepted, 1);
        drop(watch);
        assert!(received.is_closed(), "nothing is told after the release");
    }

    #[test]
    fn what_nobody_counts_any_more_is_released_with_what_was_counted() {
        let (publication, mut received, _) = publication();
        let watch = publication.watch();
        publication.handle_taken(TAKEN);
        watch(Outcome::Unknown, 1);
        assert_eq!(next(&mut received), taken());
        assert_eq!(next(&mut received), None);
        drop(watch);
        let counts = Released { unknown: 1, ..Released::default() };
        assert_eq!(next(&mut received), Some(Answer::Released(counts)));
    }

    #[test]
    fn a_place_is_free_when_the_last_answer_was_taken_out() {
        let (publication, mut received, places) = publication();
        publication.handle_taken(Taken { repeated: true, ..TAKEN });
        assert!(next(&mut received).is_some());
        assert_eq!(places.available_permits(), 0);
        assert_eq!(next(&mut received), Some(Answer::Released(Released::default())));
        assert_eq!(places.available_permits(), 1);
    }
}
