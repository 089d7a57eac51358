//! What the SMPP codec costs for each PDU, beside rusmpp doing the same: a `submit_sm` of 196 octets, the longest
//! segment to one handset, and 64 `submit_sm_resp` that one read brought.
//!
//! The comparison is not like for like: rusmpp yields every field as an owned value, ours borrows from the buffer.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on stops")]

use std::hint::black_box;

use bellwire::codec::smpp::{
    Address, Body, DataCoding, Destination, Encode, EsmClass, PDU_MAX_OCTETS, Pdu, RegisteredDelivery, SubmitSm,
    SubmitSmResp, SubmitTemplate, frame,
};
use bytes::{BufMut, Bytes, BytesMut};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use rusmpp::tokio_codec::CommandCodec;
use rusmpp::types::{COctetString, OctetString};
use rusmpp::{Command, CommandStatus, pdus as theirs, values};
use tokio_util::codec::{Decoder, Encoder};

const TEXT: [u8; 140] = [b'x'; 140];
const RESPONSES: u32 = 64;

fn message() -> SubmitSm<'static> {
    SubmitSm {
        source: Address::international(b"491234567890"),
        destination: Address::international(b"15551234567"),
        esm_class: EsmClass::UDHI,
        registered_delivery: RegisteredDelivery::FINAL,
        data_coding: DataCoding::OCTETS,
        short_message: &TEXT,
        ..SubmitSm::default()
    }
}

/// The same message in rusmpp's types; its default `esm_class` is not zero, so nothing is left to a default.
fn their_message(text: &Bytes) -> theirs::SubmitSm {
    theirs::SubmitSm::builder()
        .source_addr_ton(values::Ton::from(1))
        .source_addr_npi(values::Npi::from(1))
        .source_addr(COctetString::from_static_slice(b"491234567890\0").unwrap())
        .dest_addr_ton(values::Ton::from(1))
        .dest_addr_npi(values::Npi::from(1))
        .destination_addr(COctetString::from_static_slice(b"15551234567\0").unwrap())
        .esm_class(values::EsmClass::from(0x40))
        .registered_delivery(values::RegisteredDelivery::from(1))
        .data_coding(values::DataCoding::from(4))
        .short_message(OctetString::from_bytes(text.clone()).unwrap())
        .build()
}

fn encode_submit_sm(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encode submit_sm");
    group.throughput(Throughput::Elements(1));
    let mut out = BytesMut::with_capacity(1024);
    assert_eq!(message().encode(1, &mut out), Ok(196));
    let expected = out.split();

    let template = SubmitTemplate::new(&message()).unwrap();
    let destination = Destination::new(b"15551234567").unwrap();
    group.bench_function("template", |bencher| {
        bencher.iter(|| {
            out.clear();
            let open = template.begin(black_box(1), &destination, None, RegisteredDelivery::FINAL, &mut out);
            out.put_slice(&TEXT);
            open.finish(&mut out).unwrap()
        });
    });
    assert!(out.is_empty() || out == expected);
    group.bench_function("typed", |bencher| {
        bencher.iter(|| {
            out.clear();
            black_box(message()).encode(1, &mut out).unwrap()
        });
    });
    let text = Bytes::from_static(&TEXT);
    let mut codec = CommandCodec::new();
    group.bench_function("rusmpp", |bencher| {
        bencher.iter(|| {
            out.clear();
            let command = Command::new(CommandStatus::EsmeRok, 1, their_message(black_box(&text)));
            codec.encode(command, &mut out).unwrap();
            out.len()
        });
    });
    assert!(out.is_empty() || out == expected);
    group.finish();
}

fn decode_submit_sm(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode submit_sm");
    group.throughput(Throughput::Elements(1));
    let mut octets = BytesMut::new();
    message().encode(1, &mut octets).unwrap();
    group.bench_function("view", |bencher| {
        bencher.iter(|| match Pdu::decode(black_box(&octets)).unwrap().body {
            Body::SubmitSm(message) => message.short_message.len(),
            other => panic!("{other:?}"),
        });
    });
    let mut codec = CommandCodec::new();
    group.bench_function("rusmpp", |bencher| {
        bencher.iter_batched_ref(
            || octets.clone(),
            |buffer| codec.decode(buffer).unwrap().unwrap().sequence_number(),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

fn decode_responses(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode 64 submit_sm_resp");
    group.throughput(Throughput::Elements(u64::from(RESPONSES)));
    let mut octets = BytesMut::new();
    for sequence_number in 0..RESPONSES {
        SubmitSmResp::new(b"0A1B2C3D").encode(sequence_number, &mut octets).unwrap();
    }
    group.bench_function("view", |bencher| bencher.iter(|| read_responses(black_box(&octets))));
    let mut codec = CommandCodec::new();
    group.bench_function("rusmpp", |bencher| {
        bencher.iter_batched_ref(
            || octets.clone(),
            |buffer| {
                let mut sum = 0;
                while let Some(command) = codec.decode(buffer).unwrap() {
                    sum += command.sequence_number();
                }
                sum
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

/// Frames and reads all responses; the sum keeps the work from being optimised away.
fn read_responses(mut rest: &[u8]) -> u32 {
    let mut sum = 0;
    while let Some(octets) = frame(rest, PDU_MAX_OCTETS).unwrap() {
        let (pdu, after) = rest.split_at(octets);
        rest = after;
        let pdu = Pdu::decode(pdu).unwrap();
        let Body::SubmitSmResp(resp) = pdu.body else { panic!("{pdu:?}") };
        sum += pdu.header.sequence_number + resp.message_id.len() as u32;
    }
    sum
}

criterion_group!(benches, encode_submit_sm, decode_submit_sm, decode_responses);
criterion_main!(benches);
