//! Where events come from.

use super::{SourceUrl, TenantId};
use std::fmt;
use std::sync::Arc;

/// What a source is opened or fed by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SourceOrigin {
    /// An upstream event stream that Bellwire opens.
    Url(SourceUrl),
    /// A named feed that others publish into.
    Feed(FeedName),
}

/// One ordered event stream. Tenant and credential are part of it, so that a private stream is never shared by accident.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SourceId(Arc<Fields>);

#[derive(PartialEq, Eq, Hash)]
struct Fields {
    tenant: TenantId,
    origin: SourceOrigin,
    credential: Option<CredentialRef>,
}

impl SourceId {
    /// The source of `tenant` at `origin`, opened with the credential that `credential` names.
    pub fn new(tenant: TenantId, origin: SourceOrigin, credential: Option<CredentialRef>) -> Self {
        Self(Arc::new(Fields { tenant, origin, credential }))
    }

    /// Whose it is.
    pub fn tenant(&self) -> &TenantId {
        &self.0.tenant
    }

    /// What it is opened or fed by.
    pub fn origin(&self) -> &SourceOrigin {
        &self.0.origin
    }

    /// As logs may show it: without the query of a URL, which may carry a token.
    pub fn logged(&self) -> String {
        let shown = match &self.0.origin {
            SourceOrigin::Url(url) => url.as_str().split('?').next().unwrap_or_default(),
            SourceOrigin::Feed(FeedName(name)) => name,
        };
        format!("{}/{shown}", self.0.tenant)
    }

    /// The credential it is opened with.
    pub fn credential(&self) -> Option<&CredentialRef> {
        self.0.credential.as_ref()
    }
}

impl fmt::Display for SourceId {
    /// Unambiguous and stable: identities are derived from it. A credential appears by its name, never its value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/", self.0.tenant)?;
        match &self.0.origin {
            SourceOrigin::Url(url) => write!(f, "{url}")?,
            SourceOrigin::Feed(name) => write!(f, "feed:{name}")?,
        }
        match &self.0.credential {
            Some(credential) => write!(f, " as {credential}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The name of a feed: 1 to 255 octets of text without control characters or blanks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FeedName(Arc<str>);

impl FeedName {
    /// Takes a feed's name.
    ///
    /// # Errors
    /// When it is empty, longer than 255 octets, or holds a blank or a control character.
    pub fn new(name: &str) -> Result<Self, FeedNameError> {
        if name.is_empty() || name.len() > 255 || name.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(FeedNameError(name.chars().take(80).collect()));
        }
        Ok(Self(name.into()))
    }
}

impl fmt::Display for FeedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is no feed's name.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("feed name {0:?} is not 1 to 255 octets without blanks and control characters")]
pub struct FeedNameError(String);

/// The name of a credential in the configuration; its value never travels with a source.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CredentialRef(Arc<str>);

impl CredentialRef {
    /// Refers to the credential called `name`.
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CredentialRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_does_not_show_the_query_of_a_url() {
        let id = |origin| SourceId::new(TenantId::default(), origin, None);
        let url = id(SourceOrigin::Url("https://example.com/stocks?token=secret".parse().unwrap()));
        assert_eq!(url.logged(), "default/https://example.com/stocks");
        assert!(url.to_string().contains("token=secret"), "the identity keeps it");
        assert_eq!(id(SourceOrigin::Feed(FeedName::new("why?").unwrap())).logged(), "default/why?");
    }
}
