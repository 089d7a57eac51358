//! The store in a directory, as the rest of the house sees it: what it keeps, and what becomes of it when the disk is full,
//! files are torn or garbled, or the process dies.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

mod backup;
mod crash;
mod damage;
mod faulty;
mod full;
mod laws;
mod rig;
