//! `sim smsc`: an SMSC with faults by script.

use super::super::{CommandError, hex, runtime};
use super::interrupted;
use crate::sim::smsc::{ConnectionStats, DeliveryPort, ReceiptForm, RecordPort, SmscStats};
use crate::sim::{Delivered, FaultScript, Modem, Smsc, SmscSettings};
use clap::Args;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

const EXAMPLE: &str = "\
Example:
  bellwire sim smsc --listen 127.0.0.1:2775 --seed 7 --script faults.toml
  bellwire sim smsc --script docs/simulator/flaky.toml --record run.jsonl --json
  bellwire sim smsc --script faults.toml --check
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
Also [latency], [rate], [window], [congestion], [destinations], [store], [ids], [binds], [[account]] and [[outbind]]:
docs/SIMULATOR.md has them all, and all kinds of faults; docs/simulator has scripts that are ready. `--check` says in
words what a script means.

Ctrl-C ends it and prints what it counted as a line of JSON.";

/// Play an SMSC, with faults by script
#[derive(Args, Debug)]
#[command(after_help = EXAMPLE)]
pub(super) struct SmscArgs {
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:2775")]
    listen: SocketAddr,
    /// Decides all chance: the same seed and messages give the same run. [default: that of the script, or 1]
    #[arg(long)]
    seed: Option<u64>,
    /// TOML file with what the SMSC takes, how long that takes, and what goes wrong
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Say in words what the script means, and end
    #[arg(long)]
    check: bool,
    /// Count faults by kind and messages by connection, too, in what is printed at the end
    #[arg(long)]
    json: bool,
    /// Write what comes and goes to a file, a line of JSON for each PDU; numbers and texts are in it
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
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
        if self.check {
            return Ok(write!(io::stdout(), "{}", settings.script.explain())?);
        }
        let messages = self.messages;
        let line = runtime::block_on(self.serve(settings))??;
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
        let seed = self.seed.or(script.seed).unwrap_or(1);
        script.seed = Some(seed);
        let (system_id, password) = (self.system_id.clone(), self.password.clone());
        Ok(SmscSettings { seed, script, system_id, password, ..SmscSettings::default() })
    }

    /// Plays until it is interrupted; gives what is printed then.
    async fn serve(self, settings: SmscSettings) -> io::Result<String> {
        let seed = settings.seed;
        let listener = TcpListener::bind(self.listen).await?;
        let modem = match self.modem {
            Some(address) => Some(Modem::start(TcpListener::bind(address).await?)?),
            None => None,
        };
        let record = self.record.as_deref().map(Record::open).transpose()?;
        let modem_address = modem.as_ref().map(Modem::address);
        let port = record.as_ref().map(Record::port);
        let smsc = Smsc::start_recorded(listener, settings, handsets(self.messages, modem), port)?;
        eprintln!("smsc at {}", smsc.address());
        if let Some(address) = modem_address {
            eprintln!("modem at http://{address}/modem");
        }
        tokio::select! {
            ended = interrupted() => ended?,
            () = show(&smsc), if io::stderr().is_terminal() => {}
        }
        if let Some(record) = record {
            record.close()?;
        }
        match self.json {
            true => serde_json::to_string(&Summary::of(&smsc, seed)),
            false => serde_json::to_string(&smsc.stats()),
        }
        .map_err(io::Error::other)
    }
}

/// What is printed at the end.
#[derive(serde::Serialize)]
struct Summary {
    seed: u64,
    total: SmscStats,
    /// Messages that still wait for their handset.
    waiting: usize,
    faults: BTreeMap<&'static str, u64>,
    connections: Vec<ConnectionStats>,
}

impl Summary {
    fn of(smsc: &Smsc, seed: u64) -> Self {
        let (total, waiting) = (smsc.stats(), smsc.waiting());
        Self { seed, total, waiting, faults: smsc.faults(), connections: smsc.connections() }
    }
}

/// A file of what came and went.
struct Record {
    file: Arc<Mutex<BufWriter<File>>>,
}

impl Record {
    fn open(path: &Path) -> io::Result<Self> {
        let file =
            File::create(path).map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
        Ok(Self { file: Arc::new(Mutex::new(BufWriter::new(file))) })
    }

    fn port(&self) -> RecordPort {
        let file = self.file.clone();
        // What cannot be written now cannot be flushed at the end either, and is told then.
        Box::new(move |recorded| drop(writeln!(file.lock(), "{}", recorded.to_json())))
    }

    fn close(self) -> io::Result<()> {
        self.file.lock().flush()
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
