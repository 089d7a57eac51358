//! Pushes out: the links to SMSCs.

pub mod smpp;
