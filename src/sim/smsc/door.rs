//! Who gets in: accounts, connections of each, and bans after binds that were wrong.

use super::SmscSettings;
use super::fault::BindFault;
use super::script::{Account, BindScript};
use crate::codec::smpp::{Bind, BindMode, CommandStatus, InterfaceVersion};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

/// Addresses whose wrong binds are counted; beyond that it starts to count anew.
const ADDRESSES_MAX: usize = 1 << 16;

/// What becomes of a bind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Granted,
    Refused(CommandStatus),
    /// Not known to such an SMSC: generic_nack.
    Unknown,
    /// No answer at all.
    Silent,
    /// FIN, without an answer.
    Closed,
}

#[derive(Debug)]
pub(super) struct Door {
    script: BindScript,
    accounts: Vec<Account>,
    system_id: Option<String>,
    password: Option<String>,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Connections by system_id.
    bound: HashMap<Box<[u8]>, u64>,
    wrong: HashMap<IpAddr, Wrong>,
}

/// Binds from an address that were wrong.
#[derive(Clone, Copy, Debug, Default)]
struct Wrong {
    in_row: u64,
    banned_until: Option<Duration>,
}

impl Door {
    pub(super) fn new(settings: &SmscSettings) -> Self {
        Self {
            script: settings.script.binds.clone(),
            accounts: settings.script.accounts.clone(),
            system_id: settings.system_id.clone(),
            password: settings.password.clone(),
            inner: Mutex::default(),
        }
    }

    /// Decides on a bind from `peer`; one that is granted counts until [`Door::leave`].
    pub(super) fn enter(
        &self,
        bind: &Bind<'_>,
        fault: Option<BindFault>,
        peer: Option<IpAddr>,
        now: Duration,
    ) -> Entry {
        let mut inner = self.inner.lock();
        if peer.is_some_and(|peer| inner.is_banned(peer, now)) {
            return self.script.ban_status.map_or(Entry::Closed, Entry::Refused);
        }
        // v3.3 has no bind_transceiver.
        if bind.mode == BindMode::Transceiver && self.script.interface_version <= InterfaceVersion::V3_3 {
            return Entry::Unknown;
        }
        let status = match fault {
            Some(BindFault::Silent) => return Entry::Silent,
            Some(BindFault::Close) => return Entry::Closed,
            Some(BindFault::Refuse(status)) => status,
            None => self.check(bind),
        };
        if !status.is_ok() {
            self.note_wrong(&mut inner, peer, now);
            return Entry::Refused(status);
        }
        if let Some(peer) = peer {
            inner.wrong.remove(&peer);
        }
        let bound = inner.bound.entry(bind.system_id.into()).or_default();
        if self.script.max.is_some_and(|max| *bound >= max) {
            return Entry::Refused(self.script.max_status);
        }
        *bound += 1;
        Entry::Granted
    }

    /// A connection that was let in has ended.
    pub(super) fn leave(&self, system_id: &[u8]) {
        let mut inner = self.inner.lock();
        if let Some(bound) = inner.bound.get_mut(system_id) {
            *bound -= 1;
            if *bound == 0 {
                inner.bound.remove(system_id);
            }
        }
    }

    fn check(&self, bind: &Bind<'_>) -> CommandStatus {
        let differs = |only: &Option<String>, given: &[u8]| only.as_ref().is_some_and(|only| only.as_bytes() != given);
        if differs(&self.system_id, bind.system_id) {
            return CommandStatus::INVSYSID;
        }
        if differs(&self.password, bind.password) {
            return CommandStatus::INVPASWD;
        }
        if self.accounts.is_empty() {
            return CommandStatus::OK;
        }
        match self.accounts.iter().find(|account| account.system_id.as_bytes() == bind.system_id) {
            None => CommandStatus::INVSYSID,
            Some(account) if differs(&account.password, bind.password) => CommandStatus::INVPASWD,
            Some(_) => CommandStatus::OK,
        }
    }

    fn note_wrong(&self, inner: &mut Inner, peer: Option<IpAddr>, now: Duration) {
        let (Some(after), Some(peer)) = (self.script.ban_after, peer) else { return };
        if inner.wrong.len() >= ADDRESSES_MAX {
            inner.wrong.clear();
        }
        let wrong = inner.wrong.entry(peer).or_default();
        wrong.in_row += 1;
        if wrong.in_row >= after {
            *wrong = Wrong { in_row: 0, banned_until: Some(now + self.script.ban) };
        }
    }
}

impl Inner {
    fn is_banned(&self, peer: IpAddr, now: Duration) -> bool {
        self.wrong.get(&peer).and_then(|wrong| wrong.banned_until).is_some_and(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::smpp::Address;

    const PEER: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));

    fn door(script: &str) -> Door {
        Door::new(&SmscSettings { script: script.parse().unwrap(), ..SmscSettings::default() })
    }

    fn bind<'a>(system_id: &'a str, password: &'a str) -> Bind<'a> {
        Bind {
            mode: BindMode::Transceiver,
            system_id: system_id.as_bytes(),
            password: password.as_bytes(),
            system_type: b"",
            interface_version: InterfaceVersion::V3_4,
            address_range: Address::default(),
        }
    }

    #[test]
    fn who_is_wrong_too_often_is_banned_for_a_while() {
        let door = door("[binds]\nban_after = 2\nban = \"10s\"\n[[account]]\nsystem_id = \"a\"\npassword = \"right\"");
        let at = |seconds, password| door.enter(&bind("a", password), None, PEER, Duration::from_secs(seconds));
        let wrong = Entry::Refused(CommandStatus::INVPASWD);
        assert_eq!(
            [at(0, "wrong"), at(0, "right"), at(1, "wrong"), at(1, "wrong")],
            [wrong, Entry::Granted, wrong, wrong]
        );
        assert_eq!([at(2, "right"), at(10, "right"), at(11, "right")], [Entry::Closed, Entry::Closed, Entry::Granted]);
    }

    #[test]
    fn an_account_has_so_many_connections_and_no_more() {
        let door = door("[binds]\nmax = 2");
        let enter = |id| door.enter(&bind(id, ""), None, PEER, Duration::ZERO);
        let full = Entry::Refused(CommandStatus::ALYBND);
        assert_eq!(
            [enter("a"), enter("a"), enter("a"), enter("b")],
            [Entry::Granted, Entry::Granted, full, Entry::Granted]
        );
        door.leave(b"a");
        assert_eq!(enter("a"), Entry::Granted);
    }

    #[test]
    fn an_smsc_of_v3_3_knows_no_transceiver() {
        let door = door("[binds]\ninterface_version = \"3.3\"");
        assert_eq!(door.enter(&bind("a", ""), None, PEER, Duration::ZERO), Entry::Unknown);
        let transmitter = Bind { mode: BindMode::Transmitter, ..bind("a", "") };
        assert_eq!(door.enter(&transmitter, None, PEER, Duration::ZERO), Entry::Granted);
    }
}
