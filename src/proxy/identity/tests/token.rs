//! Whose tokens are believed, and whose are not and in which words.

use super::*;
use crate::model::MsisdnError;
use jsonwebtoken::Algorithm as Jwa;
use proptest::prelude::*;

const OTHER_SECRET: &[u8] = b"another secret, of as many octets as the strongest one has to be";

fn verified(keys: Vec<Key>, token: &str) -> Result<Claims, TokenError> {
    tokens(keys).verify(token.as_bytes(), NOW)
}

fn judged(changed: &Value) -> Result<Claims, TokenError> {
    let issuer = issuer(Algorithm::Hs256, None);
    let token = issuer.token(&claims_with(changed));
    verified(vec![issuer.key], &token)
}

#[test]
fn a_token_of_each_algorithm_is_believed() {
    let issuers = Algorithm::ALL.map(|algorithm| issuer(algorithm, None));
    let keys: Vec<Key> = issuers.iter().map(|issuer| issuer.key.clone()).collect();
    for issuer in issuers {
        let claims = verified(keys.clone(), &issuer.token(&claims())).unwrap();
        assert_eq!(claims.number.digits(), "15551234567", "{}", issuer.algorithm);
        assert_eq!(claims.tenant, TenantId::default());
    }
}

#[test]
fn a_set_of_keys_is_as_good_as_the_keys_themselves() {
    let issuers = Algorithm::ALL.map(|algorithm| issuer(algorithm, Some(algorithm.as_str())));
    let mut jwks: Vec<Value> = issuers.iter().map(|issuer| issuer.jwk.clone()).collect();
    // Without an alg it is that of the curve, but a secret has none.
    jwks.iter_mut().filter(|jwk| jwk["kty"] != "oct").for_each(|jwk| drop(jwk.as_object_mut().unwrap().remove("alg")));
    let useless = [
        json!({ "kty": "RSA", "alg": "RS256", "n": "AQAB", "e": "AQAB" }),
        json!({ "kty": "oct", "k": "AAAA" }),
        json!({ "kty": "oct", "alg": "HS256", "k": "AAAA" }),
        json!({ "kty": "OKP", "crv": "Ed25519", "x": "AAAA" }),
        json!({ "kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA" }),
        json!({ "kty": "later" }),
        json!(7),
    ];
    jwks.extend(useless.clone());
    let mut encryption = issuers[3].jwk.clone();
    encryption["use"] = json!("enc");
    jwks.push(encryption);
    let keys = read_jwks(&json!({ "keys": jwks }).to_string()).unwrap();
    assert_eq!(keys.len(), issuers.len());
    for issuer in issuers {
        assert!(verified(keys.clone(), &issuer.token_of(Some(issuer.algorithm.as_str()), &claims())).is_ok());
        assert!(Key::from_jwk(&issuer.jwk.to_string()).is_ok());
    }
    assert_eq!(read_jwks("[]").unwrap_err(), KeyError::NotAJwks);
    assert_eq!(read_jwks(&json!({ "keys": useless }).to_string()).unwrap_err(), KeyError::NoUsableKey { all: 7 });
}

#[test]
fn a_key_that_cannot_verify_is_refused_before_any_request() {
    let (p256, p384, ed) =
        (issuer(Algorithm::Es256, None), issuer(Algorithm::Es384, None), issuer(Algorithm::EdDsa, None));
    for (algorithm, pem) in [
        (Algorithm::Es256, &p384.pem),
        (Algorithm::Es384, &p256.pem),
        (Algorithm::Es256, &ed.pem),
        (Algorithm::EdDsa, &p256.pem),
        (Algorithm::EdDsa, &"no PEM at all".to_owned()),
    ] {
        let error = Key::from_pem(None, algorithm, pem.as_bytes()).unwrap_err();
        assert_eq!(error, KeyError::NotPublicKey { algorithm });
    }
    let error = Key::from_pem(None, Algorithm::Hs256, p256.pem.as_bytes()).unwrap_err();
    assert_eq!(error, KeyError::Symmetric { algorithm: Algorithm::Hs256 });
    let error = Key::from_secret(None, Algorithm::Es256, SECRET).unwrap_err();
    assert_eq!(error, KeyError::NotSymmetric { algorithm: Algorithm::Es256 });
    let error = Key::from_secret(None, Algorithm::Hs256, &SECRET[..31]).unwrap_err();
    assert_eq!(error, KeyError::ShortSecret { algorithm: Algorithm::Hs256, least: 32, octets: 31 });
    assert_eq!(Key::from_secret(None, Algorithm::Hs256, &[b'*'; 64]).unwrap_err(), KeyError::MonotonousSecret);
    assert!(!format!("{:?}", issuer(Algorithm::Hs256, None).key).contains("0123"));
}

#[test]
fn a_forged_token_is_not_believed() {
    for algorithm in Algorithm::ALL {
        let (ours, theirs) = (issuer(algorithm, None), issuer(algorithm, None));
        let token = match algorithm.secret_octets() {
            Some(_) => {
                encode(&Header::new(algorithm.jwa()), &claims(), &EncodingKey::from_secret(OTHER_SECRET)).unwrap()
            }
            None => theirs.token(&claims()),
        };
        assert_eq!(verified(vec![ours.key.clone()], &token), Err(TokenError::Signature), "{algorithm}");
        // Claims of one token under the signature of another, half a signature, none.
        let (good, other) = (ours.token(&claims()), ours.token(&claims_with(&json!({ "sub": "15557654321" }))));
        let parts: Vec<&str> = good.split('.').collect();
        let claims = other.split('.').nth(1).unwrap();
        for forged in [
            format!("{}.{claims}.{}", parts[0], parts[2]),
            format!("{}.{}.{}", parts[0], parts[1], &parts[2][..parts[2].len() / 2]),
            format!("{}.{}.", parts[0], parts[1]),
        ] {
            assert_eq!(verified(vec![ours.key.clone()], &forged), Err(TokenError::Signature), "{algorithm}");
        }
    }
}

#[test]
fn a_token_that_nobody_signed_is_not_believed() {
    // {"alg":"none"}, {"alg":"None"}, {"alg":"RS256"}
    let claims = issuer(Algorithm::Hs256, None).token(&claims());
    let claims = claims.split('.').nth(1).unwrap();
    for (header, error) in [
        ("eyJhbGciOiJub25lIn0", TokenError::Header),
        ("eyJhbGciOiJOb25lIn0", TokenError::Header),
        ("eyJhbGciOiJSUzI1NiJ9", TokenError::UnknownAlgorithm),
    ] {
        let keys = Algorithm::ALL.map(|algorithm| issuer(algorithm, None).key).to_vec();
        assert_eq!(verified(keys, &format!("{header}.{claims}.")), Err(error), "{header}");
    }
}

#[test]
fn a_public_key_is_no_secret() {
    let public = issuer(Algorithm::Es256, Some("a"));
    let secret = EncodingKey::from_secret(public.pem.as_bytes());
    let header = |kid: Option<&str>| Header { kid: kid.map(str::to_owned), ..Header::new(Jwa::HS256) };
    let forged = encode(&header(Some("a")), &claims(), &secret).unwrap();
    assert_eq!(verified(vec![public.key.clone()], &forged), Err(TokenError::UnknownAlgorithm));
    let keys = vec![public.key, issuer(Algorithm::Hs256, Some("b")).key];
    assert_eq!(verified(keys.clone(), &forged), Err(TokenError::OtherAlgorithm { algorithm: Algorithm::Hs256 }));
    let forged = encode(&header(None), &claims(), &secret).unwrap();
    assert_eq!(verified(keys, &forged), Err(TokenError::Signature));
}

#[test]
fn a_key_is_found_by_its_name() {
    let issuers = [issuer(Algorithm::Es256, Some("old")), issuer(Algorithm::Es256, Some("new"))];
    let keys: Vec<Key> = issuers.iter().map(|issuer| issuer.key.clone()).collect();
    let [old, new] = &issuers;
    assert!(verified(keys.clone(), &new.token_of(Some("new"), &claims())).is_ok());
    assert!(verified(keys.clone(), &old.token(&claims())).is_ok(), "without a name each key is tried");
    assert_eq!(verified(keys.clone(), &new.token_of(Some("old"), &claims())), Err(TokenError::Signature));
    assert_eq!(verified(keys, &new.token_of(Some("newer"), &claims())), Err(TokenError::NoSuchKey));
    let nameless = issuer(Algorithm::Hs256, None);
    let token = nameless.token_of(Some("whatever"), &claims());
    assert!(verified(vec![nameless.key], &token).is_ok());
    assert_eq!(verified(Vec::new(), &token), Err(TokenError::UnknownAlgorithm));
}

#[test]
fn a_token_is_believed_in_its_time_and_a_minute_around() {
    for (changed, judgement) in [
        (json!({ "exp": NOW - 59 }), Ok(())),
        (json!({ "exp": NOW - 60 }), Err(TokenError::Expired { since: Duration::from_secs(60) })),
        (json!({ "exp": 0 }), Err(TokenError::Expired { since: Duration::from_secs(NOW) })),
        (json!({ "exp": -1.5e300 }), Err(TokenError::Expired { since: Duration::from_secs(NOW) })),
        (json!({ "exp": u64::MAX, "nbf": 0, "iat": 0 }), Ok(())),
        (json!({ "exp": 1e300 }), Ok(())),
        (json!({ "exp": NOW as f64 + 0.5 }), Ok(())),
        (json!({ "exp": null }), Err(TokenError::NoExpiry)),
        (json!({ "exp": (NOW + 60).to_string() }), Err(TokenError::Date { claim: "exp" })),
        (json!({ "exp": [NOW + 60] }), Err(TokenError::Claims)),
        (json!({ "nbf": NOW + 60, "iat": NOW + 60 }), Ok(())),
        (json!({ "nbf": NOW + 61 }), Err(TokenError::NotYetValid { until: Duration::from_secs(61) })),
        (json!({ "iat": NOW + 61 }), Err(TokenError::NotYetValid { until: Duration::from_secs(61) })),
        (json!({ "nbf": true }), Err(TokenError::Date { claim: "nbf" })),
    ] {
        assert_eq!(judged(&changed).map(drop), judgement, "{changed}");
    }
}

#[test]
fn a_token_says_to_whom_and_of_whom() {
    for (changed, error) in [
        (json!({ "aud": "another" }), TokenError::Audience),
        (json!({ "aud": null }), TokenError::Audience),
        (json!({ "aud": ["another", 7] }), TokenError::Audience),
        (json!({ "sub": null }), TokenError::NoSubject),
        (json!({ "sub": 15_551_234_567_u64 }), TokenError::NoSubject),
        (json!({ "sub": "somebody" }), TokenError::Subject(MsisdnError::NotADigit { found: 's' })),
        (json!({ "sub": "" }), TokenError::Subject(MsisdnError::Length { digits: 0 })),
        (json!({ "tenant": 7 }), TokenError::TenantKind),
        (json!({ "tenant": "A B" }), TokenError::Tenant(TenantId::new("A B").unwrap_err())),
    ] {
        assert_eq!(judged(&changed), Err(error), "{changed}");
    }
    let claims = judged(&json!({ "aud": ["another", "bellwire"], "sub": "15551234567", "tenant": "acme" })).unwrap();
    assert_eq!((claims.number.digits(), claims.tenant.as_str()), ("15551234567", "acme"));
}

#[test]
fn what_is_no_token_is_told_so() {
    let issuer = issuer(Algorithm::Hs256, None);
    let good = issuer.token(&claims());
    let long = issuer.token(&claims_with(&json!({ "more": "x".repeat(4096) })));
    let critical = Header { crit: Some(vec!["b64".to_owned()]), ..Header::default() };
    for (token, error) in [
        ("", TokenError::Parts),
        ("..", TokenError::Header),
        ("a.b", TokenError::Parts),
        (&format!("{good}."), TokenError::Parts),
        (&format!("!{good}"), TokenError::Header),
        (&issuer.token(&json!([])), TokenError::Claims),
        (&issuer.token(&json!("text")), TokenError::Claims),
        (&encode(&critical, &claims(), &issuer.signing).unwrap(), TokenError::Critical),
        (&long, TokenError::TooLong { octets: long.len() }),
    ] {
        assert_eq!(verified(vec![issuer.key.clone()], token), Err(error), "{token}");
    }
}

proptest! {
    #[test]
    fn no_octets_are_believed_that_nobody_signed(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
        invariants::check_token(&octets);
    }

    #[test]
    fn nothing_like_a_token_makes_it_panic(token in "eyJhbGciOiJ(IUzI1NiJ9|FUzI1NiJ9|FZERTQSJ9)\\.[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,90}") {
        let keys = Algorithm::ALL.map(|algorithm| issuer(algorithm, None).key).to_vec();
        prop_assert!(verified(keys, &token).is_err());
    }

    #[test]
    fn claims_are_believed_only_if_they_are_ours(
        exp in prop_oneof![Just(json!(NOW + 1)), Just(json!(NOW)), any::<i64>().prop_map(|n| json!(n)), any::<f64>().prop_map(|n| json!(n))],
        aud in prop_oneof![Just(json!("bellwire")), Just(json!(["bellwire"])), ".{0,9}".prop_map(|text| json!(text))],
        sub in "\\+?[0-9]{6,16}",
    ) {
        invariants::check_claims(json!({ "exp": exp, "aud": aud, "sub": sub }).to_string().as_bytes());
    }
}
