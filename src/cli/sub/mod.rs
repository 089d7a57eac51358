//! `sub`: subscriptions on a running server.

mod activate;
mod deactivate;
mod export;
mod filter_args;
mod import;
mod list;
mod policy_args;
mod rows;
mod show;
mod types;
mod watch;

use super::CommandError;
use super::runtime::block_on;
use super::server::{ServerArgs, ServerError};
use crate::control::proto::Subscription;
use clap::{Args, Subcommand};

const EXAMPLE: &str = "\
Example:
  bellwire sub activate --source https://example.com/prices --to +15551234567
  bellwire sub list --output json

Exit code 64 when the server calls the request wrong (a line per field: what is wrong with it), 1 for any other failure.";

/// Activate, deactivate, show, follow, import and export subscriptions
#[derive(Args, Debug)]
#[command(after_help = EXAMPLE, arg_required_else_help = true)]
pub(super) struct Sub {
    #[command(flatten)]
    server: ServerArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Activate(Box<activate::Activate>),
    Deactivate(deactivate::Deactivate),
    Show(show::Show),
    List(list::List),
    Watch(watch::Watch),
    Import(Box<import::Import>),
    Export(export::Export),
}

impl Sub {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let server = self.server;
        match self.action {
            Action::Activate(command) => block_on(command.run(server))?,
            Action::Deactivate(command) => block_on(command.run(server))?,
            Action::Show(command) => block_on(command.run(server))?,
            Action::List(command) => block_on(command.run(server))?,
            Action::Watch(command) => block_on(command.run(server))?,
            Action::Import(command) => block_on(command.run(server))?,
            Action::Export(command) => block_on(command.run(server))?,
        }
    }
}

/// Whose subscriptions.
#[derive(Args, Debug)]
struct TenantArgs {
    /// Whose it is; the server's default tenant if left out
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    tenant: String,
}

/// Every answer about one subscription has it.
fn whole(subscription: Option<Subscription>) -> Result<Subscription, ServerError> {
    subscription.ok_or(ServerError::Incomplete("subscription"))
}
