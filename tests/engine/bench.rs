//! An SMPP session on the bench: octets in, octets out, the clock in the test's hand.

use bellwire::codec::smpp::{
    BindMode, BindResp, CommandId, CommandStatus, DeliverSm, Encode, EsmClass, Header, InterfaceVersion, MessageState,
    PDU_MAX_OCTETS, Receipt, SubmitSmResp, TlvBuffer, TlvTag, Tlvs, frame,
};
use bellwire::engine::clock::Now;
use bellwire::engine::pacing::PacingSettings;
use bellwire::engine::receipts::{Errand, ErrandAnswer};
use bellwire::engine::session::{Session, SessionError, SessionSettings, Sink, State};
use bellwire::engine::subscription::Answer;
use bellwire::engine::verdict::{Judge, Verdict};
use bytes::BytesMut;
use std::time::Duration;

pub const START: Now = Now { monotonic: Duration::from_secs(1000), unix_ms: 1_790_000_000_000 };
pub const ENQUIRE_LINK: Duration = Duration::from_secs(30);
pub const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);
pub const BIND_TIMEOUT: Duration = Duration::from_secs(5);

pub fn settings(mode: BindMode) -> SessionSettings {
    SessionSettings {
        mode,
        system_id: "bellwire".into(),
        password: "secret".into(),
        version: InterfaceVersion::V3_4,
        needs_tlvs: false,
        system_type: String::new(),
        window: 4,
        pacing: PacingSettings::default(),
        judge: Judge::default(),
        enquire_link: ENQUIRE_LINK,
        response_timeout: RESPONSE_TIMEOUT,
        bind_timeout: BIND_TIMEOUT,
        resend_unknown: true,
    }
}

/// What a session told, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Told(pub Vec<String>);

impl Sink<u32> for Told {
    fn handle_answer(&mut self, _: Now, item: u32, _: Duration, answer: Answer<'_>) -> Verdict {
        let (word, verdict) = match answer {
            Answer::Accepted { message_id } => (format!("accepted as {}", message_id.escape_ascii()), Verdict::Accept),
            Answer::Refused { status, verdict } => (format!("refused {:#x}", status.0), verdict),
            Answer::Unknown { resend } => (format!("unknown, resend {resend}"), Verdict::Accept),
        };
        self.0.push(format!("{item} {word}"));
        verdict
    }

    fn handle_receipt(&mut self, _: Now, receipt: &Receipt<'_>) {
        let (id, state) = (receipt.message_id.unwrap_or_default(), receipt.state.map_or(255, |state| state.0));
        self.0.push(format!("receipt {} {state}", id.escape_ascii()));
    }

    fn handle_errand(&mut self, _: Now, errand: Errand, answer: ErrandAnswer) {
        self.0.push(format!("{errand:?} {answer:?}"));
    }
}

pub struct Bench {
    pub session: Session<u32>,
    pub now: Now,
    pub out: BytesMut,
    pub told: Told,
}

impl Bench {
    pub fn new(settings: SessionSettings) -> Self {
        let mut out = BytesMut::new();
        let session = Session::new(settings, START, &mut out).unwrap();
        Self { session, now: START, out, told: Told::default() }
    }

    pub fn bound() -> Self {
        Self::bound_as(settings(BindMode::Transceiver))
    }

    pub fn bound_as(settings: SessionSettings) -> Self {
        let mode = settings.mode;
        let mut bench = Self::new(settings);
        bench.hear(&bind_resp(mode, CommandStatus::OK)).unwrap();
        assert_eq!(bench.session.state(), State::Bound);
        bench.said();
        bench
    }

    pub fn hear(&mut self, octets: &[u8]) -> Result<(), SessionError> {
        let taken = self.session.handle_input(self.now, octets, &mut self.out, &mut self.told)?;
        assert_eq!(taken, octets.len());
        Ok(())
    }

    pub fn advance(&mut self, by: Duration) -> Result<(), SessionError> {
        self.now = self.now.after(by);
        self.session.handle_timeout(self.now, &mut self.out, &mut self.told)
    }

    /// Does what is due, when it is due, until the time is over; how often something was.
    pub fn run(&mut self, time: Duration) -> Result<usize, SessionError> {
        let end = self.now.after(time);
        for turns in 0.. {
            let due = self.session.poll_timeout(self.now);
            if due > end.monotonic {
                self.now = end;
                return Ok(turns);
            }
            assert!(turns < 10_000, "due again and again at {due:?}");
            self.advance(due.saturating_sub(self.now.monotonic))?;
        }
        unreachable!()
    }

    pub fn submit(&mut self, item: u32) -> u32 {
        assert!(self.session.room(self.now) > 0);
        let number = self.session.next_sequence_number();
        self.session.track(self.now, number, item);
        number
    }

    /// The headers of what was written since the last call.
    pub fn said(&mut self) -> Vec<(CommandId, u32, u32)> {
        let mut all = Vec::new();
        while let Some(length) = frame(&self.out, PDU_MAX_OCTETS).unwrap() {
            let header = Header::decode(&self.out.split_to(length)).unwrap();
            all.push((header.command_id, header.command_status.0, header.sequence_number));
        }
        assert!(self.out.is_empty(), "whole PDUs");
        all
    }
}

pub fn bind_resp(mode: BindMode, status: CommandStatus) -> Vec<u8> {
    pdu(&BindResp { mode, system_id: b"smsc", tlvs: Tlvs::NONE }, status, 1)
}

pub fn pdu(body: &impl Encode, status: CommandStatus, number: u32) -> Vec<u8> {
    let mut out = BytesMut::new();
    body.encode_with_status(status, number, &mut out).unwrap();
    out.to_vec()
}

pub fn bare(command_id: CommandId, status: u32, number: u32) -> Vec<u8> {
    let mut out = BytesMut::new();
    Header::bare(command_id, CommandStatus(status), number).encode(&mut out);
    out.to_vec()
}

pub fn submit_resp(status: u32, number: u32) -> Vec<u8> {
    let id: &[u8] = if status == 0 { b"id" } else { b"" };
    pdu(&SubmitSmResp::new(id), CommandStatus(status), number)
}

pub fn receipt(number: u32) -> Vec<u8> {
    let tlvs = TlvBuffer::new()
        .c_octets(TlvTag::RECEIPTED_MESSAGE_ID, b"id")
        .u8(TlvTag::MESSAGE_STATE, MessageState::DELIVERED.0);
    let receipt = DeliverSm { esm_class: EsmClass::DELIVERY_RECEIPT, tlvs: tlvs.tlvs(), ..DeliverSm::default() };
    pdu(&receipt, CommandStatus::OK, number)
}
