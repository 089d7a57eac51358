//! What the router keeps of each subscription: enough to start its actor again.

use super::failures::Failures;
use super::message::{Status, View};
use crate::actors::handset::HandsetCell;
use crate::actors::subscription::SubscriptionMessage;
use crate::engine::handset::Place;
use crate::model::{ApplicationId, Msisdn, Policy, SourceId, SubscriptionId, TenantId};
use ractor::ActorRef;
use std::sync::Arc;

/// One subscription.
pub(super) struct Record {
    pub tenant: TenantId,
    pub number: Msisdn,
    pub source: SourceId,
    pub application: ApplicationId,
    pub policy: Policy,
    pub activated_unix_ms: u64,
    pub handset: Arc<HandsetCell>,
    pub place: Place,
    pub actor: ActorRef<SubscriptionMessage>,
    pub failures: Failures,
    /// Why it is out of service, if it is.
    pub quarantined: Option<String>,
}

impl Record {
    /// As it is shown; `status` is its source's.
    pub fn view(&self, id: SubscriptionId, status: &Status) -> View {
        let place = self.place;
        let figures = self
            .handset
            .look(|engine| engine.get(place).map(|one| (one.released(), one.pending(), one.outstanding() as u64)));
        let (released, pending, outstanding) = figures.unwrap_or_default();
        View {
            id,
            tenant: self.tenant.clone(),
            handset: self.handset.id(),
            number: self.number,
            source: self.source.clone(),
            application: self.application.clone(),
            policy: self.policy.clone(),
            smsc: self.handset.smsc().name().to_owned(),
            status: self.quarantined.clone().map_or_else(|| status.clone(), Status::Quarantined),
            activated_unix_ms: self.activated_unix_ms,
            released,
            pending,
            outstanding,
        }
    }
}
