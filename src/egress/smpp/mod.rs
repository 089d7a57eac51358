//! SMPP links: sockets around the engine's sessions, and the pool that keeps them.

mod answers;
mod connecting;
mod link;
mod meters;
mod outbind;
mod pool;
mod settings;
mod shown;
mod stream;
mod tls;
mod turns;
mod wire;

pub use outbind::OutbindListener;
pub use pool::{Arguments, Pool, SmscLinks};
pub use settings::LinkSettings;
pub use tls::{Tls, TlsError, TlsSettings};
