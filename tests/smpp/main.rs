//! The SMPP codec from outside: against what others wrote (`vectors`), against another codec (`oracle`), against
//! the laws that hold for any value and any octets (`laws`), and what a peer gets for what is wrong (`malformed`).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bodies;
mod laws;
mod malformed;
mod oracle;
mod vectors;
