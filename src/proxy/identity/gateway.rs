//! Header enrichment: a mobile network's gateway writes the subscriber's number into each request that it passes on.
//!
//! Anybody can write a header, so it is believed only from peers that are the gateway, and means nothing from others.

use super::network::Network;
use crate::model::{Msisdn, MsisdnError};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use std::fmt;
use std::net::IpAddr;

/// A gateway that is believed.
#[derive(Clone, Debug)]
pub struct Gateway {
    header: HeaderName,
    from: Vec<Network>,
}

/// A number that somebody wrote who is no gateway. `Display` masks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spoofed {
    /// Who.
    pub peer: IpAddr,
    /// Which number, if it is one.
    pub claimed: Option<Msisdn>,
}

impl Gateway {
    /// Believes `header` of peers in one of the networks `from`.
    pub fn new(header: HeaderName, from: Vec<Network>) -> Self {
        Self { header, from }
    }

    /// The number that the gateway wrote; none if it wrote none, or `peer` is no gateway.
    ///
    /// # Errors
    /// When the gateway wrote something else, or left another one's number beside its own.
    pub fn number(&self, peer: IpAddr, headers: &HeaderMap) -> Result<Option<Msisdn>, GatewayError> {
        if !self.is_from(peer) {
            return Ok(None);
        }
        let mut found = None;
        for value in self.written(headers) {
            let number = read(value)?;
            if found.is_some_and(|found| found != number) {
                return Err(GatewayError::Several);
            }
            found = Some(number);
        }
        Ok(found)
    }

    /// The mark of a request with the header from elsewhere: to be counted and logged; the header is ignored.
    pub fn spoofed(&self, peer: IpAddr, headers: &HeaderMap) -> Option<Spoofed> {
        let first = self.written(headers).next()?;
        (!self.is_from(peer)).then(|| Spoofed { peer: peer.to_canonical(), claimed: read(first).ok() })
    }

    fn is_from(&self, peer: IpAddr) -> bool {
        self.from.iter().any(|network| network.contains(peer))
    }

    /// An empty header says that the gateway does not know the number.
    fn written<'a>(&self, headers: &'a HeaderMap) -> impl Iterator<Item = &'a HeaderValue> {
        headers.get_all(&self.header).into_iter().filter(|value| !value.as_bytes().trim_ascii().is_empty())
    }
}

fn read(value: &HeaderValue) -> Result<Msisdn, GatewayError> {
    let text = std::str::from_utf8(value.as_bytes().trim_ascii()).map_err(|_| GatewayError::Octets)?;
    text.parse().map_err(GatewayError::Number)
}

impl fmt::Display for Spoofed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.claimed {
            Some(number) => write!(f, "{} claims to be {number}", self.peer),
            None => write!(f, "{} claims to be somebody", self.peer),
        }
    }
}

/// Why the gateway's header is no number.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum GatewayError {
    /// Two numbers: a gateway should take away what the client wrote.
    #[error("two different numbers")]
    Several,
    /// Not even text.
    #[error("not text")]
    Octets,
    /// Text that is no number.
    #[error("{0}")]
    Number(MsisdnError),
}
