//! The door of the house: ractor's mailboxes have no bound, so a credit is taken before an event comes in.
//!
//! Credits count octets, since memory is what has to be bounded. One is held from the moment a piece of a stream is
//! read until the first subscription of its source has released every event in it: a source reads as fast as its
//! fastest subscription, and one that is stuck holds nobody but itself.

use std::sync::Arc;
use tokio::sync::{Semaphore, SemaphorePermit};

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
        Door(Arc::new(Doorway { own: Semaphore::new(octets), shared: Arc::clone(&self.shared), octets }))
    }

    /// Octets that could come in now.
    pub fn available(&self) -> usize {
        self.shared.available_permits()
    }
}

/// Where the events of one source come in.
#[derive(Clone, Debug)]
pub struct Door(Arc<Doorway>);

#[derive(Debug)]
struct Doorway {
    own: Semaphore,
    shared: Arc<Semaphore>,
    octets: usize,
}

impl Door {
    /// Waits until `octets` may come in; a piece larger than the whole door waits until the door is empty.
    ///
    /// The wait ends when a subscription releases events, or when its caller gives up and drops the future.
    pub async fn admit(&self, octets: usize) -> Credit {
        match self.try_admit(octets) {
            Some(credit) => credit,
            None => self.wait(self.permits(octets)).await,
        }
    }

    /// A credit for `octets` if they may come in at once.
    pub fn try_admit(&self, octets: usize) -> Option<Credit> {
        let permits = self.permits(octets);
        let own = self.0.own.try_acquire_many(permits).ok()?;
        let shared = self.0.shared.try_acquire_many(permits).ok()?;
        Some(self.credit(own, shared))
    }

    /// Whether more than half of it is in flight.
    pub fn is_pressed(&self) -> bool {
        self.0.own.available_permits() < self.0.octets / 2
    }

    async fn wait(&self, permits: u32) -> Credit {
        let own = self.0.own.acquire_many(permits).await;
        let shared = self.0.shared.acquire_many(permits).await;
        match (own, shared) {
            (Ok(own), Ok(shared)) => self.credit(own, shared),
            // Neither is ever closed.
            _ => Credit { door: self.clone(), permits: 0 },
        }
    }

    fn permits(&self, octets: usize) -> u32 {
        octets.clamp(1, self.0.octets) as u32
    }

    fn credit(&self, own: SemaphorePermit<'_>, shared: SemaphorePermit<'_>) -> Credit {
        let permits = own.num_permits() as u32;
        own.forget();
        shared.forget();
        Credit { door: self.clone(), permits }
    }
}

/// The right to have some octets in flight; given back when dropped. It rides in the message.
#[derive(Debug)]
pub struct Credit {
    door: Door,
    permits: u32,
}

impl Drop for Credit {
    fn drop(&mut self) {
        let Doorway { own, shared, .. } = &*self.door.0;
        own.add_permits(self.permits as usize);
        shared.add_permits(self.permits as usize);
    }
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
    async fn whoever_gives_up_waiting_holds_nothing() {
        let admission = Admission::new(100);
        let (one, two) = (admission.door(60), admission.door(60));
        let held = one.admit(50).await;
        let waiting = two.admit(60);
        assert!(
            tokio::time::timeout(std::time::Duration::from_millis(10), waiting).await.is_err(),
            "the house is full"
        );
        assert!(two.try_admit(50).is_some(), "and the second door is as it was");
        drop(held);
        assert_eq!(two.admit(60).await.permits, 60);
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
