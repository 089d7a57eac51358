//! The SMPP codec from outside.
//! the laws that hold for any value and any octets (`laws`).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod vectors;
