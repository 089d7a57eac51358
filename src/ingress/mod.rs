//! The edges where events come in. What is read here goes up through [`crate::actors::upstream`]; nothing here decides
//! what becomes of an event.

pub mod sse;
