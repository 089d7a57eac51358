//! The operations listener: metrics and health over plain HTTP. It knows nothing of events; it should not be reachable
//! from outside.

mod readiness;
mod server;

pub use readiness::Readiness;
pub use server::serve;
