//! JSON Web Tokens (RFC 7519) in JWS compact serialization (RFC 7515 §7.1): a number as `sub`, told by who holds a key.
//!
//! A token has at most [`TOKEN_MAX_OCTETS`]; a longer one is not even read. Time is an argument. Left out: encrypted
//! tokens, `iss` (the keys say whose they are) and `jti` (a token may be used until it expires).

use super::key::{Algorithm, Key};
use crate::model::{Msisdn, MsisdnError, TenantId, TenantIdError};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Header, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::{Number, Value};
use std::time::Duration;

/// Octets of a token: HTTP servers refuse header lines beyond some 8 KiB.
pub const TOKEN_MAX_OCTETS: usize = 4096;

/// What tokens are believed.
#[derive(Clone, Debug)]
pub struct Tokens {
    keys: Vec<Key>,
    audience: String,
    skew: u64,
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// `sub`: who asks.
    pub number: Msisdn,
    /// `tenant`, or the default one.
    pub tenant: TenantId,
}

/// The claims as they are written. Those of another kind than they should be are told apart from malformed tokens.
#[derive(Deserialize)]
struct Written {
    exp: Option<Value>,
    nbf: Option<Value>,
    iat: Option<Value>,
    aud: Option<Value>,
    sub: Option<Value>,
    tenant: Option<Value>,
}

impl Tokens {
    /// Believes tokens for `audience` that one of `keys` signed, and clocks that are off by up to `skew`.
    pub fn new(keys: Vec<Key>, audience: String, skew: Duration) -> Self {
        Self { keys, audience, skew: skew.as_secs() }
    }

    /// What `token` says at `unix_seconds`.
    ///
    /// # Errors
    /// The first thing that is wrong with it: shape, algorithm, key and signature before anything it claims.
    pub fn verify(&self, token: &[u8], unix_seconds: u64) -> Result<Claims, TokenError> {
        if token.len() > TOKEN_MAX_OCTETS {
            return Err(TokenError::TooLong { octets: token.len() });
        }
        if token.iter().filter(|octet| **octet == b'.').count() != 2 {
            return Err(TokenError::Parts);
        }
        let header = decode_header(token).map_err(|_| TokenError::Header)?;
        // "If any of the listed extension Header Parameters are not understood and supported by the recipient, then the
        // JWS is invalid" (RFC 7515 §4.1.11).
        if header.crit.is_some() {
            return Err(TokenError::Critical);
        }
        let claims = self.signed(token, &header)?;
        self.check_times(&claims, unix_seconds)?;
        // "If the principal processing the claim does not identify itself with a value in the "aud" claim when this
        // claim is present, then the JWT MUST be rejected" (RFC 7519 §4.1.3); and without one it was not meant for us.
        if !self.is_meant(claims.aud.as_ref()) {
            return Err(TokenError::Audience);
        }
        Ok(Claims { number: number(claims.sub.as_ref())?, tenant: tenant(claims.tenant.as_ref())? })
    }

    /// The claims of a token whose signature is that of a key it may be signed with.
    fn signed(&self, token: &[u8], header: &Header) -> Result<Written, TokenError> {
        let known = self.keys.iter().map(|key| key.algorithm).find(|algorithm| algorithm.jwa() == header.alg);
        let algorithm = known.ok_or(TokenError::UnknownAlgorithm)?;
        let called = |key: &&Key| match (&header.kid, &key.kid) {
            (Some(token), Some(key)) => token == key,
            _ => true,
        };
        let mut named = self.keys.iter().filter(called).peekable();
        if named.peek().is_none() {
            return Err(TokenError::NoSuchKey);
        }
        let mut fitting = named.filter(|key| key.algorithm == algorithm).peekable();
        if fitting.peek().is_none() {
            return Err(TokenError::OtherAlgorithm { algorithm });
        }
        for key in fitting {
            match decode::<Written>(token, &key.material, &signature_only(key.algorithm)) {
                Ok(token) => return Ok(token.claims),
                Err(error) => match error.kind() {
                    ErrorKind::InvalidSignature | ErrorKind::Base64(_) => {}
                    _ => return Err(TokenError::Claims),
                },
            }
        }
        Err(TokenError::Signature)
    }

    fn check_times(&self, claims: &Written, now: u64) -> Result<(), TokenError> {
        let expiry = date("exp", claims.exp.as_ref())?.ok_or(TokenError::NoExpiry)?;
        // "the current date/time MUST be before the expiration date/time listed in the "exp" claim" (RFC 7519 §4.1.4).
        if now >= expiry.saturating_add(self.skew) {
            return Err(TokenError::Expired { since: Duration::from_secs(now.saturating_sub(expiry)) });
        }
        for name in ["nbf", "iat"] {
            let written = if name == "nbf" { &claims.nbf } else { &claims.iat };
            let begin = date(name, written.as_ref())?.unwrap_or(0);
            if begin > now.saturating_add(self.skew) {
                return Err(TokenError::NotYetValid { until: Duration::from_secs(begin - now) });
            }
        }
        Ok(())
    }

    fn is_meant(&self, audience: Option<&Value>) -> bool {
        match audience {
            Some(Value::String(one)) => *one == self.audience,
            Some(Value::Array(several)) => several.iter().any(|one| one.as_str() == Some(&self.audience)),
            _ => false,
        }
    }
}

/// Leaves all but the signature to us: the library would look at the clock.
fn signature_only(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm.jwa());
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}

/// Whole seconds of a NumericDate, which may have a fraction or lie before 1970 (RFC 7519 §2).
fn date(claim: &'static str, written: Option<&Value>) -> Result<Option<u64>, TokenError> {
    let seconds = |number: &Number| number.as_u64().or_else(|| number.as_f64().map(|seconds| seconds as u64));
    match written {
        None => Ok(None),
        Some(Value::Number(number)) => Ok(seconds(number)),
        Some(_) => Err(TokenError::Date { claim }),
    }
}

fn number(subject: Option<&Value>) -> Result<Msisdn, TokenError> {
    let text = subject.and_then(Value::as_str).ok_or(TokenError::NoSubject)?;
    text.parse().map_err(TokenError::Subject)
}

fn tenant(claim: Option<&Value>) -> Result<TenantId, TokenError> {
    match claim {
        None => Ok(TenantId::default()),
        Some(Value::String(name)) => TenantId::new(name).map_err(TokenError::Tenant),
        Some(_) => Err(TokenError::TenantKind),
    }
}

/// Why a token is not believed. Nothing of the token is repeated but a tenant that is none.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenError {
    /// Longer than is read.
    #[error("token of {octets} octets, at most {TOKEN_MAX_OCTETS} are read")]
    TooLong {
        /// How many it has.
        octets: usize,
    },
    /// Not header, claims and signature.
    #[error("malformed token: not three parts with dots between")]
    Parts,
    /// A header that cannot be read, or an `alg` nobody knows, as `none` is.
    #[error("malformed token: its header is not base64url of JSON with a known alg")]
    Header,
    /// Claims that cannot be read, although they are signed: no object, a claim twice, an object as a time.
    #[error("malformed token: its claims are not base64url of a JSON object with each claim once")]
    Claims,
    /// Header parameters that have to be understood.
    #[error("token with critical header parameters, none is understood")]
    Critical,
    /// An algorithm of no key.
    #[error("no key verifies the token's alg")]
    UnknownAlgorithm,
    /// An algorithm of other keys than the one named.
    #[error("token signed with {algorithm}, its kid is a key of another algorithm")]
    OtherAlgorithm {
        /// What the token's header says.
        algorithm: Algorithm,
    },
    /// A `kid` that no key has.
    #[error("no key has the token's kid")]
    NoSuchKey,
    /// Signed by somebody else, or changed since.
    #[error("the token's signature is not that of its key")]
    Signature,
    /// A time that is none.
    #[error("{claim} is not a number of seconds since 1970")]
    Date {
        /// `exp`, `nbf` or `iat`.
        claim: &'static str,
    },
    /// No end.
    #[error("token without exp")]
    NoExpiry,
    /// Over, the clock skew included.
    #[error("token expired {} s ago", since.as_secs())]
    Expired {
        /// How long ago.
        since: Duration,
    },
    /// Not begun, the clock skew included.
    #[error("token not valid before {} s from now", until.as_secs())]
    NotYetValid {
        /// How long until.
        until: Duration,
    },
    /// Meant for others.
    #[error("token without this proxy's audience in aud")]
    Audience,
    /// Nobody asks.
    #[error("token without a text as sub")]
    NoSubject,
    /// Somebody asks who is no number.
    #[error("sub: {0}")]
    Subject(MsisdnError),
    /// A tenant that is none.
    #[error("{0}")]
    Tenant(TenantIdError),
    /// A tenant that is not even text.
    #[error("tenant is not a text")]
    TenantKind,
}
