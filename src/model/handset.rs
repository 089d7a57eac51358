//! Who is reached.

use super::hash::{identity, read_hex, write_hex};
use super::{Msisdn, TenantId};
use std::fmt;
use std::str::FromStr;

/// A handset, stable and opaque. Its number is an attribute: numbers move and are recycled.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HandsetId([u8; 16]);

impl HandsetId {
    /// The handset that a tenant knows by a name of its own.
    pub fn from_name(tenant: &TenantId, name: &str) -> Self {
        Self(identity(&[b"handset-name", tenant.as_str().as_bytes(), name.as_bytes()]))
    }

    /// The handset that a tenant first named by its number only.
    pub fn from_first_number(tenant: &TenantId, number: &Msisdn) -> Self {
        Self(identity(&[b"handset-number", tenant.as_str().as_bytes(), number.digits().as_bytes()]))
    }

    /// Half of it, which tells handsets apart where a mistake would need two among billions to be alike.
    pub fn half(&self) -> u64 {
        u128::from_be_bytes(self.0) as u64
    }

    /// The one with these 128 bits.
    pub fn from_octets(octets: [u8; 16]) -> Self {
        Self(octets)
    }

    /// The 128 bits.
    pub fn octets(&self) -> &[u8; 16] {
        &self.0
    }
}

impl FromStr for HandsetId {
    type Err = HandsetIdError;

    /// Reads the 32 hexadecimal digits that `Display` writes.
    fn from_str(text: &str) -> Result<Self, HandsetIdError> {
        read_hex(text).map(Self).ok_or_else(|| HandsetIdError(text.chars().take(40).collect()))
    }
}

impl fmt::Display for HandsetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for HandsetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no handset's identity.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("handset id {0:?} is not 32 hexadecimal digits")]
pub struct HandsetIdError(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_read_as_it_is_written() {
        let id = HandsetId::from_name(&TenantId::default(), "device-1");
        assert_eq!(id.to_string().parse(), Ok(id));
        for wrong in ["", "17", "+0000000000000000000000000000000", &"g".repeat(32)] {
            assert!(wrong.parse::<HandsetId>().is_err(), "{wrong:?}");
        }
    }
}
