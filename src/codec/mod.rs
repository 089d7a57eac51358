//! Bytes ⇄ values. No async, no I/O, no clock, no metrics; never panics on any input, every parser has bounds.

pub mod chunked;
pub mod segments;
pub mod smpp;
pub mod sse;
pub mod udh;
pub mod wsp;
