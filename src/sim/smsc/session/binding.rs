//! Who is there, and in which version (SMPP v3.4 §4.1).

use super::super::door::Entry;
use super::{Ending, Pending, Session};
use crate::codec::smpp::{Bind, BindResp, CommandStatus, Encode, Header, InterfaceVersion, Outbind, TlvBuffer, TlvTag};
use bytes::BytesMut;
use std::time::Duration;

/// What the seed is mixed with, so that no two kinds of chance are the same.
const BINDS: u64 = 0xB14D_0005;

impl Session {
    /// The SMSC called, and asks the other side to bind (§4.1.7).
    pub(in super::super) fn handle_called(&mut self, system_id: &[u8], password: &[u8]) {
        let number = self.next_number();
        // A script has both no longer than their fields.
        let _ = Outbind { system_id, password }.encode(number, &mut self.out);
    }

    pub(super) fn handle_bind(&mut self, header: &Header, bind: &Bind<'_>, now: Duration) {
        if self.bound.is_some() {
            return self.refuse_bind(header, CommandStatus::ALYBND);
        }
        let (n, entry) = self.shared.admit(bind, self.peer, now);
        match entry {
            Entry::Granted => self.enter(header, bind, n, now),
            Entry::Refused(status) => self.refuse_bind(header, status),
            Entry::Unknown => {
                self.shared.ledger.add(|total| total.binds_refused += 1);
                Header::nack(CommandStatus::INVCMDID, header.sequence_number).encode(&mut self.out);
            }
            Entry::Silent => self.shared.ledger.add(|total| total.binds_refused += 1),
            Entry::Closed => {
                self.shared.ledger.add(|total| total.binds_refused += 1);
                self.ending = Some(Ending::Close);
            }
        }
    }

    fn refuse_bind(&mut self, header: &Header, status: CommandStatus) {
        header.answer(status).encode(&mut self.out);
        self.shared.ledger.add(|total| total.binds_refused += 1);
    }

    fn enter(&mut self, header: &Header, bind: &Bind<'_>, n: u64, now: Duration) {
        let shared = self.shared.clone();
        let script = &shared.settings.script;
        self.bound = Some(bind.mode);
        self.system_id = bind.system_id.into();
        self.version = shared.version_with(bind.interface_version);
        self.gate = shared.gates.of(bind.system_id);
        let mut tlvs = TlvBuffer::new();
        if script.binds.version_tlv && self.knows_tlvs() {
            tlvs = tlvs.u8(TlvTag::SC_INTERFACE_VERSION, script.binds.interface_version.0);
        }
        let resp = BindResp { mode: bind.mode, system_id: script.binds.name.as_bytes(), tlvs: tlvs.tlvs() };
        let mut answer = BytesMut::new();
        // A script has the name no longer than its field.
        let _ = resp.encode(header.sequence_number, &mut answer);
        let latency = script.latency.bind.draw(shared.seed ^ BINDS, n);
        if latency.is_zero() {
            self.introduce(&answer);
        } else {
            self.pending.put(now + latency, Pending::BindAnswer(answer.freeze()));
        }
        shared.ledger.add(|total| total.binds += 1);
        let name = String::from_utf8_lossy(bind.system_id).into_owned();
        shared.ledger.update(self.number, |connection| connection.system_id = name);
    }

    /// The bind is answered; what waits for the account may go.
    pub(super) fn introduce(&mut self, answer: &[u8]) {
        self.out.extend_from_slice(answer);
        self.introduced = true;
        self.handle_backlog();
    }

    /// v3.3 has no optional parameters.
    pub(super) fn knows_tlvs(&self) -> bool {
        self.version > InterfaceVersion::V3_3
    }
}
