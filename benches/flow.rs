//! The way of an event in memory: stream octets, parser, subscription, segments, answers; no sockets, no actors.
//!
//! Beside it, what each part costs alone is in `sse`, `push` and `smpp`.
#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

use bellwire::codec::sse::{Limits, Parser};
use bellwire::codec::udh::Ports;
use bellwire::codec::udh::ReferenceWidth;
use bellwire::engine::chunk::Chunk;
use bellwire::engine::clock::Now;
use bellwire::engine::encoder::Encoder;
use bellwire::engine::envelope::{SenderSettings, push_template, submit_template};
use bellwire::engine::handset::{Addressing, Handset, Place};
use bellwire::engine::receipts::Receipts;
use bellwire::engine::subscription::{Answer, Settlement, Subscription};
use bellwire::engine::tally::Tally;
use bellwire::model::{ApplicationId, Order, Policy, Profile, Receipts as Wanted};
use bytes::{Bytes, BytesMut};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::fmt::Write;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

const EVENTS: u64 = 500;

struct Flow {
    parser: Parser,
    handset: Handset,
    place: Place,
    receipts: Receipts,
    tally: Tally,
    encoder: Encoder,
    out: BytesMut,
    next: u64,
    number: u32,
    message_id: u64,
}

impl Flow {
    fn new(policy: Policy) -> Self {
        let sender = SenderSettings {
            service_type: String::new(),
            source_address: "447700900000".into(),
            source_ton: 1,
            source_npi: 1,
            dest_ton: 1,
            dest_npi: 1,
            data_coding: 4,
            reference_width: ReferenceWidth::Bits8,
        };
        let template = submit_template(&sender, &"447700000001".parse().unwrap()).unwrap();
        let ports = Ports { destination: 2948, source: 9200 };
        let mut handset = Handset::new(1, Addressing { template, ports, width: ReferenceWidth::Bits8 }, 0);
        let envelope = push_template(Profile::Compact, &ApplicationId::Code(2)).unwrap();
        let place = handset.insert(Subscription::new(policy, envelope, ReferenceWidth::Bits8, 0, 1 << 20));
        Self {
            parser: Parser::new(Limits::default()),
            handset,
            place,
            receipts: Receipts::new(Duration::from_secs(3600), 100_000),
            tally: Tally::default(),
            encoder: Encoder::default(),
            out: BytesMut::with_capacity(256 * 1024),
            next: 0,
            number: 0,
            message_id: 0,
        }
    }

    /// One read's worth of a stream goes through; returns the octets written.
    fn step(&mut self, input: Bytes) -> usize {
        let now = Now { monotonic: Duration::from_secs(5), unix_ms: 0 };
        let chunk = Arc::new(Chunk::new(self.parser.feed(input), self.next, now, None, None));
        self.next = chunk.range().end;
        self.handset.handle_chunk(now, self.place, &chunk, &mut self.tally);
        self.out.clear();
        let mut settlement = Settlement { tally: &mut self.tally, receipts: &mut self.receipts };
        let mut written = Vec::with_capacity(EVENTS as usize);
        loop {
            while let Some(segment) =
                self.handset.poll_segment(now, self.number, &mut self.encoder, &mut self.out, &mut settlement)
            {
                self.number = self.number.wrapping_add(1);
                written.push(segment);
            }
            if written.is_empty() {
                break;
            }
            for segment in written.drain(..) {
                self.message_id += 1;
                let id = self.message_id.to_be_bytes();
                self.handset.handle_answer(now, segment, Answer::Accepted { message_id: &id }, &mut settlement);
            }
        }
        self.tally.clear();
        self.out.len()
    }
}

fn stream() -> Bytes {
    let mut text = String::new();
    for n in 0..EVENTS {
        write!(
            text,
            "id: {n}\ndata: {{\"sym\":\"YHOO\",\"chg\":\"+2\",\"last\":10,\"vol\":123456,\"ex\":\"NMS\"}}\n\n"
        )
        .unwrap();
    }
    text.into()
}

fn flow(c: &mut Criterion) {
    let mut group = c.benchmark_group("flow");
    group.throughput(Throughput::Elements(EVENTS));
    let single = Policy { order: Order::Pipelined, max_events: 1, receipts: Wanted::None, ..Policy::default() };
    let cases = [
        ("one event a push, pipelined", single.clone()),
        ("the same with receipts", Policy { receipts: Wanted::All, ..single.clone() }),
        ("batches, strict", Policy { order: Order::Strict, max_events: 0, ..single }),
    ];
    for (name, policy) in cases {
        let mut flow = Flow::new(policy);
        let input = stream();
        group.bench_function(BenchmarkId::from_parameter(name), |b| b.iter(|| black_box(flow.step(input.clone()))));
    }
    group.finish();
}

criterion_group!(benches, flow);
criterion_main!(benches);
