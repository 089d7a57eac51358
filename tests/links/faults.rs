//! What goes wrong with a link, and what becomes of its segments.

use crate::rig::{Rig, pipelined, settings, strict, with_session};
use crate::smsc::{ScriptedSmsc, Submit};
use bellwire::actors::handset::HandsetCell;
use bellwire::actors::pool::LinkState;
use bellwire::codec::smpp::{CommandId, CommandStatus, Header};
use bytes::BytesMut;
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

fn messages(submits: &[Submit]) -> Vec<Vec<u8>> {
    submits.iter().map(|submit| submit.short_message.clone()).collect()
}

#[tokio::test]
async fn what_was_outstanding_on_a_lost_connection_goes_once_more_octet_for_octet() {
    let smsc = ScriptedSmsc::new();
    let rig = Rig::new(1, vec![settings(smsc.address())]).await;
    let mut phone = rig.phone(0, pipelined());
    phone.feed(&["1", "2", "3"]);
    let mut link = smsc.accept_bound().await;
    let first = link.expect_submits(3).await;
    link.accept_submit(&first[1]).await;
    link.expect_nothing().await;
    drop(link);
    let mut link = smsc.accept_bound().await;
    let again = link.expect_submits(2).await;
    assert_eq!(messages(&again), [first[0].short_message.clone(), first[2].short_message.clone()]);
    assert_eq!(rig.count("bellwire_resent_total"), 2);
    for submit in &again {
        link.accept_submit(submit).await;
    }
    phone.until_released().await;
    link.expect_nothing().await;
    assert_eq!((rig.settled("accepted"), rig.window_in_use()), (3, 0));
}

#[tokio::test]
async fn a_segment_whose_outcome_is_unknown_twice_is_given_up() {
    let smsc = ScriptedSmsc::new();
    let rig = Rig::new(1, vec![settings(smsc.address())]).await;
    let mut phone = rig.phone(0, strict());
    phone.feed(&["1", "2"]);
    for _ in 0..2 {
        let mut link = smsc.accept_bound().await;
        assert_eq!(link.expect_submit().await.data(), ["1"]);
    }
    let mut link = smsc.accept_bound().await;
    assert_eq!(link.expect_submit().await.data(), ["2"]);
    assert_eq!(rig.settled("unknown"), 1);
}

#[tokio::test]
async fn with_resend_never_nothing_goes_twice() {
    let smsc = ScriptedSmsc::new();
    let rig = Rig::new(1, vec![with_session(smsc.address(), |session| session.resend_unknown = false)]).await;
    let mut phone = rig.phone(0, pipelined());
    phone.feed(&["1", "2"]);
    let mut link = smsc.accept_bound().await;
    link.expect_submits(2).await;
    drop(link);
    let mut link = smsc.accept_bound().await;
    rig.until_settled("unknown", 2).await;
    link.expect_nothing().await;
    assert_eq!(rig.count("bellwire_resent_total"), 0);
}

#[tokio::test]
async fn a_response_that_is_too_late_is_none_and_the_segment_goes_once_more() {
    let smsc = ScriptedSmsc::new();
    let quick = with_session(smsc.address(), |session| session.response_timeout = Duration::from_millis(200));
    let rig = Rig::new(1, vec![quick]).await;
    let mut phone = rig.phone(0, strict());
    phone.feed(&["1"]);
    let mut link = smsc.accept_bound().await;
    let first = link.expect_submit().await;
    let again = link.expect_submit().await;
    assert_eq!(first.short_message, again.short_message);
    assert_ne!(first.number, again.number);
    link.accept_submit(&first).await;
    link.expect_nothing().await;
    assert_eq!(rig.settled("accepted"), 0, "the answer to the first is stray by now");
    link.accept_submit(&again).await;
    rig.until_settled("accepted", 1).await;
    assert_eq!(rig.views().await[0].state, LinkState::Bound, "the link lives on");
}

#[tokio::test]
async fn a_stream_out_of_step_is_told_so_and_closed_and_the_other_link_goes_on() {
    for garbage in [&[0u8; 16][..], &[0x80, 0, 0, 0, 0, 0, 0, 4], b"GET / HTTP/1.1\r\nHost: smsc\r\n\r\n"] {
        let (bad, good) = (ScriptedSmsc::new(), ScriptedSmsc::new());
        let mut rig = Rig::new(2, vec![settings(bad.address()), settings(good.address())]).await;
        let (mut link, mut other) = (bad.accept_bound().await, good.accept_bound().await);
        rig.until_bound(2).await;
        let mut phone = rig.phone(0, strict());
        phone.feed(&["1"]);
        let first = link.expect_submit().await;
        link.say_octets(garbage).await;
        let nack = link.expect(CommandId::GENERIC_NACK).await;
        assert_eq!(nack.command_status, CommandStatus::INVCMDLEN);
        link.expect_end().await;
        let again = other.expect_submit().await;
        assert_eq!(first.short_message, again.short_message, "the other link takes it over");
        other.accept_submit(&again).await;
        phone.until_released().await;
        let _back = bad.accept_bound().await;
    }
}

#[tokio::test]
async fn an_unknown_command_is_refused_and_the_session_goes_on() {
    let smsc = ScriptedSmsc::new();
    let rig = Rig::new(1, vec![settings(smsc.address())]).await;
    let mut link = smsc.accept_bound().await;
    // What only an SMSC is asked, and broken at that, is told what is broken.
    link.say_header(CommandId::QUERY_SM, CommandStatus::OK, 4).await;
    let refused = link.expect(CommandId::QUERY_SM.response()).await;
    assert_eq!((refused.command_status, refused.sequence_number), (CommandStatus::INVCMDLEN, 4));
    // broadcast_sm and query_broadcast_sm of v5.0 are none of ours.
    for (command, number) in [(0x0000_0BAD, 5), (0x0000_0111, 6), (0x0000_0112, 7)] {
        link.say_header(CommandId(command), CommandStatus::OK, number).await;
        let nack = link.expect(CommandId::GENERIC_NACK).await;
        assert_eq!((nack.command_status, nack.sequence_number), (CommandStatus::INVCMDID, number));
    }
    link.say_header(CommandId(0x8000_0BAD), CommandStatus::OK, 8).await;
    link.expect_nothing().await; // a response is never refused
    let mut phone = rig.phone(0, strict());
    phone.feed(&["1"]);
    let submit = link.expect_submit().await;
    link.accept_submit(&submit).await;
    phone.until_released().await;
}

#[tokio::test]
async fn a_silent_peer_is_asked_and_then_left() {
    let smsc = ScriptedSmsc::new();
    let quick = with_session(smsc.address(), |session| {
        session.enquire_link = Duration::from_millis(50);
        session.response_timeout = Duration::from_millis(100);
    });
    let rig = Rig::new(1, vec![quick]).await;
    let mut link = smsc.accept_bound().await;
    let asked = link.expect(CommandId::ENQUIRE_LINK).await;
    link.say_header(CommandId::ENQUIRE_LINK_RESP, CommandStatus::OK, asked.sequence_number).await;
    link.expect(CommandId::ENQUIRE_LINK).await;
    link.expect(CommandId::UNBIND).await;
    link.expect_end().await;
    let mut link = smsc.accept().await;
    link.expect_bind().await;
    let view = rig.until(0, |view| view.last_error.is_some()).await;
    assert!(view.last_error.unwrap().starts_with("no sign of life within"));
}

#[tokio::test]
async fn a_session_that_the_peer_does_not_know_is_bound_anew_and_the_segment_goes_first() {
    let smsc = ScriptedSmsc::new();
    let rig = Rig::new(1, vec![settings(smsc.address())]).await;
    let mut phone = rig.phone(0, strict());
    phone.feed(&["1", "2"]);
    let mut link = smsc.accept_bound().await;
    let first = link.expect_submit().await;
    link.refuse_submit(&first, 0x04).await;
    let unbind = link.expect(CommandId::UNBIND).await;
    link.say_header(CommandId::UNBIND_RESP, CommandStatus::OK, unbind.sequence_number).await;
    link.expect_end().await;
    let mut link = smsc.accept_bound().await;
    let again = link.expect_submit().await;
    assert_eq!(first.short_message, again.short_message);
    assert_eq!(rig.count("bellwire_resent_total"), 0, "a refusal is an answer");
    link.accept_submit(&again).await;
    assert_eq!(link.expect_submit().await.data(), ["2"]);
}

#[tokio::test]
async fn answers_that_make_no_sense_change_nothing() {
    let smsc = ScriptedSmsc::new();
    let rig = Rig::new(1, vec![settings(smsc.address())]).await;
    let mut phone = rig.phone(0, strict());
    phone.feed(&["1"]);
    let mut link = smsc.accept_bound().await;
    let submit = link.expect_submit().await;
    for number in [0, submit.number + 1, u32::MAX] {
        link.accept_submit(&Submit { number, ..submit.clone() }).await;
    }
    link.say_header(CommandId::GENERIC_NACK, CommandStatus(3), 0).await;
    link.say_header(CommandId::ENQUIRE_LINK_RESP, CommandStatus::OK, 99).await;
    link.expect_nothing().await;
    assert_eq!((rig.settled("accepted"), rig.views().await[0].open), (0, 1));
    link.accept_submit(&submit).await;
    link.accept_submit(&submit).await;
    rig.until_settled("accepted", 1).await;
}

#[tokio::test]
async fn a_handset_whose_engine_fails_is_reported_and_harms_nobody() {
    let smsc = ScriptedSmsc::new();
    let rig = Rig::new(1, vec![settings(smsc.address())]).await;
    let (mut bad, mut good) = (rig.phone(0, strict()), rig.phone(1, strict()));
    let mut link = smsc.accept_bound().await;
    bad.feed(&["1"]);
    let submit = link.expect_submit().await;
    let now = bellwire::actors::clock::now();
    assert!(HandsetCell::serve::<()>(&bad.cell, now, |_| panic!("told to fail")).is_none());
    link.accept_submit(&submit).await;
    HandsetCell::offer(&bad.cell, now);
    good.feed(&["2"]);
    let submit = link.expect_submit().await;
    assert_eq!(submit.data(), ["2"]);
    link.accept_submit(&submit).await;
    good.until_released().await;
    assert_eq!((rig.broken.load(Ordering::Relaxed), rig.window_in_use()), (1, 0));
}

#[tokio::test]
async fn links_that_come_and_go_lose_nothing_and_repeat_only_what_was_outstanding() {
    let smsc = ScriptedSmsc::new();
    let rig = Rig::new(1, vec![with_session(smsc.address(), |session| session.window = 2)]).await;
    let mut phone = rig.phone(0, pipelined());
    let all: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    phone.feed(&all);
    let (mut seen, mut accepted) = (BTreeSet::new(), 0);
    while accepted < all.len() {
        let mut link = smsc.accept_bound().await;
        for _ in 0..3.min(all.len() - accepted) {
            let submit = link.expect_submit().await;
            link.accept_submit(&submit).await;
            seen.extend(submit.data());
            accepted += 1;
        }
        seen.extend(link.submits_on_their_way().await.iter().flat_map(Submit::data));
    }
    phone.until_released().await;
    assert_eq!(seen.len(), 20);
    assert_eq!((rig.settled("accepted"), rig.settled("unknown")), (20, 0));
}

#[tokio::test]
async fn a_peer_that_reads_and_never_answers_is_left_however_much_is_written_to_it() {
    let smsc = ScriptedSmsc::new();
    let quick = with_session(smsc.address(), |session| {
        session.window = 100_000;
        session.pacing.rate = 1000;
        session.enquire_link = Duration::from_millis(100);
        session.response_timeout = Duration::from_millis(300);
    });
    let rig = Rig::new(1, vec![quick]).await;
    let mut phone = rig.phone(0, pipelined());
    phone.feed(&vec!["x"; 20_000]);
    let mut link = smsc.accept_bound().await;
    let (mut submits, mut asked) = (0, 0);
    while let Some(pdu) = link.next().await {
        match Header::decode(&pdu).unwrap().command_id {
            CommandId::SUBMIT_SM => submits += 1,
            CommandId::ENQUIRE_LINK => asked += 1,
            other => assert_eq!(other, CommandId::UNBIND),
        }
    }
    assert!(submits > 20 && asked == 1, "{submits} submits, asked {asked} times");
    let view = rig.until(0, |view| view.last_error.is_some()).await;
    assert!(view.last_error.unwrap().starts_with("no sign of life within"));
}

#[tokio::test]
async fn a_peer_that_talks_and_never_reads_is_given_up() {
    let smsc = ScriptedSmsc::new();
    let quick = with_session(smsc.address(), |session| {
        session.window = 200_000;
        session.response_timeout = Duration::from_millis(500);
    });
    let rig = Rig::new(1, vec![quick]).await;
    let mut phone = rig.phone(0, pipelined());
    let mut link = smsc.accept_bound().await;
    phone.feed(&vec!["x".repeat(80); 100_000]);
    let mut answer = BytesMut::new();
    Header::bare(CommandId::ENQUIRE_LINK_RESP, CommandStatus::OK, 99).encode(&mut answer);
    // It says something all the time, so that it seems to live.
    let view = loop {
        let _ = link.stream.write_all(&answer).await;
        let view = rig.views().await.swap_remove(0);
        if view.last_error.is_some() {
            break view;
        }
        tokio::task::yield_now().await;
    };
    let error = view.last_error.unwrap();
    assert!(error.starts_with("the peer has read nothing for"), "{error}");
}

#[tokio::test]
async fn responses_that_belong_to_nothing_are_counted() {
    let smsc = ScriptedSmsc::new();
    let quick = with_session(smsc.address(), |session| session.enquire_link = Duration::from_millis(50));
    let rig = Rig::new(1, vec![quick]).await;
    let mut link = smsc.accept_bound().await;
    let asked = link.expect(CommandId::ENQUIRE_LINK).await;
    for number in [asked.sequence_number + 1, asked.sequence_number] {
        link.say_header(CommandId::ENQUIRE_LINK_RESP, CommandStatus::OK, number).await;
    }
    link.say_header(CommandId(0x8000_0BAD), CommandStatus::OK, 1).await;
    link.say_header(CommandId::GENERIC_NACK, CommandStatus(3), 0).await;
    link.say_header(CommandId::UNBIND_RESP, CommandStatus::OK, 7).await;
    rig.until(0, |_| rig.count("bellwire_smpp_stray_total{smsc=\"main\"}") >= 4).await;
    assert_eq!(rig.count("bellwire_smpp_stray_total{smsc=\"main\"}"), 4);
    assert_eq!(rig.views().await[0].state, LinkState::Bound);
}
