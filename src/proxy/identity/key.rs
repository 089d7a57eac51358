//! Keys that tokens are verified with: secrets, PEM public keys, and sets of JSON Web Keys (RFC 7517).
//!
//! A key has one algorithm (RFC 8725 §3.1), so what a token's header says never decides how its key is used. Left out:
//! RSA, and fetching a set of keys over the network.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm as Jwa, DecodingKey, crypto};
use serde::Deserialize;
use std::fmt;

/// Most keys of all sources together: a token without a `kid` is tried with each that fits.
pub const MAX_KEYS: usize = 16;
/// Octets of an Ed25519 public key (RFC 8032 §5.1.5).
const ED25519_OCTETS: usize = 32;

/// How a token is signed (RFC 7518 §3.1, RFC 8037 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// HMAC with SHA-256.
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
    /// ECDSA on P-256.
    Es256,
    /// ECDSA on P-384.
    Es384,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Hs256, Self::Hs384, Self::Hs512, Self::Es256, Self::Es384, Self::EdDsa];

    /// Its registered name, as in a token's `alg`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }

    /// Fewest octets of its secret; none where a public key verifies.
    ///
    /// "A key of the same size as the hash output (for instance, 256 bits for "HS256") or larger MUST be used with this
    /// algorithm" (RFC 7518 §3.2).
    pub fn secret_octets(self) -> Option<usize> {
        match self {
            Self::Hs256 => Some(32),
            Self::Hs384 => Some(48),
            Self::Hs512 => Some(64),
            Self::Es256 | Self::Es384 | Self::EdDsa => None,
        }
    }

    pub(super) fn jwa(self) -> Jwa {
        match self {
            Self::Hs256 => Jwa::HS256,
            Self::Hs384 => Jwa::HS384,
            Self::Hs512 => Jwa::HS512,
            Self::Es256 => Jwa::ES256,
            Self::Es384 => Jwa::ES384,
            Self::EdDsa => Jwa::EdDSA,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A key that verifies tokens of one algorithm. `Debug` does not show what it consists of.
#[derive(Clone, Debug)]
pub struct Key {
    /// What tokens call it; a key without one is tried whatever a token calls its own.
    pub(super) kid: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) material: DecodingKey,
}

impl Key {
    /// A key that both sides know.
    ///
    /// # Errors
    /// When the algorithm takes none, or the secret is shorter than [`Algorithm::secret_octets`] or one octet repeated,
    /// as a mask is that was copied from `check-config`.
    pub fn from_secret(kid: Option<String>, algorithm: Algorithm, secret: &[u8]) -> Result<Self, KeyError> {
        let least = algorithm.secret_octets().ok_or(KeyError::NotSymmetric { algorithm })?;
        if secret.len() < least {
            return Err(KeyError::ShortSecret { algorithm, least, octets: secret.len() });
        }
        if secret.iter().all(|octet| Some(octet) == secret.first()) {
            return Err(KeyError::MonotonousSecret);
        }
        Self::checked(kid, algorithm, DecodingKey::from_secret(secret))
    }

    /// The public key in a PEM file, `BEGIN PUBLIC KEY` (RFC 7468 §13).
    ///
    /// # Errors
    /// When the algorithm takes a secret, or this is no public key of its curve.
    pub fn from_pem(kid: Option<String>, algorithm: Algorithm, pem: &[u8]) -> Result<Self, KeyError> {
        let material = match algorithm {
            Algorithm::Es256 | Algorithm::Es384 => DecodingKey::from_ec_pem(pem),
            Algorithm::EdDsa => DecodingKey::from_ed_pem(pem),
            Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => return Err(KeyError::Symmetric { algorithm }),
        };
        Self::checked(kid, algorithm, material.map_err(|_| KeyError::NotPublicKey { algorithm })?)
    }

    /// One JSON Web Key. Without an `alg` it is that of its curve.
    ///
    /// # Errors
    /// When it is no key, is not for signatures, or none of [`Algorithm::ALL`] fits it.
    pub fn from_jwk(text: &str) -> Result<Self, KeyError> {
        let jwk: Jwk = serde_json::from_str(text).map_err(|_| KeyError::UnusableJwk)?;
        Self::of_jwk(&jwk)
    }

    fn of_jwk(jwk: &Jwk) -> Result<Self, KeyError> {
        if !matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
            return Err(KeyError::UnusableJwk);
        }
        let algorithm = match jwk.common.key_algorithm {
            Some(named) => Algorithm::ALL.into_iter().find(|one| Ok(one.jwa()) == Jwa::try_from(named)),
            None => algorithm_of_curve(&jwk.algorithm),
        };
        let algorithm = algorithm.ok_or(KeyError::UnusableJwk)?;
        let kid = jwk.common.key_id.clone();
        let material = DecodingKey::from_jwk(jwk).map_err(|_| KeyError::UnusableJwk)?;
        match (&jwk.algorithm, algorithm.secret_octets()) {
            (AlgorithmParameters::OctetKey(_), _) => {
                let secret = material.try_get_as_bytes().map_err(|_| KeyError::UnusableJwk)?;
                Self::from_secret(kid, algorithm, secret)
            }
            (_, None) => Self::checked(kid, algorithm, material),
            (_, Some(_)) => Err(KeyError::UnusableJwk),
        }
    }

    /// Takes a key only if the algorithm can do something with it, so that no request has to find out.
    fn checked(kid: Option<String>, algorithm: Algorithm, material: DecodingKey) -> Result<Self, KeyError> {
        let wrong = KeyError::NotPublicKey { algorithm };
        let octets = material.try_get_as_bytes().map_or(0, <[u8]>::len);
        // The verifier of EdDSA takes for granted that there are so many.
        if algorithm == Algorithm::EdDsa && octets != ED25519_OCTETS {
            return Err(wrong);
        }
        // No signature at all is told apart from a key that cannot verify any.
        match crypto::verify("", b"", &material, algorithm.jwa()) {
            Ok(_) => Ok(Self { kid, algorithm, material }),
            Err(_) => Err(wrong),
        }
    }
}

fn algorithm_of_curve(parameters: &AlgorithmParameters) -> Option<Algorithm> {
    match parameters {
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => Some(Algorithm::Es256),
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P384 => Some(Algorithm::Es384),
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => Some(Algorithm::EdDsa),
        _ => None,
    }
}

/// The keys of a JWK Set (RFC 7517 §5).
///
/// "Implementations SHOULD ignore JWKs within a JWK Set that use "kty" (key type) values that are not understood by
/// them, that are missing required members, or for which values are out of the supported ranges."
///
/// # Errors
/// When it is no set, or none of its keys can be used.
pub fn read_jwks(text: &str) -> Result<Vec<Key>, KeyError> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<serde_json::Value>,
    }
    let set: Set = serde_json::from_str(text).map_err(|_| KeyError::NotAJwks)?;
    let all = set.keys.len();
    let jwks = set.keys.into_iter().filter_map(|one| serde_json::from_value::<Jwk>(one).ok());
    let keys: Vec<Key> = jwks.filter_map(|jwk| Key::of_jwk(&jwk).ok()).collect();
    match keys.is_empty() {
        true => Err(KeyError::NoUsableKey { all }),
        false => Ok(keys),
    }
}

/// Why a key is none. The key itself is not repeated.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// A secret for an algorithm of public keys.
    #[error("{algorithm} takes a public key, not a secret")]
    NotSymmetric {
        /// The algorithm.
        algorithm: Algorithm,
    },
    /// A public key for an algorithm of secrets.
    #[error("{algorithm} takes a secret, not a public key")]
    Symmetric {
        /// The algorithm.
        algorithm: Algorithm,
    },
    /// A secret that could be guessed.
    #[error("a secret of {algorithm} has {least} octets or more, found {octets}")]
    ShortSecret {
        /// The algorithm.
        algorithm: Algorithm,
        /// Fewest octets.
        least: usize,
        /// How many there are.
        octets: usize,
    },
    /// A secret that is a mask.
    #[error("a secret of one repeated character is a mask, not a secret")]
    MonotonousSecret,
    /// Something else than a public key of the algorithm.
    #[error("not a public key of {algorithm}")]
    NotPublicKey {
        /// The algorithm.
        algorithm: Algorithm,
    },
    /// A JSON Web Key that tells no algorithm of ours.
    #[error("not a JSON Web Key that verifies signatures of HS256, HS384, HS512, ES256, ES384 or EdDSA")]
    UnusableJwk,
    /// Something else than a set of keys.
    #[error("not a JWK Set, an object with a list \"keys\"")]
    NotAJwks,
    /// A set of which nothing is usable.
    #[error("none of the {all} keys of the JWK Set verifies signatures of HS256, HS384, HS512, ES256, ES384 or EdDSA")]
    NoUsableKey {
        /// How many keys it has.
        all: usize,
    },
}
