//! The URL of an upstream event stream, in one canonical form.

use std::fmt;
use std::str::FromStr;
use url::Url;

/// Longest URL taken, in octets: what browsers and servers agree on in practice.
pub const MAX_OCTETS: usize = 2048;

/// An `http` or `https` URL in canonical form: scheme and host in lower case, the default port and the fragment
/// left out, percent-encoding kept as it was written (two spellings may be two resources).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SourceUrl(Url);

impl SourceUrl {
    /// The parsed URL.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for SourceUrl {
    type Err = SourceUrlError;

    fn from_str(text: &str) -> Result<Self, SourceUrlError> {
        if text.len() > MAX_OCTETS {
            return Err(SourceUrlError::TooLong { octets: text.len() });
        }
        let mut url = Url::parse(text).map_err(|error| SourceUrlError::Malformed { reason: error.to_string() })?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(SourceUrlError::Scheme { scheme: url.scheme().to_owned() });
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(SourceUrlError::Credentials);
        }
        url.set_fragment(None);
        Ok(Self(url))
    }
}

impl fmt::Display for SourceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for SourceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is no source URL.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceUrlError {
    /// It does not parse as an absolute URL.
    #[error("not an absolute URL: {reason}")]
    Malformed {
        /// What the URL parser says.
        reason: String,
    },
    /// It is neither http nor https.
    #[error("scheme {scheme:?} is not http or https")]
    Scheme {
        /// The scheme found.
        scheme: String,
    },
    /// It carries a user name or a password.
    #[error("a URL must not carry a user name or password; name a configured credential instead")]
    Credentials,
    /// It is too long.
    #[error("URL of {octets} octets exceeds {MAX_OCTETS}")]
    TooLong {
        /// Its length.
        octets: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was written, and the canonical form.
    const VECTORS: &[(&str, &str)] = &[
        ("http://example.com", "http://example.com/"),
        ("HTTP://Example.COM/Path", "http://example.com/Path"),
        ("http://example.com:80/a", "http://example.com/a"),
        ("https://example.com:443/a", "https://example.com/a"),
        ("https://example.com:80/a", "https://example.com:80/a"),
        ("http://example.com:8080/a", "http://example.com:8080/a"),
        ("http://example.com/a#frag", "http://example.com/a"),
        ("http://example.com/a?", "http://example.com/a?"),
        ("http://example.com/a?q=1&r=2#x", "http://example.com/a?q=1&r=2"),
        ("http://example.com/%7Euser", "http://example.com/%7Euser"),
        ("http://example.com/~user", "http://example.com/~user"),
        ("http://example.com/a%2fb", "http://example.com/a%2fb"),
        ("http://example.com/a/../b/./c", "http://example.com/b/c"),
        ("http://[::1]:80/", "http://[::1]/"),
        ("http://127.0.0.1/", "http://127.0.0.1/"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
        ("http://münchen.example/", "http://xn--mnchen-3ya.example/"),
        ("http://example.com/größe", "http://example.com/gr%C3%B6%C3%9Fe"),
        ("http://example.com./", "http://example.com./"),
    ];

    #[test]
    fn each_url_has_one_canonical_form_and_keeps_it() {
        for (written, canonical) in VECTORS {
            let url: SourceUrl = written.parse().unwrap_or_else(|error| panic!("{written}: {error}"));
            assert_eq!(url.as_str(), *canonical, "{written}");
            assert_eq!(url.as_str().parse::<SourceUrl>().unwrap(), url, "{written} twice");
        }
    }

    #[test]
    fn what_is_no_source_url_is_refused_with_its_reason() {
        let refused = |text: &str| text.parse::<SourceUrl>().unwrap_err();
        assert!(matches!(refused("example.com/a"), SourceUrlError::Malformed { .. }));
        assert!(matches!(refused(""), SourceUrlError::Malformed { .. }));
        assert!(matches!(refused("http://"), SourceUrlError::Malformed { .. }));
        assert_eq!(refused("ftp://example.com/"), SourceUrlError::Scheme { scheme: "ftp".into() });
        assert_eq!(refused("urn:oma:xml:push"), SourceUrlError::Scheme { scheme: "urn".into() });
        assert_eq!(refused("http://joe:secret@example.com/"), SourceUrlError::Credentials);
        let long = format!("http://example.com/{}", "a".repeat(MAX_OCTETS));
        assert_eq!(refused(&long), SourceUrlError::TooLong { octets: long.len() });
    }
}
