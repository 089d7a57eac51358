//! The whole configuration, from what was written to what it means.

use super::explain::Explained;
use super::origin::{ConfigError, ConfigErrors};
use super::section::{Section, entries};
use super::smsc::refuse_unlike_stand_ins;
use super::written::{self, Value, Written};
use super::{
    AccessConfig, AdmissionConfig, BudgetsConfig, GrpcConfig, HttpConfig, NodeConfig, OpsConfig, RelayConfig,
    SmscConfig,
};
use super::{UpstreamConfig, policy, push};
use crate::model::{Policy, PushSettings};
use std::path::Path;
use std::sync::Arc;

/// The sections that exist.
const SECTIONS: [&str; 12] =
    ["node", "http", "grpc", "ops", "smsc", "push", "policy", "budgets", "relay", "access", "upstream", "admission"];

/// What a router is asked to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `[node]`.
    pub node: NodeConfig,
    /// `[grpc]`.
    pub grpc: GrpcConfig,
    /// `[ops]`.
    pub ops: OpsConfig,
    /// `[[smsc]]`: at least one, names unique.
    pub smsc: Vec<SmscConfig>,
    /// `[push]`.
    pub push: PushSettings,
    /// `[policy]`: what a subscription gets that asks for nothing.
    pub policy: Policy,
    /// `[budgets]`.
    pub budgets: BudgetsConfig,
    /// `[access]`.
    pub access: AccessConfig,
    /// `[http]`.
    pub http: HttpConfig,
    /// `[relay]`.
    pub relay: RelayConfig,
    /// `[upstream]`.
    pub upstream: UpstreamConfig,
    /// `[admission]`.
    pub admission: AdmissionConfig,
}

impl Config {
    /// Reads the file at `path`, below `environment` (all of it: what is not ours is left alone), below `sets`.
    ///
    /// # Errors
    /// Everything that is wrong, each with its place.
    pub fn load(
        path: &Path,
        environment: impl IntoIterator<Item = (String, String)>,
        sets: &[String],
    ) -> Result<Self, ConfigErrors> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            ConfigErrors(vec![ConfigError::Unreadable { path: path.to_owned(), reason: error.to_string() }])
        })?;
        Self::parse(&path.display().to_string(), &text, environment, sets)
    }

    /// As [`Config::load`], of `text` that is called `name` in errors.
    ///
    /// # Errors
    /// Everything that is wrong, each with its place.
    pub fn parse(
        name: &str,
        text: &str,
        environment: impl IntoIterator<Item = (String, String)>,
        sets: &[String],
    ) -> Result<Self, ConfigErrors> {
        let mut errors = Vec::new();
        let mut root = written::file(&Arc::from(name), text, &mut errors);
        if !errors.is_empty() {
            errors.sort_by_key(ConfigError::place);
            // Half a file means something else than the whole: what it seems to lack may be behind the error.
            return Err(ConfigErrors(errors));
        }
        written::lay_environment(&mut root, environment, &mut errors);
        written::lay_sets(&mut root, sets, &mut errors);
        let config = Self::read(&root, &mut errors);
        match errors.is_empty() {
            true => Ok(config),
            false => {
                errors.sort_by_key(ConfigError::place);
                Err(ConfigErrors(errors))
            }
        }
    }

    fn read(root: &Written, errors: &mut Vec<ConfigError>) -> Self {
        let node = NodeConfig::read(Section::of(root, "node", errors));
        let http = HttpConfig::read(Section::of(root, "http", errors));
        let grpc = GrpcConfig::read(Section::of(root, "grpc", errors));
        let ops = OpsConfig::read(Section::of(root, "ops", errors));
        let smsc = smscs(root, errors);
        let push = push::read(Section::of(root, "push", errors));
        let policy = policy::read(Section::of(root, "policy", errors));
        let budgets = BudgetsConfig::read(Section::of(root, "budgets", errors));
        let relay = RelayConfig::read(Section::of(root, "relay", errors));
        let access = AccessConfig::read(Section::of(root, "access", errors));
        let upstream = UpstreamConfig::read(Section::of(root, "upstream", errors));
        let admission = AdmissionConfig::read(Section::of(root, "admission", errors), upstream.max_event);
        unknown_sections(root, errors);
        Self { node, http, grpc, ops, smsc, push, policy, budgets, relay, access, upstream, admission }
    }

    /// The configuration as TOML, defaults included and secrets masked: read again it means the same, but for secrets.
    pub fn explain(&self) -> String {
        let mut explained = Explained::default();
        self.node.explain(&mut explained);
        self.http.explain(&mut explained);
        self.grpc.explain(&mut explained);
        self.ops.explain(&mut explained);
        for smsc in &self.smsc {
            smsc.explain(&mut explained);
        }
        push::explain(&self.push, &mut explained);
        policy::explain(&self.policy, &mut explained);
        self.budgets.explain(&mut explained);
        self.relay.explain(&mut explained);
        self.access.explain(&mut explained);
        self.upstream.explain(&mut explained);
        self.admission.explain(&mut explained);
        explained.into_text()
    }
}

/// One number is left over.
const MAX_SMSCS: usize = 255;

fn smscs(root: &Written, errors: &mut Vec<ConfigError>) -> Vec<SmscConfig> {
    let written = table_entry(root, "smsc");
    let mut names = Vec::new();
    let smscs = entries("smsc", written, errors, |section| SmscConfig::read(section, &mut names));
    // Receipts name theirs by an octet.
    if let Some(written) = written.filter(|_| smscs.len() > MAX_SMSCS) {
        let (origin, value) = (written.origin.clone(), format!("{} of them", smscs.len()));
        let allowed = format!("at most {MAX_SMSCS} [[smsc]]");
        errors.push(ConfigError::Value { origin, key: "smsc".to_owned(), value, allowed });
    }
    if smscs.is_empty() && !matches!(written.map(|written| &written.value), Some(value) if !is_list(value)) {
        let origin = written.map_or(&root.origin, |written| &written.origin).clone();
        let allowed = "at least one [[smsc]] with a name and an address".to_owned();
        errors.push(ConfigError::Missing { origin, key: "smsc".to_owned(), allowed });
    }
    let origin = written.map_or(&root.origin, |written| &written.origin);
    refuse_unlike_stand_ins(&smscs, origin, errors);
    smscs
}

fn is_list(value: &Value) -> bool {
    matches!(value, Value::List(_))
}

fn table_entry<'a>(root: &'a Written, key: &str) -> Option<&'a Written> {
    match &root.value {
        Value::Table(entries) => entries.get(key),
        _ => None,
    }
}

fn unknown_sections(root: &Written, errors: &mut Vec<ConfigError>) {
    let Value::Table(sections) = &root.value else { return };
    for (key, written) in sections {
        if !SECTIONS.contains(&key.as_str()) {
            let origin = written.key.clone();
            errors.push(ConfigError::UnknownKey { origin, key: key.clone(), known: SECTIONS.join(", ") });
        }
    }
}

#[cfg(test)]
mod tests;
