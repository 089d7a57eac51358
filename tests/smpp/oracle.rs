//! Another implementation, rusmpp, reads what we write and writes what we read.

use bellwire::codec::smpp::{
    AlertNotification, BindMode, BindResp, Body, CommandId, CommandStatus, DataSmResp, DeliverSm, DeliverSmResp,
    Encode, EsmClass, Header, Pdu, QuerySmResp, ReplaceSm, SubmitSmResp, TlvBuffer, TlvTag, Tlvs,
};
use bytes::BytesMut;
use proptest::prelude::*;
use rusmpp::tokio_codec::CommandCodec;
use rusmpp::types::{COctetString, OctetString};
use rusmpp::values::ServiceType;
use rusmpp::{Command, pdus as theirs, values};
use tokio_util::codec::{Decoder, Encoder};

use crate::bodies::parts;

/// Decodes with rusmpp, which must consume everything, and encodes again.
fn through_rusmpp(octets: &[u8]) -> (Command, BytesMut) {
    let mut codec = CommandCodec::new();
    let mut buffer = BytesMut::from(octets);
    let command = codec.decode(&mut buffer).unwrap().unwrap();
    assert!(buffer.is_empty(), "{} octets are left", buffer.len());
    let mut again = BytesMut::new();
    codec.encode(command.clone(), &mut again).unwrap();
    (command, again)
}

fn encoded(body: &impl Encode) -> BytesMut {
    let mut out = BytesMut::new();
    body.encode(7, &mut out).unwrap();
    out
}

proptest! {
    #[test]
    fn requests_are_read_alike(parts in parts()) {
        let binds = [BindMode::Transmitter, BindMode::Receiver, BindMode::Transceiver].map(|mode| encoded(&parts.bind(mode)));
        let messages = [encoded(&parts.submit_sm()), encoded(&parts.deliver_sm()), encoded(&parts.data_sm())];
        for octets in binds.into_iter().chain(messages) {
            let (_, again) = through_rusmpp(&octets);
            prop_assert_eq!(again, octets);
        }
    }

    #[test]
    fn what_is_seldom_sent_is_read_alike(parts in parts()) {
        // rusmpp takes no optional parameters in the one, and one alone, that of the specification, in the others.
        let answer = QuerySmResp { tlvs: Tlvs::NONE, ..parts.query_sm_resp() };
        let payload = TlvBuffer::new().octets(TlvTag::MESSAGE_PAYLOAD, b"more than fits");
        let replace = ReplaceSm { tlvs: payload.tlvs(), ..parts.replace_sm() };
        let availability = TlvBuffer::new().u8(TlvTag::MS_AVAILABILITY_STATUS, 2);
        let alert = AlertNotification { tlvs: availability.tlvs(), ..parts.alert_notification() };
        let pdus = [
            encoded(&parts.query_sm()),
            encoded(&parts.cancel_sm()),
            encoded(&replace),
            encoded(&parts.submit_multi()),
            encoded(&answer),
            encoded(&parts.submit_multi_resp()),
            encoded(&alert),
            encoded(&parts.outbind()),
        ];
        for octets in pdus {
            let (_, again) = through_rusmpp(&octets);
            prop_assert_eq!(again, octets);
        }
    }

    #[test]
    fn responses_are_read_alike(message_id in "[ -~]{0,64}") {
        let id = message_id.as_bytes();
        let responses = [
            encoded(&SubmitSmResp::new(id)),
            encoded(&DeliverSmResp::new(id)),
            encoded(&DataSmResp::new(id)),
        ];
        for octets in responses {
            let (_, again) = through_rusmpp(&octets);
            prop_assert_eq!(again, octets);
        }
    }

    #[test]
    fn what_they_write_is_what_we_read(digits in "[0-9]{1,20}", text in prop::collection::vec(any::<u8>(), 0..=254)) {
        let message = theirs::SubmitSm::builder()
            .service_type(ServiceType::default())
            .source_addr(COctetString::from_static_slice(b"12345\0").unwrap())
            .destination_addr(COctetString::from_string(digits.clone()).unwrap())
            .esm_class(values::EsmClass::from(0x40))
            .data_coding(values::DataCoding::from(0x04))
            .short_message(OctetString::from_slice(&text).unwrap())
            .build();
        let mut octets = BytesMut::new();
        let status = rusmpp::CommandStatus::EsmeRok;
        CommandCodec::new().encode(Command::new(status, 9, message), &mut octets).unwrap();
        let pdu = Pdu::decode(&octets).unwrap();
        prop_assert_eq!(pdu.header.sequence_number, 9);
        let Body::SubmitSm(read) = pdu.body else { panic!("{pdu:?}") };
        prop_assert_eq!(read.destination.addr, digits.as_bytes());
        prop_assert_eq!(read.esm_class, EsmClass::UDHI);
        prop_assert_eq!(read.short_message, &text[..]);
        let mut again = BytesMut::new();
        pdu.encode(&mut again).unwrap();
        prop_assert_eq!(again, octets);
    }
}

#[test]
fn their_bind_response_tells_us_their_version() {
    let response = theirs::BindTransceiverResp::builder()
        .system_id(COctetString::from_static_slice(b"SMSC\0").unwrap())
        .sc_interface_version(Some(values::InterfaceVersion::Smpp3_4))
        .build();
    let mut octets = BytesMut::new();
    CommandCodec::new().encode(Command::new(rusmpp::CommandStatus::EsmeRok, 1, response), &mut octets).unwrap();
    let tlvs = TlvBuffer::new().u8(TlvTag::SC_INTERFACE_VERSION, 0x34);
    let ours = BindResp { mode: BindMode::Transceiver, system_id: b"SMSC", tlvs: tlvs.tlvs() };
    assert_eq!(Pdu::decode(&octets).unwrap().body, Body::BindResp(ours));
}

#[test]
fn a_receipt_by_optional_parameters_is_read_alike() {
    let tlvs = TlvBuffer::new()
        .c_octets(TlvTag::RECEIPTED_MESSAGE_ID, b"0A1B2C3D")
        .u8(TlvTag::MESSAGE_STATE, 2)
        .octets(TlvTag::NETWORK_ERROR_CODE, &[3, 0, 0]);
    let receipt = DeliverSm { esm_class: EsmClass::DELIVERY_RECEIPT, tlvs: tlvs.tlvs(), ..Default::default() };
    let octets = encoded(&receipt);
    let (command, again) = through_rusmpp(&octets);
    assert_eq!(again, octets);
    let Some(rusmpp::Pdu::DeliverSm(read)) = command.pdu() else { panic!("{command:?}") };
    assert_eq!(read.tlvs().len(), 3);
}

#[test]
fn pdus_without_a_body_are_read_alike() {
    let commands = [
        CommandId::ENQUIRE_LINK,
        CommandId::ENQUIRE_LINK_RESP,
        CommandId::UNBIND,
        CommandId::UNBIND_RESP,
        CommandId::GENERIC_NACK,
    ];
    for command_id in commands {
        let mut octets = BytesMut::new();
        Header::bare(command_id, CommandStatus::OK, 3).encode(&mut octets);
        let (command, again) = through_rusmpp(&octets);
        assert_eq!(u32::from(command.id()), command_id.0);
        assert_eq!(again, octets);
    }
}

#[test]
fn both_know_the_same_numbers() {
    for number in 0..=u16::MAX {
        let theirs_knows = !matches!(rusmpp::tlvs::TlvTag::from(number), rusmpp::tlvs::TlvTag::Other(_));
        assert_eq!(TlvTag(number).name().is_some(), theirs_knows, "parameter {number:#06x}");
        let status = u32::from(number);
        let theirs_knows = !matches!(rusmpp::CommandStatus::from(status), rusmpp::CommandStatus::Other(_));
        assert_eq!(CommandStatus(status).name().is_some(), theirs_knows, "status {status:#x}");
        for command_id in [status, status | 0x8000_0000] {
            let theirs_knows = !matches!(rusmpp::CommandId::from(command_id), rusmpp::CommandId::Other(_));
            assert_eq!(CommandId(command_id).name().is_some(), theirs_knows, "command {command_id:#x}");
        }
    }
}
