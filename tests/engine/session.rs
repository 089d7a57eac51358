//! One SMPP session without a socket.

use crate::bench::{
    BIND_TIMEOUT, Bench, ENQUIRE_LINK, RESPONSE_TIMEOUT, START, bare, bind_resp, pdu, receipt, settings, submit_resp,
};
use bellwire::codec::smpp::{
    BindMode, BindResp, Body, CommandId, CommandStatus, DataSm, DeliverSm, EsmClass, InterfaceVersion, PDU_MAX_OCTETS,
    Pdu, QuerySm, TlvBuffer, TlvTag,
};
use bellwire::engine::pacing::PacingSettings;
use bellwire::engine::session::{Session, SessionError, SessionSettings, State};
use bytes::BytesMut;
use proptest::prelude::*;
use std::time::Duration;

#[test]
fn the_bind_says_who_we_are_and_counts_from_one() {
    for mode in [BindMode::Transmitter, BindMode::Receiver, BindMode::Transceiver] {
        let bench = Bench::new(settings(mode));
        let decoded = Pdu::decode(&bench.out).unwrap();
        let Body::Bind(bind) = decoded.body else { panic!("{decoded:?}") };
        assert_eq!((bind.mode, bind.system_id, bind.password), (mode, &b"bellwire"[..], &b"secret"[..]));
        assert_eq!((bind.interface_version.0, decoded.header.sequence_number), (0x34, 1));
    }
    let long = SessionSettings { password: "longer than 8".into(), ..settings(BindMode::Transceiver) };
    assert!(matches!(Session::<u32>::new(long, START, &mut BytesMut::new()), Err(SessionError::Bind(_))));
}

#[test]
fn the_version_that_is_configured_is_offered_and_peers_of_3_3_get_no_optional_parameters() {
    for (offered, said, takes) in [
        (0x34, None, true),
        (0x34, Some(0x34), true),
        (0x34, Some(0x50), true),
        (0x34, Some(0x33), false),
        (0x34, Some(0x00), false),
        (0x50, Some(0x50), true),
        (0x33, Some(0x34), false),
    ] {
        let version = InterfaceVersion(offered);
        let mut bench = Bench::new(SessionSettings { version, ..settings(BindMode::Transceiver) });
        let decoded = Pdu::decode(&bench.out).unwrap();
        let Body::Bind(bind) = decoded.body else { panic!("{decoded:?}") };
        assert_eq!(bind.interface_version, version);
        let mut tlvs = TlvBuffer::new();
        if let Some(said) = said {
            tlvs = tlvs.u8(TlvTag::SC_INTERFACE_VERSION, said);
        }
        let response = BindResp { mode: BindMode::Transceiver, system_id: b"smsc", tlvs: tlvs.tlvs() };
        bench.hear(&pdu(&response, CommandStatus::OK, 1)).unwrap();
        assert_eq!(bench.session.peer_version().map(|version| version.0), said);
        assert_eq!((bench.session.state(), bench.session.takes_tlvs()), (State::Bound, takes), "{offered} {said:?}");
    }
}

#[test]
fn a_session_has_proven_itself_when_it_was_answered_or_has_been_bound_for_a_while() {
    let mut bench = Bench::new(settings(BindMode::Transceiver));
    assert!(!bench.session.is_proven(bench.now.after(Duration::from_secs(3600))), "not before it is bound");
    bench.hear(&bind_resp(BindMode::Transceiver, CommandStatus::OK)).unwrap();
    bench.hear(&receipt(9)).unwrap();
    bench.hear(&submit_resp(0, 99)).unwrap();
    assert!(!bench.session.is_proven(bench.now), "it has answered nothing of ours");
    assert!(bench.session.is_proven(bench.now.after(Duration::from_secs(30))));
    let number = bench.submit(1);
    bench.hear(&submit_resp(0x45, number)).unwrap();
    assert!(bench.session.is_proven(bench.now), "a refusal is an answer");
    let mut bench = Bench::bound();
    bench.advance(ENQUIRE_LINK).unwrap();
    bench.hear(&bare(CommandId::ENQUIRE_LINK_RESP, 0, 2)).unwrap();
    assert!(bench.session.is_proven(bench.now));
    assert_eq!(bench.session.take_strays(), 0);
}

#[test]
fn an_enquire_link_that_is_answered_late_or_by_generic_nack_is_answered() {
    let mut bench = Bench::bound();
    bench.advance(ENQUIRE_LINK).unwrap();
    bench.hear(&receipt(9)).unwrap();
    bench.hear(&bare(CommandId::ENQUIRE_LINK_RESP, 0, 2)).unwrap();
    bench.run(ENQUIRE_LINK).unwrap();
    bench.hear(&bare(CommandId::GENERIC_NACK, 3, 3)).unwrap();
    assert_eq!(bench.session.take_strays(), 0);
    bench.hear(&bare(CommandId::GENERIC_NACK, 3, 3)).unwrap();
    assert_eq!((bench.session.take_strays(), bench.session.take_strays()), (1, 0));
}

#[test]
fn what_is_answered_after_a_wrong_state_still_counts() {
    let mut bench = Bench::bound();
    let numbers: Vec<u32> = (0..3).map(|item| bench.submit(item)).collect();
    let answers = [(0x04, numbers[0]), (0x04, numbers[1]), (0, numbers[2])];
    bench.hear(&answers.map(|(status, number)| submit_resp(status, number)).concat()).unwrap();
    assert_eq!(bench.told.0, ["0 refused 0x4", "1 refused 0x4", "2 accepted as id"]);
    assert_eq!(bench.said().len(), 1, "it unbinds once");
    bench.hear(&bare(CommandId::UNBIND_RESP, 0, 5)).unwrap();
    assert_eq!(bench.session.state(), State::Unbound);
    assert!(bench.session.is_ending());
}

#[test]
fn nothing_goes_before_the_bind_is_accepted_and_nothing_on_a_receiver() {
    let mut bench = Bench::new(settings(BindMode::Transceiver));
    assert_eq!((bench.session.state(), bench.session.room(START)), (State::Binding, 0));
    bench.hear(&bind_resp(BindMode::Transceiver, CommandStatus::OK)).unwrap();
    assert_eq!(bench.session.room(START), 4);
    let mut receiver = Bench::bound_as(settings(BindMode::Receiver));
    assert_eq!(receiver.session.room(START), 0);
}

#[test]
fn a_bind_that_is_refused_or_not_answered_ends_the_session() {
    let mut bench = Bench::new(settings(BindMode::Transceiver));
    let refused = bench.hear(&bind_resp(BindMode::Transceiver, CommandStatus(0x0D)));
    assert_eq!(refused, Err(SessionError::BindRefused(CommandStatus(0x0D))));
    let mut bench = Bench::new(settings(BindMode::Transceiver));
    assert_eq!(bench.run(BIND_TIMEOUT), Err(SessionError::BindTimeout(BIND_TIMEOUT)));
    assert_eq!(bench.now.monotonic - START.monotonic, BIND_TIMEOUT);
}

#[test]
fn a_bind_may_be_answered_by_another_number_for_nothing_else_is_open() {
    let mut bench = Bench::new(settings(BindMode::Transceiver));
    let mut answer = bind_resp(BindMode::Transceiver, CommandStatus::OK);
    answer[12..16].copy_from_slice(&77u32.to_be_bytes());
    bench.hear(&answer).unwrap();
    assert_eq!(bench.session.state(), State::Bound);
}

#[test]
fn an_smsc_that_takes_no_optional_parameters_is_of_no_use_to_a_payload_that_needs_them() {
    for (needs_tlvs, version) in
        [(true, InterfaceVersion::V3_3), (true, InterfaceVersion::V3_4), (false, InterfaceVersion::V3_3)]
    {
        let mut bench = Bench::new(SessionSettings { needs_tlvs, version, ..settings(BindMode::Transceiver) });
        let answered = bench.hear(&bind_resp(BindMode::Transceiver, CommandStatus::OK));
        let is_of_use = !needs_tlvs || version > InterfaceVersion::V3_3;
        assert_eq!(answered, if is_of_use { Ok(()) } else { Err(SessionError::NoTlvs) });
    }
}

#[test]
fn sequence_numbers_count_up_over_submits_and_own_requests() {
    let mut bench = Bench::bound();
    assert_eq!([bench.submit(10), bench.submit(11)], [2, 3]);
    bench.advance(ENQUIRE_LINK).unwrap();
    assert_eq!(bench.said(), [(CommandId::ENQUIRE_LINK, 0, 4)]);
    bench.hear(&bare(CommandId::ENQUIRE_LINK_RESP, 0, 4)).unwrap();
    let mut bench = Bench::bound();
    let numbers: Vec<u32> = (0..4).map(|item| bench.submit(item)).collect();
    assert_eq!((numbers, bench.session.room(START)), (vec![2, 3, 4, 5], 0));
    bench.session.unbind(&mut bench.out);
    assert_eq!(bench.said(), [(CommandId::UNBIND, 0, 6)]);
}

#[test]
fn each_answer_finds_its_submit_once() {
    let mut bench = Bench::bound();
    let numbers: Vec<u32> = (0..3).map(|item| bench.submit(item)).collect();
    bench.hear(&submit_resp(0, numbers[2])).unwrap();
    bench.hear(&submit_resp(0, numbers[0])).unwrap();
    bench.hear(&submit_resp(0, numbers[0])).unwrap();
    bench.hear(&submit_resp(0, 999)).unwrap();
    assert_eq!(bench.told.0, ["2 accepted as id", "0 accepted as id"]);
    assert_eq!((bench.session.open(), bench.session.room(START)), (1, 3));
}

#[test]
fn each_class_of_error_does_to_the_link_what_it_means() {
    let after = |status: u32| {
        let mut bench = Bench::bound();
        let number = bench.submit(7);
        let result = bench.hear(&submit_resp(status, number));
        assert_eq!(bench.told.0, [format!("7 refused {status:#x}")]);
        let room = bench.session.room(bench.now);
        (result, room, bench)
    };
    for status in [0x08, 0x0B, 0x14, 0x45, 0x64, 0xFF, 0x400, u32::MAX] {
        let (result, room, _) = after(status);
        assert_eq!((result, room), (Ok(()), 4), "{status:#x} is not the link's");
    }
    let (result, room, mut bench) = after(0x58);
    assert_eq!((result, room), (Ok(()), 0));
    bench.advance(Duration::from_millis(99)).unwrap();
    assert_eq!(bench.session.room(bench.now), 0);
    assert_eq!(bench.session.poll_timeout(bench.now), bench.now.monotonic + Duration::from_millis(1));
    bench.advance(Duration::from_millis(1)).unwrap();
    assert_eq!(bench.session.room(bench.now), 1, "to ask whether it was meant");
    let number = bench.submit(7);
    bench.hear(&submit_resp(0, number)).unwrap();
    assert_eq!(bench.session.room(bench.now), 4);
    let (result, room, mut bench) = after(0x04);
    assert_eq!((result, room, bench.session.state()), (Ok(()), 0, State::Unbinding));
    assert_eq!(bench.session.take_ending(), Some(SessionError::WrongState(CommandStatus(0x04))));
    assert_eq!(bench.said(), [(CommandId::UNBIND, 0, 3)]);
}

#[test]
fn pauses_grow_from_question_to_question_and_end_with_an_acceptance() {
    let mut bench = Bench::bound();
    for (submits, pause) in [(4, 1), (1, 2), (1, 4)] {
        let numbers: Vec<u32> = (0..submits).map(|item| bench.submit(item)).collect();
        for number in numbers {
            bench.hear(&submit_resp(0x58, number)).unwrap();
        }
        assert_eq!(bench.session.poll_timeout(bench.now) - bench.now.monotonic, Duration::from_secs(pause));
        bench.advance(Duration::from_secs(pause)).unwrap();
    }
    let number = bench.submit(0);
    bench.hear(&submit_resp(0, number)).unwrap();
    bench.advance(Duration::from_secs(2)).unwrap();
    let numbers: Vec<u32> = (0..3).map(|item| bench.submit(item)).collect();
    numbers.iter().for_each(|number| bench.hear(&submit_resp(0x58, *number)).unwrap());
    assert_eq!(bench.session.poll_timeout(bench.now) - bench.now.monotonic, Duration::from_secs(1));
}

#[test]
fn a_submit_refused_by_generic_nack_is_refused_and_an_answer_nobody_can_read_is_none() {
    let mut bench = Bench::bound();
    let (first, second) = (bench.submit(1), bench.submit(2));
    bench.hear(&bare(CommandId::GENERIC_NACK, 0x03, first)).unwrap();
    // Its message_id is longer than the 64 octets of §5.2.23.
    let mut broken = bare(CommandId::SUBMIT_SM_RESP, 0, second);
    broken.extend([b'x'; 80]);
    broken.push(0);
    broken[3] = broken.len() as u8;
    bench.hear(&broken).unwrap();
    assert_eq!(bench.told.0, ["1 refused 0x3", "2 unknown, resend true"]);
    assert!(bench.said().is_empty(), "a response is never refused");
}

#[test]
fn a_response_that_does_not_come_is_given_up_even_while_the_peer_talks() {
    let mut bench = Bench::bound();
    bench.submit(1);
    let mut waited = Duration::ZERO;
    while bench.told.0.is_empty() {
        bench.hear(&bare(CommandId::ENQUIRE_LINK, 0, 5)).unwrap();
        bench.run(Duration::from_millis(500)).unwrap();
        waited += Duration::from_millis(500);
    }
    assert_eq!(bench.told.0, ["1 unknown, resend true"]);
    let late = waited - RESPONSE_TIMEOUT;
    assert!(late <= Duration::from_secs(1), "{late:?} late");
    assert_eq!(bench.session.state(), State::Bound);
}

#[test]
fn a_silent_peer_is_asked_and_any_word_of_it_is_a_sign_of_life() {
    let mut bench = Bench::bound();
    bench.run(ENQUIRE_LINK).unwrap();
    assert_eq!(bench.said(), [(CommandId::ENQUIRE_LINK, 0, 2)]);
    bench.hear(&receipt(9)).unwrap();
    bench.run(ENQUIRE_LINK).unwrap();
    assert_eq!(bench.said().last(), Some(&(CommandId::ENQUIRE_LINK, 0, 3)));
    let silent = bench.run(ENQUIRE_LINK);
    assert_eq!(silent, Err(SessionError::Silent(ENQUIRE_LINK + RESPONSE_TIMEOUT)));
    assert_eq!(bench.said().last(), Some(&(CommandId::UNBIND, 0, 4)), "it may be there and only slow");
}

#[test]
fn a_session_without_work_is_due_only_to_ask_whether_the_peer_lives() {
    for mode in [BindMode::Receiver, BindMode::Transceiver] {
        let mut bench = Bench::bound_as(SessionSettings {
            pacing: PacingSettings { rate: 1000, ..PacingSettings::default() },
            ..settings(mode)
        });
        assert_eq!(bench.run(ENQUIRE_LINK).unwrap(), 1, "{mode:?}");
    }
    let mut bench = Bench::bound_as(SessionSettings {
        pacing: PacingSettings { rate: 1000, ..PacingSettings::default() },
        ..settings(BindMode::Transceiver)
    });
    bench.session.unbind(&mut bench.out);
    assert!(bench.run(ENQUIRE_LINK * 2).unwrap() <= 3);
}

#[test]
fn what_the_peer_asks_is_answered_by_its_number() {
    let mut bench = Bench::bound();
    for item in 0..4 {
        bench.submit(item);
    }
    bench.hear(&bare(CommandId::ENQUIRE_LINK, 0, 70)).unwrap();
    bench.hear(&receipt(71)).unwrap();
    bench.hear(&pdu(&DeliverSm::default(), CommandStatus::OK, 72)).unwrap();
    bench.hear(&pdu(&QuerySm::default(), CommandStatus::OK, 73)).unwrap();
    bench.hear(&bare(CommandId(0x0BAD), 0, 74)).unwrap();
    bench.hear(&bare(CommandId(0x8000_0BAD), 0, 75)).unwrap();
    let invalid = CommandStatus::INVCMDID.0;
    assert_eq!(
        bench.said(),
        [
            (CommandId::ENQUIRE_LINK_RESP, 0, 70),
            (CommandId::DELIVER_SM_RESP, 0, 71),
            (CommandId::DELIVER_SM_RESP, 0, 72),
            (CommandId::GENERIC_NACK, invalid, 73),
            (CommandId::GENERIC_NACK, invalid, 74),
        ]
    );
    assert_eq!(bench.told.0, ["receipt id 2"]);
}

#[test]
fn a_receipt_may_come_by_data_sm() {
    let mut bench = Bench::bound();
    let tlvs = TlvBuffer::new().c_octets(TlvTag::RECEIPTED_MESSAGE_ID, b"id").u8(TlvTag::MESSAGE_STATE, 2);
    let receipt = DataSm { esm_class: EsmClass::DELIVERY_RECEIPT, tlvs: tlvs.tlvs(), ..DataSm::default() };
    bench.hear(&pdu(&receipt, CommandStatus::OK, 71)).unwrap();
    assert_eq!(bench.told.0, ["receipt id 2"]);
    assert_eq!(bench.said(), [(CommandId::DATA_SM_RESP, 0, 71)]);
}

#[test]
fn either_side_may_end_it() {
    let mut bench = Bench::bound();
    assert_eq!(bench.hear(&bare(CommandId::UNBIND, 0, 8)), Err(SessionError::PeerUnbound));
    assert_eq!((bench.said(), bench.session.state()), (vec![(CommandId::UNBIND_RESP, 0, 8)], State::Unbound));

    let mut bench = Bench::bound();
    let number = bench.submit(1);
    bench.session.unbind(&mut bench.out);
    assert_eq!((bench.session.state(), bench.session.room(bench.now)), (State::Unbinding, 0));
    bench.hear(&submit_resp(0, number)).unwrap();
    assert_eq!(bench.told.0, ["1 accepted as id"], "answers still come");
    bench.hear(&bare(CommandId::UNBIND_RESP, 0, 3)).unwrap();
    assert_eq!(bench.session.state(), State::Unbound);
}

#[test]
fn what_is_open_when_the_connection_is_lost_is_told_in_the_order_it_was_written() {
    let mut bench = Bench::bound();
    let numbers: Vec<u32> = (0..4).map(|item| bench.submit(item)).collect();
    bench.hear(&submit_resp(0, numbers[1])).unwrap();
    bench.told.0.clear();
    bench.session.handle_lost(bench.now, &mut bench.told);
    let expected = [0, 2, 3].map(|item| format!("{item} unknown, resend true"));
    assert_eq!((bench.told.0, bench.session.open()), (expected.to_vec(), 0));
}

#[test]
fn a_stream_out_of_step_is_refused_by_its_last_word() {
    for said in [0u32, 15, PDU_MAX_OCTETS as u32 + 1, 1 << 31, u32::MAX] {
        let mut bench = Bench::bound();
        let result = bench.hear(&said.to_be_bytes());
        assert!(matches!(result, Err(SessionError::OutOfStep(_))), "{said}: {result:?}");
        assert_eq!(bench.said(), [(CommandId::GENERIC_NACK, CommandStatus::INVCMDLEN.0, 0)]);
    }
}

/// What a peer may say in a session with submits 2 to 5 open.
fn word() -> impl Strategy<Value = Vec<u8>> {
    let number = 0u32..8;
    prop_oneof![
        (number.clone(), prop_oneof![Just(0u32), Just(0x58), Just(0x14), Just(0x0B), Just(0x08)])
            .prop_map(|(number, status)| submit_resp(status, number)),
        number.clone().prop_map(receipt),
        number.clone().prop_map(|number| bare(CommandId::ENQUIRE_LINK, 0, number)),
        number.clone().prop_map(|number| bare(CommandId::ENQUIRE_LINK_RESP, 0, number)),
        number.clone().prop_map(|number| bare(CommandId::GENERIC_NACK, 3, number)),
        number.clone().prop_map(|number| bare(CommandId(0x0BAD), 0, number)),
        number.clone().prop_map(|number| bare(CommandId::DELIVER_SM, 0, number)),
        number.prop_map(|number| bare(CommandId::UNBIND, 0, number)),
        proptest::collection::vec(any::<u8>(), 0..24),
    ]
}

/// What a session makes of pieces as a socket brings them: what it told, wrote and kept, and how it ended.
fn hear_pieces(pieces: &[&[u8]]) -> (Vec<String>, Vec<u8>, usize, Option<SessionError>) {
    let mut bench = Bench::bound();
    for item in 2..6 {
        bench.submit(item);
    }
    let mut input = Vec::new();
    for piece in pieces {
        input.extend_from_slice(piece);
        match bench.session.handle_input(bench.now, &input, &mut bench.out, &mut bench.told) {
            Ok(taken) => drop(input.drain(..taken)),
            Err(error) => return (bench.told.0, bench.out.to_vec(), bench.session.open(), Some(error)),
        }
    }
    (bench.told.0, bench.out.to_vec(), bench.session.open(), None)
}

proptest! {
    #[test]
    fn any_cut_of_the_stream_says_the_same(
        words in proptest::collection::vec(word(), 0..12),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..12),
    ) {
        let stream = words.concat();
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        at.extend([0, stream.len()]);
        at.sort_unstable();
        let pieces: Vec<&[u8]> = at.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect();
        let whole = hear_pieces(&[&stream]);
        prop_assert_eq!(&hear_pieces(&pieces), &whole);
        let octets: Vec<&[u8]> = stream.chunks(1).collect();
        prop_assert_eq!(&hear_pieces(&octets), &whole);
    }

    #[test]
    fn whatever_a_peer_says_each_submit_is_answered_at_most_once(words in proptest::collection::vec(word(), 0..40)) {
        let (told, _, open, _) = hear_pieces(&[&words.concat()]);
        let mut items: Vec<&str> = told.iter().filter(|word| !word.starts_with("receipt")).map(|word| &word[..1]).collect();
        let answered = items.len();
        items.sort_unstable();
        items.dedup();
        prop_assert_eq!(items.len(), answered);
        prop_assert_eq!(open + answered, 4);
    }
}
