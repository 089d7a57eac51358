//! What waits for its handset.

use super::*;

#[test]
fn a_handset_has_so_many_messages_without_a_receipt() {
    let mut rig = Rig::bound(1, "[latency]\nreceipt = \"1s\"\n[destinations]\nqueue = 2", InterfaceVersion::V3_4);
    rig.written();
    (2..=4).for_each(|number| rig.submit(number, |_| {}));
    rig.submit(5, |submit| submit.destination.addr = b"15557654321");
    let ok = CommandStatus::OK;
    assert_eq!(rig.statuses(), [ok, ok, CommandStatus::MSGQFUL, ok]);
    rig.at(MS(1_000));
    assert_eq!(rig.receipts(), [MessageState::DELIVERED; 3]);
    rig.submit(6, |_| {});
    assert_eq!(rig.statuses(), [ok]);
}

#[test]
fn a_handset_that_is_off_gets_its_messages_when_it_is_on() {
    let script = "[destinations]\noff = \"15551234567\"\non_after = \"10s\"";
    let mut rig = Rig::bound(1, script, InterfaceVersion::V3_4);
    rig.written();
    let set_dpf = TlvBuffer::new().u8(TlvTag::SET_DPF, 1);
    rig.submit(2, |submit| submit.tlvs = Box::leak(Box::new(set_dpf)).tlvs());
    rig.submit(3, |_| {});
    assert_eq!(rig.statuses(), [CommandStatus::OK; 2]);
    assert!(rig.delivered.lock().is_empty());
    rig.at(MS(9_999));
    assert!(rig.told().is_empty());
    rig.at(MS(10_000));
    let told: Vec<CommandId> = rig.told().into_iter().map(|told| told.0).collect();
    assert_eq!(told, [CommandId::ALERT_NOTIFICATION, CommandId::DELIVER_SM, CommandId::DELIVER_SM]);
    assert_eq!(*rig.delivered.lock(), ["message 2", "message 3"]);
    rig.submit(4, |_| {});
    assert_eq!(rig.delivered.lock().len(), 3);
}

#[test]
fn what_waits_too_long_expires() {
    let mut rig =
        Rig::bound(1, "[destinations]\noff = \"15551234567\"\n[store]\nvalidity = \"1h\"", InterfaceVersion::V3_4);
    let minute = ValidityPeriod::relative(Duration::from_secs(60)).unwrap();
    rig.submit(2, |submit| submit.validity_period = Box::leak(Box::new(minute)).as_octets());
    rig.submit(3, |_| {});
    rig.submit(4, |submit| submit.validity_period = b"260131140000000+");
    rig.written();
    for (seconds, expired) in [(59, 0), (60, 1), (3_599, 0), (3_600, 1), (7_199, 0), (7_200, 1)] {
        rig.at(Duration::from_secs(seconds));
        assert_eq!(rig.receipts(), vec![MessageState::EXPIRED; expired], "{seconds}");
    }
    assert!(rig.delivered.lock().is_empty() && rig.shared.store.lock().waiting() == 0);
}

#[test]
fn what_is_kept_and_what_is_remembered_has_an_end() {
    let script = "[latency]\ndelivery = \"1s\"\n[store]\nwaiting = 2\nremember = 3";
    let mut rig = Rig::bound(1, script, InterfaceVersion::V3_4);
    rig.written();
    (2..=4).for_each(|number| rig.submit(number, |_| {}));
    assert_eq!(rig.statuses(), [CommandStatus::OK, CommandStatus::OK, CommandStatus::MSGQFUL]);
    rig.at(MS(1_000));
    (5..=6).for_each(|number| rig.submit(number, |_| {}));
    let store = rig.shared.store.lock();
    let known: Vec<u64> = (1..=5).filter(|n| store.find(*n, b"12345").is_some()).collect();
    // Each took the place of the third before it.
    assert_eq!(known, [4, 5]);
}

#[test]
fn a_share_of_handsets_is_off_by_seed() {
    let off = |seed: u64| {
        let mut rig = Rig::bound(seed, "[destinations]\noff_share = 0.25", InterfaceVersion::V3_4);
        for number in 0..400_u32 {
            let destination = format!("1555{number:07}");
            rig.submit(number + 2, |submit| submit.destination.addr = destination.into_bytes().leak());
        }
        rig.delivered.lock().clone()
    };
    assert!((260..340).contains(&off(1).len()), "{}", off(1).len());
    assert_eq!(off(1), off(1));
    assert_ne!(off(1), off(2));
}
