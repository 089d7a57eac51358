//! `demo`: the whole way of an event in one process: ticker, router, simulated SMSC, simulated handset.
//!
//! The parts meet on sockets as they would between machines; only the subscription is asked for by a direct call. A demo
//! without an end has a console beside it: a page that is a second handset.

mod board;
mod console;
mod summary;

use super::runtime;
use super::{CommandError, exposition};
use crate::actors::router::{Activation, RouterMessage};
use crate::app::{App, StartError};
use crate::config::{Config, ConfigErrors};
use crate::model::{Msisdn, Policy, SourceId, SourceOrigin, SourceUrlError, TenantId};
use crate::sim::smsc::{Delivered, Smsc, SmscSettings};
use crate::sim::{Afterwards, Modem, Ticker, TickerSettings};
use board::Board;
use bytes::Bytes;
use clap::Args;
use console::{Console, ConsoleError};
use ractor::ActorRef;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use summary::Summary;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

const EXAMPLE: &str = "\
Examples:
  bellwire demo                   stock quotes reach a handset until Ctrl-C, and a page shows how
  bellwire demo --port 8080       the page is at http://127.0.0.1:8080/console
  bellwire demo --events 1000     ends by itself: 0 if every event arrived as it was sent, else 1";

/// Show the whole way: ticker, router, simulated SMSC and handset in one process
#[derive(Args, Debug)]
#[command(after_help = EXAMPLE)]
pub(super) struct Demo {
    /// End after so many events; without it the demo runs until Ctrl-C
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    events: Option<u64>,
    /// Decides every event and all chance; the same seed shows the same quotes
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Events per second, 0 for as fast as they are taken [default: 1, with --events 500]
    #[arg(long, value_name = "R", value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    rate: Option<u32>,
    /// Port of the push proxy and its console; 0 for any that is free
    #[arg(long, value_name = "P", default_value_t = 0)]
    port: u16,
}

/// The numbers that events go to: such as are set aside for stories (NANP 555-01xx). The first is the console's.
const CONSOLE_NUMBER: &str = "15555550123";
const NUMBER: &str = "15555550124";
/// Longest silence before the demo gives up.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often progress is shown and looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Why a demo ends badly.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum DemoError {
    #[error("demo: the configuration does not work: {0}")]
    Config(#[from] ConfigErrors),
    #[error("demo: cannot start: {0}")]
    Start(#[from] StartError),
    #[error("demo: {0}")]
    Io(#[from] std::io::Error),
    #[error("demo: {0}")]
    Console(#[from] ConsoleError),
    #[error("demo: the ticker's address is no source: {0}")]
    Source(#[from] SourceUrlError),
    #[error("demo: the subscription was not activated: {0}")]
    Activate(String),
    #[error("demo: not every event arrived as it was sent")]
    Incomplete,
}

impl Demo {
    pub(super) fn run(self) -> Result<(), CommandError> {
        Ok(runtime::block_on(self.play())??)
    }

    async fn play(&self) -> Result<(), DemoError> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let rate = self.rate.unwrap_or(if self.events.is_some() { 500 } else { 1 });
        let settings = TickerSettings {
            seed: self.seed,
            events: self.events,
            rate: f64::from(rate),
            afterwards: Afterwards::KeepOpen,
        };
        let ticker = Ticker::start(listener(0).await?, settings)?;
        let board = Arc::new(Board::new(self.seed, self.events, NUMBER));
        let console = match self.events {
            None => Some(Console::new(&ticker.url(), Modem::start(listener(0).await?)?, CONSOLE_NUMBER)?),
            Some(_) => None,
        };
        let (delivery, modem) = (Arc::clone(&board), console.as_ref().map(Console::modem));
        let handsets = move |message: &Delivered<'_>| {
            delivery.deliver(message);
            modem.iter().for_each(|modem| modem.deliver(message));
        };
        let smsc_settings = SmscSettings { seed: self.seed, ..SmscSettings::default() };
        let smsc = Smsc::start(listener(0).await?, smsc_settings, Box::new(handsets))?;
        let config = self.config(smsc.address(), console.as_ref())?;
        let app = App::start_with(&config, console.as_ref().map(Console::pages).unwrap_or_default()).await?;
        board.introduce(&ticker.url(), &app, smsc.address());
        activate(app.router(), &ticker.url()).await?;

        let started = Instant::now();
        tokio::select! {
            () = self.follow(&board, &app) => {}
            _ = interrupt.recv() => {}
        }
        let elapsed = started.elapsed();
        drop(ticker);
        let exporter = app.exporter().clone();
        let stopped = app.stop().await;
        let summary = Summary::new(&exporter.render(), &board, smsc.stats(), elapsed, stopped);
        println!("{summary}");
        match self.events.is_none() || summary.is_complete() {
            true => Ok(()),
            false => Err(DemoError::Incomplete),
        }
    }

    /// The configuration, read by the same parser as any other.
    fn config(&self, smsc: SocketAddr, console: Option<&Console>) -> Result<Config, ConfigErrors> {
        let console = console.map(Console::config).unwrap_or_default();
        let text = format!(
            r#"
            [node]
            data_dir = ""
            [http]
            listen = "127.0.0.1:{port}"
            [grpc]
            listen = "127.0.0.1:0"
            [ops]
            listen = "127.0.0.1:0"
            [access]
            allow_private_sources = true
            prefixes = ["1555"]
            [budgets]
            handset_per_minute = 0
            handset_per_day = 0
            source_per_minute = 0
            source_per_day = 0
            tenant_per_minute = 0
            tenant_per_day = 0
            [[smsc]]
            name = "simulated"
            address = "{smsc}"
            system_id = "bellwire"
            password = "demo"
            source_address = "12345"
            {console}
            "#,
            port = self.port
        );
        Config::parse("demo", &text, std::iter::empty(), &[])
    }

    /// Ends when every event has its last receipt, or when nothing has happened for too long.
    async fn follow(&self, board: &Board, app: &App) {
        let mut interval = tokio::time::interval(LOOK_EVERY);
        let (mut last, mut changed_at) = (0, Instant::now());
        loop {
            interval.tick().await;
            board.show_progress();
            let done = exposition::settled(&app.exporter().render()) + board.arrived();
            if done != last {
                (last, changed_at) = (done, Instant::now());
            }
            let complete = self.events.is_some_and(|events| done >= events * 2);
            let silent = self.events.is_some() && changed_at.elapsed() > PATIENCE;
            if complete || silent {
                return;
            }
        }
    }
}

async fn listener(port: u16) -> Result<TcpListener, std::io::Error> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await
}

async fn activate(router: &ActorRef<RouterMessage>, url: &str) -> Result<(), DemoError> {
    let tenant = TenantId::default();
    let number: Msisdn = NUMBER.parse().map_err(|error| DemoError::Activate(format!("{error}")))?;
    let activation = Activation {
        tenant: tenant.clone(),
        handset: None,
        number,
        source: SourceId::new(tenant, SourceOrigin::Url(url.parse()?), None),
        application: None,
        policy: Policy::default(),
        last_event_id: Bytes::new(),
    };
    let answer = ractor::call_t!(router, RouterMessage::Activate, 5000, Box::new(activation));
    let refused = |reason: String| DemoError::Activate(reason);
    answer.map_err(|error| refused(error.to_string()))?.map_err(|error| refused(error.to_string()))?;
    Ok(())
}
