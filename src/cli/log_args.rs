//! How much is logged, for every command alike.

use crate::telemetry::{LogFormat, LoggingError, logging};
use clap::Args;

/// What is logged to standard error.
#[derive(Args, Debug)]
pub(super) struct LogArgs {
    /// What to log: a level, or levels by module such as info,bellwire::egress=debug [default: info, the demo: warn]
    #[arg(long = "log", global = true, value_name = "FILTER")]
    filter: Option<String>,
    /// How log lines look: text or json
    #[arg(long = "log-format", global = true, value_name = "FORMAT", default_value = "text")]
    format: LogFormat,
}

impl LogArgs {
    /// Starts logging, of what `default` says where nothing was asked for.
    ///
    /// # Errors
    /// When the filter is none.
    pub(super) fn start(&self, default: &str) -> Result<(), LoggingError> {
        logging::start(self.filter.as_deref().unwrap_or(default), self.format)
    }
}
