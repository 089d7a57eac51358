//! The handsets whose segments a link has written and that are not answered: one entry for each turn a handset had,
//! whatever it wrote in it, so that a segment needs to remember only a number.

use crate::actors::handset::HandsetCell;
use std::sync::Arc;

/// Turns with something unanswered.
#[derive(Default)]
pub(super) struct Turns {
    turns: Vec<Turn>,
    vacant: Vec<u32>,
}

#[derive(Default)]
struct Turn {
    /// None while it is vacant.
    handset: Option<Arc<HandsetCell>>,
    unanswered: usize,
}

impl Turns {
    /// The number of the next turn; the same until it is begun.
    pub fn next(&self) -> u32 {
        self.vacant.last().copied().unwrap_or(self.turns.len() as u32)
    }

    /// The handset has had the next turn and written so many segments in it.
    pub fn begin(&mut self, handset: Arc<HandsetCell>, segments: usize) {
        if segments == 0 {
            return;
        }
        let turn = Turn { handset: Some(handset), unanswered: segments };
        match self.vacant.pop().and_then(|number| self.turns.get_mut(number as usize)) {
            Some(place) => *place = turn,
            None => self.turns.push(turn),
        }
    }

    /// Whose turn it was.
    pub fn handset(&self, turn: u32) -> Option<&Arc<HandsetCell>> {
        self.turns.get(turn as usize)?.handset.as_ref()
    }

    /// A segment of the turn was answered; the turn is over with its last.
    pub fn note_answered(&mut self, turn: u32) {
        let Some(place) = self.turns.get_mut(turn as usize) else { return };
        place.unanswered = place.unanswered.saturating_sub(1);
        if place.unanswered == 0 && place.handset.take().is_some() {
            self.vacant.push(turn);
        }
    }
}
