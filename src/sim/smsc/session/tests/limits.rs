//! What is above a rate or a window.

use super::*;

#[test]
fn what_is_above_the_rate_is_throttled() {
    let mut rig =
        Rig::bound(1, "[receipts]\nform = \"none\"\n[rate]\nper_second = 10\nburst = 2", InterfaceVersion::V3_4);
    rig.written();
    (2..=4).for_each(|number| rig.submit(number, |_| {}));
    assert_eq!(rig.statuses(), [CommandStatus::OK, CommandStatus::OK, CommandStatus::THROTTLED]);
    rig.at(MS(100));
    (5..=6).for_each(|number| rig.submit(number, |_| {}));
    assert_eq!(rig.statuses(), [CommandStatus::OK, CommandStatus::THROTTLED]);
    assert_eq!(rig.shared.ledger.stats().over_rate, 2);
}

#[test]
fn a_peer_of_v5_is_told_how_congested_it_is_and_no_other_is() {
    let script = "[congestion]\nsteps = [[1, 20], [2, 85]]\n[binds]\ninterface_version = \"5.0\"";
    for (version, states) in [(InterfaceVersion::V5_0, [Some(20), Some(85)]), (InterfaceVersion::V3_4, [None, None])] {
        let mut rig = Rig::bound(1, script, version);
        rig.written();
        (2..=3).for_each(|number| rig.submit(number, |submit| submit.registered_delivery = RegisteredDelivery::NONE));
        let out = rig.written();
        let told: Vec<Option<u8>> = record::pieces(&out)
            .map(|pdu| match Pdu::decode(pdu).unwrap().body {
                Body::SubmitSmResp(resp) => resp.tlvs.u8(TlvTag::CONGESTION_STATE).unwrap(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(told, states);
    }
}

#[test]
fn a_window_that_is_exceeded_is_refused_or_ends_the_session() {
    let window = |over: &str| {
        format!("[receipts]\nform = \"none\"\n[latency]\nanswer = \"1s\"\n[window]\noutstanding = 2\nover = \"{over}\"")
    };
    let mut rig = Rig::bound(1, &window("refuse"), InterfaceVersion::V3_4);
    rig.written();
    (2..=4).for_each(|number| rig.submit(number, |_| {}));
    rig.at(MS(1_000));
    let answers: Vec<CommandStatus> =
        rig.told().into_iter().filter(|told| told.0 == CommandId::SUBMIT_SM_RESP).map(|told| told.2).collect();
    assert_eq!(answers, [CommandStatus::OK, CommandStatus::OK, CommandStatus::SUBMITFAIL]);

    let mut rig = Rig::bound(1, &window("close"), InterfaceVersion::V3_4);
    (2..=4).for_each(|number| rig.submit(number, |_| {}));
    assert_eq!(rig.session.ending(), Some(Ending::Close));

    let mut rig = Rig::bound(1, &window("unbind"), InterfaceVersion::V3_4);
    rig.written();
    (2..=5).for_each(|number| rig.submit(number, |_| {}));
    assert_eq!(rig.told(), [(CommandId::UNBIND, 1, CommandStatus::OK)]);
}
