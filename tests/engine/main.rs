//! The engine without a runtime: what it promises, with the clock in the test's hand.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

mod batching;
mod bench;
mod budgets;
mod coalescing;
mod errands;
mod filtering;
mod ledger;
mod naming;
mod order;
mod outcomes;
mod payload;
mod receipts;
mod relay;
mod restarts;
mod resuming;
#[allow(dead_code, reason = "shared with the tests of allocations")]
mod rig;
mod segments;
mod session;
mod spellings;
mod waking;
