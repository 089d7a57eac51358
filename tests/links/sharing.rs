//! Many share a link: tenants, handsets that an SMSC has no room for, and those whose receipts do not come.

use crate::rig::{Rig, pipelined, settings, strict, with_session};
use crate::smsc::{ScriptedSmsc, Submit};
use bellwire::codec::smpp::{Address, CommandId, CommandStatus, DataSm};
use bellwire::engine::line::QUANTUM;
use bellwire::model::{Policy, Priority, Receipts};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const QUEUE_FULL: u32 = 0x14;

fn numbers(range: std::ops::RangeInclusive<u32>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

fn number(preference: usize) -> String {
    format!("1555{preference:07}")
}

#[tokio::test]
async fn tenants_have_equal_shares_of_a_slow_link_whatever_they_have_to_send() {
    let smsc = ScriptedSmsc::new();
    let rig = Rig::new(1, vec![with_session(smsc.address(), |session| session.window = 5)]).await;
    // One has a single handset, the other thirty.
    let mut one = rig.phone_of("one", 0, pipelined());
    let mut many: Vec<_> = (1..=30).map(|at| rig.phone_of("many", at, pipelined())).collect();
    many.iter_mut().for_each(|phone| phone.feed(&numbers(1..=50)));
    one.feed(&numbers(1..=1000));
    let mut link = smsc.accept_bound().await;
    let mut shares = [0usize; 2];
    for _ in 0..1000 {
        let submit = link.expect_submit().await;
        shares[usize::from(submit.destination != number(0))] += 1;
        assert!(shares[0].abs_diff(shares[1]) <= QUANTUM, "{shares:?}");
        link.accept_submit(&submit).await;
    }
}

#[tokio::test]
async fn who_is_urgent_overtakes_who_is_not_even_from_behind() {
    let smsc = ScriptedSmsc::new();
    let rig = Rig::new(1, vec![with_session(smsc.address(), |session| session.window = 1)]).await;
    let of = |priority| Policy { priority, ..strict() };
    let mut low: Vec<_> = (0..50).map(|at| rig.phone(at, of(Priority::Low))).collect();
    low.iter_mut().for_each(|phone| phone.feed(&["low"]));
    let mut link = smsc.accept_bound().await;
    let first = link.expect_submit().await;
    let mut urgent: Vec<_> = (50..60).map(|at| rig.phone(at, of(Priority::Urgent))).collect();
    urgent.iter_mut().for_each(|phone| phone.feed(&["urgent"]));
    link.accept_submit(&first).await;
    let mut data = Vec::new();
    for _ in 0..11 {
        let submit = link.expect_submit().await;
        data.extend(submit.data());
        link.accept_submit(&submit).await;
    }
    assert_eq!(data.iter().filter(|data| *data == "urgent").count(), 10, "{data:?}");
}

/// Each handset is in order, and those for which there is room go on as if the others were not there.
#[tokio::test]
async fn a_handset_that_is_full_for_ever_delays_nobody_else() {
    const OTHERS: usize = 20;
    let smsc = ScriptedSmsc::new();
    let rig = Rig::new(1, vec![settings(smsc.address())]).await;
    let mut full = rig.phone(0, pipelined());
    let mut others: Vec<_> = (1..=OTHERS).map(|at| rig.phone(at, strict())).collect();
    full.feed(&numbers(1..=50));
    others.iter_mut().for_each(|phone| phone.feed(&numbers(1..=50)));
    let mut link = smsc.accept_bound().await;
    let (started, mut refused) = (Instant::now(), 0);
    let mut seen: BTreeMap<String, Vec<String>> = BTreeMap::new();
    while seen.values().map(Vec::len).sum::<usize>() < OTHERS * 50 {
        let submit = link.expect_submit().await;
        if submit.destination == number(0) {
            refused += 1;
            link.refuse_submit(&submit, QUEUE_FULL).await;
        } else {
            seen.entry(submit.destination.clone()).or_default().extend(submit.data());
            link.accept_submit(&submit).await;
        }
    }
    for phone in &others {
        phone.until_released().await;
    }
    assert!(seen.len() == OTHERS && seen.values().all(|data| *data == numbers(1..=50)));
    // A window of it at first, and after each of its pauses one that was sent before the answer came.
    let pauses = started.elapsed().as_secs() as usize;
    assert!(refused <= 10 * (pauses + 1), "{refused} times in {pauses} s");
    assert!(!full.is_released() && rig.count("bellwire_handsets_parked{smsc=\"main\"}") == 1);
}

#[tokio::test]
async fn a_parked_handset_goes_on_when_it_is_heard_of() {
    let smsc = ScriptedSmsc::new();
    let rig = Rig::new(1, vec![settings(smsc.address())]).await;
    let mut phone = rig.phone(7, strict());
    phone.feed(&["1"]);
    let mut link = smsc.accept_bound().await;
    let mut submit = link.expect_submit().await;
    let refused_at = Instant::now();
    for (round, cause) in ["mo", "alert", "receipt"].into_iter().enumerate() {
        link.refuse_submit(&submit, QUEUE_FULL).await;
        link.expect_nothing().await;
        assert_eq!(rig.count("bellwire_handsets_parked{smsc=\"main\"}"), 1);
        link.deliver_message("15559999999").await;
        link.expect(CommandId::DELIVER_SM_RESP).await;
        link.expect_nothing().await;
        match cause {
            "mo" => link.deliver_message(&format!("+{}", number(7))).await,
            "alert" => link.alert(&number(7)).await,
            _ => link.deliver_receipt_of(&number(7)).await,
        }
        if cause != "alert" {
            link.expect(CommandId::DELIVER_SM_RESP).await;
        }
        submit = link.expect_submit().await;
        assert_eq!(rig.count(&format!("bellwire_wakes_total{{cause=\"{cause}\"}}")), 1, "round {round}");
    }
    assert!(refused_at.elapsed() < Duration::from_secs(7), "1, 2 and 4 s were not waited for");
    link.accept_submit(&submit).await;
    phone.until_released().await;
    link.expect_nothing().await;
    assert_eq!(rig.count("bellwire_handsets_parked{smsc=\"main\"}"), 0);
}

#[tokio::test]
async fn a_message_by_data_sm_is_a_sign_too_and_is_accepted() {
    let smsc = ScriptedSmsc::new();
    let rig = Rig::new(1, vec![settings(smsc.address())]).await;
    let mut phone = rig.phone(7, strict());
    phone.feed(&["1"]);
    let mut link = smsc.accept_bound().await;
    let submit = link.expect_submit().await;
    link.refuse_submit(&submit, QUEUE_FULL).await;
    link.expect_nothing().await;
    let handset = number(7);
    let message = DataSm { source: Address::international(handset.as_bytes()), ..DataSm::default() };
    link.say(&message, CommandStatus::OK, 80).await;
    assert_eq!(link.expect(CommandId::DATA_SM_RESP).await.command_status, CommandStatus::OK);
    assert_eq!(link.expect_submit().await.data(), ["1"]);
    assert_eq!(rig.count("bellwire_wakes_total{cause=\"mo\"}"), 1);
}

#[tokio::test]
async fn an_alert_ends_a_batch_window() {
    let smsc = ScriptedSmsc::new();
    let rig = Rig::new(1, vec![settings(smsc.address())]).await;
    let window = Policy { batch_window: Duration::from_secs(600), max_events: 0, ..strict() };
    let (mut phone, mut other) = (rig.phone(0, window.clone()), rig.phone(1, window));
    let mut link = smsc.accept_bound().await;
    phone.feed(&["1", "2"]);
    other.feed(&["other"]);
    link.expect_nothing().await;
    link.alert(&number(0)).await;
    assert_eq!(link.expect_submit().await.data(), ["1", "2"]);
    link.expect_nothing().await;
}

#[tokio::test]
async fn an_smsc_without_room_for_several_handsets_is_left_alone_for_a_while() {
    let smsc = ScriptedSmsc::new();
    let rig = Rig::new(1, vec![settings(smsc.address())]).await;
    let mut phones: Vec<_> = (0..5).map(|at| rig.phone(at, strict())).collect();
    phones.iter_mut().for_each(|phone| phone.feed(&["1"]));
    let mut link = smsc.accept_bound().await;
    let submits = link.expect_submits(5).await;
    for submit in &submits[..4] {
        link.refuse_submit(submit, QUEUE_FULL).await;
    }
    let mut other = rig.phone(9, strict());
    other.feed(&["goes"]);
    let goes = link.expect_submit().await;
    link.accept_submit(&goes).await;
    let refused_at = Instant::now();
    link.refuse_submit(&submits[4], QUEUE_FULL).await;
    link.expect_nothing().await;
    other.feed(&["waits"]);
    link.expect_nothing().await;
    let mut again = link.expect_submits(6).await;
    assert!(refused_at.elapsed() >= Duration::from_millis(990), "after {:?}", refused_at.elapsed());
    again.sort_by(|a, b| a.destination.cmp(&b.destination));
    assert_eq!(again.last().map(Submit::data), Some(vec!["waits".to_owned()]));
}

#[tokio::test]
async fn what_a_handset_has_not_receipted_is_bounded() {
    let smsc = ScriptedSmsc::new();
    let links = vec![settings(smsc.address())];
    let rig = Rig::with_smsc(1, links, |smsc| smsc.with_unreceipted(2)).await;
    let policy = Policy { receipts: Receipts::All, ..pipelined() };
    let (mut phone, mut other) = (rig.phone(0, policy.clone()), rig.phone(1, policy));
    let mut link = smsc.accept_bound().await;
    other.feed(&["0"]);
    let first = link.expect_submit().await;
    link.accept_submit(&first).await;
    link.deliver_receipt(&format!("id-{}", first.number), 1).await;
    link.expect(CommandId::DELIVER_SM_RESP).await;
    phone.feed(&numbers(1..=5));
    let mut awaited = link.expect_submits(2).await;
    for submit in &awaited {
        link.accept_submit(submit).await;
    }
    for number in 3..=5 {
        link.expect_nothing().await;
        let oldest = awaited.remove(0);
        link.deliver_receipt(&format!("id-{}", oldest.number), number).await;
        link.expect(CommandId::DELIVER_SM_RESP).await;
        let next = link.expect_submit().await;
        assert_eq!(next.data(), [number.to_string()]);
        link.accept_submit(&next).await;
        awaited.push(next);
    }
    phone.until_released().await;
    other.feed(&["6"]);
    assert_eq!(link.expect_submit().await.data(), ["6"], "nobody else waits for it");
}
