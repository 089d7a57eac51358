//! `[access.gateway]`: who may write a subscriber's number into requests.

use super::super::explain::Explained;
use super::super::section::{Section, text};
use super::super::written::Value;
use crate::proxy::identity::Network;
use http::HeaderName;

const NETWORK: &str = r#"an IP address or a network such as "192.0.2.7" or "10.1.0.0/16""#;
const FROM: &str = "the gateway's addresses or networks, where there is a header";
const HEADER: &str = "the name of the gateway's header, where there are addresses";

/// A mobile network's gateway that is believed: none, unless there is a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayConfig {
    /// The header that it writes the number into.
    pub header: Option<HeaderName>,
    /// Where its connections come from. Never empty where there is a header.
    pub from: Vec<Network>,
}

impl GatewayConfig {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let config = Self {
            header: section.read("header", None, r#"a header's name such as "x-msisdn", or empty for none"#, |value| {
                text(value).and_then(|name| match name {
                    "" => Some(None),
                    name => HeaderName::try_from(name).ok().map(Some),
                })
            }),
            from: section.list_of("from", NETWORK, |text| {
                text.parse().map_err(|error| (format!("{text:?}"), format!("{NETWORK} ({error})")))
            }),
        };
        match (&config.header, section.written("header"), section.written("from")) {
            (Some(_), _, None) => section.miss("from", FROM),
            (Some(_), _, Some(from)) if matches!(&from.value, Value::List(items) if items.is_empty()) => {
                section.refuse("from", from, "an empty list".to_owned(), FROM);
            }
            (None, None, Some(_)) if !config.from.is_empty() => section.miss("header", HEADER),
            (None, Some(header), Some(_)) if !config.from.is_empty() && text(&header.value) == Some("") => {
                section.refuse("header", header, header.value.shown(), HEADER);
            }
            _ => {}
        }
        section.finish();
        config
    }

    pub(super) fn explain(&self, explained: &mut Explained) {
        let from: Vec<String> = self.from.iter().map(ToString::to_string).collect();
        explained
            .section("[access.gateway]")
            .text("header", self.header.as_ref().map_or("", HeaderName::as_str))
            .list("from", &from);
    }
}
