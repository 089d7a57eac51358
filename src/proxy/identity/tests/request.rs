//! Where a token may be, and what a gateway's header is worth.

use super::*;
use crate::model::MsisdnError;
use http::header::{AUTHORIZATION, COOKIE, HeaderName, ORIGIN};

const ORIGIN_ALLOWED: &str = "https://app.example";

/// Somebody who believes one issuer, a gateway, and pages of one origin.
fn house(issuer: &Issuer) -> Identities {
    let from = vec!["10.1.0.0/16".parse().unwrap(), "192.0.2.7".parse().unwrap()];
    Identities::new(Settings {
        tokens: Some(tokens(vec![issuer.key.clone()])),
        gateway: Some(Gateway::new(HeaderName::from_static("x-msisdn"), from)),
        origins: vec![ORIGIN_ALLOWED.to_owned()],
    })
}

fn headers(lines: &[(HeaderName, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(name, HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn asked<'a>(headers: &'a HeaderMap, query_token: Option<&'a str>) -> Asked<'a> {
    Asked { peer: "198.51.100.1".parse().unwrap(), headers, query_token, unix_seconds: NOW }
}

fn how(identity: Result<Option<Identity>, IdentityError>) -> Option<How> {
    identity.unwrap().map(|identity| identity.by)
}

#[test]
fn a_token_may_be_in_the_header_the_cookie_or_the_query() {
    let issuer = issuer(Algorithm::Hs256, None);
    let (house, token) = (house(&issuer), issuer.token(&claims()));
    let cookie = format!("a=b; bellwire_token={token}; c=d");
    let quoted = format!("bellwire_token=\"{token}\"");
    let origin = (ORIGIN, ORIGIN_ALLOWED);
    for (lines, query, by) in [
        (&[(AUTHORIZATION, &*format!("Bearer {token}"))][..], None, Some(How::Bearer)),
        (&[(AUTHORIZATION, &*format!("bEARER   {token} "))], Some(&*token), Some(How::Bearer)),
        (&[(COOKIE, &*cookie), origin.clone()], Some(&token), Some(How::Cookie)),
        (&[(COOKIE, "x=y"), (COOKIE, &*quoted), origin.clone()], None, Some(How::Cookie)),
        (&[], Some(&token), Some(How::Query)),
        (&[(AUTHORIZATION, "Basic YTpi"), (COOKIE, "bellwire_tokens=x")], None, None),
        (&[], None, None),
    ] {
        let headers = headers(lines);
        assert_eq!(how(house.identify(&asked(&headers, query))), by, "{lines:?}");
    }
}

#[test]
fn a_cookie_needs_the_origin_of_an_allowed_page() {
    let issuer = issuer(Algorithm::Hs256, None);
    let (house, token) = (house(&issuer), issuer.token(&claims()));
    let cookie = (COOKIE, &*format!("bellwire_token={token}"));
    let origins = ["https://app.example.evil", "https://app.example:8443", "http://app.example", "null", "*", ""];
    let mut all: Vec<Vec<(HeaderName, &str)>> =
        origins.iter().map(|one| vec![cookie.clone(), (ORIGIN, *one)]).collect();
    all.push(vec![cookie.clone()]);
    all.push(vec![cookie.clone(), (ORIGIN, ORIGIN_ALLOWED), (ORIGIN, "https://evil.example")]);
    for lines in &all {
        let headers = headers(lines);
        assert_eq!(house.identify(&asked(&headers, None)), Err(IdentityError::CookieOrigin), "{lines:?}");
        assert!(!house.is_allowed_origin(&headers));
        let explicit = house.identify(&asked(&headers, Some(&token)));
        assert_eq!(how(explicit), Some(How::Query), "the cookie is not looked at");
    }
}

#[test]
fn two_tokens_are_one_too_many() {
    let issuer = issuer(Algorithm::Hs256, None);
    let (house, token) = (house(&issuer), issuer.token(&claims()));
    let bearer = (AUTHORIZATION, &*format!("Bearer {token}"));
    let headers = headers(&[bearer]);
    let error = house.identify(&asked(&headers, Some("another"))).unwrap_err();
    assert_eq!(error, IdentityError::TwoTokens { first: How::Bearer, second: How::Query });
    assert_eq!(error.status(), 400);
    assert!(error.challenge().to_str().unwrap().contains("error=\"invalid_request\""));
}

#[test]
fn a_bad_token_is_an_error_whatever_the_gateway_says() {
    let issuer = issuer(Algorithm::Hs256, None);
    let token = issuer.token(&claims_with(&json!({ "exp": NOW - 90 })));
    let msisdn = HeaderName::from_static("x-msisdn");
    let headers = headers(&[(AUTHORIZATION, &format!("Bearer {token}")), (msisdn, "15551234567")]);
    let asked = Asked { peer: "10.1.2.3".parse().unwrap(), ..asked(&headers, None) };
    let error = house(&issuer).identify(&asked).unwrap_err();
    assert_eq!(error.status(), 401);
    assert_eq!(
        error.challenge(),
        "Bearer realm=\"bellwire\", error=\"invalid_token\", error_description=\"by bearer: token expired 90 s ago\""
    );
    assert_eq!(Identities::default().identify(&asked), Err(IdentityError::NoTokens));
}

#[test]
fn a_challenge_has_only_characters_that_it_may_have() {
    let issuer = issuer(Algorithm::Hs256, None);
    for subject in ["\u{1f600}", "\"", "\\", "\r\n", "ü"] {
        let token = issuer.token(&claims_with(&json!({ "sub": subject })));
        let headers = headers(&[]);
        let error = house(&issuer).identify(&asked(&headers, Some(&token))).unwrap_err();
        let challenge = error.challenge();
        let description = challenge.to_str().unwrap().split("error_description=\"").nth(1).unwrap();
        let description = description.strip_suffix('"').unwrap();
        assert!(description.starts_with("by query: sub: a number in E.164 form has digits only"), "{description}");
        assert!(!description.contains(['"', '\\']), "{description}");
    }
}

#[test]
fn a_number_is_believed_of_the_gateway_alone() {
    let (house, msisdn) = (house(&issuer(Algorithm::Hs256, None)), HeaderName::from_static("x-msisdn"));
    let headers = headers(&[(msisdn.clone(), " +15551234567")]);
    for (peer, is_gateway) in [
        ("10.1.2.3", true),
        ("192.0.2.7", true),
        ("::ffff:10.1.2.3", true),
        ("10.2.0.1", false),
        ("::ffff:192.0.2.8", false),
        ("::1", false),
    ] {
        let asked = Asked { peer: peer.parse().unwrap(), ..asked(&headers, None) };
        assert_eq!(how(house.identify(&asked)), is_gateway.then_some(How::Gateway), "{peer}");
        assert_eq!(house.spoofed(&asked).is_none(), is_gateway, "{peer}");
    }
    let spoofed = house.spoofed(&asked(&headers, None)).unwrap();
    assert_eq!(spoofed.to_string(), "198.51.100.1 claims to be +15…67");
    assert!(!format!("{spoofed:?}").contains("5551234"));
}

#[test]
fn what_the_gateway_writes_is_one_number_or_none() {
    let (house, msisdn) = (house(&issuer(Algorithm::Hs256, None)), HeaderName::from_static("x-msisdn"));
    let number = GatewayError::Number(MsisdnError::NotADigit { found: ',' });
    for (values, outcome) in [
        (&["15551234567", "+15551234567"][..], Ok(Some(How::Gateway))),
        (&[""], Ok(None)),
        (&[" ", "15551234567"], Ok(Some(How::Gateway))),
        (&["15551234567", "15557654321"], Err(GatewayError::Several)),
        (&["15551234567,15557654321"], Err(number)),
        (&["ü"], Err(GatewayError::Number(MsisdnError::NotADigit { found: 'ü' }))),
    ] {
        let lines: Vec<(HeaderName, &str)> = values.iter().map(|value| (msisdn.clone(), *value)).collect();
        let headers = headers(&lines);
        let asked = Asked { peer: "10.1.2.3".parse().unwrap(), ..asked(&headers, None) };
        let by = house.identify(&asked).map(|identity| identity.map(|identity| identity.by));
        assert_eq!(by, outcome.map_err(IdentityError::Gateway), "{values:?}");
    }
}
