//! The end of a pool: answers are waited for, sessions are unbound.

use crate::rig::{Rig, settings, strict, with_session};
use crate::smsc::{ScriptedSmsc, within};
use bellwire::actors::pool::PoolMessage;
use bellwire::codec::smpp::{CommandId, CommandStatus};
use std::time::Duration;

#[tokio::test]
async fn it_waits_for_answers_unbinds_and_waits_for_the_last_word() {
    let smsc = ScriptedSmsc::new();
    let mut rig = Rig::new(1, vec![with_session(smsc.address(), |session| session.window = 1)]).await;
    let mut link = smsc.accept_bound().await;
    rig.until_bound(1).await;
    let (mut phone, mut other) = (rig.phone(0, strict()), rig.phone(1, strict()));
    phone.feed(&["1"]);
    let submit = link.expect_submit().await;
    other.feed(&["waits"]);
    let pool = rig.pool.clone();
    let stopping = tokio::spawn(async move { ractor::call!(pool, PoolMessage::Stop) });
    rig.until_bound(0).await;
    link.expect_nothing().await;
    link.accept_submit(&submit).await;
    let unbind = link.expect(CommandId::UNBIND).await;
    phone.until_released().await;
    assert!(!stopping.is_finished(), "it waits for the last word");
    link.say_header(CommandId::UNBIND_RESP, CommandStatus::OK, unbind.sequence_number).await;
    link.expect_end().await;
    within(stopping).await.unwrap().unwrap();
    assert_eq!(rig.window_in_use(), 0);
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_not_waited_for_longer_than_said() {
    let smsc = ScriptedSmsc::new();
    let mut quick = settings(smsc.address());
    quick.drain_timeout = Duration::from_millis(100);
    let rig = Rig::new(1, vec![quick]).await;
    let mut link = smsc.accept_bound().await;
    let mut phone = rig.phone(0, strict());
    phone.feed(&["1"]);
    link.expect_submit().await;
    let pool = rig.pool.clone();
    let stopping = tokio::spawn(async move { ractor::call!(pool, PoolMessage::Stop) });
    let unbind = link.expect(CommandId::UNBIND).await;
    link.say_header(CommandId::UNBIND_RESP, CommandStatus::OK, unbind.sequence_number).await;
    link.expect_end().await;
    within(stopping).await.unwrap().unwrap();
    assert_eq!(rig.window_in_use(), 0, "what was not answered never will be");
}

#[tokio::test]
async fn links_that_are_not_bound_stop_at_once() {
    let (silent, refusing) = (ScriptedSmsc::new(), ScriptedSmsc::new());
    let mut patient = settings(refusing.address());
    (patient.backoff_base, patient.backoff_max) = (Duration::from_secs(3600), Duration::from_secs(3600));
    let rig = Rig::new(2, vec![settings(silent.address()), patient]).await;
    let mut binding = silent.accept().await;
    binding.expect_bind().await;
    let mut refused = refusing.accept().await;
    let (mode, number) = refused.expect_bind().await;
    refused.refuse_bind(mode, number, CommandStatus(0x0E)).await;
    refused.expect_end().await;
    rig.until(1, |view| view.last_error.is_some()).await;
    within(async { ractor::call!(rig.pool, PoolMessage::Stop) }).await.unwrap();
    binding.expect_end().await;
}
