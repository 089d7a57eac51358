//! Handset × source × application.

use super::hash::{identity, read_hex, write_hex};
use super::{ApplicationId, HandsetId, SourceId, TenantId};
use std::fmt;
use std::str::FromStr;

/// The same for the same four things, whichever way it was activated.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubscriptionId([u8; 16]);

impl SubscriptionId {
    /// The identity of `handset`'s subscription to `source` for `application`.
    pub fn derive(tenant: &TenantId, handset: &HandsetId, source: &SourceId, application: &ApplicationId) -> Self {
        let (source, application) = (source.to_string(), application.to_string());
        let fields: [&[u8]; 5] =
            [b"subscription", tenant.as_str().as_bytes(), handset.octets(), source.as_bytes(), application.as_bytes()];
        Self(identity(&fields))
    }

    /// The one with these 128 bits.
    pub const fn from_octets(octets: [u8; 16]) -> Self {
        Self(octets)
    }

    /// The 128 bits.
    pub fn octets(&self) -> &[u8; 16] {
        &self.0
    }
}

impl FromStr for SubscriptionId {
    type Err = SubscriptionIdError;

    /// Reads the 32 hexadecimal digits that `Display` writes.
    fn from_str(text: &str) -> Result<Self, SubscriptionIdError> {
        read_hex(text).map(Self).ok_or_else(|| SubscriptionIdError(text.chars().take(40).collect()))
    }
}

impl fmt::Display for SubscriptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for SubscriptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no subscription's identity.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("subscription id {0:?} is not 32 hexadecimal digits")]
pub struct SubscriptionIdError(String);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CredentialRef, Msisdn, SourceOrigin, SourceUrl};

    fn source(tenant: &TenantId, url: &str, credential: Option<&str>) -> SourceId {
        let origin = SourceOrigin::Url(url.parse::<SourceUrl>().unwrap());
        SourceId::new(tenant.clone(), origin, credential.map(CredentialRef::new))
    }

    #[test]
    fn the_same_four_things_are_the_same_subscription() {
        let tenant = TenantId::default();
        let number: Msisdn = "15551234567".parse().unwrap();
        let handset = HandsetId::from_first_number(&tenant, &number);
        let plain = ApplicationId::default();
        let id = |url, credential| SubscriptionId::derive(&tenant, &handset, &source(&tenant, url, credential), &plain);
        assert_eq!(id("http://example.com/a", None), id("HTTP://EXAMPLE.com:80/a#top", None));
        assert_ne!(id("http://example.com/a", None), id("http://example.com/b", None));
        assert_ne!(id("http://example.com/a", None), id("http://example.com/a", Some("key-1")));
        let text = id("http://example.com/a", None).to_string();
        assert_eq!(text.parse::<SubscriptionId>().unwrap().to_string(), text);
        assert!("+0000000000000000000000000000000".parse::<SubscriptionId>().is_err());
    }
}
