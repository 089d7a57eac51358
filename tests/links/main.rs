//! SMPP links over real sockets: the pool against an SMSC whose every word is the test's.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

mod binding;
mod errands;
mod failover;
mod faults;
mod outbind;
mod receipts;
mod refused;
mod rig;
mod routes;
mod sharing;
mod smsc;
mod stopping;
mod tls;
mod window;
