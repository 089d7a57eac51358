//! `load`: event sources and an SMSC of its own around a router, and what became of every event in between.

mod files;
mod options;
mod process;
mod profile;
mod progress;
mod publisher;
mod report;
mod router;
mod run;
mod subscriber;
mod watch;

use super::CommandError;
use super::runtime::block_on;
use super::server::Output;
use clap::Args;
use options::Options;
pub(super) use progress::grouped;
use std::io::{self, Write};

const EXAMPLE: &str = "\
Examples:
  bellwire load --profile throughput
  bellwire load --profile fan-out --order strict --subscriptions 20000
  bellwire load --sources 4 --rate 5000 --seconds 10 --output json

The router is a process of its own, `bellwire serve` with memory only, unless --server names one. How far it came is
shown on standard error. Ctrl-C ends it, with a report of what there is.

Exit code 0 if every event arrived at the SMSC once for every subscription, in order where the order is strict, and the
SMSC refused nothing and knew every number; else 1, with a line that says why.

";

/// Measure a router: rate, latency and cost between event sources and an SMSC of its own
#[derive(Args, Debug)]
#[command(after_help = [EXAMPLE, report::FIELDS].concat())]
pub(super) struct Load {
    #[command(flatten)]
    options: Options,
    /// How the report is printed
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    output: Output,
}

impl Load {
    pub(super) fn run(self) -> Result<(), CommandError> {
        self.options.check()?;
        files::allow(&self.options)?;
        let report = block_on(run::run(&self.options))??;
        match self.output {
            Output::Text => write!(io::stdout(), "{report}")?,
            Output::Json => writeln!(io::stdout(), "{}", report.json())?,
        }
        match report.wrong() {
            None => Ok(()),
            Some(wrong) => Err(CommandError::Failed(format!("load: {wrong}"))),
        }
    }
}
