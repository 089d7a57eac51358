//! What an SMSC does when nothing is wrong.

use crate::esme::{Esme, smsc, smsc_with};
use crate::within;
use bellwire::codec::smpp::{BindMode, CommandId, CommandStatus, Header};
use bellwire::sim::SmscSettings;
use std::time::Duration;

#[tokio::test]
async fn a_message_is_taken_named_delivered_and_reported() {
    let (smsc, messages) = smsc("").await;
    let mut esme = Esme::bound(smsc.address()).await;
    esme.submit([7]).await;
    let id = esme.answer(7).await;
    assert_eq!(esme.receipt().await, (id, 2));
    assert_eq!(*messages.lock(), [("15551234567".to_owned(), b"message 7".to_vec())]);
    esme.enquire(8).await;
    esme.expect(CommandId::ENQUIRE_LINK_RESP, 8, CommandStatus::OK).await;
    let stats = smsc.stats();
    assert_eq!((stats.submits, stats.accepted, stats.receipts, stats.receipts_answered), (1, 1, 1, 1));
}

#[tokio::test]
async fn nobody_submits_without_a_bind_that_allows_it() {
    let (smsc, _) = smsc("").await;
    let mut esme = Esme::connect(smsc.address()).await;
    esme.submit([1]).await;
    esme.expect(CommandId::SUBMIT_SM_RESP, 1, CommandStatus::INVBNDSTS).await;
    assert_eq!(esme.bind(BindMode::Receiver, "esme", "").await, CommandStatus::OK);
    assert_eq!(esme.bind(BindMode::Transceiver, "esme", "").await, CommandStatus::ALYBND);
    esme.submit([2]).await;
    esme.expect(CommandId::SUBMIT_SM_RESP, 2, CommandStatus::INVBNDSTS).await;
    assert_eq!(smsc.stats().submits, 0);
}

#[tokio::test]
async fn only_who_is_known_is_let_in() {
    let settings = SmscSettings {
        system_id: Some("esme".to_owned()),
        password: Some("secret".to_owned()),
        ..SmscSettings::default()
    };
    let (smsc, _) = smsc_with(settings).await;
    let mut esme = Esme::connect(smsc.address()).await;
    assert_eq!(esme.bind(BindMode::Transceiver, "other", "secret").await, CommandStatus::INVSYSID);
    assert_eq!(esme.bind(BindMode::Transceiver, "esme", "wrong").await, CommandStatus::INVPASWD);
    assert_eq!(esme.bind(BindMode::Transceiver, "esme", "secret").await, CommandStatus::OK);
    assert_eq!((smsc.stats().binds, smsc.stats().binds_refused), (1, 2));
}

#[tokio::test]
async fn unbind_is_answered_and_the_connection_closed() {
    let (smsc, _) = smsc("").await;
    let mut esme = Esme::bound(smsc.address()).await;
    esme.send(|out| Header::bare(CommandId::UNBIND, CommandStatus::OK, 9).encode(out)).await;
    esme.expect(CommandId::UNBIND_RESP, 9, CommandStatus::OK).await;
    assert!(esme.next().await.is_none());
}

#[tokio::test]
async fn what_cannot_be_framed_ends_the_connection() {
    let (smsc, _) = smsc("").await;
    let mut esme = Esme::bound(smsc.address()).await;
    esme.send(|out| out.extend_from_slice(&[0xFF; 16])).await;
    esme.expect(CommandId::GENERIC_NACK, 0, CommandStatus::INVCMDLEN).await;
    assert!(esme.next().await.is_none());
    assert_eq!(smsc.stats().malformed, 1);
}

#[tokio::test]
async fn many_messages_in_one_write_are_all_answered_in_order() {
    let (smsc, messages) = smsc("[receipts]\nform = \"none\"").await;
    let mut esme = Esme::bound(smsc.address()).await;
    esme.submit(1..=5_000).await;
    for number in 1..=5_000 {
        esme.answer(number).await;
    }
    let stats = smsc.stats();
    assert_eq!((stats.submits, stats.distinct, stats.duplicates), (5_000, 5_000, 0));
    assert_eq!(messages.lock().len(), 5_000);
    esme.submit([1, 2]).await;
    esme.answer(1).await;
    esme.answer(2).await;
    assert_eq!(smsc.stats().duplicates, 2);
    assert_eq!(smsc.connections()[0].submits, 5_002);
}

#[tokio::test]
async fn the_window_that_was_used_is_counted() {
    let (smsc, _) = smsc("[[fault]]\nkind = \"silent\"\nevery = 1").await;
    let mut esme = Esme::bound(smsc.address()).await;
    esme.submit(1..=50).await;
    esme.enquire(51).await;
    esme.expect_after_receipts(51).await;
    assert_eq!(smsc.stats().max_outstanding, 50);
    drop(esme);
    within(async {
        while smsc.stats().open > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(smsc.stats().unanswered, 50);
}

#[tokio::test]
async fn silence_is_broken_by_enquire_link_and_ended_without_an_answer() {
    let settings = SmscSettings { enquire_link: Some(Duration::from_millis(50)), ..SmscSettings::default() };
    let (smsc, _) = smsc_with(settings).await;
    let mut esme = Esme::bound(smsc.address()).await;
    let (header, _) = esme.next().await.unwrap();
    assert_eq!(header.command_id, CommandId::ENQUIRE_LINK);
    assert!(esme.next().await.is_none());
}

#[tokio::test]
async fn who_does_not_bind_is_not_kept() {
    let settings = SmscSettings { session_init: Duration::from_millis(50), ..SmscSettings::default() };
    let (smsc, _) = smsc_with(settings).await;
    assert!(Esme::connect(smsc.address()).await.next().await.is_none());
}

#[tokio::test]
async fn an_smsc_that_died_comes_back_with_the_receipts_it_owes() {
    let (mut smsc, _) = smsc("").await;
    let mut esme = Esme::bound(smsc.address()).await;
    esme.submit([1, 2]).await;
    let ids = [esme.answer(1).await, {
        esme.receipt_unanswered().await;
        esme.answer(2).await
    }];
    smsc.kill().await;
    assert_eq!(smsc.stats().open, 0);
    assert!(tokio::net::TcpStream::connect(smsc.address()).await.is_err());
    smsc.revive().await.unwrap();
    let mut esme = Esme::bound(smsc.address()).await;
    let mut owed = [esme.receipt().await.0, esme.receipt().await.0];
    owed.sort();
    assert_eq!(owed, ids);
    esme.submit([3]).await;
    assert!(!ids.contains(&esme.answer(3).await));
}

#[tokio::test]
async fn receipts_of_a_transmitter_go_to_the_receiver_of_the_same_account() {
    let (smsc, _) = smsc("").await;
    let mut stranger = Esme::connect(smsc.address()).await;
    stranger.bind(BindMode::Receiver, "stranger", "").await;
    let mut receiver = Esme::connect(smsc.address()).await;
    receiver.bind(BindMode::Receiver, "esme", "").await;
    let mut transmitter = Esme::connect(smsc.address()).await;
    transmitter.bind(BindMode::Transmitter, "esme", "").await;
    transmitter.submit([1]).await;
    let id = transmitter.answer(1).await;
    assert_eq!(receiver.receipt().await, (id, 2));
    assert!(stranger.is_silent().await);
}
