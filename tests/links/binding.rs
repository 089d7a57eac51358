//! How links bind, are refused, and come back.

use crate::rig::{Rig, settings, strict, with_session};
use crate::smsc::ScriptedSmsc;
use bellwire::actors::pool::LinkState;
use bellwire::codec::smpp::{BindMode, CommandId, CommandStatus};
use std::sync::atomic::Ordering;
use std::time::Duration;

#[tokio::test]
async fn a_transceiver_binds_and_carries_what_already_waits() {
    let smsc = ScriptedSmsc::new();
    let mut rig = Rig::new(1, vec![settings(smsc.address())]).await;
    let mut phone = rig.phone(0, strict());
    phone.feed(&["early"]);
    let mut link = smsc.accept().await;
    let (mode, number) = link.expect_bind().await;
    assert_eq!(mode, BindMode::Transceiver);
    assert_eq!(rig.until_state(0, LinkState::Open).await.mode, "transceiver");
    link.accept_bind(mode, number).await;
    let submit = link.expect_submit().await;
    assert_eq!((submit.data(), submit.destination.as_str()), (vec!["early".to_owned()], "15550000000"));
    link.accept_submit(&submit).await;
    phone.until_released().await;
    rig.until_bound(1).await;
    assert_eq!(rig.settled("accepted"), 1);
    assert_eq!(rig.window_in_use(), 0);
}

#[tokio::test]
async fn a_split_link_sends_on_its_transmitter_and_hears_receipts_on_its_receiver() {
    let (sending, receiving) = (ScriptedSmsc::new(), ScriptedSmsc::new());
    let transmitter = with_session(sending.address(), |session| session.mode = BindMode::Transmitter);
    let receiver = with_session(receiving.address(), |session| session.mode = BindMode::Receiver);
    let mut rig = Rig::new(1, vec![transmitter, receiver]).await;
    let mut transmitter = sending.accept().await;
    let mut receiver = receiving.accept().await;
    let (mode, number) = transmitter.expect_bind().await;
    assert_eq!(mode, BindMode::Transmitter);
    transmitter.accept_bind(mode, number).await;
    let (mode, number) = receiver.expect_bind().await;
    assert_eq!(mode, BindMode::Receiver);
    receiver.accept_bind(mode, number).await;
    rig.until_bound(2).await;

    let mut phone = rig.phone(0, bellwire::model::Policy { max_events: 1, ..Default::default() });
    phone.feed(&["1"]);
    let submit = transmitter.expect_submit().await;
    transmitter.accept_submit(&submit).await;
    phone.until_released().await;
    assert_eq!(rig.settled("accepted"), 0, "the receipt has the last word");
    receiver.deliver_receipt(&format!("id-{}", submit.number), 77).await;
    let answer = receiver.expect(CommandId::DELIVER_SM_RESP).await;
    assert_eq!((answer.command_status, answer.sequence_number), (CommandStatus::OK, 77));
    rig.until_settled("delivered", 1).await;
}

#[tokio::test]
async fn a_refused_bind_is_shown_and_tried_again() {
    let smsc = ScriptedSmsc::new();
    let mut rig = Rig::new(1, vec![settings(smsc.address())]).await;
    for _ in 0..3 {
        let mut link = smsc.accept().await;
        let (mode, number) = link.expect_bind().await;
        link.refuse_bind(mode, number, CommandStatus(0x0D)).await;
        link.expect_end().await;
    }
    let view = rig.until(0, |view| view.last_error.is_some()).await;
    let error = view.last_error.unwrap();
    assert!(error.starts_with("bind refused with status 0x0000000d, bind failed: the SMSC gives no reason"), "{error}");
    let _link = smsc.accept_bound().await;
    rig.until_bound(1).await;
}

#[tokio::test]
async fn a_bind_refused_by_generic_nack_is_refused() {
    let smsc = ScriptedSmsc::new();
    let rig = Rig::new(1, vec![settings(smsc.address())]).await;
    let mut link = smsc.accept().await;
    let (_, number) = link.expect_bind().await;
    link.say_header(CommandId::GENERIC_NACK, CommandStatus(0x05), number).await;
    link.expect_end().await;
    let view = rig.until(0, |view| view.last_error.is_some()).await;
    let error = view.last_error.unwrap();
    assert!(error.starts_with("bind refused with status 0x00000005, already bound: an earlier session"), "{error}");
}

#[tokio::test]
async fn a_bind_without_answer_is_given_up_in_time() {
    let smsc = ScriptedSmsc::new();
    let quick = with_session(smsc.address(), |session| session.bind_timeout = Duration::from_millis(50));
    let _rig = Rig::new(1, vec![quick]).await;
    let mut silent = smsc.accept().await;
    silent.expect_bind().await;
    silent.expect_end().await;
    smsc.accept().await.expect_bind().await;
}

#[tokio::test]
async fn a_peer_that_unbinds_is_answered_and_bound_again() {
    let smsc = ScriptedSmsc::new();
    let mut rig = Rig::new(1, vec![settings(smsc.address())]).await;
    let mut link = smsc.accept_bound().await;
    rig.until_bound(1).await;
    link.say_header(CommandId::UNBIND, CommandStatus::OK, 9).await;
    let answer = link.expect(CommandId::UNBIND_RESP).await;
    assert_eq!((answer.sequence_number, answer.command_status), (9, CommandStatus::OK));
    link.expect_end().await;
    let _again = smsc.accept_bound().await;
    rig.until_bound(1).await;
    assert_eq!(rig.views().await[0].last_error.as_deref(), Some("the peer unbound"));
}

#[tokio::test]
async fn an_unbind_resp_that_nobody_asked_for_changes_nothing() {
    let smsc = ScriptedSmsc::new();
    let mut rig = Rig::new(1, vec![settings(smsc.address())]).await;
    let mut link = smsc.accept_bound().await;
    rig.until_bound(1).await;
    link.say_header(CommandId::UNBIND_RESP, CommandStatus::OK, 9).await;
    link.expect_nothing().await;
    assert_eq!(rig.views().await[0].state, LinkState::Bound);
}

#[tokio::test]
async fn a_link_without_work_sleeps() {
    let smsc = ScriptedSmsc::new();
    let paced = with_session(smsc.address(), |session| {
        session.mode = BindMode::Receiver;
        session.pacing.rate = 1000;
        session.enquire_link = Duration::from_millis(300);
    });
    let transmitter = with_session(smsc.address(), |session| {
        session.pacing.rate = 1000;
        session.enquire_link = Duration::from_millis(300);
    });
    let mut rig = Rig::new(1, vec![transmitter, paced]).await;
    let (mut first, mut second) = (smsc.accept_bound().await, smsc.accept_bound().await);
    rig.until_bound(2).await;
    first.expect(CommandId::ENQUIRE_LINK).await;
    second.expect(CommandId::ENQUIRE_LINK).await;
    let looks = rig.looks.load(Ordering::Relaxed);
    assert!(looks < 100, "woken {looks} times");
}
