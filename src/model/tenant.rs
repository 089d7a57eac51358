//! Whose it is.

use std::fmt;
use std::sync::Arc;

/// Owner of credentials, senders, routes and budgets: 1 to 64 of `a-z 0-9 - _ .`; `default` exists from the start.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantId(Arc<str>);

impl TenantId {
    /// Takes a tenant's name.
    ///
    /// # Errors
    /// When the name is empty, longer than 64 characters, or has other characters.
    pub fn new(name: &str) -> Result<Self, TenantIdError> {
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.len() > 64 || !name.chars().all(legal) {
            return Err(TenantIdError(name.chars().take(80).collect()));
        }
        Ok(Self(name.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for TenantId {
    fn default() -> Self {
        Self("default".into())
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A tenant's name that is none.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("tenant {0:?} is not 1 to 64 of a-z, 0-9, '-', '_', '.'")]
pub struct TenantIdError(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_are_tenants() {
        assert_eq!(TenantId::default().as_str(), "default");
        assert!(TenantId::new("acme-iot.eu_1").is_ok());
        for wrong in ["", "Acme", "a b", "a/b", &"x".repeat(65)] {
            assert!(TenantId::new(wrong).is_err(), "{wrong:?}");
        }
    }
}
