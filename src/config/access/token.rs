//! `[access.token]`: which tokens are believed. What a token is, its algorithms and keys belong to the proxy.

use super::super::explain::Explained;
use super::super::secret::Secret;
use super::super::section::{Section, text};
use crate::proxy::identity::{Algorithm, MAX_KEYS};
use std::path::PathBuf;
use std::time::Duration;

/// Characters of an audience: more than any URL that names a service needs.
const AUDIENCE_MAX_CHARACTERS: usize = 256;
/// Characters of a key's name; thumbprints have 43 (RFC 7638 §3.1).
const KID_MAX_CHARACTERS: usize = 128;
/// Octets of a secret: hashes make no use of so many.
const SECRET_MAX_OCTETS: usize = 1024;
/// What stands for a secret where it is shown, long enough for each algorithm. As a key it is refused.
const MASKS: usize = 8;

/// Which tokens are believed: none, unless there are keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenConfig {
    /// What has to be in a token's `aud`. Never empty where there are keys.
    pub audience: String,
    /// How far clocks may be apart: 0 s to 10 min.
    pub skew: Duration,
    /// A JWK Set with keys; read once at start.
    pub jwks_file: Option<PathBuf>,
    /// More keys; with those of the set 16 at most.
    pub keys: Vec<TokenKeyConfig>,
}

/// A key that tokens are verified with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenKeyConfig {
    /// What tokens call it; unique. None for a key that is tried whatever a token calls its own.
    pub kid: Option<String>,
    /// The one algorithm it verifies.
    pub algorithm: Algorithm,
    /// The key itself, of the kind that its algorithm takes.
    pub material: KeyMaterial,
}

/// What a key consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyMaterial {
    /// A secret, of as many octets as the hash has or more.
    Secret(Secret),
    /// A file with a public key in PEM; read once at start.
    PemFile(PathBuf),
}

impl TokenConfig {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let mut kids = Vec::new();
        let config = Self {
            audience: section.ascii("audience", "", AUDIENCE_MAX_CHARACTERS),
            skew: section.duration("skew", "1m", ("0s", "10m")),
            jwks_file: path(&mut section, "jwks_file"),
            keys: section.entries("key", |entry| key(entry, &mut kids)),
        };
        let has_keys = config.jwks_file.is_some() || !config.keys.is_empty();
        if has_keys && config.audience.is_empty() {
            section.miss("audience", "what tokens for this proxy have in aud");
        }
        if let Some(written) = section.written("key").filter(|_| config.keys.len() > MAX_KEYS) {
            section.refuse("key", written, format!("{} entries", config.keys.len()), format!("at most {MAX_KEYS}"));
        }
        section.finish();
        config
    }

    pub(super) fn explain(&self, explained: &mut Explained) {
        let jwks_file = self.jwks_file.as_deref().unwrap_or("".as_ref());
        explained
            .section("[access.token]")
            .text("audience", &self.audience)
            .duration("skew", self.skew)
            .text("jwks_file", jwks_file.display());
        for key in &self.keys {
            explained
                .section("[[access.token.key]]")
                .text("kid", key.kid.as_deref().unwrap_or_default())
                .text("algorithm", key.algorithm);
            match &key.material {
                KeyMaterial::Secret(secret) => explained.text("secret", secret.masked().repeat(MASKS)),
                KeyMaterial::PemFile(path) => explained.text("pem_file", path.display()),
            };
        }
    }
}

fn key(mut section: Section<'_>, kids: &mut Vec<String>) -> TokenKeyConfig {
    let kid = kid(&mut section, kids);
    let words = Algorithm::ALL.map(|algorithm| (algorithm.as_str(), algorithm));
    let algorithm = section.choice("algorithm", Algorithm::Hs256, &words);
    let (secret, pem_file) = (section.secret("secret", SECRET_MAX_OCTETS), path(&mut section, "pem_file"));
    let material = match algorithm.secret_octets() {
        Some(least) => {
            needless(&mut section, "pem_file", pem_file.is_some(), format!("none, {algorithm} takes a secret"));
            check_secret(&mut section, &secret, algorithm, least);
            KeyMaterial::Secret(secret)
        }
        None => {
            needless(&mut section, "secret", !secret.is_empty(), format!("none, {algorithm} takes a public key"));
            if pem_file.is_none() {
                section.miss("pem_file", format!("a path, of a public key of {algorithm} in PEM"));
            }
            KeyMaterial::PemFile(pem_file.unwrap_or_default())
        }
    };
    section.finish();
    TokenKeyConfig { kid, algorithm, material }
}

fn kid(section: &mut Section<'_>, kids: &mut Vec<String>) -> Option<String> {
    let allowed = format!("at most {KID_MAX_CHARACTERS} characters of printable ASCII, and unlike every other");
    let legal = |kid: &&str| {
        kid.len() <= KID_MAX_CHARACTERS && kid.bytes().all(|octet| matches!(octet, 0x20..=0x7e)) && !is_in(kids, kid)
    };
    let kid = section.read("kid", String::new(), allowed, |value| text(value).filter(legal).map(str::to_owned));
    kids.extend((!kid.is_empty()).then(|| kid.clone()));
    (!kid.is_empty()).then_some(kid)
}

fn is_in(kids: &[String], kid: &str) -> bool {
    kids.iter().any(|other| other == kid)
}

fn check_secret(section: &mut Section<'_>, secret: &Secret, algorithm: Algorithm, least: usize) {
    let allowed = format!("{least} to {SECRET_MAX_OCTETS} characters of printable ASCII for {algorithm}");
    let octets = secret.reveal().len();
    match section.written("secret") {
        None => section.miss("secret", allowed),
        // One with other characters was refused before, and is empty now.
        Some(written) if (1..least).contains(&octets) || text(&written.value) == Some("") => {
            section.refuse("secret", written, format!("of {octets} octets (not shown)"), allowed);
        }
        Some(_) => {}
    }
}

fn needless(section: &mut Section<'_>, key: &'static str, is_there: bool, allowed: String) {
    if let Some(written) = section.written(key).filter(|_| is_there) {
        section.refuse(key, written, "(not shown)".to_owned(), allowed);
    }
}

fn path(section: &mut Section<'_>, key: &'static str) -> Option<PathBuf> {
    section.read(key, None, "a path, or empty for none", |value| {
        text(value).map(|path| (!path.is_empty()).then(|| PathBuf::from(path)))
    })
}
