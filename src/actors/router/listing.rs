//! Subscriptions page by page. There may be millions: no page looks at more than so many of them.

use super::message::{Condition, Filter, Listing, Page};
use super::state::State;
use crate::actors::seat::SharedSeat;
use crate::actors::terms::Terms;

/// Subscriptions that are looked at for one page: a few milliseconds.
const LOOKED_AT: usize = 20_000;

impl State {
    pub(super) fn list(&self, page: &Page) -> Listing {
        let mut listing = Listing::default();
        if page.filter.handset.is_some_and(|handset| self.handsets.get(&handset).is_none()) {
            return listing;
        }
        let mut last = page.after;
        for (looked_at, seat) in self.subscriptions.behind(page.after).enumerate() {
            if looked_at == LOOKED_AT {
                return Listing { next: last, ..listing };
            }
            if self.is_on(page, seat) {
                if listing.views.len() == page.limit {
                    return Listing { next: listing.views.last().map(|view| view.id), ..listing };
                }
                listing.views.push(self.view_of(seat));
            }
            last = Some(seat.id());
        }
        listing
    }

    /// Whether a subscription belongs on a page; what is cheap is asked first.
    fn is_on(&self, page: &Page, seat: &SharedSeat) -> bool {
        let Filter { origin, credential, number, handset, condition, asleep } = &page.filter;
        if handset.is_some_and(|handset| seat.handset().id() != handset)
            || number.is_some_and(|number| seat.handset().number() != number)
            || asleep.is_some_and(|asleep| seat.is_asleep() != asleep)
        {
            return false;
        }
        let terms = seat.terms();
        terms.tenant == page.tenant
            && origin.as_ref().is_none_or(|origin| terms.source.origin() == origin)
            && credential.as_ref().is_none_or(|credential| terms.source.credential() == Some(credential))
            && condition.is_none_or(|condition| self.condition(seat, &terms) == condition)
    }

    fn condition(&self, seat: &SharedSeat, terms: &Terms) -> Condition {
        if self.is_quarantined(seat.id()) {
            return Condition::Quarantined;
        }
        self.sources.get(&terms.source).map_or(Condition::Connecting, |source| source.status.borrow().condition())
    }
}
