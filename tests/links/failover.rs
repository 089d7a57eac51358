//! Two SMSCs that stand in for each other, over sockets.

use crate::rig::{Rig, name, settings, strict};
use crate::smsc::{ScriptedSmsc, within};
use bellwire::actors::pool::{LinkState, PoolMessage};
use bellwire::codec::smpp::CommandStatus;
use bellwire::engine::availability::Patience;
use bellwire::model::Policy;
use std::time::Duration;

#[tokio::test]
async fn handsets_of_an_smsc_without_links_go_by_the_next_with_the_same_octets_and_return() {
    let smscs = [ScriptedSmsc::new(), ScriptedSmsc::new()];
    let patience = Patience { failover_after: Duration::from_millis(200), return_after: Duration::from_millis(50) };
    let links = smscs.iter().map(|smsc| settings(smsc.address())).collect();
    let mut rig = Rig::standing_in(links, patience).await;
    let (mut preferred, mut other) = (smscs[0].accept_bound().await, smscs[1].accept_bound().await);
    rig.until_bound(2).await;
    // On a busy machine it may have been without a link for too long before it had one.
    rig.until(0, |_| rig.smsc.is_in_service()).await;
    let failovers = |smsc: &str| rig.count(&format!("bellwire_failovers_total{{smsc=\"{smsc}\"}}"));
    let before = [failovers("main"), failovers("other")];
    let (mut phone, mut waiting) = (rig.phone(0, strict()), rig.phone(1, strict()));
    phone.feed(&["1", "2"]);
    let first = preferred.expect_submit().await;
    drop(preferred);
    // Its binds are refused from now on, and the links that carry nothing have no reason to hurry.
    let again = loop {
        tokio::select! {
            mut link = smscs[0].accept() => {
                let (mode, number) = link.expect_bind().await;
                link.refuse_bind(mode, number, CommandStatus::SYSERR).await;
            }
            submit = other.expect_submit() => break submit,
        }
    };
    assert_eq!((first.short_message, first.destination), (again.short_message.clone(), again.destination.clone()));
    other.accept_submit(&again).await;
    let second = other.expect_submit().await;
    assert_eq!(second.data(), ["2"]);
    assert_eq!([failovers("main"), failovers("other")], [before[0] + 1, before[1]]);

    let mut preferred = loop {
        let mut link = smscs[0].accept().await;
        if let Some((mode, number)) = link.next_bind().await {
            link.accept_bind(mode, number).await;
            break link;
        }
    };
    rig.until(0, |_| rig.smsc.is_in_service()).await;
    other.accept_submit(&second).await;
    phone.until_released().await;
    waiting.feed(&["3"]);
    phone.feed(&["4"]);
    for submit in preferred.expect_submits(2).await {
        preferred.accept_submit(&submit).await;
    }
    phone.until_released().await;
    waiting.until_released().await;
    other.expect_nothing().await;
}

#[tokio::test]
async fn handsets_of_an_smsc_whose_links_are_drained_go_by_the_next_and_come_back() {
    let smscs = [ScriptedSmsc::new(), ScriptedSmsc::new()];
    let patience = Patience { failover_after: Duration::from_millis(200), return_after: Duration::from_millis(50) };
    let links = smscs.iter().map(|smsc| settings(smsc.address())).collect();
    let mut rig = Rig::standing_in(links, patience).await;
    let (mut preferred, mut other) = (smscs[0].accept_bound().await, smscs[1].accept_bound().await);
    rig.until_bound(2).await;
    rig.until(0, |_| rig.smsc.is_in_service()).await;
    within(async { ractor::call!(rig.pool, |reply| PoolMessage::Drain(name(0), reply)) }).await.unwrap().unwrap();
    rig.until_state(0, LinkState::Draining).await;
    let mut phone = rig.phone(0, strict());
    phone.feed(&["1"]);
    let submit = other.expect_submit().await;
    other.accept_submit(&submit).await;
    phone.until_released().await;
    within(async { ractor::call!(rig.pool, |reply| PoolMessage::Resume(name(0), reply)) }).await.unwrap().unwrap();
    rig.until(0, |_| rig.smsc.is_in_service()).await;
    phone.feed(&["2"]);
    assert_eq!(preferred.expect_submit().await.data(), ["2"]);
}

#[tokio::test]
async fn receipts_of_both_smscs_find_their_pushes_though_they_use_the_same_ids() {
    let smscs = [ScriptedSmsc::new(), ScriptedSmsc::new()];
    let patience = Patience { failover_after: Duration::from_secs(1), return_after: Duration::from_secs(3600) };
    let links = smscs.iter().map(|smsc| settings(smsc.address())).collect();
    let mut rig = Rig::standing_in(links, patience).await;
    let (mut preferred, mut other) = (smscs[0].accept_bound().await, smscs[1].accept_bound().await);
    rig.until_bound(2).await;
    assert!(rig.smsc.is_in_service());
    let mut phone = rig.phone(0, Policy { max_events: 1, ..Policy::default() });
    phone.feed(&["1"]);
    let first = preferred.expect_submit().await;
    preferred.accept_submit(&first).await;
    phone.until_released().await;
    drop(preferred);
    rig.until(0, |_| !rig.smsc.is_in_service()).await;
    phone.feed(&["2"]);
    let second = other.expect_submit().await;
    assert_eq!(second.data(), ["2"]);
    other.accept_submit(&second).await;
    phone.until_released().await;
    assert_eq!(first.number, second.number, "so both call it the same");
    other.deliver_receipt(&format!("id-{}", second.number), 1).await;
    rig.until_settled("delivered", 1).await;
    let mut preferred = smscs[0].accept_bound().await;
    preferred.deliver_receipt(&format!("id-{}", first.number), 1).await;
    rig.until_settled("delivered", 2).await;
}
