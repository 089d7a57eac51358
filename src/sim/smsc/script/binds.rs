//! `[binds]`, `[[account]]` and `[[outbind]]`: who gets in.

use super::table::Table;
use crate::codec::smpp::{CommandStatus, InterfaceVersion};
use std::net::SocketAddr;
use std::time::Duration;

/// Who gets in, and what it speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindScript {
    /// The highest version that the SMSC speaks.
    pub interface_version: InterfaceVersion,
    /// Whether bind responses say so.
    pub version_tlv: bool,
    /// What it calls itself.
    pub name: String,
    /// Connections that one system_id may have bound.
    pub max: Option<u64>,
    /// What one more is refused with.
    pub max_status: CommandStatus,
    /// Binds in a row that were wrong, after which an address is banned.
    pub ban_after: Option<u64>,
    /// For how long.
    pub ban: Duration,
    /// What a bind from there is refused with; `None` closes the connection.
    pub ban_status: Option<CommandStatus>,
}

impl Default for BindScript {
    fn default() -> Self {
        Self {
            interface_version: InterfaceVersion::V3_4,
            version_tlv: true,
            name: "bellwire-sim".to_owned(),
            max: None,
            max_status: CommandStatus::ALYBND,
            ban_after: None,
            ban: Duration::from_secs(300),
            ban_status: None,
        }
    }
}

/// Who may bind.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub system_id: String,
    /// What it needs; `None` is any.
    pub password: Option<String>,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account").field("system_id", &self.system_id).finish_non_exhaustive()
    }
}

/// Somebody who is called, and asked to bind.
#[derive(Clone, PartialEq, Eq)]
pub struct OutbindScript {
    /// Where it listens.
    pub connect: SocketAddr,
    /// As whom the SMSC calls.
    pub system_id: String,
    /// With which password.
    pub password: String,
    /// When it calls again after a connection ended or was refused.
    pub again: Duration,
}

impl std::fmt::Debug for OutbindScript {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutbindScript").field("connect", &self.connect).finish_non_exhaustive()
    }
}

/// SMPP v3.4 §4.1.1: octets of system_id and of password, without NUL.
const SYSTEM_ID_OCTETS: usize = 15;
const PASSWORD_OCTETS: usize = 8;
const VERSIONS: [(&str, InterfaceVersion); 3] =
    [("3.3", InterfaceVersion::V3_3), ("3.4", InterfaceVersion::V3_4), ("5.0", InterfaceVersion::V5_0)];

pub(super) fn read(mut table: Table<'_>) -> BindScript {
    let usual = BindScript::default();
    let interface_version = table.word("interface_version", &VERSIONS).unwrap_or(usual.interface_version);
    let version_tlv = table.flag("version_tlv").unwrap_or(true);
    let name = table.text("name", SYSTEM_ID_OCTETS).unwrap_or(usual.name);
    let max = table.count("max", 1..=100_000);
    let max_status = table.status("max_status").unwrap_or(usual.max_status);
    let ban_after = table.count("ban_after", 1..=1_000_000);
    let ban = table.duration("ban").unwrap_or(usual.ban);
    let ban_status = table.status("ban_status");
    for (key, other, is_there) in [
        ("max_status", "max", max.is_some()),
        ("ban", "ban_after", ban_after.is_some()),
        ("ban_status", "ban_after", ban_after.is_some()),
    ] {
        if table.has(key) && !is_there {
            table.refuse_key(key, format!("it means nothing without {other}"));
        }
    }
    table.finish();
    BindScript { interface_version, version_tlv, name, max, max_status, ban_after, ban, ban_status }
}

pub(super) fn account(mut table: Table<'_>) -> Option<Account> {
    let system_id = table.text("system_id", SYSTEM_ID_OCTETS);
    let password = table.text("password", PASSWORD_OCTETS);
    if !table.has("system_id") {
        table.refuse("system_id is missing");
    }
    table.finish();
    Some(Account { system_id: system_id?, password })
}

pub(super) fn outbind(mut table: Table<'_>) -> Option<OutbindScript> {
    let connect =
        table.read("connect", "an address such as \"127.0.0.1:2776\"", |value| super::table::text(value)?.parse().ok());
    if !table.has("connect") {
        table.refuse("connect is missing");
    }
    let system_id = table.text("system_id", SYSTEM_ID_OCTETS).unwrap_or_else(|| BindScript::default().name);
    let password = table.text("password", PASSWORD_OCTETS).unwrap_or_default();
    let again = table.duration("again").unwrap_or(Duration::from_secs(5));
    table.finish();
    Some(OutbindScript { connect: connect?, system_id, password, again })
}
