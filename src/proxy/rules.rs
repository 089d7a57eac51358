//! Which sources may be asked for, by scheme, host and port. Addresses are judged again when they are connected to.

use crate::model::SourceUrl;
use std::fmt;
use std::str::FromStr;

/// `scheme://host[:port]`; the host may begin with `*.` for every name below it, or be `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceRule {
    scheme: String,
    host: Host,
    /// None is the scheme's own.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Any,
    /// Names that end so, the dot included.
    Below(String),
    Exactly(String),
}

/// A text that is no rule.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is not of the form http[s]://HOST[:PORT] with HOST a name, \"*.\" and a name, or \"*\"")]
pub struct SourceRuleError(String);

impl SourceRule {
    /// Whether it allows this source.
    pub fn allows(&self, source: &SourceUrl) -> bool {
        let url = source.url();
        let host = url.host_str().unwrap_or_default();
        let of_host = match &self.host {
            Host::Any => true,
            Host::Below(end) => host.ends_with(end.as_str()),
            Host::Exactly(name) => host == name,
        };
        of_host && url.scheme() == self.scheme && url.port() == self.port
    }
}

impl FromStr for SourceRule {
    type Err = SourceRuleError;

    fn from_str(text: &str) -> Result<Self, SourceRuleError> {
        let wrong = || SourceRuleError(text.chars().take(80).collect());
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        // What a wildcard stands for is not the URL parser's to judge.
        let (wild, name) = match rest.strip_prefix('*') {
            Some(rest) => (true, rest.strip_prefix('.').unwrap_or(rest)),
            None => (false, rest),
        };
        let any = wild && (name.is_empty() || name.starts_with(':'));
        let name = if any { format!("any{name}") } else { name.to_owned() };
        let source: SourceUrl = format!("{scheme}://{name}").parse().map_err(|_| wrong())?;
        let url = source.url();
        let bare = url.path() == "/" && url.query().is_none() && !name.contains(['/', '*']);
        let host = url.host_str().filter(|_| bare).ok_or_else(wrong)?;
        let host = match (any, wild) {
            (true, _) => Host::Any,
            (false, true) => Host::Below(format!(".{host}")),
            (false, false) => Host::Exactly(host.to_owned()),
        };
        Ok(Self { scheme: url.scheme().to_owned(), host, port: url.port() })
    }
}

impl fmt::Display for SourceRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme)?;
        match &self.host {
            Host::Any => f.write_str("*")?,
            Host::Below(end) => write!(f, "*{end}")?,
            Host::Exactly(name) => f.write_str(name)?,
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_allows_what_it_says_and_nothing_else() {
        let allows = |rule: &str, source: &str| rule.parse::<SourceRule>().unwrap().allows(&source.parse().unwrap());
        assert!(allows("https://example.com", "https://EXAMPLE.com/a?b"));
        assert!(allows("https://example.com:443", "https://example.com/"));
        assert!(allows("https://*.example.com", "https://a.b.example.com/"));
        assert!(allows("http://*:8080", "http://anything:8080/x"));
        for (rule, source) in [
            ("https://example.com", "http://example.com/"),
            ("https://example.com", "https://example.com:444/"),
            ("https://example.com", "https://evil-example.com/"),
            ("https://*.example.com", "https://example.com/"),
            ("https://*.example.com", "https://evilexample.com/"),
            ("https://example.com", "https://example.com.evil.net/"),
            ("http://*:8080", "http://anything/"),
        ] {
            assert!(!allows(rule, source), "{rule} {source}");
        }
    }

    #[test]
    fn a_rule_is_read_as_it_is_written_and_nothing_else_is_one() {
        for rule in ["https://example.com", "https://*.example.com", "http://*", "http://*:8080", "http://a.b:81"] {
            assert_eq!(rule.parse::<SourceRule>().unwrap().to_string(), rule);
        }
        for wrong in ["", "example.com", "ftp://a", "http://a/b", "http://a?b", "http://a.*", "http://u@a", "https://"]
        {
            assert!(wrong.parse::<SourceRule>().is_err(), "{wrong}");
        }
    }
}
