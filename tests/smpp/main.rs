//! The SMPP codec from outside: against what others wrote (`vectors`), against another codec (`oracle`), and against
//! the laws that hold for any value and any octets (`laws`).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bodies;
mod laws;
mod oracle;
mod vectors;
