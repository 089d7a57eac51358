//! The push proxy over sockets: an origin, a router with its HTTP listener, an SMSC with handsets, and clients.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

mod asking;
mod client;
mod guard;
mod house;
mod origin;
mod pushing;
mod relaying;
mod switching;
mod tls;
