//! Issuers of tokens, with fresh keys.

mod request;
mod token;

use super::*;
use jsonwebtoken::{EncodingKey, Header, encode};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, SignatureAlgorithm};
use serde_json::{Value, json};
use std::time::Duration;

const NOW: u64 = 1_800_000_000;
const SECRET: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";

/// What stands before the 32 octets of a private key of Ed25519 (RFC 8410 §7).
const ED25519_VERSION_1: &[u8] = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";

/// Somebody who signs, and the key that verifies it.
struct Issuer {
    algorithm: Algorithm,
    signing: EncodingKey,
    /// As it stands in a JWK Set.
    jwk: Value,
    /// Of a public key.
    pem: String,
    key: Key,
}

fn issuer(algorithm: Algorithm, kid: Option<&str>) -> Issuer {
    let pair = |of: &'static SignatureAlgorithm| KeyPair::generate_for(of).unwrap();
    match algorithm {
        Algorithm::Es256 => of_pair(algorithm, kid, &pair(&PKCS_ECDSA_P256_SHA256)),
        Algorithm::Es384 => of_pair(algorithm, kid, &pair(&PKCS_ECDSA_P384_SHA384)),
        Algorithm::EdDsa => of_pair(algorithm, kid, &pair(&PKCS_ED25519)),
        _ => Issuer {
            algorithm,
            signing: EncodingKey::from_secret(SECRET),
            jwk: jwk(&EncodingKey::from_secret(SECRET), algorithm, kid),
            pem: String::new(),
            key: Key::from_secret(kid.map(str::to_owned), algorithm, SECRET).unwrap(),
        },
    }
}

fn of_pair(algorithm: Algorithm, kid: Option<&str>, pair: &KeyPair) -> Issuer {
    let (private, pem) = (pair.serialize_der(), pair.public_key_pem());
    let signing = match algorithm {
        // With its public key behind, as it was made, the library does not read it (RFC 5958 §2, version 2).
        Algorithm::EdDsa => EncodingKey::from_ed_der(&[ED25519_VERSION_1, &private[16..48]].concat()),
        _ => EncodingKey::from_ec_der(&private),
    };
    let key = Key::from_pem(kid.map(str::to_owned), algorithm, pem.as_bytes()).unwrap();
    Issuer { algorithm, jwk: jwk(&signing, algorithm, kid), signing, pem, key }
}

fn jwk(signing: &EncodingKey, algorithm: Algorithm, kid: Option<&str>) -> Value {
    let mut jwk = jsonwebtoken::jwk::Jwk::from_encoding_key(signing, algorithm.jwa()).unwrap();
    jwk.common.key_id = kid.map(str::to_owned);
    serde_json::to_value(jwk).unwrap()
}

impl Issuer {
    fn token(&self, claims: &Value) -> String {
        self.token_of(None, claims)
    }

    fn token_of(&self, kid: Option<&str>, claims: &Value) -> String {
        let header = Header { kid: kid.map(str::to_owned), ..Header::new(self.algorithm.jwa()) };
        encode(&header, claims, &self.signing).unwrap()
    }
}

fn claims() -> Value {
    json!({ "sub": "+15551234567", "aud": "bellwire", "exp": NOW + 60 })
}

/// Good claims but for `changed`; null takes a claim away.
fn claims_with(changed: &Value) -> Value {
    let mut claims = claims();
    for (name, value) in changed.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

fn tokens(keys: Vec<Key>) -> Tokens {
    Tokens::new(keys, "bellwire".to_owned(), Duration::from_secs(60))
}
