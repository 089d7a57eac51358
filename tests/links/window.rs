//! The window, refusals that hold a link, and peers that do not read.

use crate::rig::{Rig, pipelined, settings, strict, with_session};
use crate::smsc::ScriptedSmsc;
use bellwire::codec::smpp::CommandId;
use bellwire::model::Policy;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;

fn numbers(range: std::ops::RangeInclusive<u32>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

#[tokio::test]
async fn it_is_never_exceeded_and_answers_may_come_in_any_order() {
    let smsc = ScriptedSmsc::new();
    let rig = Rig::new(1, vec![with_session(smsc.address(), |session| session.window = 3)]).await;
    let mut phone = rig.phone(0, pipelined());
    phone.feed(&numbers(1..=9));
    let mut link = smsc.accept_bound().await;
    let mut open = link.expect_submits(3).await;
    let mut seen: Vec<String> = open.iter().flat_map(|submit| submit.data()).collect();
    link.expect_nothing().await; // and enquire_link is answered while the window is full
    assert_eq!(rig.views().await[0].open, 3);
    for turn in 0..9 {
        let submit = open.remove(turn % open.len());
        link.accept_submit(&submit).await;
        if seen.len() < 9 {
            let next = link.expect_submit().await;
            seen.extend(next.data());
            open.push(next);
        }
        link.expect_nothing().await;
    }
    assert_eq!(seen, numbers(1..=9));
    phone.until_released().await;
    assert_eq!((rig.settled("accepted"), rig.window_in_use()), (9, 0));
}

#[tokio::test]
async fn a_throttled_link_holds_for_all_and_then_the_refused_goes_first() {
    let smsc = ScriptedSmsc::new();
    let rig = Rig::new(1, vec![with_session(smsc.address(), |session| session.window = 4)]).await;
    let (mut phone, mut other) = (rig.phone(0, pipelined()), rig.phone(1, strict()));
    phone.feed(&numbers(1..=6));
    let mut link = smsc.accept_bound().await;
    let first = link.expect_submits(4).await;
    let refused_at = Instant::now();
    link.refuse_submit(&first[1], 0x58).await;
    for accepted in [0, 2, 3] {
        link.accept_submit(&first[accepted]).await;
    }
    link.expect_nothing().await;
    other.feed(&["other"]);
    link.expect_nothing().await;
    let again = link.expect_submit().await;
    assert!(refused_at.elapsed() >= Duration::from_millis(90), "after {:?}", refused_at.elapsed());
    assert_eq!(again.short_message, first[1].short_message);
    link.expect_nothing().await; // it asks whether the refusal was meant
    link.accept_submit(&again).await;
    let rest = link.expect_submits(3).await;
    let mut data: Vec<String> = rest.iter().flat_map(|submit| submit.data()).collect();
    data.sort();
    assert_eq!(data, ["5", "6", "other"]);
    assert_eq!(rig.count("bellwire_segments_answered_total{smsc=\"main\",verdict=\"throttled\"}"), 1);
}

#[tokio::test]
async fn a_whole_window_of_refusals_is_one_pause_and_not_one_for_each() {
    let smsc = ScriptedSmsc::new();
    let rig = Rig::new(1, vec![with_session(smsc.address(), |session| session.window = 8)]).await;
    let mut phone = rig.phone(0, pipelined());
    phone.feed(&numbers(1..=8));
    let mut link = smsc.accept_bound().await;
    let first = link.expect_submits(8).await;
    let refused_at = Instant::now();
    for submit in &first {
        link.refuse_submit(submit, 0x58).await;
    }
    let mut again = vec![link.expect_submit().await];
    link.accept_submit(&again[0]).await;
    again.extend(link.expect_submits(7).await);
    assert!(refused_at.elapsed() < Duration::from_secs(4), "after {:?}", refused_at.elapsed());
    let data: Vec<String> = again.iter().flat_map(|submit| submit.data()).collect();
    assert_eq!(data, numbers(1..=8), "in their order");
}

#[tokio::test]
async fn a_full_queue_parks_its_handset_alone() {
    let smsc = ScriptedSmsc::new();
    let rig = Rig::new(1, vec![settings(smsc.address())]).await;
    let (mut phone, mut other) = (rig.phone(0, strict()), rig.phone(1, strict()));
    phone.feed(&["1"]);
    let mut link = smsc.accept_bound().await;
    let refused = link.expect_submit().await;
    link.refuse_submit(&refused, 0x14).await;
    link.expect_nothing().await;
    other.feed(&["other"]);
    let submit = link.expect_submit().await;
    assert_eq!(submit.data(), ["other"]);
    link.accept_submit(&submit).await;
    let again = link.expect_submit().await;
    assert_eq!(again.short_message, refused.short_message);
    link.accept_submit(&again).await;
    phone.until_released().await;
    link.expect_nothing().await;
}

#[tokio::test]
async fn a_link_with_a_full_window_sleeps_whoever_comes() {
    let smsc = ScriptedSmsc::new();
    let narrow = with_session(smsc.address(), |session| {
        session.window = 1;
        session.enquire_link = Duration::from_millis(400);
    });
    let rig = Rig::new(1, vec![narrow]).await;
    let mut phone = rig.phone(0, strict());
    let batched = Policy { batch_window: Duration::from_millis(20), ..strict() };
    let mut late = rig.phone(1, Policy { max_events: 0, ..batched });
    phone.feed(&["1"]);
    late.feed(&["2"]);
    let mut link = smsc.accept_bound().await;
    let submit = link.expect_submit().await;
    link.expect(CommandId::ENQUIRE_LINK).await;
    let looks = rig.looks.load(Ordering::Relaxed);
    assert!(looks < 100, "woken {looks} times");
    link.accept_submit(&submit).await;
    assert_eq!(link.expect_submit().await.data(), ["2"], "its time had come meanwhile");
}

#[tokio::test]
async fn a_rate_is_kept() {
    let smsc = ScriptedSmsc::new();
    let paced = with_session(smsc.address(), |session| (session.pacing.rate, session.window) = (50, 100));
    let rig = Rig::new(1, vec![paced]).await;
    let mut phone = rig.phone(0, pipelined());
    phone.feed(&numbers(1..=40));
    let mut link = smsc.accept_bound().await;
    let started = Instant::now();
    link.expect_submits(40).await;
    // A tenth of a second may be caught up, so 35 of them are paid for.
    assert!(started.elapsed() >= Duration::from_millis(650), "after {:?}", started.elapsed());
    assert_eq!(rig.segments(), 40);
}

#[tokio::test]
async fn a_peer_that_does_not_read_holds_its_own_link_and_bounds_it() {
    let (slow, good) = (ScriptedSmsc::new(), ScriptedSmsc::new());
    let wide = |smsc: &ScriptedSmsc| with_session(smsc.address(), |session| session.window = 200_000);
    let mut rig = Rig::new(2, vec![wide(&slow), wide(&good)]).await;
    let (_stalled, mut link) = (slow.accept_bound().await, good.accept_bound().await);
    rig.until_bound(2).await;
    let (mut many, mut few) = (rig.phone(0, pipelined()), rig.phone(1, strict()));
    many.feed(&vec!["x".repeat(80); 100_000]);
    let mut before = 0;
    // It stands still when a whole conversation on the other link has found no more segment written.
    for number in 0.. {
        few.feed(&[number.to_string()]);
        let submit = link.expect_submit().await;
        link.accept_submit(&submit).await;
        few.until_released().await;
        let written = rig.segments() - number - 1;
        if written == before && number > 20 {
            break;
        }
        before = written;
    }
    assert!((1..90_000).contains(&before), "{before} segments written");
}

#[tokio::test]
async fn a_peer_that_asks_and_never_reads_is_not_listened_to_for_ever() {
    let smsc = ScriptedSmsc::new();
    let mut rig = Rig::new(1, vec![settings(smsc.address())]).await;
    let mut link = smsc.accept_bound().await;
    rig.until_bound(1).await;
    let mut questions = Vec::new();
    for number in 0..65_536u32 {
        let words = [16, CommandId::ENQUIRE_LINK.0, 0, number];
        questions.extend(words.iter().flat_map(|word| word.to_be_bytes()));
    }
    for mebioctets in 0.. {
        assert!(mebioctets < 48, "all of it was read");
        let asking = link.stream.write_all(&questions);
        if tokio::time::timeout(Duration::from_secs(1), asking).await.is_err() {
            return;
        }
    }
}
