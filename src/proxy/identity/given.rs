//! The tokens that a request carries, and where (RFC 6750 §2).

use super::{Asked, How, IdentityError};
use http::header::{AUTHORIZATION, COOKIE, HeaderMap, ORIGIN};

/// The cookie that a token may come in.
pub const COOKIE_NAME: &str = "bellwire_token";
/// The authentication scheme, which is case-insensitive (RFC 9110 §11.1).
const SCHEME: &[u8] = b"bearer";

/// The one token of a request and where it first was; none if there is none.
///
/// # Errors
/// When there are two different ones, or only one in a cookie that must not be believed.
pub(super) fn token<'a>(asked: &Asked<'a>, origins: &[String]) -> Result<Option<(How, &'a [u8])>, IdentityError> {
    let cookies = cookies(asked.headers).map(|token| (How::Cookie, token));
    // A browser adds a cookie to whatever any page asks for. Only the Origin tells that a page of ours did, and it may
    // be missing from what another page made the browser navigate to (Fetch §3.2).
    let is_allowed = is_allowed_origin(asked.headers, origins);
    let bearers = bearers(asked.headers).map(|token| (How::Bearer, token));
    let query = asked.query_token.map(|token| (How::Query, token.as_bytes()));
    let mut found: Option<(How, &[u8])> = None;
    for (how, token) in bearers.chain(cookies.filter(|_| is_allowed)).chain(query) {
        match found {
            Some((first, other)) if other != token => return Err(IdentityError::TwoTokens { first, second: how }),
            Some(_) => {}
            None => found = Some((how, token)),
        }
    }
    if found.is_none() && !is_allowed && self::cookies(asked.headers).next().is_some() {
        return Err(IdentityError::CookieOrigin);
    }
    Ok(found)
}

/// Whether the request was made by a page of one of `origins`, compared octet by octet.
pub(super) fn is_allowed_origin(headers: &HeaderMap, origins: &[String]) -> bool {
    let mut written = headers.get_all(ORIGIN).into_iter();
    match (written.next(), written.next()) {
        (Some(origin), None) => origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes()),
        _ => false,
    }
}

fn bearers(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    headers.get_all(AUTHORIZATION).into_iter().filter_map(|value| {
        let value = value.as_bytes().trim_ascii();
        let end = value.iter().position(|octet| *octet == b' ').unwrap_or(value.len());
        let (scheme, token) = value.split_at_checked(end)?;
        scheme.eq_ignore_ascii_case(SCHEME).then(|| token.trim_ascii())
    })
}

/// Values of our cookie; HTTP/2 may send each pair in a header of its own (RFC 9113 §8.2.3).
fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let pairs = headers.get_all(COOKIE).into_iter().flat_map(|value| value.as_bytes().split(|octet| *octet == b';'));
    pairs.filter_map(|pair| {
        let value = pair.trim_ascii().strip_prefix(COOKIE_NAME.as_bytes())?.strip_prefix(b"=")?;
        // "cookie-value = *cookie-octet / ( DQUOTE *cookie-octet DQUOTE )" (RFC 6265 §4.1.1).
        Some(value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value))
    })
}
