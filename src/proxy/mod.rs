//! The push proxy over HTTP: who asks, and what is answered.

pub mod identity;
