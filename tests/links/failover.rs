//! Two SMSCs that stand in for each other, over sockets.

use crate::rig::{Rig, settings, strict};
use crate::smsc::ScriptedSmsc;
use bellwire::codec::smpp::CommandStatus;
use bellwire::engine::availability::Patience;
use std::time::Duration;

#[tokio::test]
async fn handsets_of_an_smsc_without_links_go_by_the_next_with_the_same_octets_and_return() {
    let smscs = [ScriptedSmsc::new(), ScriptedSmsc::new()];
    let patience = Patience { failover_after: Duration::from_millis(50), return_after: Duration::from_millis(50) };
    let links = smscs.iter().map(|smsc| settings(smsc.address())).collect();
    let mut rig = Rig::standing_in(links, patience).await;
    let (mut preferred, mut other) = (smscs[0].accept_bound().await, smscs[1].accept_bound().await);
    rig.until_bound(2).await;
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
    assert_eq!(rig.count("bellwire_failovers_total{smsc=\"main\"}"), 1);
    assert_eq!(rig.count("bellwire_failovers_total{smsc=\"other\"}"), 0);

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
