//! The world around Bellwire, played: an origin that sends stock prices, an SMSC that can fail in every way real ones
//! do, the handsets behind it and their modems, and a checker that says what became of each event.
//!
//! `demo`, load tests and integration tests run against these parts; the product's own paths never import them. All
//! chance comes from a seed, so that the same seed and the same order of messages give the same faults again.

mod chance;
mod check;
mod event;
mod handset;
pub mod load;
mod modem;
pub mod smsc;
mod ticker;

pub use check::{Check, Report, Sequence};
pub use event::Event;
pub use handset::{HandsetError, HandsetSettings, HandsetStats, Handsets, Message, Received};
pub use modem::Modem;
pub use smsc::{Delivered, FaultScript, Smsc, SmscSettings};
pub use ticker::{Afterwards, Ticker, TickerSettings, TickerStats};
