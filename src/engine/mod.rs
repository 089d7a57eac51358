//! Every decision of the router, sans-IO: no sockets, no mailboxes, no clock and no dice of its own.
//!
//! The contract is the same for every machine in here: facts go in by `handle_*`, what is to be done comes out by
//! `poll_*`, and both take the time as an argument. Spurious calls are harmless.

pub mod backoff;
pub mod clock;
