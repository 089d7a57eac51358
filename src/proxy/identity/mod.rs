//! Who asks over HTTP: whose number, and how that is known.
//!
//! A token (`Authorization: Bearer`, a cookie, or the query) goes before the header of a mobile network's gateway, and a
//! token that is wrong is an error whatever the gateway says. What somebody may do is decided elsewhere.

mod gateway;
mod given;
#[doc(hidden)]
pub mod invariants;
mod key;
mod network;
mod token;

pub use gateway::{Gateway, GatewayError, Spoofed};
pub use given::COOKIE_NAME;
pub use key::{Algorithm, Key, KeyError, MAX_KEYS, read_jwks};
pub use network::{Network, NetworkError};
pub use token::{Claims, TOKEN_MAX_OCTETS, TokenError, Tokens};

use crate::model::{Msisdn, TenantId};
use http::{HeaderMap, HeaderValue, StatusCode};
use std::fmt;
use std::net::IpAddr;

/// What `WWW-Authenticate` says where nobody asks who has to be somebody: no error, as nothing was given (RFC 6750 §3.1).
pub const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=\"bellwire\"");

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Whose subscriber it is.
    pub tenant: TenantId,
    /// The handset's number.
    pub number: Msisdn,
    /// How that is known.
    pub by: How,
}

/// How it is known who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum How {
    /// A token in `Authorization: Bearer`.
    Bearer,
    /// A token in a cookie, from a page of an allowed origin.
    Cookie,
    /// A token in the query.
    Query,
    /// The header of a mobile network's gateway.
    Gateway,
}

impl How {
    /// A word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "bearer",
            Self::Cookie => "cookie",
            Self::Query => "query",
            Self::Gateway => "gateway",
        }
    }
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What of a request tells who asks.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The other end of the TCP connection, not what a header says of it.
    pub peer: IpAddr,
    /// The request's headers.
    pub headers: &'a HeaderMap,
    /// The query's `token`, percent-decoded.
    pub query_token: Option<&'a str>,
    /// Now, in seconds since 1970.
    pub unix_seconds: u64,
}

/// What is believed. By default nothing: every token is an error, and every other request is anonymous.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Which tokens.
    pub tokens: Option<Tokens>,
    /// Which gateway.
    pub gateway: Option<Gateway>,
    /// Origins whose pages may use the cookie, such as `https://app.example`, as browsers write them.
    pub origins: Vec<String>,
}

/// Tells who asks.
#[derive(Clone, Debug, Default)]
pub struct Identities {
    settings: Settings,
}

impl Identities {
    /// Believes what `settings` say.
    pub fn new(settings: Settings) -> Self {
        Self { settings }
    }

    /// Who asks; none for an anonymous request.
    ///
    /// # Errors
    /// When a token was given that is not believed, or two; or when the gateway's header is no number.
    pub fn identify(&self, asked: &Asked<'_>) -> Result<Option<Identity>, IdentityError> {
        if let Some((by, token)) = given::token(asked, &self.settings.origins)? {
            let tokens = self.settings.tokens.as_ref().ok_or(IdentityError::NoTokens)?;
            let claims = tokens.verify(token, asked.unix_seconds);
            let Claims { number, tenant } = claims.map_err(|error| IdentityError::Token { by, error })?;
            return Ok(Some(Identity { tenant, number, by }));
        }
        let Some(gateway) = &self.settings.gateway else { return Ok(None) };
        let number = gateway.number(asked.peer, asked.headers).map_err(IdentityError::Gateway)?;
        Ok(number.map(|number| Identity { tenant: TenantId::default(), number, by: How::Gateway }))
    }

    /// The mark of a gateway's header that no gateway wrote. [`Identities::identify`] ignores such a header; whoever
    /// asks it should count and log this.
    pub fn spoofed(&self, asked: &Asked<'_>) -> Option<Spoofed> {
        self.settings.gateway.as_ref()?.spoofed(asked.peer, asked.headers)
    }

    /// Whether the request was made by a page that may use the cookie and read what is answered.
    pub fn is_allowed_origin(&self, headers: &HeaderMap) -> bool {
        given::is_allowed_origin(headers, &self.settings.origins)
    }
}

/// Why it is not known who asks. Neither token nor number is repeated.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdentityError {
    /// Two tokens that differ.
    #[error("two different tokens, by {first} and by {second}")]
    TwoTokens {
        /// Where the first one is.
        first: How,
        /// Where the other one is.
        second: How,
    },
    /// A cookie that any page could have made a browser send.
    #[error("token by cookie without the Origin of a page that may use it")]
    CookieOrigin,
    /// A token although none is believed.
    #[error("no tokens are taken here")]
    NoTokens,
    /// A token that is not believed.
    #[error("by {by}: {error}")]
    Token {
        /// Where it is.
        by: How,
        /// What is wrong with it.
        error: TokenError,
    },
    /// A gateway's header that is no number.
    #[error("by gateway: {0}")]
    Gateway(GatewayError),
}

impl IdentityError {
    /// The answer's status: 400 for a request that cannot be meant so, 401 for the others (RFC 6750 §3.1).
    pub fn status(&self) -> StatusCode {
        match self {
            Self::TwoTokens { .. } => StatusCode::BAD_REQUEST,
            _ => StatusCode::UNAUTHORIZED,
        }
    }

    /// The answer's `WWW-Authenticate` (RFC 6750 §3).
    pub fn challenge(&self) -> HeaderValue {
        let error = match self {
            Self::TwoTokens { .. } => "invalid_request",
            Self::CookieOrigin | Self::NoTokens | Self::Token { .. } => "invalid_token",
            // It is not the caller's to give another one.
            Self::Gateway(_) => return CHALLENGE,
        };
        let description: String = self.to_string().chars().map(described).collect();
        let challenge = format!("Bearer realm=\"bellwire\", error=\"{error}\", error_description=\"{description}\"");
        HeaderValue::from_str(&challenge).unwrap_or(CHALLENGE)
    }
}

/// "Values for the "error" and "error_description" attributes MUST NOT include characters outside the set %x20-21 /
/// %x23-5B / %x5D-7E" (RFC 6750 §3).
fn described(c: char) -> char {
    match c {
        '"' | '\\' => '\'',
        ' '..='~' => c,
        _ => '?',
    }
}

#[cfg(test)]
mod tests;
