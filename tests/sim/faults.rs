//! Each fault of a script, as the other side sees it.

use crate::esme::{Esme, Messages, smsc};
use crate::within;
use bellwire::codec::smpp::{BindMode, CommandId, CommandStatus, Header, Pdu};
use bellwire::sim::Smsc;

/// A bound ESME at an SMSC with one fault and no receipts.
async fn faulty(fault: &str) -> (Smsc, Messages, Esme) {
    let (smsc, messages) = smsc(&format!("[receipts]\nform = \"none\"\n[[fault]]\n{fault}")).await;
    let esme = Esme::bound(smsc.address()).await;
    (smsc, messages, esme)
}

#[tokio::test]
async fn submits_are_refused_with_the_status_of_the_script() {
    for (kind, status) in [
        ("throttle", CommandStatus::THROTTLED),
        ("queue_full", CommandStatus::MSGQFUL),
        ("system_error", CommandStatus::SYSERR),
        ("invalid_destination", CommandStatus::INVDSTADR),
        ("refuse\"\nstatus = 69 #\"", CommandStatus::SUBMITFAIL),
    ] {
        let (smsc, messages, mut esme) = faulty(&format!("kind = \"{kind}\"\nat = 2\ncount = 2")).await;
        esme.submit(1..=4).await;
        esme.answer(1).await;
        esme.expect(CommandId::SUBMIT_SM_RESP, 2, status).await;
        esme.expect(CommandId::SUBMIT_SM_RESP, 3, status).await;
        esme.answer(4).await;
        assert_eq!(messages.lock().len(), 2);
        assert_eq!((smsc.stats().accepted, smsc.stats().refused, smsc.stats().faults), (2, 2, 2));
    }
}

#[tokio::test]
async fn an_answer_can_be_late_and_others_pass_it() {
    let (_smsc, _, mut esme) = faulty("kind = \"delay\"\ndelay = \"30ms\"\nat = 1").await;
    esme.submit(1..=2).await;
    esme.answer(2).await;
    esme.answer(1).await;
}

#[tokio::test]
async fn an_answer_can_be_missing_or_come_twice() {
    let (_smsc, messages, mut esme) = faulty("kind = \"silent\"\nat = 1").await;
    esme.submit(1..=2).await;
    esme.answer(2).await;
    assert_eq!(messages.lock().len(), 2);

    let (_smsc, messages, mut esme) = faulty("kind = \"silent\"\nat = 1\naccept = false").await;
    esme.submit(1..=2).await;
    esme.answer(2).await;
    assert_eq!(messages.lock().len(), 1);

    let (_smsc, messages, mut esme) = faulty("kind = \"answer_twice\"\nat = 1").await;
    esme.submit(1..=2).await;
    assert_eq!(esme.answer(1).await, esme.answer(1).await);
    esme.answer(2).await;
    assert_eq!(messages.lock().len(), 2);
}

#[tokio::test]
async fn answers_can_come_in_another_order() {
    let (_smsc, _, mut esme) = faulty("kind = \"shuffle\"\nevery = 1\nwithin = 4").await;
    // The last one is alone, and comes all the same.
    esme.submit(1..=5).await;
    let mut order = Vec::new();
    for _ in 0..5 {
        order.push(esme.next().await.unwrap().0.sequence_number);
    }
    assert!(!order.is_sorted());
    assert_eq!(order.pop(), Some(5));
    order.sort_unstable();
    assert_eq!(order, [1, 2, 3, 4]);
}

#[tokio::test]
async fn a_connection_can_end_before_or_after_the_message_is_taken() {
    for (kind, accept, taken) in [("close", false, 1), ("close", true, 2), ("reset", false, 1), ("reset", true, 2)] {
        let (smsc, messages, mut esme) = faulty(&format!("kind = \"{kind}\"\naccept = {accept}\nat = 2")).await;
        esme.submit([1]).await;
        esme.answer(1).await;
        esme.submit(2..=3).await;
        match kind {
            "close" => assert!(esme.next().await.is_none()),
            _ => assert_eq!(esme.fault().await.kind(), std::io::ErrorKind::ConnectionReset),
        }
        assert_eq!(messages.lock().len(), taken);
        // It is the connection that is gone, not the SMSC.
        let mut esme = Esme::bound(smsc.address()).await;
        esme.submit([4]).await;
        esme.answer(4).await;
    }
}

#[tokio::test]
async fn a_stream_can_get_out_of_step() {
    for (kind, told) in [
        ("garbage", "command_length is 42"),
        ("short_length", "command_length is 0,"),
        ("long_length", "command_length is 2147483648,"),
    ] {
        let (_smsc, _, mut esme) = faulty(&format!("kind = \"{kind}\"\nat = 1")).await;
        esme.submit([1]).await;
        esme.answer(1).await;
        let fault = esme.fault().await.to_string();
        assert!(fault.starts_with(told), "{fault}");
    }
}

#[tokio::test]
async fn requests_can_be_broken_or_unknown() {
    let (_smsc, _, mut esme) = faulty("kind = \"broken_body\"\nat = 1").await;
    esme.submit(1..=2).await;
    esme.answer(1).await;
    assert!(Pdu::decode(&esme.next().await.unwrap().1).is_err());
    esme.answer(2).await;

    let (_smsc, _, mut esme) = faulty("kind = \"unknown_command\"\nat = 1").await;
    esme.submit(1..=2).await;
    esme.answer(1).await;
    assert_eq!(esme.next().await.unwrap().0.command_id.name(), None);
    esme.answer(2).await;
}

#[tokio::test]
async fn the_smsc_can_unbind() {
    let (_smsc, _, mut esme) = faulty("kind = \"unbind\"\nat = 1").await;
    esme.submit([1]).await;
    esme.answer(1).await;
    let (header, _) = esme.next().await.unwrap();
    assert_eq!(header.command_id, CommandId::UNBIND);
    let resp = Header::bare(CommandId::UNBIND_RESP, CommandStatus::OK, header.sequence_number);
    esme.send(|out| resp.encode(out)).await;
    assert!(esme.next().await.is_none());
}

#[tokio::test]
async fn the_smsc_can_fall_silent_in_three_ways() {
    let (smsc, _, mut esme) = faulty("kind = \"stall\"\nat = 1").await;
    esme.submit([1]).await;
    esme.answer(1).await;
    esme.submit([2]).await;
    assert!(esme.is_silent().await);
    assert_eq!(smsc.stats().submits, 1);

    let (smsc, _, mut esme) = faulty("kind = \"half_open\"\nat = 1").await;
    esme.submit(1..=2).await;
    within(async {
        while smsc.stats().submits < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(esme.is_silent().await);

    let (_smsc, _, mut esme) = faulty("kind = \"no_enquire\"\nat = 1").await;
    esme.submit([1]).await;
    esme.answer(1).await;
    esme.enquire(2).await;
    esme.submit([3]).await;
    esme.answer(3).await;
}

#[tokio::test]
async fn a_bind_can_be_refused_for_a_while() {
    let (smsc, _) = smsc("[[fault]]\nkind = \"refuse_bind\"\nat = 1\ncount = 2\nstatus = 15").await;
    let mut esme = Esme::connect(smsc.address()).await;
    for status in [CommandStatus::INVSYSID, CommandStatus::INVSYSID, CommandStatus::OK] {
        assert_eq!(esme.bind(BindMode::Transceiver, "esme", "").await, status);
    }
}

#[tokio::test]
async fn receipts_can_be_early_double_missing_or_bad_news() {
    let (smsc, _) = smsc(
        "\
[[fault]]
kind = \"receipt_first\"
at = 1
[[fault]]
kind = \"receipt_twice\"
at = 2
[[fault]]
kind = \"no_receipt\"
at = 3
[[fault]]
kind = \"receipt_state\"
state = \"UNDELIV\"
at = 4
[[fault]]
kind = \"receipt_late\"
delay = \"30ms\"
at = 5",
    )
    .await;
    let mut esme = Esme::bound(smsc.address()).await;
    esme.submit([1]).await;
    let early = esme.receipt().await.0;
    assert_eq!(esme.answer(1).await, early);
    esme.submit([2]).await;
    let id = esme.answer(2).await;
    assert_eq!([esme.receipt().await.0, esme.receipt().await.0], [id.clone(), id]);
    esme.submit(3..=4).await;
    esme.answer(3).await;
    let id = esme.answer(4).await;
    assert_eq!(esme.receipt().await, (id, 5));
    esme.submit(5..=6).await;
    let late = esme.answer(5).await;
    let id = esme.answer(6).await;
    assert_eq!(esme.receipt().await.0, id);
    assert_eq!(esme.receipt().await.0, late);
}

#[tokio::test]
async fn receipts_can_name_messages_in_base_10() {
    let (smsc, _) = smsc("[receipts]\nform = \"text\"\nids = \"decimal\"").await;
    let mut esme = Esme::bound(smsc.address()).await;
    esme.submit(1..=11).await;
    let mut ids = Vec::new();
    for number in 1..=11 {
        ids.push((esme.answer(number).await, esme.receipt().await.0));
    }
    assert_eq!(ids[10], ("0000000B".to_owned(), "0000000011".to_owned()));
}
