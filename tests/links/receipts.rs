//! Receipts over a socket: before their response, in another base, twice.

use crate::rig::{Rig, pipelined, settings};
use crate::smsc::{Conversation, ScriptedSmsc, Submit, within};
use bellwire::codec::smpp::{CommandId, CommandStatus, SubmitSmResp};
use bellwire::model::{Policy, Receipts};

async fn accept_as(link: &mut Conversation, submit: &Submit, message_id: &str) {
    link.say(&SubmitSmResp::new(message_id.as_bytes()), CommandStatus::OK, submit.number).await;
}

async fn until_counted(rig: &Rig, kind: &str, count: u64) {
    let series = format!("bellwire_receipts_total{{smsc=\"main\",kind=\"{kind}\"}}");
    within(async {
        while rig.count(&series) < count {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(rig.count(&series), count);
}

#[tokio::test]
async fn a_receipt_finds_its_push_whenever_it_comes_and_in_whatever_base() {
    let smsc = ScriptedSmsc::new();
    let rig = Rig::new(1, vec![settings(smsc.address())]).await;
    let mut phone = rig.phone(0, Policy { receipts: Receipts::All, ..pipelined() });
    phone.feed(&["1", "2"]);
    let mut link = smsc.accept_bound().await;
    let submits = link.expect_submits(2).await;

    link.deliver_receipt("0169552958", 7).await;
    link.expect(CommandId::DELIVER_SM_RESP).await;
    accept_as(&mut link, &submits[0], "0A1B2C3D").await;
    accept_as(&mut link, &submits[1], "0A1B2C3E").await;
    until_counted(&rig, "parked", 1).await;
    rig.until_settled("delivered", 1).await;

    link.deliver_receipt("0169552957", 8).await;
    until_counted(&rig, "converted", 1).await;
    rig.until_settled("delivered", 2).await;
    phone.until_released().await;

    link.deliver_receipt("0169552957", 9).await;
    until_counted(&rig, "duplicate", 1).await;
    assert_eq!(rig.smsc.receipts().lock().waiting(), 0);
}
