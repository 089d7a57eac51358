//! `sim ticker`: an origin with stock prices.

use super::super::{CommandError, runtime};
use super::interrupted;
use crate::sim::{Afterwards, Ticker, TickerSettings, TickerStats};
use clap::Args;
use std::io::{self, Write};
use std::net::SocketAddr;
use tokio::net::TcpListener;

const EXAMPLE: &str = "\
Example:
  bellwire sim ticker --listen 127.0.0.1:8081 --seed 7 --rate 10 --events 1000
  curl -N -H 'Last-Event-ID: 41' http://127.0.0.1:8081/stocks

The same seed gives the same events. Ctrl-C ends it and prints what it sent as a line of JSON.";

/// Play an origin: an event stream of stock prices on /stocks
#[derive(Args, Debug)]
#[command(after_help = EXAMPLE)]
pub(super) struct TickerArgs {
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8081")]
    listen: SocketAddr,
    /// Decides every event
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Events per second on each connection; 0 for as fast as they are read
    #[arg(long, default_value_t = 1.0, value_parser = rate)]
    rate: f64,
    /// Events in the stream; 0 for no end
    #[arg(long, default_value_t = 0)]
    events: u64,
    /// End the response after the last event instead of keeping it open
    #[arg(long)]
    end: bool,
}

impl TickerArgs {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let stats = runtime::block_on(self.serve())??;
        let line = serde_json::to_string(&stats).map_err(io::Error::other)?;
        Ok(writeln!(io::stdout(), "{line}")?)
    }

    async fn serve(self) -> io::Result<TickerStats> {
        let settings = TickerSettings {
            seed: self.seed,
            events: (self.events > 0).then_some(self.events),
            rate: self.rate,
            afterwards: if self.end { Afterwards::End } else { Afterwards::KeepOpen },
        };
        let ticker = Ticker::start(TcpListener::bind(self.listen).await?, settings)?;
        eprintln!("event stream at {}", ticker.url());
        interrupted().await?;
        Ok(ticker.stats())
    }
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (0.0..=1e9).contains(&rate) => Ok(rate),
        _ => Err("a number from 0 to 1000000000".to_owned()),
    }
}
