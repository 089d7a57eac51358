//! The control plane over a real connection: a server on a free port, the real router, no SMSC behind it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should panic")]

mod backup;
mod command;
mod files;
mod house;
mod importing;
mod links;
mod listing;
mod publishing;
mod standard_services;
mod subscriptions;
mod watching;
