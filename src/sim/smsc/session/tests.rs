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

#[test]
fn what_is_above_the_rate_is_throttled() {
    let mut rig =
        Rig::bound(1, "[receipts]\nform = \"none\"\n[rate]\nper_second = 10\nburst = 2", InterfaceVersion::V3_4);
    rig.written();
    (2..=4).for_each(|number| rig.submit(number, |_| {}));
    assert_eq!(rig.statuses(), [CommandStatus::OK, CommandStatus::OK, CommandStatus::THROTTLED]);
    rig.at(MS(100));
    (5..=6).for_each(|number| rig.submit(number, |_| {}));
    assert_eq!(rig.statuses(), [CommandStatus::OK, CommandStatus::THROTTLED]);
    assert_eq!(rig.shared.ledger.stats().over_rate, 2);
}

#[test]
fn a_peer_of_v5_is_told_how_congested_it_is_and_no_other_is() {
    let script = "[congestion]\nsteps = [[1, 20], [2, 85]]\n[binds]\ninterface_version = \"5.0\"";
    for (version, states) in [(InterfaceVersion::V5_0, [Some(20), Some(85)]), (InterfaceVersion::V3_4, [None, None])] {
        let mut rig = Rig::bound(1, script, version);
        rig.written();
        (2..=3).for_each(|number| rig.submit(number, |submit| submit.registered_delivery = RegisteredDelivery::NONE));
        let out = rig.written();
        let told: Vec<Option<u8>> = record::pieces(&out)
            .map(|pdu| match Pdu::decode(pdu).unwrap().body {
                Body::SubmitSmResp(resp) => resp.tlvs.u8(TlvTag::CONGESTION_STATE).unwrap(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(told, states);
    }
}

#[test]
fn a_window_that_is_exceeded_is_refused_or_ends_the_session() {
    let window = |over: &str| {
        format!("[receipts]\nform = \"none\"\n[latency]\nanswer = \"1s\"\n[window]\noutstanding = 2\nover = \"{over}\"")
    };
    let mut rig = Rig::bound(1, &window("refuse"), InterfaceVersion::V3_4);
    rig.written();
    (2..=4).for_each(|number| rig.submit(number, |_| {}));
    rig.at(MS(1_000));
    let answers: Vec<CommandStatus> =
        rig.told().into_iter().filter(|told| told.0 == CommandId::SUBMIT_SM_RESP).map(|told| told.2).collect();
    assert_eq!(answers, [CommandStatus::OK, CommandStatus::OK, CommandStatus::SUBMITFAIL]);

    let mut rig = Rig::bound(1, &window("close"), InterfaceVersion::V3_4);
    (2..=4).for_each(|number| rig.submit(number, |_| {}));
    assert_eq!(rig.session.ending(), Some(Ending::Close));

    let mut rig = Rig::bound(1, &window("unbind"), InterfaceVersion::V3_4);
    rig.written();
    (2..=5).for_each(|number| rig.submit(number, |_| {}));
    assert_eq!(rig.told(), [(CommandId::UNBIND, 1, CommandStatus::OK)]);
}

#[test]
fn answers_pass_each_other_unless_they_are_kept_in_order() {
    let order = |in_order: bool| {
        let script = format!(
            "[receipts]\nform = \"none\"\n[latency]\nanswer = {{ uniform = [\"0ms\", \"90ms\"] }}\nin_order = {in_order}"
        );
        let mut rig = Rig::bound(1, &script, InterfaceVersion::V3_4);
        rig.written();
        (2..=40).for_each(|number| rig.submit(number, |_| {}));
        let mut order: Vec<u32> = rig.told().into_iter().map(|told| told.1).collect();
        for now in 1..=90 {
            rig.at(MS(now));
            order.extend(rig.told().into_iter().map(|told| told.1));
        }
        assert_eq!(order.len(), 39);
        order.is_sorted()
    };
    assert!(order(true) && !order(false));
}

#[test]
fn a_receipt_does_not_come_before_its_answer_unless_it_is_told_to() {
    let told = |fault: &str| {
        let script =
            format!("[receipts]\nintermediate = \"always\"\n[latency]\nanswer = \"1s\"\nin_order = true\n{fault}");
        let mut rig = Rig::bound(1, &script, InterfaceVersion::V3_4);
        rig.written();
        rig.submit(2, |_| {});
        let early = rig.told();
        rig.at(MS(1_000));
        (early.len(), rig.told().first().map(|told| told.0))
    };
    assert_eq!(told(""), (0, Some(CommandId::SUBMIT_SM_RESP)));
    assert_eq!(told("[[fault]]\nkind = \"receipt_first\"\nat = 1"), (1, Some(CommandId::SUBMIT_SM_RESP)));
}

#[test]
fn a_handset_has_so_many_messages_without_a_receipt() {
    let mut rig = Rig::bound(1, "[latency]\nreceipt = \"1s\"\n[destinations]\nqueue = 2", InterfaceVersion::V3_4);
    rig.written();
    (2..=4).for_each(|number| rig.submit(number, |_| {}));
    rig.submit(5, |submit| submit.destination.addr = b"15557654321");
    let ok = CommandStatus::OK;
    assert_eq!(rig.statuses(), [ok, ok, CommandStatus::MSGQFUL, ok]);
    rig.at(MS(1_000));
    assert_eq!(rig.receipts(), [MessageState::DELIVERED; 3]);
    rig.submit(6, |_| {});
    assert_eq!(rig.statuses(), [ok]);
}

#[test]
fn a_handset_that_is_off_gets_its_messages_when_it_is_on() {
    let script = "[destinations]\noff = \"15551234567\"\non_after = \"10s\"";
    let mut rig = Rig::bound(1, script, InterfaceVersion::V3_4);
    rig.written();
    let set_dpf = TlvBuffer::new().u8(TlvTag::SET_DPF, 1);
    rig.submit(2, |submit| submit.tlvs = Box::leak(Box::new(set_dpf)).tlvs());
    rig.submit(3, |_| {});
    assert_eq!(rig.statuses(), [CommandStatus::OK; 2]);
    assert!(rig.delivered.lock().is_empty());
    rig.at(MS(9_999));
    assert!(rig.told().is_empty());
    rig.at(MS(10_000));
    let told: Vec<CommandId> = rig.told().into_iter().map(|told| told.0).collect();
    assert_eq!(told, [CommandId::ALERT_NOTIFICATION, CommandId::DELIVER_SM, CommandId::DELIVER_SM]);
    assert_eq!(*rig.delivered.lock(), ["message 2", "message 3"]);
    rig.submit(4, |_| {});
    assert_eq!(rig.delivered.lock().len(), 3);
}

#[test]
fn what_waits_too_long_expires() {
    let mut rig =
        Rig::bound(1, "[destinations]\noff = \"15551234567\"\n[store]\nvalidity = \"1h\"", InterfaceVersion::V3_4);
    let minute = ValidityPeriod::relative(Duration::from_secs(60)).unwrap();
    rig.submit(2, |submit| submit.validity_period = Box::leak(Box::new(minute)).as_octets());
    rig.submit(3, |_| {});
    rig.submit(4, |submit| submit.validity_period = b"260131140000000+");
    rig.written();
    for (seconds, expired) in [(59, 0), (60, 1), (3_599, 0), (3_600, 1), (7_199, 0), (7_200, 1)] {
        rig.at(Duration::from_secs(seconds));
        assert_eq!(rig.receipts(), vec![MessageState::EXPIRED; expired], "{seconds}");
    }
    assert!(rig.delivered.lock().is_empty() && rig.shared.store.lock().waiting() == 0);
}

#[test]
fn receipts_can_contradict_each_other_and_come_again_when_asked_for() {
    let script =
        "[receipts]\nretry = \"1s\"\n[[fault]]\nkind = \"receipt_states\"\nstates = [\"UNDELIV\", \"DELIVRD\"]\nat = 1";
    let mut rig = Rig::bound(1, script, InterfaceVersion::V3_4);
    rig.submit(2, |_| {});
    assert_eq!(rig.receipts(), [MessageState::UNDELIVERABLE, MessageState::DELIVERED]);
    rig.give(|out| assert!(DeliverSmResp::default().encode_with_status(CommandStatus::X_T_APPN, 1, out).is_ok()));
    assert!(rig.receipts().is_empty());
    rig.at(MS(1_000));
    assert_eq!(rig.receipts(), [MessageState::UNDELIVERABLE]);
}

#[test]
fn a_peer_of_v3_3_gets_no_optional_parameters() {
    let mut rig = Rig::bound(1, "", InterfaceVersion::V3_3);
    rig.submit(2, |submit| submit.esm_class = EsmClass::DEFAULT);
    let out = rig.written();
    for pdu in record::pieces(&out) {
        match Pdu::decode(pdu).unwrap().body {
            Body::BindResp(resp) => assert!(resp.tlvs.is_empty()),
            Body::DeliverSm(deliver) => {
                assert!(deliver.tlvs.is_empty() && deliver.short_message.ends_with(b"text:message 2"));
            }
            Body::SubmitSmResp(resp) => assert!(resp.tlvs.is_empty()),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn half_an_answer_is_half_an_answer() {
    let mut rig =
        Rig::bound(1, "[receipts]\nform = \"none\"\n[[fault]]\nkind = \"cut\"\nat = 1", InterfaceVersion::V3_4);
    rig.written();
    rig.submit(2, |_| {});
    let out = rig.written();
    let header = Header::decode(&out);
    assert!(out.len() == 12 && header.is_none(), "{out:?}");
    assert_eq!((rig.session.ending(), rig.delivered.lock().len()), (Some(Ending::Close), 1));
}

#[test]
fn answers_can_be_strange() {
    let answers = |kind: &str| {
        let script = format!("[receipts]\nform = \"none\"\n[[fault]]\nkind = \"{kind}\"\nat = 2");
        let mut rig = Rig::bound(1, &script, InterfaceVersion::V3_4);
        rig.written();
        (2..=3).for_each(|number| rig.submit(number, |_| {}));
        let out = rig.written();
        let answers = record::pieces(&out).map(|pdu| {
            let pdu = Pdu::decode(pdu).unwrap();
            let id = match pdu.body {
                Body::SubmitSmResp(resp) => resp.message_id.escape_ascii().to_string(),
                _ => pdu.header.command_id.to_string(),
            };
            (pdu.header.sequence_number, id)
        });
        answers.skip(1).collect::<Vec<_>>()
    };
    let id = |number: u32, id: &str| (number, id.to_owned());
    assert_eq!(answers("no_id"), [id(3, "")]);
    assert_eq!(answers("same_id"), [id(3, "00000001")]);
    assert_eq!(answers("stray_answer"), [id(0x1000_0003, "00000002"), id(3, "00000002")]);
    assert_eq!(answers("nack")[0].0, 3);
    assert!(answers("nack")[0].1.contains("generic_nack"));
}
