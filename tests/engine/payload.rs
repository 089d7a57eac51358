//! How pushes are put into messages: by headers of ours, by optional parameters, whole; and how urgent they are.

use crate::rig::{Rig, WRONG_NUMBER, Written, read};
use bellwire::codec::segments::{Cut, Payload};
use bellwire::codec::smpp::{Body, EsmClass, MessageState, Pdu, SubmitSm, TlvTag};
use bellwire::codec::udh::ReferenceWidth;
use bellwire::codec::wsp;
use bellwire::engine::references::References;
use bellwire::model::{Order, Outcome, Overflow, Policy, Priority, Receipts};

const WIDTHS: [ReferenceWidth; 2] = [ReferenceWidth::Bits8, ReferenceWidth::Bits16];

fn policy() -> Policy {
    Policy { receipts: Receipts::All, ..Policy::default() }
}

fn rig(payload: Payload, width: ReferenceWidth) -> Rig {
    Rig::of_cut(policy(), Cut { width, payload }, None)
}

fn submit(written: &Written) -> SubmitSm<'_> {
    match Pdu::decode(&written.pdu).unwrap().body {
        Body::SubmitSm(submit) => submit,
        other => panic!("{other:?}"),
    }
}

/// Of a message by optional parameters: reference, total and sequence.
fn part(submit: &SubmitSm<'_>) -> Option<(u16, u8, u8)> {
    let tlvs = submit.tlvs;
    tlvs.check().unwrap();
    assert_eq!(submit.esm_class, EsmClass::DEFAULT, "no header of ours beside them");
    assert_eq!(tlvs.u16(TlvTag::SOURCE_PORT), Ok(Some(9200)));
    assert_eq!(tlvs.u16(TlvTag::DESTINATION_PORT), Ok(Some(2948)));
    let (total, sequence) = (tlvs.u8(TlvTag::SAR_TOTAL_SEGMENTS), tlvs.u8(TlvTag::SAR_SEGMENT_SEQNUM));
    let reference = tlvs.u16(TlvTag::SAR_MSG_REF_NUM).unwrap()?;
    Some((reference, total.unwrap().unwrap(), sequence.unwrap().unwrap()))
}

#[test]
fn sar_segments_leave_room_for_the_header_that_the_smsc_writes() {
    for width in WIDTHS {
        let mut rig = rig(Payload::Sar, width);
        let data = "x".repeat(250);
        rig.feed(&[("quote", &data, "42")]);
        let written = rig.poll();
        let (mut whole, reference) = (Vec::new(), part(&submit(&written[0])).unwrap().0);
        for (at, one) in written.iter().enumerate() {
            let submit = submit(one);
            assert_eq!(part(&submit), Some((reference, written.len() as u8, at as u8 + 1)));
            assert!(submit.short_message.len() <= 127);
            whole.extend_from_slice(submit.short_message);
            rig.accept(one);
        }
        assert_eq!(read(wsp::decode(&whole).unwrap().body), [format!("quote|{data}|42")]);
        assert_eq!(rig.tally.segments, 3);
    }
}

#[test]
fn one_sar_segment_holds_133_octets_and_has_ports_only() {
    for (octets, segments) in [(133, 1), (134, 2)] {
        let mut rig = rig(Payload::Sar, ReferenceWidth::Bits8);
        let data = "x".repeat(octets - rig.envelope_octets() - "data:\n\n".len());
        rig.feed(&[("message", &data, "")]);
        let written = rig.poll();
        assert_eq!(written.len(), segments, "{octets}");
        assert_eq!(part(&submit(&written[0])).is_some(), segments > 1);
    }
}

#[test]
fn a_whole_push_is_one_message_with_one_answer_and_one_receipt() {
    let mut rig = rig(Payload::Whole, ReferenceWidth::Bits16);
    let data = "x".repeat(300);
    rig.feed(&[("quote", &data, "42")]);
    let written = rig.poll();
    assert_eq!(written.len(), 1);
    let submit = submit(&written[0]);
    assert_eq!(part(&submit), None);
    assert!(submit.short_message.is_empty());
    assert_eq!(read(wsp::decode(submit.user_data()).unwrap().body), [format!("quote|{data}|42")]);
    assert_eq!((rig.tally.pushes, rig.tally.segments), (1, 3), "as many as the SMSC makes of it");
    let id = rig.accept(&written[0]);
    rig.hear(rig.now.monotonic, id.as_bytes(), MessageState::DELIVERED);
    assert_eq!(rig.settled(Outcome::Delivered), 1);
}

#[test]
fn a_whole_push_keeps_to_max_segments_and_no_message_exceeds_255() {
    let mut rig = rig(Payload::Whole, ReferenceWidth::Bits8);
    let data = "x".repeat(32_640 - rig.envelope_octets() - "data:\n\n".len());
    rig.handset.get(rig.place).unwrap().set_policy(Policy { overflow: Overflow::Split, ..policy() });
    rig.feed(&[("message", &data, "")]);
    let written = rig.poll();
    assert_eq!((written.len(), rig.tally.segments), (1, 255));
    rig.accept(&written[0]);
    rig.feed(&[("message", &format!("{data}x"), "")]);
    rig.poll().iter().for_each(|notice| {
        assert!(notice.pdu.len() < 300);
        rig.accept(notice);
    });
    rig.handset.get(rig.place).unwrap().set_policy(Policy { max_segments: 2.try_into().unwrap(), ..policy() });
    (0..40).for_each(|number| rig.tick(number));
    let written = rig.poll();
    assert!(submit(&written[0]).user_data().len() <= 256);
}

#[test]
fn what_goes_again_is_the_same_to_the_octet_in_every_mode() {
    for payload in [Payload::Udh, Payload::Sar, Payload::Whole] {
        let mut rig = rig(payload, ReferenceWidth::Bits8);
        rig.feed(&[("quote", &"x".repeat(250), "42")]);
        let first = rig.poll();
        first.iter().for_each(|one| rig.lose(one, true));
        let again = rig.poll();
        assert_eq!(first.len(), again.len());
        for (one, other) in first.iter().zip(&again) {
            assert_eq!(one.pdu[16..], other.pdu[16..]);
        }
    }
}

#[test]
fn a_priority_is_a_flag_of_the_push_and_the_default_has_none() {
    let pdu = |priority| {
        let mut rig = Rig::new(Policy { priority, ..policy() });
        rig.tick(1);
        rig.poll().remove(0).pdu
    };
    let default = pdu(Policy::default().priority);
    for (priority, flag) in [(Priority::Low, 0), (Priority::Normal, 0), (Priority::High, 1), (Priority::Urgent, 2)] {
        let pdu = pdu(priority);
        let Body::SubmitSm(submit) = Pdu::decode(&pdu).unwrap().body else { panic!() };
        assert_eq!(submit.priority_flag, flag);
        let changed = pdu.iter().zip(&default).filter(|(one, other)| one != other).count();
        assert_eq!((pdu.len(), changed), (default.len(), usize::from(flag > 0)));
    }
}

#[test]
fn references_rest_when_only_some_segments_were_accepted() {
    let range = References::new(40, 55);
    for lost in [0, 1] {
        let mut rig = Rig::of_cut(
            Policy { order: Order::Pipelined, receipts: Receipts::None, ..policy() },
            ReferenceWidth::Bits8,
            range,
        );
        let send = |rig: &mut Rig| {
            rig.feed(&[("quote", &"x".repeat(250), "42")]);
            rig.poll()
        };
        let first = send(&mut rig);
        let reference = |written: &[Written]| submit(&written[0]).short_message[3];
        assert_eq!(reference(&first), 40);
        if lost == 0 {
            rig.refuse(&first[0], WRONG_NUMBER);
            rig.refuse(&first[1], WRONG_NUMBER);
            rig.refuse(&first[2], WRONG_NUMBER);
        } else {
            rig.accept(&first[0]);
            rig.refuse(&first[1], WRONG_NUMBER);
            rig.accept(&first[2]);
        }
        assert_eq!(rig.settled(Outcome::Failed), 1);
        let given: Vec<u8> = (0..32)
            .map(|_| {
                let written = send(&mut rig);
                written.iter().for_each(|one| drop(rig.accept(one)));
                reference(&written)
            })
            .collect();
        assert!(given.iter().all(|one| (40..=55).contains(one)), "{given:?}");
        assert_eq!(given.contains(&40), lost == 0, "what lies on the handset half is not taken for another");
        assert_eq!(rig.tally.references_reused, 0);
    }
}
