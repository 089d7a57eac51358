//! What a session learns is taken to whom it concerns: answers to handsets, receipts to the table of all SMSCs, signs to
//! whoever looks for a handset.

use super::turns::Turns;
use super::wire::Surroundings;
use crate::actors::handset::Service;
use crate::codec::smpp::Receipt;
use crate::engine::clock::Now;
use crate::engine::crowding::Crowd;
use crate::engine::handset::Segment;
use crate::engine::receipts::{Errand, ErrandAnswer, Receipts};
use crate::engine::session::Sink;
use crate::engine::sign::Sign;
use crate::engine::subscription::{Answer, Settlement};
use crate::engine::tally::{Stage, Tally};
use crate::engine::verdict::Verdict;
use crate::model::Msisdn;
use std::time::Duration;

/// What the link remembers of a segment until its answer.
pub(super) struct Ticket {
    pub turn: u32,
    pub segment: Segment,
}

/// Takes what a session learns to the handsets and the receipts. Answers come in runs for the same handset, whose engine
/// is therefore kept until another one's turn.
pub(super) struct Answers<'a> {
    around: &'a Surroundings,
    turns: &'a mut Turns,
    tally: &'a mut Tally,
    receipts: &'a mut Receipts,
    crowd: &'a mut Crowd,
    service: Option<Service>,
    /// Handsets that were heard of, and that somebody may look for: for when no engine is in anybody's hands.
    signs: Vec<(Msisdn, Sign)>,
}

impl<'a> Answers<'a> {
    pub fn new(
        around: &'a Surroundings,
        turns: &'a mut Turns,
        tally: &'a mut Tally,
        receipts: &'a mut Receipts,
        crowd: &'a mut Crowd,
    ) -> Self {
        Self { around, turns, tally, receipts, crowd, service: None, signs: Vec::new() }
    }

    /// Gives the last handset's engine back. To be called when all is said.
    pub fn end(mut self, now: Now) -> Vec<(Msisdn, Sign)> {
        self.give_back(now);
        self.signs
    }

    fn give_back(&mut self, now: Now) {
        if let Some(mut service) = self.service.take() {
            service.watch(self.receipts);
            service.end(now);
        }
    }
}

impl Sink<Ticket> for Answers<'_> {
    fn handle_answer(&mut self, now: Now, ticket: Ticket, written_at: Duration, answer: Answer<'_>) -> Verdict {
        if matches!(answer, Answer::Accepted { .. } | Answer::Refused { .. }) {
            self.tally.time(Stage::Accept, now.monotonic.saturating_sub(written_at), 1);
        }
        let Ticket { turn, segment } = ticket;
        let Some(handset) = self.turns.handset(turn) else { return Verdict::Accept };
        if self.service.as_ref().is_none_or(|service| !service.is_of(handset)) {
            self.give_back(now);
            let Some(handset) = self.turns.handset(turn) else { return Verdict::Accept };
            self.service = Service::begin(handset);
        }
        let mut settlement = Settlement { tally: self.tally, receipts: self.receipts, smsc: self.around.smsc.number() };
        let served = self
            .service
            .as_mut()
            .and_then(|service| service.work(|engine| engine.handle_answer(now, segment, answer, &mut settlement)));
        let verdict = match (served, self.turns.handset(turn)) {
            (None, handset) => {
                handset.into_iter().for_each(|handset| self.around.broken.send(handset.id()));
                Verdict::Accept
            }
            (Some(Verdict::ParkHandset), Some(handset)) if self.crowd.handle_refused(now, handset.id().half()) => {
                Verdict::HoldLink
            }
            (Some(verdict), _) => verdict,
        };
        self.turns.note_answered(turn);
        verdict
    }

    fn handle_sign(&mut self, _: Now, number: &[u8], sign: Sign) {
        if self.around.smsc.heeds(sign)
            && let Some(number) = std::str::from_utf8(number).ok().and_then(|digits| digits.parse().ok())
        {
            self.signs.push((number, sign));
        }
    }

    fn handle_receipt(&mut self, now: Now, receipt: &Receipt<'_>) {
        self.receipts.handle_receipt(now.monotonic, self.around.smsc.number(), receipt, self.tally);
    }

    fn handle_errand(&mut self, now: Now, errand: Errand, answer: ErrandAnswer) {
        self.receipts.handle_errand(now.monotonic, self.around.smsc.number(), errand, answer, self.tally);
    }
}
