//! Links on connections that the SMSC opens.

use crate::rig::{BINDING, Rig, settings, strict, with_session};
use crate::smsc::{Conversation, ScriptedSmsc, within};
use bellwire::actors::pool::LinkState;
use bellwire::codec::smpp::{BindMode, CommandId, CommandStatus, Outbind};
use bellwire::egress::smpp::{LinkSettings, OutbindListener};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

async fn rig(lanes: usize, links: Vec<LinkSettings>, time: Duration) -> (Rig, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let bound = OutbindListener { listener, system_id: "smsc".into(), password: "outpass".into(), time };
    (Rig::with(lanes, links, BINDING, Some(bound)).await, address)
}

async fn call(address: SocketAddr) -> Conversation {
    Conversation::over(within(TcpStream::connect(address)).await.unwrap())
}

async fn outbind(address: SocketAddr, system_id: &str, password: &str) -> Conversation {
    let mut link = call(address).await;
    let body = Outbind { system_id: system_id.as_bytes(), password: password.as_bytes() };
    link.say(&body, CommandStatus::OK, 1).await;
    link
}

/// Connects until a link waits for it: it gets ready a moment after the last one was lost.
async fn taken(address: SocketAddr) -> (Conversation, BindMode, u32) {
    loop {
        let mut link = outbind(address, "smsc", "outpass").await;
        if let Some((mode, number)) = link.next_bind().await {
            return (link, mode, number);
        }
    }
}

/// Where nobody is: these links must not dial.
fn nowhere() -> SocketAddr {
    "127.0.0.1:1".parse().unwrap()
}

#[tokio::test]
async fn an_smsc_that_says_who_it_is_gets_our_bind_and_a_link_like_any_other() {
    let (mut rig, address) = rig(1, vec![settings(nowhere())], Duration::from_secs(10)).await;
    for round in 0..2 {
        let (mut link, mode, number) = taken(address).await;
        assert_eq!(mode, BindMode::Transceiver);
        link.accept_bind(mode, number).await;
        rig.until_bound(1).await;
        let mut phone = rig.phone(round, strict());
        phone.feed(&["1"]);
        let submit = link.expect_submit().await;
        link.accept_submit(&submit).await;
        phone.until_released().await;
        link.say_header(CommandId::UNBIND, CommandStatus::OK, 9).await;
        link.expect(CommandId::UNBIND_RESP).await;
        link.expect_end().await;
        rig.until_bound(0).await;
    }
}

#[tokio::test]
async fn in_a_split_link_the_receiver_waits_for_it_and_the_transmitter_dials() {
    let smsc = ScriptedSmsc::new();
    let transmitter = with_session(smsc.address(), |session| session.mode = BindMode::Transmitter);
    let receiver = with_session(nowhere(), |session| session.mode = BindMode::Receiver);
    let (mut rig, address) = rig(1, vec![transmitter, receiver], Duration::from_secs(10)).await;
    let _sending = smsc.accept_bound().await;
    let (mut link, mode, number) = taken(address).await;
    assert_eq!(mode, BindMode::Receiver);
    link.accept_bind(mode, number).await;
    rig.until_bound(2).await;
}

#[tokio::test]
async fn strangers_and_one_too_many_are_closed_and_counted() {
    let (mut rig, address) = rig(1, vec![settings(nowhere())], Duration::from_secs(10)).await;
    for (system_id, password) in [("smsc", "wrong"), ("other", "outpass"), ("", ""), ("smsc", "outpas")] {
        outbind(address, system_id, password).await.expect_end().await;
    }
    for said in [&b"GET / HTTP/1.1\r\nHost: smsc\r\n\r\n"[..], &[0; 16], &[0xFF; 64]] {
        let mut stranger = call(address).await;
        stranger.say_octets(said).await;
        stranger.expect_end().await;
    }
    let (mut link, mode, number) = taken(address).await;
    link.accept_bind(mode, number).await;
    rig.until_bound(1).await;
    outbind(address, "smsc", "outpass").await.expect_end().await;
    assert_eq!(rig.views().await[0].state, LinkState::Bound);
    assert!(rig.count("bellwire_outbinds_refused_total{smsc=\"main\"}") >= 8);
}

#[tokio::test]
async fn who_says_nothing_is_closed_and_more_than_a_few_are_not_listened_to() {
    let (_rig, address) = rig(1, vec![settings(nowhere())], Duration::from_secs(1)).await;
    let mut silent = Vec::new();
    for _ in 0..10 {
        silent.push(call(address).await);
    }
    for one in &mut silent {
        one.expect_end().await;
    }
}
