//! What holds for any value and for any octets.

use bellwire::codec::smpp::{
    Body, CommandId, CommandStatus, DeliverSm, Destination, Encode, EsmClass, Header, MessageState, Pdu, Receipt,
    SubmitTemplate, Tlvs, ValidityPeriod, invariants,
};
use bytes::{BufMut, BytesMut};
use proptest::prelude::*;
use proptest::{collection, option};
use std::time::Duration;

use crate::bodies::parts;

/// The command of a body: `Body` alone does not tell.
fn command_id(body: &Body<'_>) -> CommandId {
    match body {
        Body::Bind(body) => body.command_id(),
        Body::BindResp(body) => body.command_id(),
        Body::Outbind(body) => body.command_id(),
        Body::SubmitSm(body) => body.command_id(),
        Body::SubmitSmResp(body) => body.command_id(),
        Body::DeliverSm(body) => body.command_id(),
        Body::DeliverSmResp(body) => body.command_id(),
        Body::DataSm(body) => body.command_id(),
        Body::DataSmResp(body) => body.command_id(),
        Body::AlertNotification(body) => body.command_id(),
        Body::QuerySm(body) => body.command_id(),
        Body::QuerySmResp(body) => body.command_id(),
        Body::CancelSm(body) => body.command_id(),
        Body::CancelSmResp(body) => body.command_id(),
        Body::ReplaceSm(body) => body.command_id(),
        Body::ReplaceSmResp(body) => body.command_id(),
        Body::SubmitMulti(body) => body.command_id(),
        Body::SubmitMultiResp(body) => body.command_id(),
        Body::EnquireLinkResp(_) => CommandId::ENQUIRE_LINK_RESP,
        other => panic!("{other:?} is not generated"),
    }
}

/// Octets that get past the header more often than noise does: a known command, the right length.
fn nearly_a_pdu() -> impl Strategy<Value = Vec<u8>> {
    let command = prop_oneof![0u32..0x20, 0x100u32..0x114, any::<u32>()];
    (
        command,
        any::<bool>(),
        prop_oneof![Just(0u32), any::<u32>()],
        any::<u32>(),
        collection::vec(short_alphabet(), 0..200),
    )
        .prop_map(|(command, is_response, status, sequence_number, body)| {
            let command = if is_response { command | 0x8000_0000 } else { command };
            let header = Header {
                command_length: 16 + body.len() as u32,
                command_id: CommandId(command),
                command_status: CommandStatus(status),
                sequence_number,
            };
            let mut out = BytesMut::new();
            header.encode(&mut out);
            out.put_slice(&body);
            out.to_vec()
        })
}

/// NUL often enough that strings end.
fn short_alphabet() -> impl Strategy<Value = u8> {
    prop_oneof![3 => Just(0u8), 2 => 1u8..10, 1 => any::<u8>()]
}

proptest! {
    #[test]
    fn every_body_survives_a_round_trip(parts in parts(), sequence_number: u32) {
        for body in parts.bodies() {
            let header = Header::bare(command_id(&body), CommandStatus::OK, sequence_number);
            let mut out = BytesMut::new();
            let octets = Pdu { header, body }.encode(&mut out).unwrap();
            prop_assert_eq!(octets, out.len());
            let read = Pdu::decode(&out).unwrap();
            prop_assert_eq!(read.body, body);
            prop_assert_eq!(read.header, Header { command_length: octets as u32, ..header });
        }
    }

    #[test]
    fn a_template_writes_what_the_typed_message_writes(
        parts in parts(),
        sequence_number: u32,
        seconds in option::of(1u64..=28 * 86_400),
    ) {
        let validity = seconds.map(|seconds| ValidityPeriod::relative(Duration::from_secs(seconds)).unwrap());
        let mut message = parts.submit_sm();
        message.tlvs = Tlvs::NONE;
        message.validity_period = validity.as_ref().map_or(b"", |validity| validity.as_octets());
        let mut expected = BytesMut::new();
        message.encode(sequence_number, &mut expected).unwrap();

        let mut out = BytesMut::new();
        let template = SubmitTemplate::new(&message).unwrap();
        let destination = Destination::new(message.destination.addr).unwrap();
        let open = template.begin(sequence_number, &destination, validity, message.registered_delivery, &mut out);
        out.put_slice(message.short_message);
        prop_assert_eq!(open.finish(&mut out), Ok(expected.len()));
        prop_assert_eq!(out, expected);
    }

    #[test]
    fn any_octets_are_refused_or_survive(noise in collection::vec(any::<u8>(), 0..200), pdu in nearly_a_pdu()) {
        for octets in [&noise, &pdu] {
            invariants::what_decodes_survives_a_round_trip(octets);
            invariants::what_decodes_can_be_described(octets);
            invariants::any_octets_may_stand_for_a_time(octets);
        }
    }

    #[test]
    fn a_damaged_message_is_refused_or_survives(parts in parts(), at: prop::sample::Index, octet: u8) {
        for body in parts.bodies() {
            let header = Header::bare(command_id(&body), CommandStatus::OK, 1);
            let mut out = BytesMut::new();
            Pdu { header, body }.encode(&mut out).unwrap();
            let at = at.index(out.len());
            out[at] = octet;
            invariants::what_decodes_survives_a_round_trip(&out);
            invariants::what_decodes_can_be_described(&out);
        }
    }

    #[test]
    fn a_stream_gives_the_same_pdus_however_it_is_cut(
        pdus in collection::vec(nearly_a_pdu(), 0..6),
        tail in collection::vec(any::<u8>(), 0..20),
        pieces in collection::vec(any::<u8>(), 0..100),
    ) {
        let mut stream = pdus.concat();
        stream.extend(tail);
        invariants::framing_does_not_see_cuts(&stream, &pieces);
    }

    #[test]
    fn a_receipt_is_found_in_any_order(order in Just(vec!["id:7A", "stat:EXPIRED", "err:abc", "done date:2611230641"]).prop_shuffle()) {
        let text = order.join(" ");
        let message = DeliverSm {
            esm_class: EsmClass::DELIVERY_RECEIPT,
            short_message: text.as_bytes(),
            ..Default::default()
        };
        let receipt = Receipt::decode(&message).unwrap();
        prop_assert_eq!(receipt.message_id, Some(&b"7A"[..]));
        prop_assert_eq!(receipt.state, Some(MessageState::EXPIRED));
        prop_assert_eq!(receipt.error, Some(&b"abc"[..]));
        prop_assert!(receipt.done_date.is_some());
    }
}
