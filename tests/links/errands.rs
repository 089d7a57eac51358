//! Errands over sockets: which link does them, what they share with submits, and what becomes of them with their link.

use crate::rig::{Rig, pipelined, settings, strict, with_session};
use crate::smsc::{Conversation, ScriptedSmsc, within};
use bellwire::codec::smpp::{Body, CancelSmResp, CommandId, CommandStatus, MessageState, Pdu, QuerySmResp, Tlvs};
use bellwire::engine::receipts::ErrandSettings;
use bellwire::model::{Policy, Receipts};
use std::time::Duration;

const WITHDRAWS: ErrandSettings = ErrandSettings { withdraws: true, query_after: None };

fn receipted(policy: Policy) -> Policy {
    Policy { receipts: Receipts::All, ..policy }
}

impl Conversation {
    /// The next PDU is a cancel_sm: its sequence number, and the message.
    async fn expect_cancel(&mut self) -> (u32, String) {
        let octets = self.next().await.expect("a cancel_sm");
        let pdu = Pdu::decode(&octets).unwrap();
        let Body::CancelSm(cancel) = pdu.body else { panic!("{pdu:?}") };
        assert_eq!((cancel.source.addr, cancel.source.ton.0), (&b"12345"[..], 3));
        (pdu.header.sequence_number, String::from_utf8(cancel.message_id.to_vec()).unwrap())
    }
}

fn errands(rig: &Rig, kind: &str, result: &str) -> u64 {
    rig.count(&format!("bellwire_errands_total{{smsc=\"main\",kind=\"{kind}\",result=\"{result}\"}}"))
}

async fn until(holds: impl Fn() -> bool) {
    within(async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_message_is_taken_back_when_its_subscription_ends() {
    let smsc = ScriptedSmsc::new();
    let rig = Rig::new(1, vec![settings(smsc.address())]).await;
    rig.smsc.receipts().lock().set_up_errands(0, WITHDRAWS);
    let mut phone = rig.phone(0, receipted(strict()));
    phone.feed(&["1"]);
    let mut link = smsc.accept_bound().await;
    let submit = link.expect_submit().await;
    link.accept_submit(&submit).await;
    phone.until_released().await;
    phone.deactivate();
    let (number, id) = link.expect_cancel().await;
    assert_eq!(id, format!("id-{}", submit.number));
    link.say(&CancelSmResp { tlvs: Tlvs::NONE }, CommandStatus::OK, number).await;
    rig.until_settled("dropped", 1).await;
    assert_eq!(rig.count("bellwire_events_dropped_total{reason=\"withdrawn\"}"), 1);
    link.expect_nothing().await;
    assert_eq!((errands(&rig, "cancel", "done"), rig.window_in_use()), (1, 0));
}

#[tokio::test]
async fn errands_go_before_segments_and_the_window_holds_both() {
    let smsc = ScriptedSmsc::new();
    let rig = Rig::new(1, vec![with_session(smsc.address(), |session| session.window = 2)]).await;
    rig.smsc.receipts().lock().set_up_errands(0, WITHDRAWS);
    let (mut phone, mut other) = (rig.phone(0, receipted(pipelined())), rig.phone(1, pipelined()));
    phone.feed(&["1", "2"]);
    let mut link = smsc.accept_bound().await;
    for submit in link.expect_submits(2).await {
        link.accept_submit(&submit).await;
    }
    phone.until_released().await;
    other.feed(&["a", "b", "c", "d"]);
    let held = link.expect_submits(2).await;
    phone.deactivate();
    link.expect_nothing().await;
    link.accept_submit(&held[0]).await;
    let (first, _) = link.expect_cancel().await;
    link.expect_nothing().await;
    link.accept_submit(&held[1]).await;
    let (second, _) = link.expect_cancel().await;
    link.expect_nothing().await;
    // One is refused by its status alone.
    link.say_header(CommandId::CANCEL_SM_RESP, CommandStatus(0x11), first).await;
    assert_eq!(link.expect_submit().await.data(), ["c"]);
    link.say(&CancelSmResp { tlvs: Tlvs::NONE }, CommandStatus::OK, second).await;
    assert_eq!(link.expect_submit().await.data(), ["d"]);
    until(|| errands(&rig, "cancel", "done") == 1 && errands(&rig, "cancel", "refused") == 1).await;
}

#[tokio::test]
async fn errands_on_a_link_that_is_lost_are_not_done_again() {
    let smsc = ScriptedSmsc::new();
    let rig = Rig::new(1, vec![settings(smsc.address())]).await;
    rig.smsc.receipts().lock().set_up_errands(0, WITHDRAWS);
    let mut phone = rig.phone(0, receipted(strict()));
    phone.feed(&["1"]);
    let mut link = smsc.accept_bound().await;
    let submit = link.expect_submit().await;
    link.accept_submit(&submit).await;
    phone.until_released().await;
    phone.deactivate();
    link.expect_cancel().await;
    drop(link);
    let mut link = smsc.accept_bound().await;
    link.expect_nothing().await;
    assert_eq!(errands(&rig, "cancel", "lost"), 1);
    link.deliver_receipt(&format!("id-{}", submit.number), 7).await;
    link.expect(CommandId::DELIVER_SM_RESP).await;
    rig.until_settled("delivered", 1).await;
}

#[tokio::test]
async fn a_receipt_that_is_late_is_asked_for() {
    let smsc = ScriptedSmsc::new();
    let rig = Rig::new(1, vec![settings(smsc.address())]).await;
    let settings = ErrandSettings { withdraws: false, query_after: Some(Duration::from_millis(50)) };
    rig.smsc.receipts().lock().set_up_errands(0, settings);
    let mut phone = rig.phone(0, receipted(strict()));
    phone.feed(&["1"]);
    let mut link = smsc.accept_bound().await;
    let submit = link.expect_submit().await;
    link.accept_submit(&submit).await;
    let octets = link.next().await.unwrap();
    let pdu = Pdu::decode(&octets).unwrap();
    let Body::QuerySm(query) = pdu.body else { panic!("{pdu:?}") };
    assert_eq!(query.message_id, format!("id-{}", submit.number).as_bytes());
    let state =
        QuerySmResp { message_state: MessageState::DELIVERED, message_id: query.message_id, ..QuerySmResp::REFUSED };
    link.say(&state, CommandStatus::OK, pdu.header.sequence_number).await;
    rig.until_settled("delivered", 1).await;
    assert_eq!(errands(&rig, "query", "done"), 1);
}
