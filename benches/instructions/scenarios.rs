//! What is counted. Each scenario lets every buffer reach its size before the part that counts.

use crate::counted_part;
use crate::rig::{EVENTS, Engine, Stream, policies, stream};
use bellwire::codec::smpp::{
    Address, Body, DataCoding, Destination, Encode, EsmClass, PDU_MAX_OCTETS, Pdu, RegisteredDelivery, SubmitSm,
    SubmitSmResp, SubmitTemplate, frame,
};
use bellwire::codec::sse::{Limits, Parser, encode};
use bellwire::codec::wsp::{ApplicationId, ContentType, Header, PushHeader, PushTemplate, Text};
use bytes::{BufMut, Bytes, BytesMut};
use std::fmt::Write;
use std::hint::black_box;

/// Name, how many units it works on, and the work.
pub type Scenario = (&'static str, u64, fn());

pub const ALL: [Scenario; 9] = [
    ("sse-parse-one-line", EVENTS, || parse(stream())),
    ("sse-parse-three-lines", EVENTS, || parse(quotes())),
    ("sse-encode", EVENTS, encode_events),
    ("push-template-and-body", REPEATS, write_push),
    ("submit-sm-template", REPEATS, write_submit_sm),
    ("submit-sm-resp-decode", RESPONSES, read_responses),
    ("engine-pipelined", EVENTS, || engine(0)),
    ("engine-receipts", EVENTS, || engine(1)),
    ("engine-strict-batches", EVENTS, || engine(2)),
];

const REPEATS: u64 = 100;
const RESPONSES: u64 = 64;
const WARM_UP: usize = 4;
/// Receipts kept waiting: fewer than the warm-up asks for, as in a router that has run for long.
const RECEIPTS: usize = 1000;

/// Events of three short lines, as in HTML §9.2.6.
fn quotes() -> Bytes {
    let mut text = String::new();
    for n in 0..EVENTS {
        write!(text, "data: YHOO\ndata: +2\ndata: {n}\n\n").unwrap();
    }
    text.into()
}

/// Does `work` until it is warm, then once more, counted.
fn counted(mut work: impl FnMut()) {
    for _ in 0..WARM_UP {
        work();
    }
    counted_part(&mut work);
}

fn parse(stream: Bytes) {
    let mut parser = Parser::new(Limits::default());
    assert_eq!(parser.feed(stream.clone()).len() as u64, EVENTS);
    counted(|| drop(black_box(parser.feed(stream.clone()))));
}

fn encode_events() {
    let events = Parser::new(Limits::default()).feed(stream());
    let mut out = BytesMut::with_capacity(256 * 1024);
    counted(|| {
        out.clear();
        let mut previous_id: &[u8] = b"";
        for event in &events {
            encode(&event, previous_id, &mut out).unwrap();
            previous_id = event.id;
        }
        black_box(&out);
    });
}

fn write_push() {
    let application = Header::ApplicationId(ApplicationId::Text(Text::new("urn:oma:xml:push").unwrap()));
    let content_type = ContentType::event_stream(Some(ContentType::UTF_8));
    let template = PushTemplate::new(&PushHeader { content_type, headers: vec![application] });
    let mut out = BytesMut::with_capacity(1024);
    counted(|| {
        for count in 0..REPEATS {
            out.clear();
            template.write(count as u8, &mut out);
            out.put_slice(black_box(&[b'x'; 90]));
            black_box(&out);
        }
    });
}

fn write_submit_sm() {
    let template = SubmitTemplate::new(&SubmitSm {
        source: Address::international(b"491234567890"),
        destination: Address::international(b"15551234567"),
        esm_class: EsmClass::UDHI,
        data_coding: DataCoding::OCTETS,
        ..SubmitSm::default()
    })
    .unwrap();
    let destination = Destination::new(b"15551234567").unwrap();
    let mut out = BytesMut::with_capacity(1024);
    counted(|| {
        for number in 0..REPEATS {
            out.clear();
            let open = template.begin(number as u32, &destination, None, RegisteredDelivery::FINAL, &mut out);
            out.put_slice(black_box(&[b'x'; 140]));
            open.finish(&mut out).unwrap();
            black_box(&out);
        }
    });
}

fn read_responses() {
    let mut octets = BytesMut::new();
    for number in 0..RESPONSES {
        SubmitSmResp::new(b"0A1B2C3D").encode(number as u32, &mut octets).unwrap();
    }
    counted(|| {
        let mut rest = black_box(&octets[..]);
        while let Some(length) = frame(rest, PDU_MAX_OCTETS).unwrap() {
            let (pdu, after) = rest.split_at(length);
            rest = after;
            let pdu = Pdu::decode(pdu).unwrap();
            let Body::SubmitSmResp(resp) = pdu.body else { panic!("{pdu:?}") };
            black_box((pdu.header.sequence_number, resp.message_id));
        }
    });
}

/// Pushes formed, written and accepted; the events are parsed before.
fn engine(policy: usize) {
    let (_, policy) = policies()[policy].clone();
    let (mut upstream, mut engine) = (Stream::new(), Engine::new(policy, RECEIPTS));
    for _ in 0..WARM_UP {
        engine.step(&upstream.read(stream()));
    }
    let chunk = upstream.read(stream());
    counted_part(&mut || {
        black_box(engine.step(&chunk));
    });
}
