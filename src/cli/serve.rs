//! `serve`: the router, until it is told to stop.

use super::CommandError;
use super::config_args::ConfigArgs;
use super::runtime;
use crate::app::App;
use crate::config::Config;
use clap::Args;
use std::io::{self, Read};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
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
    /// Stop as well when standard input ends: a router so started does not outlive who holds the other end
    #[arg(long)]
    stop_on_eof: bool,
}

impl Serve {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let config = self.config.load()?;
        runtime::block_on(serve(&config, self.stop_on_eof))?
    }
}

async fn serve(config: &Config, stop_on_eof: bool) -> Result<(), CommandError> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let input = stop_on_eof.then(input_end);
    let app = App::start(config).await?;
    let (grpc, ops) = (app.grpc_address(), app.ops_address());
    let http = app.http_address().map_or_else(String::new, |address| address.to_string());
    info!(http, %grpc, %ops, smscs = config.smsc.len(), data_dir = ?config.node.data_dir, "router started");
    let told = tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
        () = ended(input) => "end of input",
    };
    info!(signal = told, grace = ?config.node.grace, "router stopping");
    app.stop().await;
    Ok(())
}

/// Tells when standard input has ended. It is read in a thread, for reading it cannot be broken off.
fn input_end() -> oneshot::Receiver<()> {
    let (end, ended) = oneshot::channel();
    std::thread::spawn(move || {
        let mut input = io::stdin().lock();
        let mut ignored = [0; 256];
        while input.read(&mut ignored).is_ok_and(|octets| octets > 0) {}
        drop(end);
    });
    ended
}

async fn ended(input: Option<oneshot::Receiver<()>>) {
    match input {
        // An error means that the thread has ended, which is what is waited for.
        Some(input) => drop(input.await),
        None => std::future::pending().await,
    }
}
