//! How a command is given its configuration.

use crate::config::{Config, ConfigErrors};
use clap::Args;
use std::path::PathBuf;

/// A file, the environment over it, and single settings over both.
#[derive(Args, Debug)]
pub(super) struct ConfigArgs {
    /// TOML file; BELLWIRE_SECTION__KEY variables of the environment take precedence over it
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// One setting over file and environment, such as ops.listen=127.0.0.1:9091 or smsc.main.window=10; repeatable
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    sets: Vec<String>,
}

impl ConfigArgs {
    /// Reads it.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(super) fn load(&self) -> Result<Config, ConfigErrors> {
        // Variables that are not UTF-8 cannot be ours: every value is text.
        let environment = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        let environment = environment.map(|(name, value)| (name, value.to_string_lossy().into_owned()));
        Config::load(&self.config, environment, &self.sets)
    }
}
