//! Who may ask over HTTP, from what was asked for: files of keys are read here, once.

use crate::config::{AccessConfig, KeyMaterial, TokenConfig, TokenKeyConfig};
use crate::proxy::identity::{self, Gateway, Identities, Key, KeyError, MAX_KEYS, Tokens, read_jwks};
use std::fmt::Display;
use std::io;
use std::path::Path;

/// Tells who asks, as `config` says.
///
/// # Errors
/// When a file of keys cannot be read, or a key is none.
pub fn identities(config: &AccessConfig) -> Result<Identities, IdentitiesError> {
    let gateway = config.gateway.header.clone().map(|header| Gateway::new(header, config.gateway.from.clone()));
    let tokens = tokens(&config.token)?;
    Ok(Identities::new(identity::Settings { tokens, gateway, origins: config.origins.clone() }))
}

fn tokens(config: &TokenConfig) -> Result<Option<Tokens>, IdentitiesError> {
    let mut keys = Vec::new();
    for (index, written) in config.keys.iter().enumerate() {
        keys.push(key(index, written)?);
    }
    if let Some(path) = &config.jwks_file {
        let set = read_jwks(&read("jwks_file".to_owned(), path)?);
        keys.extend(set.map_err(|error| IdentitiesError::Key { key: "jwks_file".to_owned(), error })?);
    }
    match keys.len() {
        0 => Ok(None),
        1..=MAX_KEYS => Ok(Some(Tokens::new(keys, config.audience.clone(), config.skew))),
        keys => Err(IdentitiesError::TooMany { keys }),
    }
}

fn key(index: usize, config: &TokenKeyConfig) -> Result<Key, IdentitiesError> {
    let named = |key: &dyn Display| format!("key.{index}.{key}");
    let (name, key) = match &config.material {
        KeyMaterial::Secret(secret) => {
            let secret = secret.reveal().as_bytes();
            (named(&"secret"), Key::from_secret(config.kid.clone(), config.algorithm, secret))
        }
        KeyMaterial::PemFile(path) => {
            let pem = read(named(&"pem_file"), path)?;
            (named(&"pem_file"), Key::from_pem(config.kid.clone(), config.algorithm, pem.as_bytes()))
        }
    };
    key.map_err(|error| IdentitiesError::Key { key: name, error })
}

fn read(key: String, path: &Path) -> Result<String, IdentitiesError> {
    let unreadable = |error| IdentitiesError::Unreadable { key, path: path.display().to_string(), error };
    std::fs::read_to_string(path).map_err(unreadable)
}

/// Why it cannot be told who asks.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentitiesError {
    /// A file of keys cannot be read.
    #[error("access.token.{key}: cannot read {path}: {error}")]
    Unreadable {
        /// Which key of `[access.token]` names it.
        key: String,
        /// Which file.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// Something else than a key.
    #[error("access.token.{key}: {error}")]
    Key {
        /// Which key of `[access.token]` has it.
        key: String,
        /// What is wrong with it.
        error: KeyError,
    },
    /// More keys than are tried.
    #[error("access.token: {keys} keys, at most {MAX_KEYS} are taken")]
    TooMany {
        /// How many there are.
        keys: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::proxy::identity::Asked;
    use http::header::HeaderMap;
    use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
    use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
    use serde_json::json;

    fn configured(access: &str) -> Result<Identities, IdentitiesError> {
        let text = format!("[[smsc]]\nname = \"a\"\naddress = \"127.0.0.1:2775\"\n{access}");
        identities(&Config::parse("bellwire.toml", &text, [], &[]).unwrap().access)
    }

    #[test]
    fn keys_come_from_the_configuration_and_from_files() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let pem = write("issuer.pem", &pair.public_key_pem());
        let set = EncodingKey::from_secret(b"a secret in a set, of enough octets");
        let jwk = jsonwebtoken::jwk::Jwk::from_encoding_key(&set, Algorithm::HS256).unwrap();
        let jwks = write("jwks.json", &json!({ "keys": [jwk] }).to_string());
        let house = configured(&format!(
            "[access.token]\naudience = \"bellwire\"\njwks_file = '{jwks}'\n\
             [[access.token.key]]\nsecret = \"0123456789abcdefghijklmnopqrstuv\"\n\
             [[access.token.key]]\nalgorithm = \"ES256\"\npem_file = '{pem}'\n"
        ))
        .unwrap();
        for (algorithm, signing) in [
            (Algorithm::HS256, EncodingKey::from_secret(b"0123456789abcdefghijklmnopqrstuv")),
            (Algorithm::HS256, set),
            (Algorithm::ES256, EncodingKey::from_ec_der(&pair.serialize_der())),
        ] {
            let claims = json!({ "sub": "15551234567", "aud": "bellwire", "exp": 100 });
            let token = encode(&Header::new(algorithm), &claims, &signing).unwrap();
            let (peer, headers) = ("192.0.2.1".parse().unwrap(), HeaderMap::new());
            let asked = Asked { peer, headers: &headers, query_token: Some(&token), unix_seconds: 50 };
            assert!(house.identify(&asked).unwrap().is_some(), "{algorithm:?}");
        }
    }

    #[test]
    fn a_key_that_is_none_is_named() {
        let of = |keys: &str| configured(&format!("[access.token]\naudience = \"a\"\n{keys}")).unwrap_err().to_string();
        let mask = "*".repeat(64);
        assert_eq!(
            of(&format!("[[access.token.key]]\nsecret = \"{mask}\"\n")),
            "access.token.key.0.secret: a secret of one repeated character is a mask, not a secret"
        );
        let error = of("[[access.token.key]]\nalgorithm = \"ES256\"\npem_file = \"/nowhere/a.pem\"\n");
        assert!(error.starts_with("access.token.key.0.pem_file: cannot read /nowhere/a.pem: "), "{error}");
        let error = of("jwks_file = \"/nowhere/jwks.json\"\n");
        assert!(error.starts_with("access.token.jwks_file: cannot read /nowhere/jwks.json: "), "{error}");
    }
}
