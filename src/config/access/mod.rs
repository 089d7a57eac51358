//! `[access]`: which sources may be opened, and as whom; who may ask over HTTP, and for which numbers.

mod gateway;
mod token;

pub use gateway::GatewayConfig;
pub use token::{KeyMaterial, TokenConfig, TokenKeyConfig};

use super::explain::Explained;
use super::secret::Secret;
use super::section::Section;
use crate::model::{CredentialRef, Msisdn, TenantId};
use crate::proxy::SourceRule;

/// Which sources may be opened, and as whom; who may ask over HTTP, and for which numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessConfig {
    /// Whether upstreams on loopback, private and link-local addresses may be opened. Off by default: a subscriber
    /// could otherwise make the router read what only the router can reach.
    pub allow_private_sources: bool,
    /// What private sources are opened with; names are unique.
    pub credentials: Vec<Credential>,
    /// Whether streams are relayed to callers that say nothing of who they are. Pushes never are.
    pub anonymous_relay: bool,
    /// Which sources may be asked for over HTTP; none means all that have public addresses.
    pub sources: Vec<SourceRule>,
    /// Which tokens are believed.
    pub token: TokenConfig,
    /// Which gateway is believed that writes numbers into requests.
    pub gateway: GatewayConfig,
    /// Origins whose pages may use the cookie and read answers to it, as browsers write them. `*` is none.
    pub origins: Vec<String>,
    /// Tenants whose handsets need not prove that they are reached by push before they get events there.
    pub trusted_tenants: Vec<TenantId>,
    /// Prefixes of the numbers that may be activated over HTTP, digits without "+". None by default: each push costs.
    pub prefixes: Vec<String>,
    /// Numbers that nothing is ever sent to.
    pub suppressed: Vec<Msisdn>,
}

/// An `Authorization: Bearer` that subscriptions refer to by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Its name: 1 to 32 of a-z, 0-9, '_', '-'.
    pub name: CredentialRef,
    /// The bearer token.
    pub bearer: Secret,
}

/// Octets of a bearer token: HTTP servers refuse header lines beyond some 8 KiB.
const BEARER_MAX_OCTETS: usize = 4096;
/// E.164 §6.2.1: an international number has at most 15 digits.
const PREFIX_MAX_DIGITS: usize = 15;
/// What an origin is. Browsers write it without a path and without the port that is the scheme's own.
const ORIGIN: &str = r#"an origin such as "https://app.example" or "http://localhost:3000", as browsers write it"#;

/// What a rule is.
const SOURCE_RULE: &str = r#"a rule such as "https://example.com", "https://*.example.com:8443" or "http://*""#;

impl AccessConfig {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let mut names = Vec::new();
        let config = Self {
            allow_private_sources: section.boolean("allow_private_sources", false),
            credentials: section.entries("credential", |entry| credential(entry, &mut names)),
            anonymous_relay: section.boolean("anonymous_relay", true),
            sources: section.list_of("sources", SOURCE_RULE, source_rule),
            token: TokenConfig::read(section.table("token")),
            gateway: GatewayConfig::read(section.table("gateway")),
            origins: section.list("origins", ORIGIN, is_origin),
            trusted_tenants: section.list_of("trusted_tenants", "the name of a tenant", tenant),
            prefixes: section.list("prefixes", "a prefix of 1 to 15 digits without \"+\"", is_prefix),
            suppressed: section.list_of("suppressed", "a number in E.164 form", number),
        };
        section.finish();
        config
    }

    pub(super) fn explain(&self, explained: &mut Explained) {
        let suppressed: Vec<String> = self.suppressed.iter().map(|number| number.digits().to_owned()).collect();
        explained
            .section("[access]")
            .plain("allow_private_sources", self.allow_private_sources)
            .plain("anonymous_relay", self.anonymous_relay)
            .list("sources", &self.sources.iter().map(ToString::to_string).collect::<Vec<_>>())
            .list("origins", &self.origins)
            .list("trusted_tenants", &self.trusted_tenants.iter().map(ToString::to_string).collect::<Vec<_>>())
            .list("prefixes", &self.prefixes)
            .list("suppressed", &suppressed);
        self.token.explain(explained);
        self.gateway.explain(explained);
        for credential in &self.credentials {
            explained
                .section("[[access.credential]]")
                .text("name", &credential.name)
                .text("bearer", credential.bearer.masked());
        }
    }
}

fn credential(mut section: Section<'_>, names: &mut Vec<String>) -> Credential {
    let name = section.unique_name(names);
    let bearer = section.secret("bearer", BEARER_MAX_OCTETS);
    if bearer.is_empty() {
        section.miss("bearer", "a token");
    }
    section.finish();
    Credential { name: CredentialRef::new(&name), bearer }
}

/// An origin is compared octet by octet, so it has to stand here as HTML §7.1.1 serializes it.
fn is_origin(text: &str) -> bool {
    let url = url::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    url.is_some_and(|url| url.origin().ascii_serialization() == text)
}

fn is_prefix(text: &str) -> bool {
    (1..=PREFIX_MAX_DIGITS).contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_digit())
}

fn tenant(text: &str) -> Result<TenantId, (String, String)> {
    TenantId::new(text).map_err(|error| (format!("{text:?}"), error.to_string()))
}

fn source_rule(text: &str) -> Result<SourceRule, (String, String)> {
    text.parse().map_err(|error: crate::proxy::SourceRuleError| (format!("{text:?}"), error.to_string()))
}

/// A number; one with a slip is not repeated, as it is somebody's all the same.
fn number(text: &str) -> Result<Msisdn, (String, String)> {
    text.parse().map_err(|error: crate::model::MsisdnError| {
        (format!("of {} characters (not shown)", text.chars().count()), error.to_string())
    })
}
