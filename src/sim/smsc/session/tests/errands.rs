//! query_sm, cancel_sm, replace_sm, data_sm and submit_multi.

use super::*;
use crate::codec::smpp::{
    CancelSm, DataSm, DestinationBuffer, MultiDestination, QuerySm, QuerySmResp, ReplaceSm, SubmitMulti,
};

const SOURCE: Address<'static> = Address::international(b"12345");
const HANDSET: Address<'static> = Address::international(b"15551234567");
const SLOW: &str = "[latency]\ndelivery = \"10s\"\n";

fn slow() -> Rig {
    let mut rig = Rig::bound(1, SLOW, InterfaceVersion::V3_4);
    rig.written();
    rig
}

/// What query_sm says of a message, or the status that refuses it.
fn query(rig: &mut Rig, message_id: &[u8], source: Address<'_>) -> Result<(MessageState, String), CommandStatus> {
    rig.give(|out| assert!(QuerySm { message_id, source }.encode(90, out).is_ok()));
    let out = rig.written();
    let pdu = Pdu::decode(&out).unwrap();
    let Body::QuerySmResp(QuerySmResp { message_state, final_date, .. }) = pdu.body else { panic!("{:?}", pdu.body) };
    match pdu.header.command_status {
        CommandStatus::OK => Ok((message_state, final_date.escape_ascii().to_string())),
        status => Err(status),
    }
}

fn cancel(rig: &mut Rig, message_id: &[u8], destination: Address<'_>) -> CommandStatus {
    let cancel = CancelSm { message_id, source: SOURCE, destination, ..CancelSm::default() };
    rig.give(|out| assert!(cancel.encode(91, out).is_ok()));
    rig.statuses()[0]
}

fn replace(rig: &mut Rig, message_id: &[u8], change: impl FnOnce(&mut ReplaceSm<'_>)) -> CommandStatus {
    let mut replace = ReplaceSm { message_id, source: SOURCE, short_message: b"other", ..ReplaceSm::default() };
    change(&mut replace);
    rig.give(|out| assert!(replace.encode(92, out).is_ok()));
    rig.statuses()[0]
}

#[test]
fn a_message_is_on_its_way_until_it_is_delivered() {
    let mut rig = slow();
    rig.submit(2, |_| {});
    rig.written();
    assert_eq!(query(&mut rig, b"00000001", SOURCE), Ok((MessageState::ENROUTE, String::new())));
    rig.at(MS(10_000));
    rig.written();
    assert_eq!(query(&mut rig, b"00000001", SOURCE), Ok((MessageState::DELIVERED, "260131120010000+".to_owned())));
    assert_eq!(query(&mut rig, b"00000001", HANDSET), Err(CommandStatus::INVMSGID));
    assert_eq!(query(&mut rig, b"00000002", SOURCE), Err(CommandStatus::INVMSGID));
    assert_eq!(query(&mut rig, b"sesame", SOURCE), Err(CommandStatus::INVMSGID));
}

#[test]
fn what_is_not_delivered_yet_can_be_cancelled_and_is_reported_so() {
    let mut rig = slow();
    (2..=3).for_each(|number| rig.submit(number, |_| {}));
    rig.written();
    rig.give(|out| {
        let cancel = CancelSm { message_id: b"00000001", source: SOURCE, ..CancelSm::default() };
        assert!(cancel.encode(9, out).is_ok());
    });
    rig.session.handle_backlog();
    assert_eq!(rig.receipts(), [MessageState::DELETED]);
    assert_eq!(query(&mut rig, b"00000001", SOURCE).unwrap().0, MessageState::DELETED);
    assert_eq!(cancel(&mut rig, b"00000001", HANDSET), CommandStatus::CANCELFAIL);
    assert_eq!(cancel(&mut rig, b"00000002", SOURCE), CommandStatus::CANCELFAIL);
    assert_eq!(cancel(&mut rig, b"0000000F", HANDSET), CommandStatus::INVMSGID);
    rig.at(MS(10_000));
    assert_eq!(*rig.delivered.lock(), ["message 3"]);
    rig.written();
    assert_eq!(cancel(&mut rig, b"00000002", HANDSET), CommandStatus::CANCELFAIL);
}

#[test]
fn all_messages_between_two_addresses_can_be_cancelled() {
    let mut rig = slow();
    (2..=4).for_each(|number| rig.submit(number, |_| {}));
    rig.submit(5, |submit| submit.destination.addr = b"15557654321");
    rig.written();
    assert_eq!(cancel(&mut rig, b"", HANDSET), CommandStatus::OK);
    assert_eq!(cancel(&mut rig, b"", HANDSET), CommandStatus::CANCELFAIL);
    rig.at(MS(10_000));
    assert_eq!(*rig.delivered.lock(), ["message 5"]);
}

#[test]
fn what_is_not_delivered_yet_can_be_replaced() {
    let mut rig = slow();
    (2..=4).for_each(|number| rig.submit(number, |_| {}));
    rig.written();
    assert_eq!(replace(&mut rig, b"00000001", |_| {}), CommandStatus::OK);
    let later = |replace: &mut ReplaceSm<'_>| {
        replace.schedule_delivery_time = b"000000000100000R";
        replace.registered_delivery = RegisteredDelivery::FINAL;
        replace.short_message = b"later";
    };
    assert_eq!(replace(&mut rig, b"00000002", later), CommandStatus::OK);
    let sooner_gone = |replace: &mut ReplaceSm<'_>| {
        replace.validity_period = b"000000000005000R";
        replace.registered_delivery = RegisteredDelivery::FAILURE;
    };
    assert_eq!(replace(&mut rig, b"00000003", sooner_gone), CommandStatus::OK);
    rig.at(MS(5_000));
    assert_eq!(rig.receipts(), [MessageState::EXPIRED]);
    rig.at(MS(10_000));
    // The first asks for no receipt any more.
    assert!(rig.receipts().is_empty());
    assert_eq!(*rig.delivered.lock(), ["other"]);
    rig.at(MS(60_000));
    assert_eq!(rig.receipts(), [MessageState::DELIVERED]);
    assert_eq!(*rig.delivered.lock(), ["other", "later"]);
    assert_eq!(replace(&mut rig, b"00000001", |_| {}), CommandStatus::REPLACEFAIL);
    assert_eq!(replace(&mut rig, b"00000009", |_| {}), CommandStatus::INVMSGID);
}

#[test]
fn a_data_sm_is_a_submit_with_an_answer_of_its_own() {
    let mut rig = Rig::bound(1, "[[fault]]\nkind = \"throttle\"\nat = 2", InterfaceVersion::V3_4);
    rig.written();
    let text = TlvBuffer::new().octets(TlvTag::MESSAGE_PAYLOAD, b"in data");
    let data = DataSm { source: SOURCE, destination: HANDSET, tlvs: text.tlvs(), ..DataSm::default() };
    (2..=3).for_each(|number| rig.give(|out| assert!(data.encode(number, out).is_ok())));
    let far = DataSm { destination: Address::international(&[b'1'; 40]), ..data };
    rig.give(|out| assert!(far.encode(4, out).is_ok()));
    let answer = CommandId::DATA_SM_RESP;
    assert_eq!(
        rig.told(),
        [(answer, 2, CommandStatus::OK), (answer, 3, CommandStatus::THROTTLED), (answer, 4, CommandStatus::INVDSTADR)]
    );
    assert_eq!(*rig.delivered.lock(), ["in data"]);
}

#[test]
fn a_submit_to_many_is_refused_for_some() {
    let script = "[[fault]]\nkind = \"invalid_destination\"\ndestination = \"15550000002\"\nprobability = 1";
    let mut rig = Rig::bound(1, script, InterfaceVersion::V3_4);
    rig.written();
    let mut destinations = DestinationBuffer::default();
    for number in [&b"15550000001"[..], b"15550000002", b"15550000003"] {
        destinations.push(&MultiDestination::Sme(Address::international(number))).unwrap();
    }
    let multi = SubmitMulti {
        source: SOURCE,
        destinations: destinations.destinations(),
        registered_delivery: RegisteredDelivery::FINAL,
        short_message: b"to many",
        ..SubmitMulti::default()
    };
    rig.give(|out| assert!(multi.encode(2, out).is_ok()));
    let out = rig.written();
    let mut ids = Vec::new();
    let mut refused = Vec::new();
    for pdu in record::pieces(&out) {
        match Pdu::decode(pdu).unwrap().body {
            Body::DeliverSm(deliver) => ids.push(smpp::Receipt::decode(&deliver).unwrap().message_id.unwrap().to_vec()),
            Body::SubmitMultiResp(resp) => {
                assert!(ids.is_empty());
                assert_eq!(resp.message_id, b"00000001");
                refused.extend(resp.refused.iter().map(|refused| (refused.address.addr.to_vec(), refused.status)));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(refused, [(b"15550000002".to_vec(), CommandStatus::INVDSTADR)]);
    assert_eq!(ids, [b"00000001".to_vec(), b"00000001".to_vec()]);
    assert_eq!(*rig.delivered.lock(), ["to many", "to many"]);

    let mut lists = DestinationBuffer::default();
    lists.push(&MultiDestination::DistributionList(b"everybody")).unwrap();
    let multi = SubmitMulti { destinations: lists.destinations(), ..multi };
    rig.give(|out| assert!(multi.encode(3, out).is_ok()));
    assert_eq!(rig.statuses(), [CommandStatus::INVDLNAME]);
}
