//! The command line: what was typed, and which exit code its outcome has.
//!
//! A command is a file with its arguments, as [`clap::Args`], and one function that runs it.

mod backup;
mod check_config;
mod config_args;
mod decode;
mod demo;
mod destination;
mod encode;
mod exposition;
mod hex;
mod links;
mod load;
mod log_args;
mod progress_line;
mod publish;
mod restore;
mod runtime;
mod serve;
mod server;
mod shown;
mod sim;
mod source_args;
mod sub;

use crate::app::StartError;
use crate::config::ConfigErrors;
use crate::telemetry::{LoggingError, logging};
use clap::{Parser, Subcommand};
use log_args::LogArgs;
use publish::PublishFailed;
use server::ServerError;
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
    Serve(serve::Serve),
    Demo(demo::Demo),
    CheckConfig(check_config::CheckConfig),
    Sub(sub::Sub),
    Links(links::Links),
    Backup(backup::Backup),
    Restore(restore::Restore),
    Load(load::Load),
    Publish(publish::Publish),
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
    let filter = cli.command.default_filter();
    let started = cli.log.start(filter).map_err(CommandError::from);
    match started.and_then(|()| cli.command.run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            error.exit_code()
        }
    }
}

impl Command {
    /// What is logged when nothing is said about it: the demo shows what happens in its own words.
    fn default_filter(&self) -> &'static str {
        match self {
            Self::Demo(_) => "warn",
            _ => logging::DEFAULT_FILTER,
        }
    }

    fn run(self) -> Result<(), CommandError> {
        match self {
            Self::Serve(command) => command.run(),
            Self::Demo(command) => command.run(),
            Self::CheckConfig(command) => command.run(),
            Self::Sub(command) => command.run(),
            Self::Links(command) => command.run(),
            Self::Backup(command) => command.run(),
            Self::Restore(command) => command.run(),
            Self::Load(command) => command.run(),
            Self::Publish(command) => command.run(),
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
    /// The router does not start.
    #[error("cannot start: {0}")]
    Start(#[from] StartError),
    /// The demo does not end well.
    #[error("{0}")]
    Demo(#[from] demo::DemoError),
    /// The system refused something.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// A server did not do what it was asked.
    #[error("{0}")]
    Server(#[from] ServerError),
    /// Events were not published, or did not arrive.
    #[error("{0}")]
    Publish(#[from] PublishFailed),
    /// What was asked for is impossible.
    #[error("{0}")]
    Usage(String),
    /// What was asked for did not succeed.
    #[error("{0}")]
    Failed(String),
}

impl CommandError {
    fn exit_code(&self) -> ExitCode {
        let usage = match self {
            Self::Config(_) | Self::Logging(_) | Self::Usage(_) => true,
            Self::Start(_) | Self::Demo(_) | Self::Failed(_) | Self::Io(_) => false,
            Self::Server(error) => error.is_usage(),
            Self::Publish(failed) => failed.is_usage(),
        };
        ExitCode::from(if usage { EXIT_USAGE } else { EXIT_FAILED })
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
