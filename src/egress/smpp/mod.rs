//! SMPP links: sockets around the engine's sessions, and the pool that keeps them.

mod link;
mod meters;
mod pool;
mod settings;
mod turns;
mod wire;

pub use pool::{Arguments, Pool, SmscLinks};
pub use settings::LinkSettings;
