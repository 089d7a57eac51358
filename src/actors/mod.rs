//! ractor mailboxes around the engine. No decisions of their own, and never a wait for a peer inside `handle`.

pub mod admission;
pub mod clock;
pub mod port;
pub mod upstream;
