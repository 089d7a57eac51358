//! Several links: who goes where, draining and resuming.

use crate::rig::{BINDING, Rig, name, settings, strict, with_session};
use crate::smsc::{ScriptedSmsc, within};
use bellwire::actors::pool::{LinkState, LinkView, NoSuchLink, PoolMessage};
use bellwire::codec::smpp::CommandId;
use bellwire::engine::binding::BindingSettings;
use bellwire::model::Policy;
use std::collections::BTreeMap;
use std::time::Duration;

async fn drain(rig: &Rig, index: u32) -> Result<LinkView, NoSuchLink> {
    within(async { ractor::call!(rig.pool, |reply| PoolMessage::Drain(name(index), reply)) }).await.unwrap()
}

async fn resume(rig: &Rig, index: u32) -> Result<LinkView, NoSuchLink> {
    within(async { ractor::call!(rig.pool, |reply| PoolMessage::Resume(name(index), reply)) }).await.unwrap()
}

#[tokio::test]
async fn handsets_spread_over_the_links_and_stick_to_theirs() {
    let smscs = [ScriptedSmsc::new(), ScriptedSmsc::new()];
    let mut rig = Rig::new(2, smscs.iter().map(|smsc| settings(smsc.address())).collect()).await;
    let mut links = [smscs[0].accept_bound().await, smscs[1].accept_bound().await];
    rig.until_bound(2).await;
    let mut phones: Vec<_> = (0..6).map(|preference| rig.phone(preference, strict())).collect();
    let mut went: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for round in 0..5 {
        phones.iter_mut().for_each(|phone| phone.feed(&[round.to_string()]));
        for (index, link) in links.iter_mut().enumerate() {
            for submit in link.expect_submits(3).await {
                link.accept_submit(&submit).await;
                went.entry(submit.destination).or_default().push(index);
            }
            link.expect_nothing().await;
        }
    }
    assert_eq!(went.len(), 6);
    for (destination, ways) in went {
        assert!(ways.iter().all(|way| *way == ways[0]), "{destination} went {ways:?}");
    }
}

#[tokio::test]
async fn a_drained_link_finishes_what_it_has_and_its_handsets_go_elsewhere_until_it_is_resumed() {
    let smscs = [ScriptedSmsc::new(), ScriptedSmsc::new()];
    let narrow = |smsc: &ScriptedSmsc| with_session(smsc.address(), |session| session.window = 1);
    let mut rig = Rig::new(2, smscs.iter().map(narrow).collect()).await;
    let (mut first, mut second) = (smscs[0].accept_bound().await, smscs[1].accept_bound().await);
    rig.until_bound(2).await;
    let (mut one, mut other) = (rig.phone(0, strict()), rig.phone(2, strict()));
    one.feed(&["1"]);
    let outstanding = first.expect_submit().await;
    other.feed(&["2"]); // waits for the first link's window
    first.expect_nothing().await;

    drain(&rig, 0).await.unwrap();
    rig.until_state(0, LinkState::Draining).await;
    let moved = second.expect_submit().await;
    assert_eq!(moved.data(), ["2"], "who waits goes to the other link");
    second.accept_submit(&moved).await;
    first.accept_submit(&outstanding).await;
    one.until_released().await;
    one.feed(&["3"]);
    let moved = second.expect_submit().await;
    assert_eq!(moved.data(), ["3"]);
    second.accept_submit(&moved).await;
    one.until_released().await;
    first.expect_nothing().await;

    resume(&rig, 0).await.unwrap();
    rig.until_state(0, LinkState::Bound).await;
    one.feed(&["4"]);
    assert_eq!(first.expect_submit().await.data(), ["4"], "and back");
}

#[tokio::test]
async fn a_link_that_drains_alone_keeps_its_handsets_waiting() {
    let smsc = ScriptedSmsc::new();
    let mut rig = Rig::new(1, vec![settings(smsc.address())]).await;
    let mut link = smsc.accept_bound().await;
    rig.until_bound(1).await;
    drain(&rig, 0).await.unwrap();
    rig.until_state(0, LinkState::Draining).await;
    let mut phone = rig.phone(0, strict());
    phone.feed(&["1"]);
    link.expect_nothing().await;
    resume(&rig, 0).await.unwrap();
    assert_eq!(link.expect_submit().await.data(), ["1"]);
}

#[tokio::test]
async fn a_drained_link_stays_drained_when_its_connection_is_lost() {
    let smsc = ScriptedSmsc::new();
    let mut rig = Rig::new(1, vec![settings(smsc.address())]).await;
    let link = smsc.accept_bound().await;
    rig.until_bound(1).await;
    drain(&rig, 0).await.unwrap();
    rig.until_state(0, LinkState::Draining).await;
    drop(link);
    let mut link = smsc.accept_bound().await;
    rig.until_state(0, LinkState::Draining).await;
    let mut phone = rig.phone(0, strict());
    phone.feed(&["1"]);
    link.expect_nothing().await;
    resume(&rig, 0).await.unwrap();
    assert_eq!(link.expect_submit().await.data(), ["1"]);
}

#[tokio::test]
async fn links_of_an_smsc_do_not_connect_at_the_same_moment() {
    let smsc = ScriptedSmsc::new();
    let slow = BindingSettings { spread: Duration::from_secs(3600), ..BINDING };
    let mut rig = Rig::with(2, vec![settings(smsc.address()), settings(smsc.address())], slow, None).await;
    let mut link = smsc.accept_bound().await;
    rig.until_bound(1).await;
    link.expect_nothing().await;
    let other = rig.views().await.swap_remove(1);
    assert_eq!((other.state, other.last_error), (LinkState::Closed, None));
}

#[tokio::test]
async fn a_link_that_is_not_there_is_named() {
    let smsc = ScriptedSmsc::new();
    let rig = Rig::new(1, vec![settings(smsc.address())]).await;
    assert_eq!(drain(&rig, 1).await, Err(NoSuchLink(name(1))));
    assert_eq!(resume(&rig, 7).await, Err(NoSuchLink(name(7))));
}

#[tokio::test]
async fn a_receipt_may_come_on_any_link_and_is_accepted_even_if_nobody_waits_for_it() {
    let smscs = [ScriptedSmsc::new(), ScriptedSmsc::new()];
    let mut rig = Rig::new(2, smscs.iter().map(|smsc| settings(smsc.address())).collect()).await;
    let (mut first, mut second) = (smscs[0].accept_bound().await, smscs[1].accept_bound().await);
    rig.until_bound(2).await;
    let mut phone = rig.phone(0, Policy { max_events: 1, ..Policy::default() });
    phone.feed(&["1"]);
    let submit = first.expect_submit().await;
    // It may even come before the response.
    second.deliver_receipt(&format!("id-{}", submit.number), 1).await;
    second.deliver_receipt("never heard of", 2).await;
    for number in [1, 2] {
        let answer = second.expect(CommandId::DELIVER_SM_RESP).await;
        assert_eq!((answer.sequence_number, answer.command_status.0), (number, 0));
    }
    first.accept_submit(&submit).await;
    rig.until_settled("delivered", 1).await;
}
