//! The whole house on real sockets: ticker, router, simulated SMSC and handsets, with faults decided by a seed.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

mod fanout;
mod faults;
mod profiles;
#[allow(dead_code, reason = "tests/ledger uses the rest")]
mod scene;
mod withdrawn;
