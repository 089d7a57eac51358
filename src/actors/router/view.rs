//! A subscription as it is shown.

use super::message::{Status, View};
use super::state::State;
use crate::actors::seat::{Figures, SharedSeat};
use crate::model::SubscriptionId;

impl State {
    pub(super) fn view(&self, id: SubscriptionId) -> Option<View> {
        Some(self.view_of(self.subscriptions.get(&id)?))
    }

    /// Why it is out of service, if it is.
    pub(super) fn quarantined(&self, id: SubscriptionId) -> Option<&str> {
        self.troubles.get(&id)?.quarantined.as_deref()
    }

    pub(super) fn view_of(&self, seat: &SharedSeat) -> View {
        let (id, handset, terms) = (seat.id(), seat.handset(), seat.terms());
        let status = match self.quarantined(id) {
            Some(reason) => Status::Quarantined(reason.to_owned()),
            None => self.sources.get(&terms.source).map_or(Status::Connecting, |source| source.status.borrow().clone()),
        };
        let Figures { released, pending, outstanding } = seat.figures();
        View {
            id,
            tenant: terms.tenant.clone(),
            handset: handset.id(),
            number: handset.number(),
            source: terms.source.clone(),
            application: terms.application.clone(),
            policy: terms.policy.clone(),
            smsc: handset.smsc().name().to_owned(),
            status,
            activated_unix_ms: seat.activated_unix_ms(),
            expires_unix_ms: self.expiries.get(&id),
            released,
            pending,
            outstanding,
            stream: seat.stream(),
            held_by: seat.held_by(&self.arguments.clock),
        }
    }
}
