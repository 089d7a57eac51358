//! The way of an event in memory: stream octets, parser, subscription, segments, answers; no sockets, no actors.
//! `flow` is all of it, `engine step` what comes after the parser. The unit is the event.
//!
//! Beside it, what each part costs alone is in `sse`, `push` and `smpp`.
#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

mod rig;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rig::{EVENTS, Engine, Stream, policies, stream};
use std::hint::black_box;

/// Receipts kept waiting; none comes.
const RECEIPTS: usize = 100_000;

fn flow(c: &mut Criterion) {
    let mut group = c.benchmark_group("flow");
    group.throughput(Throughput::Elements(EVENTS));
    for (name, policy) in policies() {
        let (mut upstream, mut engine) = (Stream::new(), Engine::new(policy, RECEIPTS));
        let input = stream();
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter(|| black_box(engine.step(&upstream.read(input.clone()))));
        });
    }
    group.finish();
}

fn engine_step(c: &mut Criterion) {
    let mut group = c.benchmark_group("engine step");
    group.throughput(Throughput::Elements(EVENTS));
    for (name, policy) in policies() {
        let (mut upstream, mut engine) = (Stream::new(), Engine::new(policy, RECEIPTS));
        let input = stream();
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter_batched(
                || upstream.read(input.clone()),
                |chunk| black_box(engine.step(&chunk)),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, flow, engine_step);
criterion_main!(benches);
