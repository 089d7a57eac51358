//! `serve`: the router, until it is told to stop.

use super::CommandError;
use super::config_args::ConfigArgs;
use super::runtime;
use crate::app::App;
use crate::config::Config;
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tracing::info;

const EXAMPLE: &str = "\
Example:
  bellwire serve --config bellwire.toml --set policy.batch_window=30s

Stops on SIGTERM or SIGINT: intake ends, what is in the house goes out within node.grace, links unbind.";

/// Run the router
#[derive(Args, Debug)]
#[command(after_help = EXAMPLE)]
pub(super) struct Serve {
    #[command(flatten)]
    config: ConfigArgs,
}

impl Serve {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let config = self.config.load()?;
        runtime::block_on(serve(&config))?
    }
}

async fn serve(config: &Config) -> Result<(), CommandError> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let app = App::start(config).await?;
    let (grpc, ops) = (app.grpc_address(), app.ops_address());
    info!(%grpc, %ops, smscs = config.smsc.len(), "router started; events are kept in memory only");
    let told = tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    };
    info!(signal = told, grace = ?config.node.grace, "router stopping");
    app.stop().await;
    Ok(())
}
