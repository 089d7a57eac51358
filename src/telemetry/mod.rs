//! What an operator sees: metric handles, their exposition, and logs. Nothing here knows what it measures; labels come
//! in as texts and handles are handed down.

pub mod exporter;
mod histogram;
pub mod logging;
pub mod metrics;
mod names;

pub use exporter::{Exporter, ExporterError};
pub use logging::{LogFormat, LoggingError};
pub use metrics::{Count, CountFamily, CounterFamily, Labels, SmscMeters, StageTimes, Telemetry};
