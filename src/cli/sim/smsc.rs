//! `sim smsc`: an SMSC with faults by script.

use super::super::{CommandError, hex, runtime};
use super::interrupted;
use crate::sim::smsc::{DeliveryPort, ReceiptForm, SmscStats};
use crate::sim::{Delivered, FaultScript, Modem, Smsc, SmscSettings};
use clap::Args;
use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio::net::TcpListener;

const EXAMPLE: &str = "\
Example:
  bellwire sim smsc --listen 127.0.0.1:2775 --seed 7 --script faults.toml
  bellwire sim smsc --messages | bellwire sim handset

A script with a burst of throttling, a connection lost after a message was taken, and receipts of failure:
  [receipts]
  form = \"both\"                # tlv, text, both or none
  [[fault]]
  kind = \"throttle\"
  at = 5                       # the 5th submit; also every = N and probability = 0.01
  count = 10                   # and the nine after it
  [[fault]]
  kind = \"close\"
  at = 100
  accept = true
  [[fault]]
  kind = \"receipt_state\"
  state = \"UNDELIV\"
  every = 50
Kinds: throttle queue_full system_error invalid_destination refuse (status) delay (delay) silent answer_twice
shuffle (within) receipt_first receipt_late (delay) receipt_twice no_receipt receipt_state (state) close reset garbage
broken_body short_length long_length unknown_command unbind stall half_open no_enquire refuse_bind (status).

Ctrl-C ends it and prints what it counted as a line of JSON.";

/// Play an SMSC, with faults by script
#[derive(Args, Debug)]
#[command(after_help = EXAMPLE)]
pub(super) struct SmscArgs {
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:2775")]
    listen: SocketAddr,
    /// Decides all chance: the same seed and messages give the same faults
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// TOML file with the faults to play
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// The only system_id that may bind
    #[arg(long)]
    system_id: Option<String>,
    /// The password it needs
    #[arg(long)]
    password: Option<String>,
    /// How receipts are written, instead of what the script says
    #[arg(long, value_name = "FORM")]
    dlr: Option<ReceiptForm>,
    /// Print each message as SOURCE DESTINATION HEX, for `sim handset`; the counts then go to standard error
    #[arg(long)]
    messages: bool,
    /// Serve messages as event streams, too, for handsets in a browser: http://ADDRESS/modem?number=15555550123
    #[arg(long, value_name = "ADDRESS")]
    modem: Option<SocketAddr>,
}

impl SmscArgs {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let settings = self.settings()?;
        let messages = self.messages;
        let stats = runtime::block_on(self.serve(settings))??;
        let line = serde_json::to_string(&stats).map_err(io::Error::other)?;
        match messages {
            true => writeln!(io::stderr(), "{line}")?,
            false => writeln!(io::stdout(), "{line}")?,
        }
        Ok(())
    }

    fn settings(&self) -> Result<SmscSettings, CommandError> {
        let mut script = match &self.script {
            None => FaultScript::default(),
            Some(path) => {
                let wrong = |why: &dyn std::fmt::Display| CommandError::Usage(format!("{}: {why}", path.display()));
                let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
                text.parse().map_err(|error| wrong(&error))?
            }
        };
        script.receipts.form = self.dlr.unwrap_or(script.receipts.form);
        let Self { seed, system_id, password, .. } = self;
        let (system_id, password) = (system_id.clone(), password.clone());
        Ok(SmscSettings { seed: *seed, script, system_id, password, ..SmscSettings::default() })
    }

    async fn serve(self, settings: SmscSettings) -> io::Result<SmscStats> {
        let listener = TcpListener::bind(self.listen).await?;
        let modem = match self.modem {
            Some(address) => Some(Modem::start(TcpListener::bind(address).await?)?),
            None => None,
        };
        let modem_address = modem.as_ref().map(Modem::address);
        let smsc = Smsc::start(listener, settings, handsets(self.messages, modem))?;
        eprintln!("smsc at {}", smsc.address());
        if let Some(address) = modem_address {
            eprintln!("modem at http://{address}/modem");
        }
        tokio::select! {
            ended = interrupted() => ended?,
            () = show(&smsc), if io::stderr().is_terminal() => {}
        }
        Ok(smsc.stats())
    }
}

fn handsets(messages: bool, modem: Option<Modem>) -> DeliveryPort {
    Box::new(move |message| {
        if messages {
            print(message);
        }
        if let Some(modem) = &modem {
            modem.deliver(message);
        }
    })
}

fn print(message: &Delivered<'_>) {
    let [source, destination] = [message.source, message.destination].map(|addr| addr.escape_ascii());
    // Nobody is left to tell when this output is closed.
    let _ = writeln!(io::stdout(), "{source} {destination} {}", hex::encode(message.short_message));
}

/// Keeps one line of counts up to date.
async fn show(smsc: &Smsc) {
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    let mut before = 0;
    loop {
        seconds.tick().await;
        let now = smsc.stats();
        eprint!(
            "\r{} open, {} submits ({}/s), {} accepted, {} refused, {} duplicates, window {}, {} receipts\x1b[K",
            now.open,
            now.submits,
            now.submits - before,
            now.accepted,
            now.refused,
            now.duplicates,
            now.max_outstanding,
            now.receipts,
        );
        before = now.submits;
    }
}
