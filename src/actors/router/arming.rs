//! A handset asks for pushes by itself: proven first, for a time, in place of its streams.

use super::activation::unencodable;
use super::expiry::Due;
use super::message::{ActivateError, Activated, Activation, Armed, Arming, RouterMessage};
use super::state::State;
use crate::engine::allowance::Allowance;
use crate::engine::envelope::Envelopes;
use crate::model::{DropReason, HandsetId, StreamKey, SubscriptionId};
use crate::store::Table;
use crate::store::row;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;
use tracing::info;

/// Octets of a nonce: nobody guesses 128 bits.
const NONCE_OCTETS: usize = 16;
/// Activations that may wait for their proof at once.
const MAX_PENDING: usize = 100_000;
/// Pushes that may be asked for to prove one number, and in what time: each costs somebody.
const PROBES: (u32, Duration) = (5, Duration::from_secs(3600));
/// The types of the events that a handset gets from the proxy itself.
const PROBE_TYPE: &str = "bellwire-probe";
const EXPIRY_TYPE: &str = "bellwire-expiry";
/// However far away the next end is: the wall clock may be set.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Activations that wait for their handset to prove that it is reached by push.
pub(super) struct Probes {
    by_nonce: HashMap<String, Pending>,
    by_id: HashMap<SubscriptionId, String>,
    /// In the order in which their time is over.
    order: VecDeque<(Duration, String)>,
    allowance: Allowance<HandsetId>,
}

/// An activation that waits keeps its source as a stream would, or it would begin later than it was asked for.
struct Pending {
    arming: Arming,
    id: SubscriptionId,
}

impl Default for Probes {
    fn default() -> Self {
        let allowance = Allowance::new(PROBES.0, PROBES.1, MAX_PENDING);
        Self { by_nonce: HashMap::new(), by_id: HashMap::new(), order: VecDeque::new(), allowance }
    }
}

impl Probes {
    fn take_old(&mut self, now: Duration) -> Option<(Arming, SubscriptionId)> {
        while let Some((_, nonce)) = self.order.pop_front_if(|(until, _)| *until <= now) {
            if let Some(taken) = self.take(&nonce) {
                return Some(taken);
            }
        }
        None
    }

    /// Whether this subscription waits.
    pub fn has(&self, id: &SubscriptionId) -> bool {
        self.by_id.contains_key(id)
    }

    fn take(&mut self, nonce: &str) -> Option<(Arming, SubscriptionId)> {
        let Pending { arming, id } = self.by_nonce.remove(nonce)?;
        self.by_id.remove(&id);
        Some((arming, id))
    }
}

impl State {
    /// Activates for a handset that asked for it by itself, at once or when it has proven that pushes reach it.
    pub(super) async fn arm(&mut self, arming: Arming) -> Result<Armed, ActivateError> {
        if self.stopping {
            return Err(ActivateError::Stopping);
        }
        self.refuse_suppressed(&arming.activation.number)?;
        let (id, handset, _) = self.identify(&arming.activation);
        let is_new = self.subscriptions.get(&id).is_none();
        let others = self.handsets.get(&handset).map_or(0, |cell| cell.subscriptions());
        if is_new && others >= self.arguments.relay.subscriptions_per_handset {
            return Err(ActivateError::Limit(self.arguments.relay.subscriptions_per_handset));
        }
        // Whoever gets pushes already has proven that, or somebody who is trusted has said so.
        if arming.probe && is_new && others == 0 {
            return self.probe(arming, id).await;
        }
        self.arm_now(arming).await
    }

    /// The handset has returned a nonce that only a push can have brought it.
    pub(super) async fn confirm(&mut self, nonce: &str) -> Option<Result<Armed, ActivateError>> {
        self.forget_old_probes();
        let (arming, id) = self.probes.take(nonce)?;
        let (_, handset, _) = self.identify(&arming.activation);
        self.probes.allowance.give_back(&handset); // what was proven cost nobody anything he did not want
        let source = arming.activation.source.clone();
        let armed = self.arm_now(arming).await;
        self.stream_closed(&source, Some(id));
        Some(armed)
    }

    /// Forgets whoever has not proven anything in time.
    pub(super) fn forget_old_probes(&mut self) {
        let now = self.arguments.clock.now().monotonic;
        while let Some((arming, id)) = self.probes.take_old(now) {
            self.stream_closed(&arming.activation.source, Some(id));
        }
    }

    async fn arm_now(&mut self, arming: Arming) -> Result<Armed, ActivateError> {
        let Arming { mut activation, begin, has, streams_end, .. } = arming;
        let (id, _, _) = self.identify(&activation);
        let before = self.subscriptions.get(&id).filter(|_| !self.is_quarantined(id)).map(|seat| seat.terms());
        let for_good = before.is_some() && self.expiries.get(&id).is_none();
        match before {
            // What somebody else has decided is not a handset's to change.
            Some(terms) => activation.policy = terms.policy.clone(),
            None => self.streams_of(id).expect(begin),
        }
        let activated = self.activate(activation).await;
        if let Some(streams) = self.streams.get(&id) {
            has.into_iter().for_each(|until| streams.acknowledge(until));
            if streams_end && activated.is_ok() {
                streams.end_all();
            }
        }
        self.forget_streams(&id); // from here on the subscription knows
        let Activated { view, created } = activated?;
        let end = self.arguments.clock.now().unix_ms.saturating_add(millis(self.arguments.relay.lifetime));
        if !for_good {
            self.expire(id, end);
            self.arguments.journal.change(|batch| batch.put(Table::Expiries, *id.octets(), row::encode(&end)));
        }
        let expires_unix_ms = Some(end).filter(|_| !for_good);
        Ok(Armed::Active { view: Box::new(view), created, expires_unix_ms })
    }

    /// A subscription ends at `end`, in milliseconds since 1970, and its handset is told before.
    pub(super) fn expire(&mut self, id: SubscriptionId, end: u64) {
        self.expiries.set(id, end, end.saturating_sub(millis(self.arguments.relay.lifetime / 10)));
        self.wait_for_expiry();
    }

    async fn probe(&mut self, arming: Arming, id: SubscriptionId) -> Result<Armed, ActivateError> {
        self.forget_old_probes();
        let now = self.arguments.clock.now().monotonic;
        let within = self.arguments.relay.probe_within;
        if let Some(nonce) = self.probes.by_id.get(&id) {
            if let Some(pending) = self.probes.by_nonce.get_mut(nonce) {
                pending.arming = arming; // asked again: the push is on its way
            }
            return Ok(Armed::Pending { id, within });
        }
        let (_, handset, application) = self.identify(&arming.activation);
        let envelopes = Envelopes::new(&self.arguments.push, &application, &arming.activation.source);
        // It has no other subscription, so this is the first.
        let envelope = envelopes.map_err(unencodable)?.of(StreamKey::default());
        let full = self.probes.by_nonce.len() >= MAX_PENDING;
        let allowed = if full { Err(within) } else { self.probes.allowance.take(now, handset) };
        allowed.map_err(ActivateError::Probes)?;
        let nonce = nonce()?;
        let Activation { tenant, number, source, last_event_id, .. } = arming.activation.clone();
        self.source(&source, &last_event_id).await?;
        let cell = self.handset(&tenant, handset, number)?;
        self.push_notice(&cell, envelope, (PROBE_TYPE, &nonce), within)?;
        if let Some(entry) = self.sources.get_mut(&source) {
            entry.streams += 1;
            entry.lingering = None;
        }
        self.streams_of(id).expect(arming.begin);
        let _detached = self.myself.send_after(within, || RouterMessage::ProbeOver);
        self.probes.order.push_back((now + within, nonce.clone()));
        self.probes.by_id.insert(id, nonce.clone());
        self.probes.by_nonce.insert(nonce, Pending { arming, id });
        Ok(Armed::Pending { id, within })
    }

    /// Ends what is due to end, and tells whom it ends soon.
    pub(super) fn handle_expiries(&mut self) {
        self.expiry_awaited = false;
        let now = self.arguments.clock.now().unix_ms;
        while let Some(due) = self.expiries.poll(now) {
            match due {
                Due::End(id) => {
                    if let Some(seat) = self.subscriptions.get(&id) {
                        let tenant = seat.terms().tenant.clone();
                        info!(subscription = %id, "subscription expired");
                        self.end_subscription(&tenant, id, DropReason::Lapsed);
                    }
                }
                Due::Notice(id, at) => self.tell_of_end(id, at),
            }
        }
        self.wait_for_expiry();
    }

    fn tell_of_end(&mut self, id: SubscriptionId, at: u64) {
        let Some(seat) = self.subscriptions.get(&id) else { return };
        let (cell, envelope) = (std::sync::Arc::clone(seat.handset()), seat.terms().envelopes.of(seat.stream()));
        let end = std::time::UNIX_EPOCH + Duration::from_millis(at);
        let end = humantime::format_rfc3339_seconds(end).to_string();
        let lifetime = self.arguments.relay.lifetime / 10;
        // If it cannot be told, it ends all the same.
        let _ = self.push_notice(&cell, envelope, (EXPIRY_TYPE, &end), lifetime);
    }

    fn wait_for_expiry(&mut self) {
        let Some(at) = self.expiries.next().filter(|_| !self.expiry_awaited) else { return };
        self.expiry_awaited = true;
        let wait = Duration::from_millis(at.saturating_sub(self.arguments.clock.now().unix_ms)).min(LONGEST_WAIT);
        let _detached = self.myself.send_after(wait, || RouterMessage::Expiries);
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn nonce() -> Result<String, ActivateError> {
    let mut octets = [0; NONCE_OCTETS];
    getrandom::fill(&mut octets).map_err(|_| ActivateError::Stopping)?;
    Ok(octets.iter().fold(String::new(), |text, octet| text + &format!("{octet:02x}")))
}
