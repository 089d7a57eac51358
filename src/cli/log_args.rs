//! How much is logged, for every command alike.

use crate::telemetry::{LogFormat, LoggingError, logging};
use clap::Args;

/// What is logged to standard error.
#[derive(Args, Debug)]
pub(super) struct LogArgs {
    /// What to log: a level, or levels by module such as info,bellwire::egress=debug
    #[arg(long = "log", global = true, value_name = "FILTER", default_value = logging::DEFAULT_FILTER)]
    filter: String,
    /// How log lines look: text or json
    #[arg(long = "log-format", global = true, value_name = "FORMAT", default_value = "text")]
    format: LogFormat,
}

impl LogArgs {
    /// Starts logging.
    ///
    /// # Errors
    /// When the filter is none.
    pub(super) fn start(&self) -> Result<(), LoggingError> {
        logging::start(&self.filter, self.format)
    }
}
