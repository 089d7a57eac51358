//! Many activations at a time: nobody is shown each, and the log has a line for all of them.

use super::activation::{Admitted, unencodable};
use super::message::{ActivateError, Activation, Change};
use super::state::State;
use crate::engine::envelope::Envelopes;
use crate::model::StreamKey;
use std::sync::Arc;
use tracing::debug;

impl State {
    /// Activates one after the other; for each whether it was not active before.
    pub(super) async fn import(&mut self, activations: Vec<Activation>) -> Vec<Result<bool, ActivateError>> {
        let mut answers = Vec::with_capacity(activations.len());
        for activation in activations {
            let admitted = self.admit(activation).await;
            if let Ok(Admitted { seat, changed: true, .. }) = &admitted
                && self.changes.receiver_count() > 0
            {
                self.tell(Change::Activated(self.view_of(seat)));
            }
            answers.push(admitted.map(|admitted| admitted.created));
        }
        let created = answers.iter().filter(|answer| matches!(answer, Ok(true))).count();
        let refused = answers.iter().filter(|answer| answer.is_err()).count();
        debug!(asked = answers.len(), created, refused, "subscriptions imported");
        answers
    }

    /// What activating each alone would answer.
    pub(super) fn validate(&self, activations: &[Activation]) -> Vec<Result<bool, ActivateError>> {
        activations.iter().map(|activation| self.foresee(activation)).collect()
    }

    /// What [`State::admit`] would find wrong, in the same order.
    fn foresee(&self, activation: &Activation) -> Result<bool, ActivateError> {
        if self.stopping {
            return Err(ActivateError::Stopping);
        }
        self.refuse_suppressed(&activation.number)?;
        let (id, handset, application) = self.identify(activation);
        let quarantined = self.is_quarantined(id);
        if let Some(seat) = self.subscriptions.get(&id).filter(|_| !quarantined) {
            let envelopes = &seat.terms().envelopes;
            return match seat.handset().number() == activation.number {
                true if seat.terms().policy == activation.policy => Ok(false),
                true => {
                    self.check(envelopes, seat.stream(), &activation.policy, seat.handset().reach()).map(|()| false)
                }
                false => Err(ActivateError::OtherNumber),
            };
        }
        let envelopes = Envelopes::new(&self.arguments.push, &application, &activation.source).map_err(unencodable)?;
        let (reach, key) = match self.known(handset, &activation.number, u16::from(quarantined))? {
            Some(cell) => (Arc::clone(cell.reach()), self.keys.next(handset, cell.subscriptions())),
            None => (self.reach(&activation.tenant, handset, &activation.number)?, StreamKey::default()),
        };
        self.check(&envelopes, key, &activation.policy, &reach).map(|()| true)
    }
}
