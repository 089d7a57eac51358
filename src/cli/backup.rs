//! `backup`.

use super::CommandError;
use super::destination::Destination;
use super::load::grouped;
use super::progress_line::{INTERVAL, ProgressLine};
use super::runtime::block_on;
use super::server::{ServerArgs, ServerError, answer};
use super::shown::print;
use crate::control::proto::BackupRequest;
use crate::control::proto::control_client::ControlClient;
use clap::Args;
use serde_json::json;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

const HELP: &str = "\
Example:
  bellwire backup bellwire-2026-07-01.backup

Everything that the node keeps in node.data_dir, of every tenant, as of one moment; the node goes on meanwhile. The file
takes its place when it is whole and on disk. Only its owner may read it (mode 0600): there are phone numbers and events
in it. `bellwire restore` makes a data directory of it again.";

/// Save everything that a running node keeps on disk
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct Backup {
    #[command(flatten)]
    server: ServerArgs,
    /// Where to
    file: PathBuf,
    /// Overwrite the file if there is one
    #[arg(long)]
    force: bool,
}

impl Backup {
    pub(super) fn run(self) -> Result<(), CommandError> {
        // A link that leads nowhere is something too.
        if !self.force && self.file.symlink_metadata().is_ok() {
            let file = self.file.display();
            return Err(CommandError::Usage(format!("{file} is there already: --force overwrites it")));
        }
        block_on(self.save())?
    }

    async fn save(self) -> Result<(), CommandError> {
        let mut control = ControlClient::new(self.server.connect().await?);
        let mut parts = answer(control.backup(BackupRequest {})).await?;
        let wrong = |error: io::Error| CommandError::Failed(format!("{}: {error}", self.file.display()));
        let mut out = Destination::create(&self.file).map_err(wrong)?;
        let (started, line) = (Instant::now(), ProgressLine::new());
        let (mut octets, mut shown) = (0, started);
        let whole = loop {
            match parts.message().await {
                Ok(Some(part)) => {
                    out.write_all(&part.data).map_err(wrong)?;
                    octets += part.data.len() as u64;
                }
                Ok(None) => break Ok(()),
                Err(status) => break Err(ServerError::from(status)),
            }
            if shown.elapsed() >= INTERVAL {
                line.show(|| progress(octets, started.elapsed()));
                shown = Instant::now();
            }
        };
        line.clear();
        whole?;
        out.finish().map_err(wrong)?;
        let (file, seconds) = (self.file.display().to_string(), started.elapsed().as_secs_f64());
        let text = || format!("{file}: {} octets; {seconds:.1} s", grouped(octets));
        Ok(print(self.server.output, text, || json!({ "file": file, "octets": octets, "seconds": seconds }))?)
    }
}

fn progress(octets: u64, passed: Duration) -> String {
    let rate = octets as f64 / passed.as_secs_f64().max(1e-3);
    format!("{} octets, {}/s", grouped(octets), grouped(rate as u64))
}
