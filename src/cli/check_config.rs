//! `check-config`: reads a configuration as `serve` does, opens nothing, and prints what it means.

use super::CommandError;
use super::config_args::ConfigArgs;
use clap::Args;
use std::io::Write;

const EXAMPLE: &str = "\
Example:
  bellwire check-config --config bellwire.toml --set smsc.main.window=10

Prints the configuration as TOML, defaults included and secrets masked. Errors name file, line, column, key and what is
allowed; the exit code is then 64.";

/// Check a configuration and print what it means
#[derive(Args, Debug)]
#[command(after_help = EXAMPLE)]
pub(super) struct CheckConfig {
    #[command(flatten)]
    config: ConfigArgs,
}

impl CheckConfig {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let config = self.config.load()?;
        std::io::stdout().lock().write_all(config.explain().as_bytes())?;
        Ok(())
    }
}
