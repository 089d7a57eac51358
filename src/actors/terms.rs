//! What many subscriptions have in common, kept once for all of them.

use crate::engine::budget::Shares;
use crate::engine::envelope::Envelopes;
use crate::model::{ApplicationId, Policy, SourceId, TenantId};
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// What a subscription asks for, apart from who asks.
#[derive(Debug)]
pub struct Terms {
    /// What the store calls them; equal terms are equal whatever it is.
    pub number: u32,
    /// Whose it is.
    pub tenant: TenantId,
    /// Whose events it wants.
    pub source: SourceId,
    /// For which application on the handset.
    pub application: ApplicationId,
    /// What is done with them.
    pub policy: Policy,
    /// What is put around its pushes, which follows from application and source.
    pub envelopes: Envelopes,
    /// What its pushes are charged to, which follows from tenant and source.
    pub shares: Option<Arc<Shares>>,
}

impl PartialEq for Terms {
    /// The envelopes follow from application and source.
    fn eq(&self, other: &Self) -> bool {
        let Self { tenant, source, application, policy, .. } = self;
        (tenant, source, application, policy) == (&other.tenant, &other.source, &other.application, &other.policy)
    }
}

impl Eq for Terms {}

impl Hash for Terms {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.source.hash(state);
        self.application.hash(state);
    }
}

/// All terms in use, and by how many subscriptions.
#[derive(Debug, Default)]
pub struct TermsInUse(HashMap<Arc<Terms>, u64>);

impl TermsInUse {
    /// These terms, as they are kept, for one subscription more.
    pub fn keep(&mut self, terms: Terms) -> Arc<Terms> {
        let entry = self.0.entry(Arc::new(terms));
        let terms = Arc::clone(entry.key());
        *entry.or_default() += 1;
        terms
    }

    /// These terms, for so many subscriptions at once; there are none yet that are like them.
    pub fn take_over(&mut self, terms: Arc<Terms>, users: u64) {
        self.0.insert(terms, users);
    }

    /// One subscription needs them no more; they go with the last, and that is whether they did.
    pub fn release(&mut self, terms: &Terms) -> bool {
        let Some(users) = self.0.get_mut(terms) else { return false };
        *users -= 1;
        let last = *users == 0;
        if last {
            self.0.remove(terms);
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FeedName, PushSettings, SourceOrigin};

    fn terms(feed: &str) -> Terms {
        let tenant = TenantId::default();
        let application = ApplicationId::default();
        let source = SourceId::new(tenant.clone(), SourceOrigin::Feed(FeedName::new(feed).unwrap()), None);
        let envelopes = Envelopes::new(&PushSettings::default(), &application, &source).unwrap();
        Terms { number: 0, source, tenant, envelopes, application, policy: Policy::default(), shares: None }
    }

    #[test]
    fn equal_terms_are_kept_once_and_go_with_the_last() {
        let mut all = TermsInUse::default();
        let (one, two, other) = (all.keep(terms("a")), all.keep(terms("a")), all.keep(terms("b")));
        assert!(Arc::ptr_eq(&one, &two) && !Arc::ptr_eq(&one, &other));
        all.release(&one);
        assert_eq!(all.0.len(), 2);
        all.release(&two);
        assert_eq!(all.0.len(), 1);
    }
}
