//! The actors around the engine, from the source to the lane: upstreams and links are the test's, and so is the clock.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

mod activation;
mod budgets;
mod dormancy;
mod durable;
mod ending;
mod failover;
mod fan_out;
mod house;
mod lanes;
mod link;
mod publishing;
mod shelf;
mod stalled;
mod streams;
mod supervision;
mod upstreams;
