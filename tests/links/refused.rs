//! Binds that are refused: what is tried again, what is not for a long time, and what brings it back.

use crate::rig::{BINDING, Rig, name, settings};
use crate::smsc::{Conversation, ScriptedSmsc, within};
use bellwire::actors::pool::{LinkState, PoolMessage};
use bellwire::codec::smpp::CommandStatus;
use bellwire::engine::binding::BindingSettings;
use std::sync::atomic::Ordering;
use std::time::Duration;

async fn refuse(smsc: &ScriptedSmsc, status: u32) {
    let mut link = smsc.accept().await;
    refuse_bind(&mut link, status).await;
}

async fn refuse_bind(link: &mut Conversation, status: u32) {
    let (mode, number) = link.expect_bind().await;
    link.refuse_bind(mode, number, CommandStatus(status)).await;
    link.expect_end().await;
}

async fn resume(rig: &Rig, index: u32) {
    within(async { ractor::call!(rig.pool, |reply| PoolMessage::Resume(name(index), reply)) }).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_wrong_password_is_tried_three_times_until_somebody_resumes_the_link() {
    let smsc = ScriptedSmsc::new();
    let mut rig = Rig::new(1, vec![settings(smsc.address())]).await;
    for _ in 0..3 {
        refuse(&smsc, 0x0E).await;
    }
    let view = rig.until_state(0, LinkState::Refused).await;
    let error = view.last_error.unwrap();
    assert_eq!(error, "bind refused with status 0x0000000e, password is wrong: check password");
    assert_eq!(rig.count("bellwire_links{smsc=\"main\",state=\"refused\"}"), 1);
    assert_eq!(rig.count("bellwire_links{smsc=\"main\",state=\"closed\"}"), 0);
    for _ in 0..2 {
        resume(&rig, 0).await;
        for _ in 0..3 {
            refuse(&smsc, 0x0E).await;
        }
        rig.until_state(0, LinkState::Refused).await;
    }
    resume(&rig, 0).await;
    let _link = smsc.accept_bound().await;
    rig.until_bound(1).await;
}

#[tokio::test]
async fn it_is_tried_again_by_itself_after_a_long_time() {
    let smsc = ScriptedSmsc::new();
    let quick = BindingSettings { attempts: 1, retry: Duration::from_millis(50), ..BINDING };
    let mut rig = Rig::with(1, vec![settings(smsc.address())], quick, None).await;
    refuse(&smsc, 0x0F).await;
    refuse(&smsc, 0x0F).await;
    let _link = smsc.accept_bound().await;
    rig.until_bound(1).await;
}

#[tokio::test]
async fn the_links_of_an_smsc_have_their_tries_together_and_come_back_together() {
    let smsc = ScriptedSmsc::new();
    let one = BindingSettings { attempts: 1, ..BINDING };
    let mut rig = Rig::with(3, (0..3).map(|_| settings(smsc.address())).collect(), one, None).await;
    let mut links = Vec::new();
    for _ in 0..3 {
        links.push(smsc.accept().await);
    }
    for link in &mut links {
        refuse_bind(link, 0x53).await;
    }
    for index in 0..3 {
        rig.until_state(index, LinkState::Refused).await;
    }
    resume(&rig, 1).await;
    let mut links = vec![smsc.accept_bound().await];
    for _ in 0..2 {
        links.push(smsc.accept_bound().await);
    }
    rig.until_bound(3).await;
}

#[tokio::test]
async fn a_session_that_is_still_open_there_is_waited_for() {
    let smsc = ScriptedSmsc::new();
    let one = BindingSettings { attempts: 1, ..BINDING };
    let mut rig = Rig::with(1, vec![settings(smsc.address())], one, None).await;
    for status in [0x05, 0x05, 0x08, 0x58, 0x05] {
        refuse(&smsc, status).await;
    }
    let _link = smsc.accept_bound().await;
    rig.until_bound(1).await;
}

#[tokio::test]
async fn a_refused_link_stops_at_once() {
    let smsc = ScriptedSmsc::new();
    let one = BindingSettings { attempts: 1, ..BINDING };
    let rig = Rig::with(1, vec![settings(smsc.address())], one, None).await;
    refuse(&smsc, 0x0E).await;
    rig.until_state(0, LinkState::Refused).await;
    let looks = rig.looks.load(Ordering::Relaxed);
    assert!(looks < 50, "woken {looks} times");
    within(async { ractor::call!(rig.pool, PoolMessage::Stop) }).await.unwrap();
}
