//! What must hold for every token: called by the property tests and by the fuzz target.

use super::{Algorithm, Asked, Identities, Key, Settings, Tokens};
use http::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderValue, ORIGIN};
use jsonwebtoken::{EncodingKey, Header, encode};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

const SECRET: &[u8] = b"a secret that is known to the fuzzer, whatever it does with that";
const NOW: u64 = 1_800_000_000;

/// Octets that nobody signed are never believed, wherever they are given.
///
/// # Panics
/// When they are.
pub fn check_token(octets: &[u8]) {
    let Some(tokens) = tokens() else { return };
    assert!(tokens.verify(octets, NOW).is_err(), "nobody signed it");
    let settings = Settings { tokens: Some(tokens), gateway: None, origins: vec!["https://app.example".to_owned()] };
    let identities = Identities::new(settings);
    let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let Ok(value) = HeaderValue::from_bytes(octets) else { return };
    for name in [AUTHORIZATION, COOKIE, ORIGIN] {
        let headers = HeaderMap::from_iter([(name, value.clone())]);
        let query_token = std::str::from_utf8(octets).ok();
        let asked = Asked { peer, headers: &headers, query_token, unix_seconds: NOW };
        if let Err(error) = identities.identify(&asked) {
            assert!(!error.challenge().is_empty());
        }
        let anonymous = identities.identify(&Asked { query_token: None, ..asked });
        assert!(!matches!(anonymous, Ok(Some(_))), "nobody signed it");
    }
}

/// Whatever claims are signed: those that are believed are in time and ours, and name a number.
///
/// # Panics
/// When they are believed all the same.
pub fn check_claims(octets: &[u8]) {
    let Some(tokens) = tokens() else { return };
    let Ok(claims) = serde_json::from_slice::<serde_json::Value>(octets) else { return };
    let Ok(token) = encode(&Header::default(), &claims, &EncodingKey::from_secret(SECRET)) else { return };
    let Ok(believed) = tokens.verify(token.as_bytes(), NOW) else { return };
    let text = claims.get("sub").and_then(serde_json::Value::as_str);
    assert_eq!(text.map(|text| text.trim_start_matches('+')), Some(believed.number.digits()));
    assert!(claims.get("exp").and_then(serde_json::Value::as_f64).is_some_and(|expiry| expiry > NOW as f64));
    assert!(claims.get("aud").is_some_and(|audience| audience.to_string().contains("\"bellwire\"")));
}

fn tokens() -> Option<Tokens> {
    let key = Key::from_secret(None, Algorithm::Hs256, SECRET).ok()?;
    Some(Tokens::new(vec![key], "bellwire".to_owned(), Duration::ZERO))
}
