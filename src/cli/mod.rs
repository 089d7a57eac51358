//! The command line: what was typed, and which exit code its outcome has.
//!
//! A command is a file with its arguments, as [`clap::Args`], and one function that runs it.

mod check_config;
mod config_args;
mod decode;
mod encode;
mod hex;
mod log_args;
mod runtime;
mod sim;

use crate::config::ConfigErrors;
use crate::telemetry::LoggingError;
use clap::{Parser, Subcommand};
use log_args::LogArgs;
use std::process::ExitCode;

/// Exit code for a command line or configuration that asks for something impossible: EX_USAGE of sysexits.h.
const EXIT_USAGE: u8 = 64;
/// Exit code for a command that was understood and did not succeed.
const EXIT_FAILED: u8 = 1;

/// Push proxy for Server-Sent Events: keeps streams open and reaches sleeping handsets by OMA Push over SMPP.
#[derive(Debug, Parser)]
#[command(name = "bellwire", version, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    log: LogArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    CheckConfig(check_config::CheckConfig),
    Sim(sim::Sim),
    Decode(decode::Decode),
    Encode(encode::Encode),
}

/// Runs the command that this process was started with.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(told) => return explained(&told),
    };
    match cli
        .log
        .start()
        .map_err(CommandError::from)
        .and_then(|()| cli.command.run())
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            error.exit_code()
        }
    }
}

impl Command {
    fn run(self) -> Result<(), CommandError> {
        match self {
            Self::CheckConfig(command) => command.run(),
            Self::Sim(command) => command.run(),
            Self::Decode(command) => command.run(),
            Self::Encode(command) => command.run(),
        }
    }
}

/// Help and version were asked for and go to standard output; everything else is a usage error.
fn explained(told: &clap::Error) -> ExitCode {
    // Nobody is left to tell when this output is closed.
    let _ = told.print();
    match told.use_stderr() {
        true => ExitCode::from(EXIT_USAGE),
        false => ExitCode::SUCCESS,
    }
}

/// Why a command did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
enum CommandError {
    /// The configuration is wrong.
    #[error("{0}")]
    Config(#[from] ConfigErrors),
    /// The log arguments are wrong.
    #[error("{0}")]
    Logging(#[from] LoggingError),
    /// What was asked for is impossible.
    #[error("{0}")]
    Usage(String),
    /// What was asked for did not succeed.
    #[error("{0}")]
    Failed(String),
    /// The result could not be written.
    #[error("cannot write the result: {0}")]
    Output(#[from] std::io::Error),
}

impl CommandError {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Config(_) | Self::Logging(_) | Self::Usage(_) => ExitCode::from(EXIT_USAGE),
            Self::Output(_) | Self::Failed(_) => ExitCode::from(EXIT_FAILED),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_shows_an_example() {
        let mut commands: Vec<clap::Command> = Cli::command().get_subcommands().cloned().collect();
        while let Some(command) = commands.pop() {
            let shown = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(shown.contains("bellwire "), "{} has no example", command.get_name());
            commands.extend(command.get_subcommands().cloned());
        }
    }
}
