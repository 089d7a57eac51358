//! What is answered as it is: the library for user agents.

use super::reply::{Reply, whole};
use super::{Page, Proxy};
use http::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use std::borrow::Cow;

/// The user agent's library, an ES module.
const LIBRARY: Page = Page {
    path: "/client/bellwire.js",
    content_type: "text/javascript; charset=utf-8",
    text: Cow::Borrowed(include_str!("../../clients/js/bellwire.js")),
};

/// Whether pages of other origins may read what is at `path`.
pub(super) fn is_public(path: &str) -> bool {
    path == "/" || path == LIBRARY.path
}

/// What is at `path`, if anything is.
pub(super) fn at(proxy: &Proxy, path: &str) -> Option<Reply> {
    let page = std::iter::once(&LIBRARY).chain(&proxy.pages).find(|page| page.path == path)?;
    let mut reply = Response::new(whole(page.text.clone().into_owned()));
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(page.content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
    Some(reply)
}
