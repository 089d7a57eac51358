//! Which numbers an SMSC takes, and who stands in for it.

use super::super::explain::Explained;
use super::super::origin::{ConfigError, Origin};
use super::super::section::Section;
use super::{ReferenceWidth, SmscConfig, all_digits, word};
use std::time::Duration;

/// Which numbers an SMSC takes, and who stands in for it: those that list the same prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoutingConfig {
    /// Prefixes of the numbers, digits without "+"; an empty one is every number. Never an empty list.
    pub prefixes: Vec<String>,
    /// Lower is preferred.
    pub priority: u8,
    /// Per segment, in units of the operator's own: of equal priority the cheaper is preferred, of equal cost they share.
    pub cost: u32,
    /// How long it may be without a bound link before others stand in for it; zero is for ever.
    pub failover_after: Duration,
    /// How long it has to have one again before its handsets come back to it.
    pub return_after: Duration,
}

impl RoutingConfig {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            prefixes: prefixes(section),
            priority: section.integer("priority", 0, 0..=255),
            cost: section.integer("cost", 0, 0..=1_000_000),
            failover_after: section.duration("failover_after", "15s", ("0s", "1day")),
            return_after: section.duration("return_after", "60s", ("0s", "1day")),
        }
    }

    pub(super) fn explain(&self, explained: &mut Explained) {
        explained
            .list("routes", &self.prefixes)
            .plain("priority", self.priority)
            .plain("cost", self.cost)
            .duration("failover_after", self.failover_after)
            .duration("return_after", self.return_after);
    }
}

fn prefixes(section: &mut Section<'_>) -> Vec<String> {
    let prefix = |text: &str| text.len() <= 15 && all_digits(text);
    let routes = section.list("routes", "a prefix of up to 15 digits without \"+\", empty for every number", prefix);
    match routes.is_empty() {
        true => vec![String::new()],
        false => routes,
    }
}

/// What of a setting can be compared.
type Look = fn(&SmscConfig) -> String;

/// What a handset, or an SMSC, sees of a message. A push is formed once: what of it goes again by another SMSC has to be
/// the same octets, or the handset takes it for another message.
const LOOKS: [(&str, Look); 10] = [
    ("source_address", |smsc| smsc.source.digits.clone()),
    ("source_ton", |smsc| smsc.source.ton.to_string()),
    ("source_npi", |smsc| smsc.source.npi.to_string()),
    ("dest_ton", |smsc| smsc.dest_ton.to_string()),
    ("dest_npi", |smsc| smsc.dest_npi.to_string()),
    ("data_coding", |smsc| format!("{:#04x}", smsc.data_coding)),
    ("payload", |smsc| smsc.payload.mode().to_owned()),
    ("reference_width", |smsc| word(&ReferenceWidth::WORDS, smsc.payload.reference_width).to_owned()),
    ("reference_range", |smsc| format!("{:?}", smsc.payload.references)),
    ("service_type", |smsc| smsc.service_type.clone()),
];

/// Refuses SMSCs that stand in for each other and send messages that look different.
pub(in crate::config) fn refuse_unlike_stand_ins(smscs: &[SmscConfig], origin: &Origin, errors: &mut Vec<ConfigError>) {
    for (at, one) in smscs.iter().enumerate() {
        let unlike = smscs.iter().take(at).find_map(|other| {
            let prefix = one.routing.prefixes.iter().find(|prefix| other.routing.prefixes.contains(prefix))?;
            let (key, look) = LOOKS.iter().find(|(_, look)| look(one) != look(other))?;
            Some((other, prefix, key, look))
        });
        let Some((other, prefix, key, look)) = unlike else { continue };
        errors.push(ConfigError::Value {
            origin: origin.clone(),
            key: format!("smsc.{}.{key}", one.name),
            value: format!("{:?}", look(one)),
            allowed: format!(
                "smsc {:?} and {:?} both list the route {prefix:?}, so each stands in for the other and has to send the \
                 same octets; {:?} has {:?}",
                other.name,
                one.name,
                other.name,
                look(other)
            ),
        });
    }
}
