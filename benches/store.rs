//! What keeping costs: a commit of single events, of full reads and of rows, each on the disk before it returns, and what
//! reading them back costs. `raw file` appends the same octets to a file and calls `fdatasync`: the floor that a journal
//! stands on.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a benchmark")]

use std::fs::File;
use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bellwire::codec::sse::EventsBuilder;
use bellwire::engine::chunk::Chunk;
use bellwire::engine::clock::Now;
use bellwire::store::{Append, Batch, Embedded, Settings, Store, Table};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const DATA: &str = "{\"device\":\"pump-07\",\"at\":1763880007,\"celsius\":41.7,\"bar\":3.21,\"state\":\"running\"}";
const SINGLES: u64 = 1_000;
const CHUNKS: u64 = 10;
const CHUNK_EVENTS: u64 = 500;
const ROWS: u32 = 1_000;
const ROW_OCTETS: usize = 48;

fn open(path: &Path) -> Embedded {
    let settings = Settings {
        path: path.to_owned(),
        log_octets: 1 << 30,
        log_age: Duration::from_secs(3600),
        reserve: Settings::RESERVE,
    };
    Embedded::open(settings).expect("a store in an empty directory")
}

fn chunk(first: u64, events: u64) -> Append {
    let mut builder = EventsBuilder::new();
    for seq in first..first + events {
        builder.push(b"reading", DATA.as_bytes(), seq.to_string().as_bytes()).expect("an event");
    }
    let now = Now { monotonic: Duration::ZERO, unix_ms: 1_763_880_000_000 };
    Append { source: 1, chunk: Arc::new(Chunk::new(builder.finish(), first, now, None, None)) }
}

fn appends(first: u64, chunks: u64, events: u64) -> Batch {
    let appends = (0..chunks).map(|n| chunk(first + n * events, events)).collect();
    Batch { appends, changes: Vec::new() }
}

fn rows(round: u64) -> Batch {
    let mut batch = Batch::default();
    for row in 0..ROWS {
        batch.put(Table::Progress, row.to_be_bytes(), vec![round as u8; ROW_OCTETS]);
    }
    batch
}

fn octets(batch: &Batch) -> Vec<u8> {
    let mut out = Vec::new();
    for append in &batch.appends {
        append.chunk.events().write_record(&mut out);
    }
    for change in &batch.changes {
        out.extend_from_slice(&change.key);
        out.extend_from_slice(change.value.as_deref().unwrap_or_default());
    }
    out
}

/// Name, what is counted, how many of it, and the batch that begins with a number.
type Load = (&'static str, u64, fn(u64) -> Batch);

const LOADS: [Load; 3] = [
    ("single events", SINGLES, |round| appends(round * SINGLES, SINGLES, 1)),
    ("full reads", CHUNKS * CHUNK_EVENTS, |round| appends(round * CHUNKS * CHUNK_EVENTS, CHUNKS, CHUNK_EVENTS)),
    ("rows", ROWS as u64, rows),
];

fn commit(c: &mut Criterion) {
    for (name, count, batch) in LOADS {
        let mut group = c.benchmark_group(format!("commit/{name}"));
        group.throughput(Throughput::Elements(count));
        let directory = tempfile::tempdir().expect("a directory");
        let store = open(directory.path());
        let mut round = 0;
        let mut next = || {
            round += 1;
            batch(round)
        };
        let keep = |batch: Batch| store.commit(&batch).expect("room on the disk");
        group.bench_function("store", |b| b.iter_batched(&mut next, keep, criterion::BatchSize::PerIteration));
        let mut file = File::create(directory.path().join("raw")).expect("a file");
        let octets = octets(&batch(0));
        let mut write = || {
            file.write_all(&octets).expect("room on the disk");
            file.sync_data().expect("a disk");
        };
        group.bench_function("raw file", |b| b.iter(&mut write));
        group.finish();
    }
}

fn read(c: &mut Criterion) {
    const OCTETS: usize = 512 * 1024;
    const BATCHES: u64 = 100;
    let mut group = c.benchmark_group("read");
    for (name, count, batch) in LOADS.into_iter().take(2) {
        let directory = tempfile::tempdir().expect("a directory");
        let store = open(directory.path());
        for round in 0..BATCHES {
            store.commit(&batch(round)).expect("room on the disk");
        }
        let from = BATCHES / 2 * count;
        let events = |from| {
            let read = store.read(1, from, OCTETS).expect("a log");
            read.iter().map(|logged| logged.events.len() as u64).sum::<u64>()
        };
        group.throughput(Throughput::Elements(events(from)));
        group.bench_function(name, |b| b.iter(|| events(black_box(from))));
    }
    group.finish();
}

criterion_group!(benches, commit, read);
criterion_main!(benches);
