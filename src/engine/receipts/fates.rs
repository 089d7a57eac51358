//! What is known of pushes whose receipts are awaited: how many are missing, and whether one was bad.

use super::ending::Ending;
use crate::engine::clock::Stamp;
use std::num::NonZeroU32;

/// Where the receipts of one push are collected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FateId {
    pub(super) index: u32,
    serial: NonZeroU32,
}

/// What is known of one push.
#[derive(Debug)]
pub(super) struct Fate {
    serial: NonZeroU32,
    /// Events that end with it; 0 while the push is not released.
    pub events: u64,
    /// Segments without a final receipt.
    pub missing: u8,
    /// The worst final state of a segment so far.
    pub worst: Ending,
    pub accepted_at: Stamp,
}

/// All of them. Places are used again.
#[derive(Debug, Default)]
pub(super) struct Fates {
    all: Vec<Fate>,
    free: Vec<u32>,
}

impl Fates {
    /// One of a push of so many segments.
    pub fn open(&mut self, segments: u8) -> FateId {
        let fresh = Fate {
            serial: NonZeroU32::MIN,
            events: 0,
            missing: segments,
            worst: Ending::Delivered,
            accepted_at: Stamp::default(),
        };
        if let Some(index) = self.free.pop()
            && let Some(fate) = self.all.get_mut(index as usize)
        {
            *fate = Fate { serial: fate.serial, ..fresh };
            return FateId { index, serial: fate.serial };
        }
        self.all.push(fresh);
        FateId { index: self.all.len() as u32 - 1, serial: NonZeroU32::MIN }
    }

    /// The one with this id, unless it is closed.
    pub fn get(&mut self, id: FateId) -> Option<&mut Fate> {
        self.all.get_mut(id.index as usize).filter(|fate| fate.serial == id.serial)
    }

    /// Whether it is one that is not closed.
    pub fn is_open(&self, id: FateId) -> bool {
        self.all.get(id.index as usize).is_some_and(|fate| fate.serial == id.serial)
    }

    /// Its id means nothing from now on.
    #[inline]
    pub fn close(&mut self, id: FateId) {
        if let Some(fate) = self.get(id) {
            fate.serial = fate.serial.checked_add(1).unwrap_or(NonZeroU32::MIN);
            self.free.push(id.index);
        }
    }

    /// Places that there are.
    #[cfg(test)]
    pub fn places(&self) -> usize {
        self.all.len()
    }
}
