//! `[access]`: which sources may be opened, and as whom.

use super::explain::Explained;
use super::secret::Secret;
use super::section::Section;
use crate::model::CredentialRef;

/// Which sources may be opened, and as whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessConfig {
    /// Whether upstreams on loopback, private and link-local addresses may be opened. Off by default: a subscriber
    /// could otherwise make the router read what only the router can reach.
    pub allow_private_sources: bool,
    /// What private sources are opened with; names are unique.
    pub credentials: Vec<Credential>,
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

impl AccessConfig {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let mut names = Vec::new();
        let config = Self {
            allow_private_sources: section.boolean("allow_private_sources", false),
            credentials: section.entries("credential", |entry| credential(entry, &mut names)),
        };
        section.finish();
        config
    }

    pub(super) fn explain(&self, explained: &mut Explained) {
        explained.section("[access]").plain("allow_private_sources", self.allow_private_sources);
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
