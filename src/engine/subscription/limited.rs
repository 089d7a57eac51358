//! Budgets: a push is formed when there is something left for it; until then its events wait, or what the policy says.

use super::Subscription;
use crate::engine::budget::{Period, Purse, Purses, Scope, Shared, Shares, Ticket, Wait};
use crate::engine::clock::{Now, Stamp};
use crate::engine::tally::Tally;
use crate::model::{AtLimit, DropReason, Outcome};
use std::sync::Arc;
use std::time::Duration;

/// A budget is looked at again after so long, for somebody may have set the clock.
const LOOK_AGAIN: Duration = Duration::from_secs(3600);

/// What a subscription remembers that has met a limit.
pub(super) struct Hold {
    /// Whose budget it was.
    scope: Scope,
    /// No push is formed before.
    until: Stamp,
    /// When to look.
    look_at: Stamp,
    /// Its places in line for its source's budget and its tenant's.
    tickets: [Option<Ticket>; 2],
    /// Until then the handset has been told that there are events.
    told_until: Stamp,
}

impl Hold {
    fn ticket(&mut self, scope: Scope) -> Option<&mut Option<Ticket>> {
        match scope {
            Scope::Handset => None,
            Scope::Source => self.tickets.first_mut(),
            Scope::Tenant => self.tickets.last_mut(),
        }
    }
}

impl Subscription {
    /// Its pushes are charged to these.
    #[must_use]
    pub fn charged(self, shares: Option<Arc<Shares>>) -> Self {
        Self { shares, ..self }
    }

    /// What its handset's budget is one of, if it has one.
    pub(in super::super) fn purses(&self) -> Option<&Arc<Purses>> {
        self.shares.as_ref()?.handset.as_ref()
    }

    /// The budget whose limit it has met, and until when its events wait for it, which may be over.
    pub fn held_by(&self) -> Option<(Scope, Duration)> {
        self.hold.as_ref().map(|hold| (hold.scope, hold.until.into()))
    }

    /// Whether no push is formed now.
    #[inline]
    pub(super) fn is_at_limit(&self, now: Now) -> bool {
        self.hold.as_ref().is_some_and(|hold| hold.look_at > Stamp::from(now.monotonic))
    }

    /// When that ends; none if it is not so.
    pub(super) fn limit_until(&self) -> Option<Duration> {
        self.hold.as_ref().map(|hold| hold.look_at.into())
    }

    /// Whether it remembers something that the number of its next event does not say.
    pub(in super::super) fn remembers_limit(&self, now: Now) -> bool {
        self.hold.as_ref().is_some_and(|hold| hold.told_until > Stamp::from(now.monotonic))
    }

    /// When the oldest event that waits is not worth sending any more.
    pub(super) fn expiry(&self) -> Option<Duration> {
        let ttl = Some(self.policy.ttl).filter(|ttl| !ttl.is_zero())?;
        let oldest = self.chunks.get(self.chunk_index(self.cursor)).filter(|_| self.cursor < self.end)?;
        Some(oldest.read_at().monotonic + ttl)
    }

    /// Whether there is enough for a push of so many segments, which is then charged for.
    #[inline]
    pub(super) fn pay(&mut self, now: Now, segments: u8, purse: &mut Purse) -> bool {
        if self.shares.is_none() && purse.is_unlimited() {
            return true;
        }
        self.ask(now, segments, purse)
    }

    #[inline(never)]
    fn ask(&mut self, now: Now, segments: u8, purse: &mut Purse) -> bool {
        let met = match purse.wait(now, segments) {
            Some(wait) => Some((Scope::Handset, wait)),
            None => self.charge_shared(now, segments, false).err(),
        };
        match met {
            None => {
                purse.charge(now, segments);
                self.let_hold_go(now);
                true
            }
            Some((scope, wait)) => {
                if self.policy.at_limit != AtLimit::Drop {
                    self.hold(now, segments, scope, wait);
                }
                false
            }
        }
    }

    fn charge_shared(&self, now: Now, segments: u8, beyond: bool) -> Result<(), (Scope, Wait)> {
        let Some(shares) = &self.shares else { return Ok(()) };
        let holds = |scope| match (&self.hold, scope) {
            (Some(hold), Scope::Source) => hold.tickets[0].is_some(),
            (Some(hold), Scope::Tenant) => hold.tickets[1].is_some(),
            _ => false,
        };
        shares.try_charge(now, segments, holds, beyond)
    }

    /// What goes although nobody asked: again, or as an earlier process had it.
    #[cold]
    pub(super) fn charge(&self, now: Now, segments: u8, purse: &mut Purse) {
        purse.charge(now, segments);
        self.shares.iter().for_each(|shares| shares.charge(now, segments));
    }

    /// A push that an earlier process formed goes again. What it knows to be sent already is charged when it is written.
    #[cold]
    pub(super) fn charge_again(&self, now: Now, purse: &mut Purse) {
        if let Some(push) = self.pushes.back().filter(|push| push.accepted == 0) {
            self.charge(now, push.segments, purse);
        }
    }

    #[cold]
    fn hold(&mut self, now: Now, segments: u8, scope: Scope, Wait { period, until }: Wait) {
        let shared = self.shares.as_ref().and_then(|shares| shares.shared(scope)).cloned();
        let hold = self.hold.get_or_insert_with(|| {
            let (until, tickets) = (Stamp::default(), [None, None]);
            Box::new(Hold { scope, until, look_at: until, tickets, told_until: until })
        });
        let mut until = until;
        if period == Period::Minute
            && let (Some(shared), Some(ticket)) = (shared, hold.ticket(scope))
        {
            *ticket = None; // its turn has come, and there was not enough: it stands in line again
            until = ticket.insert(Shared::queue(&shared, now, segments)).at().max(until);
        }
        (hold.scope, hold.until) = (scope, until.into());
        hold.look_at = until.min(now.monotonic + LOOK_AGAIN).into();
    }

    /// Nothing waits for a budget any more.
    pub(super) fn let_hold_go(&mut self, now: Now) {
        let Some(hold) = &mut self.hold else { return };
        if hold.told_until <= Stamp::from(now.monotonic) {
            self.hold = None;
            return;
        }
        (hold.until, hold.look_at, hold.tickets) = (Stamp::default(), Stamp::default(), [None, None]);
    }

    /// Nothing waits at all any more.
    pub(super) fn leave_lines(&mut self) {
        if let Some(hold) = &mut self.hold {
            (hold.until, hold.look_at, hold.tickets) = (Stamp::default(), Stamp::default(), [None, None]);
        }
    }

    /// There was not enough for a push; whether the handset is to be told at once that there are events.
    #[cold]
    pub(super) fn stop_at_limit(&mut self, now: Now, tally: &mut Tally) -> bool {
        match self.policy.at_limit {
            AtLimit::Hold => false,
            AtLimit::Drop => {
                let until = self.reach().min(self.again_start());
                self.skip(self.cursor..until, Outcome::Dropped(DropReason::Budget), tally);
                false
            }
            AtLimit::Notify => !self.remembers_limit(now) && self.wake_fits(),
        }
    }

    /// Whether the handset may be told in so many segments: once in a period that it has met a limit of its own, and for
    /// others' a tenth of them beyond.
    pub(super) fn pay_for_notice(&mut self, now: Now, segments: u8, purse: &mut Purse) -> bool {
        if self.charge_shared(now, segments, true).is_err() {
            return false;
        }
        purse.charge(now, segments);
        if let Some(hold) = &mut self.hold {
            let next = now.monotonic + Duration::from_secs(60);
            hold.told_until = Duration::from(hold.until).max(next).into();
            hold.tickets = [None, None]; // nothing waits just now
        }
        true
    }
}
