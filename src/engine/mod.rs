//! Every decision of the router, sans-IO: no sockets, no mailboxes, no clock and no dice of its own.
//!
//! The contract is the same for every machine in here: facts go in by `handle_*`, what is to be done comes out by
//! `poll_*`, and both take the time as an argument. Spurious calls are harmless.
//!
//! An event's way: a [`chunk`] of them reaches a [`subscription`], which forms a [`push`] when its [`handset`] has
//! room for one; the [`encoder`] writes its segments straight into a link's buffer; a [`session`] keeps them in its
//! [`in_flight`] table until they are answered; a [`verdict`] says what an answer means; [`receipts`] tell later what
//! became of them; the [`tally`] counts every end.

pub mod allowance;
pub mod availability;
pub mod backoff;
pub mod binding;
pub mod budget;
pub mod chunk;
pub mod clock;
pub mod crowding;
pub mod encoder;
mod ended;
pub mod envelope;
pub mod handset;
pub mod in_flight;
pub mod line;
pub mod naming;
pub mod pacing;
pub mod progress;
pub mod push;
pub mod receipts;
pub mod recent;
pub mod references;
pub mod routing;
pub mod session;
pub mod sign;
pub mod subscription;
pub mod tail;
pub mod tally;
pub mod verdict;
mod waiting;
pub mod window;
