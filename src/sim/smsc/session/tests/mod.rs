//! A session and what it shares, without sockets: time is an argument.

mod answers;
mod errands;
mod handsets;
mod limits;

use super::super::shared::Shared;
use super::super::{DeliveryPort, SmscSettings};
use super::*;
use crate::codec::smpp::{
    Address, Bind, DataCoding, DeliverSmResp, Encode, EsmClass, MessageState, RegisteredDelivery, SubmitSm, TlvBuffer,
    TlvTag, ValidityPeriod,
};
use parking_lot::Mutex;

const MS: fn(u64) -> Duration = Duration::from_millis;
const CLOCK: &str = "clock = \"2026-01-31T12:00:00Z\"\n";

type Delivered = Arc<Mutex<Vec<String>>>;

/// An SMSC of one session without sockets.
struct Rig {
    shared: Arc<Shared>,
    session: Session,
    delivered: Delivered,
    now: Duration,
}

impl Rig {
    fn new(seed: u64, script: &str) -> Self {
        let script = format!("{CLOCK}{script}").parse().unwrap();
        let settings = SmscSettings { seed, script, enquire_link: None, ..SmscSettings::default() };
        let delivered = Delivered::default();
        let taken = delivered.clone();
        let handsets: DeliveryPort =
            Box::new(move |message| taken.lock().push(message.short_message.escape_ascii().to_string()));
        let shared = Arc::new(Shared::new(settings, handsets, None));
        let number = shared.ledger.open();
        let session = Session::new(shared.clone(), number, None, Duration::ZERO);
        Self { shared, session, delivered, now: Duration::ZERO }
    }

    fn bound(seed: u64, script: &str, version: InterfaceVersion) -> Self {
        let mut rig = Self::new(seed, script);
        let bind = Bind {
            mode: BindMode::Transceiver,
            system_id: b"esme",
            password: b"",
            system_type: b"",
            interface_version: version,
            address_range: Address::default(),
        };
        rig.give(|out| assert!(bind.encode(1, out).is_ok()));
        rig
    }

    fn give(&mut self, write: impl FnOnce(&mut BytesMut)) {
        let mut input = BytesMut::new();
        write(&mut input);
        self.session.handle_input(&mut input, self.now);
    }

    fn submit(&mut self, number: u32, change: impl FnOnce(&mut SubmitSm<'_>)) {
        let text = format!("message {number}");
        let mut submit = SubmitSm {
            source: Address::international(b"12345"),
            destination: Address::international(b"15551234567"),
            registered_delivery: RegisteredDelivery::FINAL,
            data_coding: DataCoding::IA5,
            short_message: text.as_bytes(),
            ..SubmitSm::default()
        };
        change(&mut submit);
        self.give(|out| assert!(submit.encode(number, out).is_ok()));
    }

    /// Time passes, and everything due is done.
    fn at(&mut self, now: Duration) {
        self.now = now;
        self.shared.handle_time(now);
        self.session.handle_time(now);
    }

    /// The next moment at which something is due.
    fn next_due(&self) -> Option<Duration> {
        [self.session.deadline(), self.shared.deadline()].into_iter().flatten().min()
    }

    fn written(&mut self) -> BytesMut {
        let out = self.session.take_output();
        self.session.handle_written();
        out
    }

    /// Command, sequence number and status of all that was written.
    fn told(&mut self) -> Vec<(CommandId, u32, CommandStatus)> {
        let out = self.written();
        let headers = record::pieces(&out).map(|pdu| Header::decode(pdu).unwrap());
        headers.map(|header| (header.command_id, header.sequence_number, header.command_status)).collect()
    }

    fn statuses(&mut self) -> Vec<CommandStatus> {
        self.told().into_iter().map(|(_, _, status)| status).collect()
    }

    /// States of all receipts that were written.
    fn receipts(&mut self) -> Vec<MessageState> {
        let out = self.written();
        let states = record::pieces(&out).filter_map(|pdu| match Pdu::decode(pdu).unwrap().body {
            Body::DeliverSm(deliver) => smpp::Receipt::decode(&deliver).unwrap().state,
            _ => None,
        });
        states.collect()
    }
}

/// A run of many submits with everything in it, and all that was written.
fn run(seed: u64) -> (BytesMut, Vec<String>) {
    let script = "\
[latency]
answer = { lognormal = { median = \"20ms\", p99 = \"400ms\" } }
receipt = { exponential = \"50ms\" }
delivery = { uniform = [\"1ms\", \"30ms\"] }
[rate]
per_second = 400
burst = 40
[destinations]
queue = 30
off_share = 0.2
on_after = \"300ms\"
alert = \"always\"
[ids]
response = \"uuid\"
[receipts]
intermediate = \"always\"
[[fault]]
kind = \"refuse\"
statuses = [8, 0x45, 0x58]
probability = 0.1
[[fault]]
kind = \"shuffle\"
probability = 0.1
[[fault]]
kind = \"receipt_states\"
states = [\"DELIVRD\", \"UNDELIV\"]
probability = 0.1
[[fault]]
kind = \"silent\"
probability = 0.02";
    let mut rig = Rig::bound(seed, script, InterfaceVersion::V3_4);
    let mut all = rig.written();
    let mut answered = 1_000_000;
    for number in 0..600_u32 {
        let destination = format!("155512345{:02}", number % 40);
        rig.at(MS(2 * u64::from(number)));
        rig.submit(number + 2, |submit| submit.destination.addr = destination.as_bytes().to_vec().leak());
        all.extend_from_slice(&rig.written());
        if number % 50 == 0 {
            answered += 1;
            rig.give(|out| assert!(DeliverSmResp::default().encode(answered, out).is_ok()));
        }
    }
    while let Some(due) = rig.next_due() {
        rig.at(due);
        all.extend_from_slice(&rig.written());
    }
    let delivered = rig.delivered.lock().clone();
    (all, delivered)
}

#[test]
fn the_same_seed_and_pdus_give_the_same_octets() {
    let (octets, delivered) = run(7);
    assert!(octets.len() > 50_000 && delivered.len() > 300);
    assert_eq!((octets.clone(), delivered.clone()), run(7));
    let (others, _) = run(8);
    assert_ne!(octets, others);
}
