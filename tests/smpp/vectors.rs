//! PDUs that other programs wrote or read, against our codec: `tests/fixtures/smpp.tsv`.

use std::collections::HashMap;
use std::time::Duration;

use bellwire::codec::smpp::{
    Address, Body, CommandId, CommandStatus, DataCoding, DataSm, DecodeError, Encode, EsmClass, FieldError,
    InterfaceVersion, MessageState, MsAvailability, MultiDestination, NetworkError, Pdu, QuerySmResp, Receipt,
    RefusedDestination, RegisteredDelivery, SubmitMultiResp, SubmitSm, Time, TlvBuffer, TlvTag, Tlvs, Ton, describe,
};
use bytes::BytesMut;

/// The vectors by the first word of their name, `S1` to `S27`.
fn vectors() -> HashMap<String, Vec<u8>> {
    let lines = include_str!("../fixtures/smpp.tsv").lines();
    lines
        .map(|line| {
            let mut columns = line.split('\t');
            let (name, octets, hex) = (columns.next().unwrap(), columns.next().unwrap(), columns.next().unwrap());
            let pdu: Vec<u8> =
                (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
            assert_eq!(octets.parse(), Ok(pdu.len()), "{name}");
            // "S5 sar segment 1" and the like: the first word names the vector.
            (name.split(' ').next().unwrap().to_owned(), pdu)
        })
        .collect()
}

fn vector(name: &str) -> Vec<u8> {
    vectors().remove(name).unwrap()
}

fn submit_sm(octets: &[u8]) -> SubmitSm<'_> {
    match Pdu::decode(octets).unwrap().body {
        Body::SubmitSm(message) => message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_vector_is_encoded_again_to_the_same_octets() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 31);
    for (name, octets) in vectors {
        let pdu = Pdu::decode(&octets).unwrap();
        let mut again = BytesMut::new();
        assert_eq!(pdu.encode(&mut again), Ok(octets.len()), "{name}");
        assert_eq!(again, octets, "{name}");
        assert!(describe(&pdu).to_string().contains("sequence_number: "), "{name}");
    }
}

#[test]
fn a_push_in_one_message_has_its_header_in_the_text() {
    let octets = vector("S1");
    let message = submit_sm(&octets);
    assert_eq!((message.source.ton, message.source.addr), (Ton::NETWORK_SPECIFIC, &b"12345"[..]));
    assert_eq!(message.destination, Address::international(b"15551234567"));
    assert_eq!(message.esm_class, EsmClass::UDHI);
    assert_eq!(message.registered_delivery, RegisteredDelivery::FINAL);
    assert_eq!(message.data_coding, DataCoding::OCTETS);
    assert_eq!(message.validity_period, b"");
    assert_eq!(message.short_message.len(), 0x51);
    assert!(message.short_message.starts_with(&[6, 5, 4, 0x0B, 0x84, 0x23, 0xF0]));
    assert!(message.short_message.ends_with(b"data: 10\n\n"));
    assert!(message.tlvs.is_empty());
}

#[test]
fn segments_keep_their_order_and_their_lengths() {
    for (name, sequence_number, text_octets) in
        [("S2.1", 2, 140), ("S2.2", 3, 140), ("S2.3", 4, 29), ("S3.1", 12, 140), ("S3.2", 13, 140), ("S3.3", 14, 32)]
    {
        let octets = vector(name);
        assert_eq!(Pdu::decode(&octets).unwrap().header.sequence_number, sequence_number, "{name}");
        assert_eq!(submit_sm(&octets).short_message.len(), text_octets, "{name}");
    }
}

#[test]
fn a_payload_beside_an_empty_text_is_the_text() {
    let octets = vector("S4");
    let message = submit_sm(&octets);
    assert_eq!(message.short_message, b"");
    assert_eq!(message.user_data().len(), 74);
    assert_eq!(message.tlvs.u16(TlvTag::SOURCE_PORT), Ok(Some(9200)));
    assert_eq!(message.tlvs.u16(TlvTag::DESTINATION_PORT), Ok(Some(2948)));
    assert_eq!(message.tlvs.u8(TlvTag::PAYLOAD_TYPE), Ok(Some(0)));
    assert_eq!(message.tlvs.check(), Ok(()));
}

#[test]
fn a_segment_may_be_numbered_by_optional_parameters() {
    let octets = vector("S5");
    let message = submit_sm(&octets);
    assert_eq!(message.tlvs.u16(TlvTag::SAR_MSG_REF_NUM), Ok(Some(0x1234)));
    assert_eq!(message.tlvs.u8(TlvTag::SAR_TOTAL_SEGMENTS), Ok(Some(2)));
    assert_eq!(message.tlvs.u8(TlvTag::SAR_SEGMENT_SEQNUM), Ok(Some(1)));
}

#[test]
fn an_accepted_message_has_a_name_and_a_throttled_one_has_none() {
    let accepted = vector("S6");
    let Body::SubmitSmResp(resp) = Pdu::decode(&accepted).unwrap().body else { panic!("submit_sm_resp") };
    assert_eq!(resp.message_id, b"0A1B2C3D");
    let throttled = vector("S7");
    let pdu = Pdu::decode(&throttled).unwrap();
    assert_eq!(pdu.header.command_status, CommandStatus::THROTTLED);
    let Body::SubmitSmResp(resp) = pdu.body else { panic!("submit_sm_resp") };
    assert_eq!(resp.message_id, b"");
    let congested = vector("S25");
    let Body::SubmitSmResp(resp) = Pdu::decode(&congested).unwrap().body else { panic!("submit_sm_resp") };
    assert_eq!(resp.tlvs.congestion_state(), Some(92));
}

#[test]
fn a_bind_says_who_and_its_response_which_version() {
    let octets = vector("S8");
    let Body::Bind(bind) = Pdu::decode(&octets).unwrap().body else { panic!("bind") };
    assert_eq!((bind.system_id, bind.password), (&b"esproxy"[..], &b"secret"[..]));
    assert_eq!(bind.interface_version, InterfaceVersion::V3_4);
    let octets = vector("S9");
    let Body::BindResp(resp) = Pdu::decode(&octets).unwrap().body else { panic!("bind_resp") };
    assert_eq!(resp.system_id, b"SMSC");
    assert_eq!(resp.sc_interface_version(), Ok(Some(InterfaceVersion::V3_4)));
    let octets = vector("S26");
    let Body::Outbind(outbind) = Pdu::decode(&octets).unwrap().body else { panic!("outbind") };
    assert_eq!((outbind.system_id, outbind.password), (&b"SMSC"[..], &b"secret"[..]));
}

#[test]
fn a_receipt_is_read_from_text_and_from_optional_parameters() {
    let octets = vector("S10");
    let Body::DeliverSm(message) = Pdu::decode(&octets).unwrap().body else { panic!("deliver_sm") };
    let receipt = Receipt::decode(&message).unwrap();
    assert_eq!(receipt.message_id, Some(&b"0169552957"[..]));
    assert_eq!(receipt.state, Some(MessageState::DELIVERED));
    assert_eq!(receipt.error, Some(&b"000"[..]));
    assert_eq!(receipt.done_date.map(|date| (date.day, date.hour, date.minute)), Some((23, 6, 41)));

    let octets = vector("S11");
    let Body::DeliverSm(message) = Pdu::decode(&octets).unwrap().body else { panic!("deliver_sm") };
    let receipt = Receipt::decode(&message).unwrap();
    assert_eq!(receipt.message_id, Some(&b"0A1B2C3D"[..]));
    assert_eq!(receipt.state, Some(MessageState::DELIVERED));
    assert_eq!(receipt.network_error, Some(NetworkError { network_type: 3, code: 0 }));
}

#[test]
fn what_keeps_and_ends_a_session_is_a_header_alone() {
    let bodies = [
        ("S13", CommandId::ENQUIRE_LINK, Body::EnquireLink),
        ("S14", CommandId::ENQUIRE_LINK_RESP, Body::EnquireLinkResp(Tlvs::NONE)),
        ("S15", CommandId::UNBIND, Body::Unbind),
        ("S16", CommandId::GENERIC_NACK, Body::GenericNack),
    ];
    for (name, command_id, body) in bodies {
        let octets = vector(name);
        let pdu = Pdu::decode(&octets).unwrap();
        assert_eq!((pdu.header.command_id, pdu.body), (command_id, body), "{name}");
    }
    let octets = vector("S16");
    assert_eq!(Pdu::decode(&octets).unwrap().header.command_status, CommandStatus::INVCMDID);
}

#[test]
fn data_and_alerts_are_read() {
    let octets = vector("S17");
    let Body::DataSm(message) = Pdu::decode(&octets).unwrap().body else { panic!("data_sm") };
    assert_eq!(message.destination, Address::international(b"15551234567"));
    assert_eq!(message.tlvs.octets(TlvTag::MESSAGE_PAYLOAD).map(<[u8]>::len), Some(74));
    let octets = vector("S24");
    let Body::AlertNotification(alert) = Pdu::decode(&octets).unwrap().body else { panic!("alert_notification") };
    assert_eq!(alert.esme.addr, b"12345");
    assert_eq!(alert.ms_availability_status(), Ok(Some(MsAvailability::AVAILABLE)));
    let octets = vector("S12");
    assert!(matches!(Pdu::decode(&octets).unwrap().body, Body::DeliverSmResp(resp) if resp.message_id.is_empty()));
}

#[test]
fn a_question_names_the_message_and_its_answer_says_what_became_of_it() {
    let octets = vector("S18");
    let Body::QuerySm(query) = Pdu::decode(&octets).unwrap().body else { panic!("query_sm") };
    assert_eq!((query.message_id, query.source.addr), (&b"0A1B2C3D"[..], &b"12345"[..]));
    let octets = vector("S19");
    let Body::QuerySmResp(resp) = Pdu::decode(&octets).unwrap().body else { panic!("query_sm_resp") };
    assert_eq!((resp.message_id, resp.error_code), (&b"0A1B2C3D"[..], 0));
    assert_eq!(resp.message_state, MessageState::DELIVERED);
    // 2026-11-23T06:41:00Z
    assert_eq!(Time::parse(resp.final_date), Ok(Time::Absolute { unix_tenths: 17_954_160_600 }));
}

#[test]
fn a_message_is_taken_back_or_changed_by_its_name() {
    let octets = vector("S20");
    let Body::CancelSm(cancel) = Pdu::decode(&octets).unwrap().body else { panic!("cancel_sm") };
    assert_eq!((cancel.service_type, cancel.message_id), (&b""[..], &b"0A1B2C3D"[..]));
    assert_eq!(cancel.destination, Address::international(b"15551234567"));
    let octets = vector("S21");
    let Body::ReplaceSm(replace) = Pdu::decode(&octets).unwrap().body else { panic!("replace_sm") };
    assert_eq!((replace.message_id, replace.source.addr), (&b"0A1B2C3D"[..], &b"12345"[..]));
    assert_eq!(Time::parse(replace.validity_period), Ok(Time::Relative(Duration::from_secs(86_400))));
    assert_eq!(replace.registered_delivery, RegisteredDelivery::FINAL);
    assert_eq!(replace.user_data().len(), 63);
}

#[test]
fn one_message_goes_to_many_and_the_answer_names_who_will_not_get_it() {
    let octets = vector("S22");
    let Body::SubmitMulti(message) = Pdu::decode(&octets).unwrap().body else { panic!("submit_multi") };
    let to: Vec<_> = message.destinations.iter().collect();
    let numbers =
        [&b"15551234567"[..], b"15557654321"].map(|digits| MultiDestination::Sme(Address::international(digits)));
    assert_eq!(to, numbers);
    assert_eq!((message.esm_class, message.user_data().len()), (EsmClass::UDHI, 63));
    let octets = vector("S23");
    let Body::SubmitMultiResp(resp) = Pdu::decode(&octets).unwrap().body else { panic!("submit_multi_resp") };
    assert_eq!(resp.message_id, b"0A1B2C3D");
    let address = Address::international(b"15557654321");
    let refused: Vec<_> = resp.refused.iter().collect();
    assert_eq!(refused, [RefusedDestination { address, status: CommandStatus::INVDSTADR }]);
}

#[test]
fn every_vector_is_put_in_words() {
    let words = [
        ("S18", "message_id: \"0A1B2C3D\"\nsource_addr_ton: 0x03 network specific\n"),
        ("S19", "final_date: \"261123064100000+\"\nmessage_state: 0x02 DELIVERED\nerror_code: 0\n"),
        ("S20", "message_id: \"0A1B2C3D\"\nsource_addr_ton: 0x03 network specific\n"),
        ("S21", "validity_period: \"000001000000000R\"\nregistered_delivery: 0x01 receipt on success or failure\n"),
        ("S22", "number_of_dests: 2\ndest_addr_ton: 0x01 international\n"),
        ("S23", "no_unsuccess: 1\ndest_addr_ton: 0x01 international\n"),
        ("S23", "error_status_code: 0xb ESME_RINVDSTADR (destination address is invalid)\n"),
        ("S24", "ms_availability_status: 0x00 available\n"),
        ("S25", "congestion_state: 92 (nearing congestion)\n"),
        ("S26", "system_id: \"SMSC\"\npassword: (6 octets)\n"),
        ("S9", "sc_interface_version: 0x34 3.4\n"),
    ];
    for (name, expected) in words {
        let octets = vector(name);
        let text = describe(&Pdu::decode(&octets).unwrap()).to_string();
        assert!(text.contains(expected), "{name}:\n{text}");
    }
}

#[test]
fn a_broadcast_is_known_by_name_whatever_it_holds() {
    for command_id in [CommandId::BROADCAST_SM, CommandId::QUERY_BROADCAST_SM, CommandId::CANCEL_BROADCAST_SM] {
        for command_id in [command_id, command_id.response()] {
            let octets = pdu(command_id, CommandStatus::OK, b"\xFF\xFE");
            let pdu = Pdu::decode(&octets).unwrap();
            let Body::Broadcast(broadcast) = pdu.body else { panic!("{command_id}") };
            assert_eq!((broadcast.command_id(), broadcast.as_octets()), (command_id, &b"\xFF\xFE"[..]));
            assert!(describe(&pdu).to_string().ends_with("body: fffe\n"));
        }
    }
}

#[test]
fn a_validity_of_an_hour_is_an_hour() {
    let octets = vector("S27");
    let message = submit_sm(&octets);
    assert_eq!(message.data_coding, DataCoding::OCTETS_CLASS_1);
    assert_eq!(Time::parse(message.validity_period), Ok(Time::Relative(Duration::from_secs(3600))));
}

/// `body` behind a header of the right length.
fn pdu(command_id: CommandId, status: CommandStatus, body: &[u8]) -> Vec<u8> {
    let length = 16 + body.len() as u32;
    let words = [length, command_id.0, status.0, 7];
    words.iter().flat_map(|word| word.to_be_bytes()).chain(body.iter().copied()).collect()
}

/// The vector without its last octets, its length corrected.
fn shortened(name: &str, by: usize) -> Vec<u8> {
    let octets = vector(name);
    let header = Pdu::decode(&octets).unwrap().header;
    pdu(header.command_id, header.command_status, &octets[16..octets.len() - by])
}

#[test]
fn an_error_response_may_have_a_body_or_none_or_a_broken_one() {
    for body in [&b""[..], b"\0", b"0A1B\0", &[7; 65], b"0A1B\0\x04\x28\0\x05\x5c"] {
        let octets = pdu(CommandId::SUBMIT_SM_RESP, CommandStatus::THROTTLED, body);
        let read = Pdu::decode(&octets).unwrap();
        assert_eq!(read.header.command_status, CommandStatus::THROTTLED);
        let Body::SubmitSmResp(resp) = read.body else { panic!("submit_sm_resp") };
        assert_eq!(resp.message_id, if body == b"0A1B\0" { &b"0A1B"[..] } else { b"" });
    }
    let octets = pdu(CommandId::BIND_TRANSCEIVER_RESP, CommandStatus::BINDFAIL, b"");
    assert!(matches!(Pdu::decode(&octets).unwrap().body, Body::BindResp(_)));
}

#[test]
fn a_response_without_nul_or_body_is_still_an_acceptance() {
    for (body, message_id) in [(&b""[..], &b""[..]), (b"0A1B", b"0A1B"), (b"\0", b"")] {
        let octets = pdu(CommandId::SUBMIT_SM_RESP, CommandStatus::OK, body);
        let Body::SubmitSmResp(resp) = Pdu::decode(&octets).unwrap().body else { panic!("submit_sm_resp") };
        assert_eq!(resp.message_id, message_id);
    }
    let octets = pdu(CommandId::SUBMIT_SM_RESP, CommandStatus::OK, &[b'7'; 65]);
    assert_eq!(Pdu::decode(&octets).unwrap_err().status(), CommandStatus::INVMSGID);
}

#[test]
fn a_length_that_is_not_that_of_the_octets_is_an_error() {
    let octets = vector("S1");
    let error = Pdu::decode(&octets[..octets.len() - 1]).unwrap_err();
    assert_eq!(error.status(), CommandStatus::INVCMDLEN);
    assert_eq!(error.to_string(), "command_length is 130, 129 octets given");
    assert_eq!(Pdu::decode(&octets[..15]), Err(DecodeError::Header { have: 15 }));
}

#[test]
fn a_text_shorter_than_its_length_is_refused_with_the_right_answer() {
    let octets = shortened("S1", 1);
    let error = Pdu::decode(&octets).unwrap_err();
    assert_eq!(error.to_string(), "0x04 submit_sm: short_message needs 81 octets, 80 are left");
    let answer = error.answer().unwrap();
    assert_eq!(answer.command_id, CommandId::SUBMIT_SM_RESP);
    assert_eq!(answer.command_status, CommandStatus::INVMSGLEN);
    assert_eq!(answer.sequence_number, 7);
}

#[test]
fn every_shorter_body_is_an_error_and_never_a_panic() {
    let octets = vector("S1");
    for by in 1..=octets.len() - 16 {
        let short = shortened("S1", by);
        let error = Pdu::decode(&short).unwrap_err();
        assert!(!error.status().is_ok(), "{by}");
    }
}

#[test]
fn a_string_over_its_limit_or_without_its_nul_names_its_field() {
    let octets = pdu(CommandId::BIND_TRANSCEIVER, CommandStatus::OK, &[b'a'; 16]);
    let error = Pdu::decode(&octets).unwrap_err();
    assert_eq!(error.to_string(), "0x09 bind_transceiver: system_id has more than 16 octets");
    assert_eq!(error.status(), CommandStatus::INVSYSID);
    let octets = pdu(CommandId::BIND_TRANSCEIVER, CommandStatus::OK, b"esme\0secret");
    let error = Pdu::decode(&octets).unwrap_err();
    assert_eq!(error.to_string(), "0x09 bind_transceiver: password has no NUL in the 6 octets that are left");
    assert_eq!(error.status(), CommandStatus::INVPASWD);
}

#[test]
fn a_text_of_255_octets_is_taken_from_a_peer_of_v5() {
    let text = [7; 255];
    let message = SubmitSm { short_message: &text, ..SubmitSm::default() };
    let mut octets = BytesMut::new();
    message.encode(1, &mut octets).unwrap();
    assert_eq!(submit_sm(&octets).short_message, text);
    let error = SubmitSm { short_message: &[7; 256], ..message }.encode(1, &mut octets).unwrap_err();
    assert_eq!(error.to_string(), "short_message has at most 255 octets, 256 given");
}

#[test]
fn an_error_response_without_a_body_says_nothing_of_the_message() {
    for body in [&b""[..], b"7A", b"7A\0"] {
        let octets = pdu(CommandId::QUERY_SM_RESP, CommandStatus::QUERYFAIL, body);
        assert_eq!(Pdu::decode(&octets).unwrap().body, Body::QuerySmResp(QuerySmResp::REFUSED));
        let octets = pdu(CommandId::SUBMIT_MULTI_RESP, CommandStatus::SUBMITFAIL, body);
        assert_eq!(Pdu::decode(&octets).unwrap().body, Body::SubmitMultiResp(SubmitMultiResp::default()));
    }
    let octets = pdu(CommandId::QUERY_SM_RESP, CommandStatus::OK, b"7A\0\0");
    assert_eq!(
        Pdu::decode(&octets).unwrap_err().to_string(),
        "0x80000003 query_sm_resp: body ends before message_state"
    );
}

#[test]
fn a_peer_may_say_how_busy_it_is_in_a_response_without_a_body() {
    let said = TlvBuffer::new().u8(TlvTag::CONGESTION_STATE, 100);
    let read = |command_id, body: &[u8]| match Pdu::decode(&pdu(command_id, CommandStatus::OK, body)).unwrap().body {
        Body::EnquireLinkResp(tlvs) => tlvs.congestion_state(),
        Body::CancelSmResp(resp) => resp.tlvs.congestion_state(),
        Body::ReplaceSmResp(resp) => resp.tlvs.congestion_state(),
        other => panic!("{other:?}"),
    };
    for command_id in [CommandId::ENQUIRE_LINK_RESP, CommandId::CANCEL_SM_RESP, CommandId::REPLACE_SM_RESP] {
        let octets = said.tlvs().as_octets();
        assert_eq!(read(command_id, octets), Some(100));
        assert_eq!(read(command_id, &octets[1..]), None, "what is no parameter is no reason to lose the answer");
    }
}

#[test]
fn data_may_come_from_addresses_of_64_octets() {
    let long = [b'7'; 64];
    let source = Address { addr: &long, ..Address::default() };
    let message = DataSm { source, destination: source, ..DataSm::default() };
    let mut octets = BytesMut::new();
    message.encode(1, &mut octets).unwrap();
    let Body::DataSm(read) = Pdu::decode(&octets).unwrap().body else { panic!("data_sm") };
    assert_eq!(read, message);
    let source = Address { addr: &[b'7'; 65], ..source };
    let error = DataSm { source, ..message }.encode(1, &mut octets).unwrap_err();
    assert_eq!(error.to_string(), "source_addr has at most 64 octets, 65 given");
}

#[test]
fn a_receipt_may_come_as_data() {
    let tlvs = TlvBuffer::new().c_octets(TlvTag::RECEIPTED_MESSAGE_ID, b"7A").u8(TlvTag::MESSAGE_STATE, 2);
    let message = DataSm { esm_class: EsmClass::DELIVERY_RECEIPT, tlvs: tlvs.tlvs(), ..DataSm::default() };
    let receipt = Receipt::decode(&message.as_deliver_sm()).unwrap();
    assert_eq!((receipt.message_id, receipt.state), (Some(&b"7A"[..]), Some(MessageState::DELIVERED)));
}

#[test]
fn a_parameter_of_the_wrong_length_is_kept_and_named_on_use() {
    let buffer = TlvBuffer::new().u8(TlvTag::SOURCE_PORT, 1).octets(TlvTag(0x1400), b"vendor");
    let message = SubmitSm { tlvs: buffer.tlvs(), ..SubmitSm::default() };
    let mut octets = BytesMut::new();
    message.encode(1, &mut octets).unwrap();
    let read = submit_sm(&octets);
    let error = read.tlvs.check().unwrap_err();
    assert!(matches!(error, FieldError::TlvLength { tag: TlvTag::SOURCE_PORT, have: 1, .. }));
    assert_eq!(error.status(), CommandStatus::INVPARLEN);
    assert_eq!(read.tlvs.octets(TlvTag(0x1400)), Some(&b"vendor"[..]));
}

#[test]
fn an_optional_part_that_ends_within_a_parameter_is_refused() {
    let error = Pdu::decode(&shortened("S4", 1)).unwrap_err();
    assert_eq!(error.status(), CommandStatus::INVOPTPARSTREAM);
}
