//! What a request asks for: the parameters of the W3C page's URLs, and those that a real service needs beside them.

use super::problem::Problem;
use crate::model::{ApplicationId, SourceUrl};
use bytes::Bytes;

/// Octets of a query or a form.
pub(super) const QUERY_MAX_OCTETS: usize = 16 * 1024;
/// Octets of an event id: what HTTP servers take in one header line.
pub(super) const EVENT_ID_MAX_OCTETS: usize = 4096;
/// Octets of a nonce.
const NONCE_MAX_OCTETS: usize = 64;

/// Parameters as they came; each may come once.
#[derive(Debug, Default)]
pub(super) struct Query {
    eventsource: Option<String>,
    action: Option<String>,
    last_event_id: Option<String>,
    id: Option<String>,
    nonce: Option<String>,
    mode: Option<String>,
    application: Option<String>,
    acks: Option<String>,
    token: Option<String>,
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Relays the stream.
    Relay,
    /// `activatePush`; at once if `now`.
    Activate { now: bool },
    /// `deactivatePush`.
    Deactivate,
    /// `ack`: the client has the event with this id.
    Acknowledge { id: Bytes },
    /// `confirm`: the client returns what a push has brought it.
    Confirm { nonce: String },
}

impl Query {
    /// Reads `text`, of a URL or a form.
    pub fn read(&mut self, text: &str) -> Result<(), Problem> {
        if text.len() > QUERY_MAX_OCTETS {
            return Err(Problem::field("query", format!("{} octets exceed {QUERY_MAX_OCTETS}", text.len())));
        }
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            let (field, place) = match &*name {
                "eventsource" => ("eventsource", &mut self.eventsource),
                "action" => ("action", &mut self.action),
                "lastEventId" | "lastEventID" => ("lastEventId", &mut self.last_event_id),
                "id" => ("id", &mut self.id),
                "nonce" => ("nonce", &mut self.nonce),
                "mode" => ("mode", &mut self.mode),
                "application" => ("application", &mut self.application),
                "acks" => ("acks", &mut self.acks),
                "token" => ("token", &mut self.token),
                // Pages add parameters of their own, against caches for instance.
                _ => continue,
            };
            if place.replace(value.into_owned()).is_some() {
                return Err(Problem::field(field, "it is given twice"));
            }
        }
        Ok(())
    }

    /// What is to be done.
    pub fn action(&self) -> Result<Action, Problem> {
        let Some(action) = &self.action else { return Ok(Action::Relay) };
        match action.as_str() {
            "activatePush" => Ok(Action::Activate { now: self.now()? }),
            "deactivatePush" => Ok(Action::Deactivate),
            "ack" => match event_id("id", self.id.as_deref())? {
                id if id.is_empty() => Err(Problem::field("id", "the id of the last event is required")),
                id => Ok(Action::Acknowledge { id }),
            },
            "confirm" => match &self.nonce {
                Some(nonce) if (1..=NONCE_MAX_OCTETS).contains(&nonce.len()) => {
                    Ok(Action::Confirm { nonce: nonce.clone() })
                }
                _ => Err(Problem::field(
                    "nonce",
                    format!("what the push brought is required, at most {NONCE_MAX_OCTETS} octets"),
                )),
            },
            other => {
                let shown: String = other.chars().take(80).collect();
                let known = "activatePush, deactivatePush, ack and confirm";
                Err(Problem::field("action", format!("{shown:?} is none of {known}")))
            }
        }
    }

    fn now(&self) -> Result<bool, Problem> {
        match self.mode.as_deref() {
            None | Some("") => Ok(false),
            Some("now") => Ok(true),
            Some(other) => {
                let shown: String = other.chars().take(80).collect();
                Err(Problem::field("mode", format!("{shown:?} is not \"now\"")))
            }
        }
    }

    /// Whose events.
    pub fn eventsource(&self) -> Result<SourceUrl, Problem> {
        let Some(text) = self.eventsource.as_deref().filter(|text| !text.is_empty()) else {
            return Err(Problem::field("eventsource", "the URL of an event stream is required"));
        };
        text.parse().map_err(|error: crate::model::SourceUrlError| Problem::field("eventsource", error.to_string()))
    }

    /// The last event that the client has; empty if it has none.
    pub fn last_event_id(&self) -> Result<Bytes, Problem> {
        event_id("lastEventId", self.last_event_id.as_deref())
    }

    /// For which application; none for the configured one.
    pub fn application(&self) -> Result<Option<ApplicationId>, Problem> {
        let read = |text: &str| {
            text.parse()
                .map_err(|error: crate::model::ApplicationIdError| Problem::field("application", error.to_string()))
        };
        self.application.as_deref().map(read).transpose()
    }

    /// Whether the client says what it has.
    pub fn acknowledges(&self) -> bool {
        matches!(self.acks.as_deref(), Some("1" | "true"))
    }

    /// Who the client says it is.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }
}

/// An event's id: what a header can carry (HTML §9.2.4: no NUL, LF or CR).
pub(super) fn event_id(field: &'static str, text: Option<&str>) -> Result<Bytes, Problem> {
    let text = text.unwrap_or_default();
    if text.len() > EVENT_ID_MAX_OCTETS {
        return Err(Problem::field(field, format!("{} octets exceed {EVENT_ID_MAX_OCTETS}", text.len())));
    }
    if text.bytes().any(|octet| matches!(octet, 0 | b'\n' | b'\r')) {
        return Err(Problem::field(field, "an event's id has no NUL, LF or CR"));
    }
    Ok(Bytes::copy_from_slice(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Query {
        let mut query = Query::default();
        query.read(text).unwrap();
        query
    }

    #[test]
    fn the_urls_of_the_page_are_understood() {
        let query = read("eventsource=http%3A%2F%2Fexample.com");
        assert_eq!(
            (query.action().unwrap(), query.eventsource().unwrap().as_str()),
            (Action::Relay, "http://example.com/")
        );
        let query = read("action=activatePush&eventsource=http%3A%2F%2Fexample.com%2Fa%3Fb%3D1%26c");
        assert_eq!(query.action().unwrap(), Action::Activate { now: false });
        assert_eq!(query.eventsource().unwrap().as_str(), "http://example.com/a?b=1&c");
        assert_eq!(read("action=deactivatePush&eventsource=x").action().unwrap(), Action::Deactivate);
        assert_eq!(read("action=activatePush&mode=now").action().unwrap(), Action::Activate { now: true });
        assert_eq!(
            read("action=ack&id=%7E1.2").action().unwrap(),
            Action::Acknowledge { id: Bytes::from_static(b"~1.2") }
        );
        assert!(read("eventsource=x&acks=1").acknowledges());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let wrong = |text: &str| {
            let mut query = Query::default();
            let problem = query.read(text).and_then(|()| query.action()).and_then(|_| query.eventsource());
            format!("{:?}", problem.unwrap_err())
        };
        for (text, words) in [
            ("", "eventsource"),
            ("eventsource=", "eventsource"),
            ("eventsource=%2Frelative", "not an absolute URL"),
            ("eventsource=ftp%3A%2F%2Fexample.com", "ftp"),
            ("eventsource=http%3A%2F%2Fa%40example.com", "user name"),
            ("eventsource=x&eventsource=y", "twice"),
            ("action=explode&eventsource=http%3A%2F%2Fa", "explode"),
            ("action=ack&eventsource=http%3A%2F%2Fa", "id"),
            ("action=confirm", "nonce"),
            ("action=activatePush&mode=later&eventsource=http%3A%2F%2Fa", "later"),
        ] {
            assert!(wrong(text).contains(words), "{text}: {}", wrong(text));
        }
        let long = format!("eventsource=http://example.com/{}", "x".repeat(3000));
        assert!(wrong(&long).contains("exceeds 2048"));
        assert!(Query::default().read(&"x".repeat(QUERY_MAX_OCTETS + 1)).is_err());
        assert!(read("lastEventId=a%0Ab").last_event_id().is_err());
    }
}
