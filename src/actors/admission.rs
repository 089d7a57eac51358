//! The door of the house: ractor's mailboxes have no bound, so a credit is taken before an event comes in.
//!
//! Credits count octets, since memory is what has to be bounded. One is held from the moment a piece of a stream is
//! read until the first subscription of its source has released every event in it: a source reads as fast as its
//! fastest subscription, and one that is stuck holds nobody but itself.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Everything that all sources together may have in flight.
#[derive(Clone, Debug)]
pub struct Admission {
    shared: Arc<Semaphore>,
    octets: usize,
}

impl Admission {
    /// An admission of `octets` in flight, at most what a semaphore can count.
    pub fn new(octets: usize) -> Self {
        let octets = octets.clamp(1, u32::MAX as usize);
        Self { shared: Arc::new(Semaphore::new(octets)), octets }
    }

    /// The door of one source, which may have at most `octets` of the whole in flight.
    pub fn door(&self, octets: usize) -> Door {
        let octets = octets.clamp(1, self.octets);
        Door { own: Arc::new(Semaphore::new(octets)), shared: Arc::clone(&self.shared), octets }
    }

    /// Octets that could come in now.
    pub fn available(&self) -> usize {
        self.shared.available_permits()
    }
}

/// Where the events of one source come in.
#[derive(Clone, Debug)]
pub struct Door {
    own: Arc<Semaphore>,
    shared: Arc<Semaphore>,
    octets: usize,
}

impl Door {
    /// Waits until `octets` may come in; a piece larger than the whole door waits until the door is empty.
    ///
    /// The wait ends when a subscription releases events, or when its caller gives up and drops the future.
    pub async fn admit(&self, octets: usize) -> Credit {
        let permits = octets.clamp(1, self.octets) as u32;
        let own = Arc::clone(&self.own).acquire_many_owned(permits).await;
        let shared = Arc::clone(&self.shared).acquire_many_owned(permits).await;
        Credit { _own: own.ok(), _shared: shared.ok() }
    }

    /// A credit for `octets` if they may come in at once.
    pub fn try_admit(&self, octets: usize) -> Option<Credit> {
        let permits = octets.clamp(1, self.octets) as u32;
        let own = Arc::clone(&self.own).try_acquire_many_owned(permits).ok()?;
        let shared = Arc::clone(&self.shared).try_acquire_many_owned(permits).ok()?;
        Some(Credit { _own: Some(own), _shared: Some(shared) })
    }
}

/// The right to have some octets in flight; given back when dropped. It rides in the message.
#[derive(Debug)]
pub struct Credit {
    _own: Option<OwnedSemaphorePermit>,
    _shared: Option<OwnedSemaphorePermit>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_door_waits_for_a_dropped_credit_and_not_for_other_doors() {
        let admission = Admission::new(100);
        let (one, two) = (admission.door(60), admission.door(60));
        let held = one.admit(60).await;
        assert!(one.try_admit(1).is_none(), "the first door is full");
        assert!(two.try_admit(50).is_none(), "and so is the house for 50 more");
        let small = two.try_admit(40).unwrap();
        assert_eq!(admission.available(), 0);
        drop((held, small));
        assert_eq!(admission.available(), 100);
    }

    #[tokio::test]
    async fn a_piece_larger_than_the_door_still_comes_in_alone() {
        let door = Admission::new(1000).door(10);
        let whole = door.admit(500).await;
        assert!(door.try_admit(1).is_none());
        drop(whole);
        assert!(door.try_admit(1).is_some());
    }
}
