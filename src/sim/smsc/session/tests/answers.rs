//! Answers and receipts.

use super::*;

#[test]
fn answers_pass_each_other_unless_they_are_kept_in_order() {
    let order = |in_order: bool| {
        let script = format!(
            "[receipts]\nform = \"none\"\n[latency]\nanswer = {{ uniform = [\"0ms\", \"90ms\"] }}\nin_order = {in_order}"
        );
        let mut rig = Rig::bound(1, &script, InterfaceVersion::V3_4);
        rig.written();
        (2..=40).for_each(|number| rig.submit(number, |_| {}));
        let mut order: Vec<u32> = rig.told().into_iter().map(|told| told.1).collect();
        for now in 1..=90 {
            rig.at(MS(now));
            order.extend(rig.told().into_iter().map(|told| told.1));
        }
        assert_eq!(order.len(), 39);
        order.is_sorted()
    };
    assert!(order(true) && !order(false));
}

#[test]
fn a_receipt_does_not_come_before_its_answer_unless_it_is_told_to() {
    let told = |fault: &str| {
        let script =
            format!("[receipts]\nintermediate = \"always\"\n[latency]\nanswer = \"1s\"\nin_order = true\n{fault}");
        let mut rig = Rig::bound(1, &script, InterfaceVersion::V3_4);
        rig.written();
        rig.submit(2, |_| {});
        let early = rig.told();
        rig.at(MS(1_000));
        (early.len(), rig.told().first().map(|told| told.0))
    };
    assert_eq!(told(""), (0, Some(CommandId::SUBMIT_SM_RESP)));
    assert_eq!(told("[[fault]]\nkind = \"receipt_first\"\nat = 1"), (2, Some(CommandId::SUBMIT_SM_RESP)));
}

#[test]
fn receipts_can_contradict_each_other_and_come_again_when_asked_for() {
    let script =
        "[receipts]\nretry = \"1s\"\n[[fault]]\nkind = \"receipt_states\"\nstates = [\"UNDELIV\", \"DELIVRD\"]\nat = 1";
    let mut rig = Rig::bound(1, script, InterfaceVersion::V3_4);
    rig.submit(2, |_| {});
    assert_eq!(rig.receipts(), [MessageState::UNDELIVERABLE, MessageState::DELIVERED]);
    rig.give(|out| assert!(DeliverSmResp::default().encode_with_status(CommandStatus::X_T_APPN, 1, out).is_ok()));
    assert!(rig.receipts().is_empty());
    rig.at(MS(1_000));
    assert_eq!(rig.receipts(), [MessageState::UNDELIVERABLE]);
}

#[test]
fn a_peer_of_v3_3_gets_no_optional_parameters() {
    let mut rig = Rig::bound(1, "", InterfaceVersion::V3_3);
    rig.submit(2, |submit| submit.esm_class = EsmClass::DEFAULT);
    let out = rig.written();
    for pdu in record::pieces(&out) {
        match Pdu::decode(pdu).unwrap().body {
            Body::BindResp(resp) => assert!(resp.tlvs.is_empty()),
            Body::DeliverSm(deliver) => {
                assert!(deliver.tlvs.is_empty() && deliver.short_message.ends_with(b"text:message 2"));
            }
            Body::SubmitSmResp(resp) => assert!(resp.tlvs.is_empty()),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn half_an_answer_is_half_an_answer() {
    let mut rig =
        Rig::bound(1, "[receipts]\nform = \"none\"\n[[fault]]\nkind = \"cut\"\nat = 1", InterfaceVersion::V3_4);
    rig.written();
    rig.submit(2, |_| {});
    let out = rig.written();
    let header = Header::decode(&out);
    assert!(out.len() == 12 && header.is_none(), "{out:?}");
    assert_eq!((rig.session.ending(), rig.delivered.lock().len()), (Some(Ending::Close), 1));
}

#[test]
fn answers_can_be_strange() {
    let answers = |kind: &str| {
        let script = format!("[receipts]\nform = \"none\"\n[[fault]]\nkind = \"{kind}\"\nat = 2");
        let mut rig = Rig::bound(1, &script, InterfaceVersion::V3_4);
        rig.written();
        (2..=3).for_each(|number| rig.submit(number, |_| {}));
        let out = rig.written();
        let answers = record::pieces(&out).map(|pdu| {
            let pdu = Pdu::decode(pdu).unwrap();
            let id = match pdu.body {
                Body::SubmitSmResp(resp) => resp.message_id.escape_ascii().to_string(),
                _ => pdu.header.command_id.to_string(),
            };
            (pdu.header.sequence_number, id)
        });
        answers.skip(1).collect::<Vec<_>>()
    };
    let id = |number: u32, id: &str| (number, id.to_owned());
    assert_eq!(answers("no_id"), [id(3, "")]);
    assert_eq!(answers("same_id"), [id(3, "00000001")]);
    assert_eq!(answers("stray_answer"), [id(0x1000_0003, "00000002"), id(3, "00000002")]);
    assert_eq!(answers("nack")[0].0, 3);
    assert!(answers("nack")[0].1.contains("generic_nack"));
}
