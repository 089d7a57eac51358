//! ractor mailboxes around the engine. No decisions of their own, and never a wait for a peer inside `handle`.

pub mod admission;
pub mod budgets;
pub mod clock;
pub mod failover;
pub mod group;
pub mod handset;
pub mod journal;
pub mod lane;
pub mod ledger;
mod parked;
pub mod pool;
pub mod port;
pub mod reach;
pub mod router;
pub mod seat;
pub mod smsc;
pub mod source;
mod standing;
pub mod streams;
pub mod supervisor;
pub mod terms;
pub mod upstream;

/// Longest wait of an edge for an answer of an actor.
pub const CALL_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);
