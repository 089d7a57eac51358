//! What the actors add to the engine, on one thread as in the product; upstreams and links are the tests' own.
//!
//! `hop`: a message to one group's actor, from the cast until it is handled; the unit is the message. `fan-out`:
//! a chunk of 30 events, from the upstream until every subscription's engine has it and every handset is in line for
//! the link; the unit is the subscription. The pushes that follow are not timed.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a benchmark")]

#[path = "../tests/actors/house.rs"]
#[allow(dead_code, reason = "shared with the tests of the actors")]
mod house;
#[path = "../tests/actors/link.rs"]
#[allow(dead_code, reason = "shared with the tests of the actors")]
mod link;
#[path = "../tests/actors/shelf.rs"]
#[allow(dead_code, reason = "shared with the tests of the actors")]
mod shelf;
#[path = "../tests/actors/upstreams.rs"]
#[allow(dead_code, reason = "shared with the tests of the actors")]
mod upstreams;

use bellwire::actors::clock::Clock;
use bellwire::actors::group::{Arguments, Group, GroupMessage};
use bellwire::actors::ledger::Ledger;
use bellwire::actors::port::Port;
use bellwire::engine::clock::Now;
use bellwire::engine::subscription::{Answer, Backlog, BacklogRule};
use bellwire::telemetry::Telemetry;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use house::{House, until};
use ractor::{Actor, ActorRef};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// Events of one chunk, and the octets of data of each.
const CHUNK_EVENTS: usize = 30;
const DATA_OCTETS: usize = 60;

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Actors of groups that have nobody, and how many messages they have handled: an actor reads the clock once for each.
struct Crowd {
    actors: Vec<ActorRef<GroupMessage>>,
    handled: Arc<AtomicU64>,
    next: usize,
}

impl Crowd {
    async fn new(count: usize) -> Self {
        let handled: Arc<AtomicU64> = Arc::default();
        let counts = Arc::clone(&handled);
        let clock = Clock::new(move || {
            counts.fetch_add(1, Ordering::Relaxed);
            Now { monotonic: Duration::from_secs(5), unix_ms: 0 }
        });
        let ledger = Arc::new(Ledger::new(Telemetry::detached()));
        let mut actors = Vec::with_capacity(count);
        for _ in 0..count {
            let arguments = Arguments {
                roll: Arc::default(),
                backlog: Backlog { limit: 0, rule: BacklogRule::DropOldest },
                roomy: Port::new(|_| {}),
                ledger: Arc::clone(&ledger),
                clock: clock.clone(),
                asleep: Port::new(|_| {}),
                broken: Port::new(|_| {}),
            };
            actors.push(Actor::spawn(None, Group, arguments).await.unwrap().0);
        }
        Self { actors, handled, next: 0 }
    }

    /// Tells the next actor in the round something that costs it nothing, and waits until it has heard.
    async fn hop(&mut self) {
        let before = self.handled.load(Ordering::Relaxed);
        self.actors[self.next].cast(GroupMessage::Sweep).unwrap();
        self.next = (self.next + 1) % self.actors.len();
        while self.handled.load(Ordering::Relaxed) == before {
            tokio::task::yield_now().await;
        }
    }
}

fn hop(c: &mut Criterion) {
    let mut group = c.benchmark_group("hop");
    group.throughput(Throughput::Elements(1));
    for (name, count) in [("one actor", 1), ("round robin over 1,000", 1000)] {
        let runtime = runtime();
        let mut crowd = runtime.block_on(Crowd::new(count));
        group.bench_function(name, |b| {
            b.iter_custom(|rounds| {
                runtime.block_on(timed(async {
                    for _ in 0..rounds {
                        crowd.hop().await;
                    }
                }))
            });
        });
    }
    group.finish();
}

fn fan_out(c: &mut Criterion) {
    let text = "x".repeat(DATA_OCTETS);
    let data = [text.as_str(); CHUNK_EVENTS];
    let mut group = c.benchmark_group("fan-out of 30 events");
    group.sample_size(10);
    for count in [1000, 10_000] {
        let runtime = runtime();
        let mut house = runtime.block_on(inhabited(count));
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(BenchmarkId::from_parameter(count), |b| {
            b.iter_custom(|rounds| {
                runtime.block_on(async {
                    let mut spent = Duration::ZERO;
                    for _ in 0..rounds {
                        spent += timed(async {
                            assert!(house.feed(&data));
                            until(|| house.link.lane.len() == count).await;
                        })
                        .await;
                        settle(&mut house);
                    }
                    spent
                })
            });
        });
    }
    group.finish();
}

/// A router with so many subscriptions, each of a handset of its own, to one source.
async fn inhabited(count: usize) -> House {
    let house = House::new().await;
    for index in 0..count {
        house.activate(&format!("1555{index:07}")).await;
    }
    // Whoever is let in late would have the first events from the log: all are in once these have been round.
    house::settle().await;
    house
}

/// Has everything written and accepted.
fn settle(house: &mut House) {
    loop {
        let all = house.link.take();
        if all.is_empty() {
            return;
        }
        all.iter().for_each(|one| house.link.answer(one, Answer::Accepted { message_id: b"1" }));
    }
}

async fn timed(work: impl Future<Output = ()>) -> Duration {
    let begun = Instant::now();
    work.await;
    begun.elapsed()
}

criterion_group!(benches, hop, fan_out);
criterion_main!(benches);
