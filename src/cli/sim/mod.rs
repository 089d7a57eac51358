//! `sim`: the parts of the demo on their own.

mod handset;
mod smsc;
mod ticker;

use super::CommandError;
use clap::{Args, Subcommand};

const EXAMPLE: &str = "\
Example:
  bellwire sim ticker --rate 2 &
  bellwire sim smsc --messages | bellwire sim handset

Then activate http://127.0.0.1:8081/stocks on a router whose SMSC is 127.0.0.1:2775, and watch the events arrive.";

/// Play an origin, an SMSC or handsets
#[derive(Args, Debug)]
#[command(after_help = EXAMPLE)]
pub(super) struct Sim {
    #[command(subcommand)]
    part: Part,
}

#[derive(Debug, Subcommand)]
enum Part {
    Smsc(smsc::SmscArgs),
    Ticker(ticker::TickerArgs),
    Handset(handset::HandsetArgs),
}

impl Sim {
    pub(super) fn run(self) -> Result<(), CommandError> {
        match self.part {
            Part::Smsc(part) => part.run(),
            Part::Ticker(part) => part.run(),
            Part::Handset(part) => part.run(),
        }
    }
}

/// Waits for Ctrl-C or SIGTERM.
async fn interrupted() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            pressed = tokio::signal::ctrl_c() => pressed,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
