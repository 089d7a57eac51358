//! What reading and writing an event stream costs: three shapes of stream, given whole, in pieces of one TCP segment, and
//! one event at a time. The unit is the octet of the stream. `line ends` finds the line ends with memchr and does nothing
//! else: the floor that a parser of this kind stands on.

use std::hint::black_box;

use bellwire::codec::sse::{Limits, Parser, encode};
use bytes::{Bytes, BytesMut};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const STREAM_OCTETS: usize = 64 * 1024;
/// An Ethernet frame less the headers of IPv4 and TCP.
const TCP_SEGMENT: usize = 1460;

/// Name, and the blocks of a stream.
type Stream = (&'static str, Vec<Bytes>);

fn streams() -> [Stream; 3] {
    [("readings", blocks(reading)), ("messages", blocks(message)), ("quotes", blocks(quote))]
}

fn blocks(block: fn(usize) -> String) -> Vec<Bytes> {
    let mut octets = 0;
    let fits = |block: &Bytes| {
        octets += block.len();
        octets <= STREAM_OCTETS
    };
    (0..).map(|n| Bytes::from(block(n))).take_while(fits).collect()
}

/// Single-line JSON with event and id, about 130 octets.
fn reading(n: usize) -> String {
    let (device, at, celsius, bar) = (n * 7 % 12, 1_763_880_000 + n * 7, 20 + n * 31 % 50, 1 + n * 13 % 8);
    format!(
        "event: reading\nid: {n}\ndata: {{\"device\":\"pump-{device:02}\",\"at\":{at},\"celsius\":{celsius}.{},\
         \"bar\":{bar}.{:02},\"state\":\"running\"}}\n\n",
        n % 10,
        n * 3 % 100
    )
}

/// Text beyond ASCII, every fourth of two lines, about 130 octets.
fn message(n: usize) -> String {
    let second = if n.is_multiple_of(4) { "\ndata: größere Straße 東京, привет 👍" } else { "" };
    format!(
        "id: c{n:x}\nevent: msg\ndata: chidi: señor, the meeting moved to room {n}, coffee later, see you there{second}\n\n"
    )
}

/// Three short lines without id, about 27 octets: the example of HTML §9.2.6.
fn quote(n: usize) -> String {
    let symbol = ["YHOO", "MSFT", "IBM", "VOD", "T"][n % 5];
    format!("data: {symbol}\ndata: {:+}\ndata: {}\n\n", n as i64 % 5 - 2, 8 + n * 17 % 170)
}

fn cut(stream: &Bytes, octets: usize) -> Vec<Bytes> {
    (0..stream.len()).step_by(octets).map(|at| stream.slice(at..stream.len().min(at + octets))).collect()
}

fn read(parser: &mut Parser, pieces: &[Bytes]) -> usize {
    pieces.iter().map(|piece| black_box(parser.feed(piece.clone())).len()).sum()
}

fn reading_streams(c: &mut Criterion) {
    for (name, blocks) in streams() {
        let stream = Bytes::from(blocks.concat());
        let mut group = c.benchmark_group(format!("sse/read/{name}"));
        group.throughput(Throughput::Bytes(stream.len() as u64));
        group
            .bench_function("line ends", |b| b.iter(|| memchr::memchr2_iter(b'\n', b'\r', black_box(&stream)).count()));
        for (way, pieces) in
            [("whole", vec![stream.clone()]), ("segments", cut(&stream, TCP_SEGMENT)), ("events", blocks)]
        {
            let mut parser = Parser::new(Limits::default());
            group.bench_function(way, |b| b.iter(|| read(&mut parser, black_box(&pieces))));
        }
        group.finish();
    }
}

fn writing_streams(c: &mut Criterion) {
    for (name, blocks) in streams() {
        let stream = Bytes::from(blocks.concat());
        let events = Parser::new(Limits::default()).feed(stream.clone());
        let mut out = BytesMut::with_capacity(2 * stream.len());
        let mut group = c.benchmark_group(format!("sse/write/{name}"));
        group.throughput(Throughput::Bytes(stream.len() as u64));
        group.bench_function("encode", |b| {
            b.iter(|| {
                out.clear();
                let mut previous_id: &[u8] = b"";
                for event in &events {
                    let written = encode(&event, previous_id, &mut out);
                    debug_assert!(written.is_ok());
                    previous_id = event.id;
                }
                black_box(out.len())
            });
        });
        group.finish();
    }
}

criterion_group!(benches, reading_streams, writing_streams);
criterion_main!(benches);
