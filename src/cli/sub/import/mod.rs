//! `sub import`.

mod batch;
mod claims;
mod report;
mod transfer;

use super::rows::{Format, Rows};
use crate::cli::CommandError;
use crate::cli::server::ServerArgs;
use crate::control::proto::control_client::ControlClient;
use batch::read;
use clap::Args;
use report::Report;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek};
use std::path::{Path, PathBuf};
use tonic::transport::Channel;
use transfer::transfer;

/// Octets read at a time.
const READ_OCTETS: usize = 256 * 1024;

const HELP: &str = "\
Examples:
  bellwire sub import subscriptions.csv
  bellwire sub import --all-or-nothing --errors wrong.txt subscriptions.jsonl
  bellwire sub export --server http://old:50051 | bellwire sub import --server http://new:50051 -

A line for each subscription. CSV begins with a line that names its columns; JSON has an object on each line. Columns and
keys are the options of `sub activate`: tenant, source or feed, credential, to (or number), handset or handset_id,
application, last_event_id, batch_window, max_events, max_segments, order, ttl, overflow, content, ids, receipts, priority,
at_limit, types, coalesce. An empty cell, a null and what is not there are left out. To say that there is no application, write \"\" in its cell, quotes included.

  source,to,ttl                               {\"feed\":\"prices\",\"to\":\"+15551234567\",\"max_events\":5}
  https://example.com/prices,+15551234567,10m

Wrong lines are reported by number and column, and the good ones are taken: what is active already gets the policy of its
line, so that importing a file again is harmless. With --all-or-nothing the file is read twice, and nothing is taken if
the server would refuse any line of the first reading. Between the two others may still interfere: handsets change their
number, reach their limit of subscriptions, the router stops. Such lines are then reported, and the others are taken. The
memory needed does not grow with the file, except for 32 octets per named handset with --all-or-nothing.

Exit code 0 when every line was taken, 1 when some were refused, 64 when the file is none that can be imported.";

/// Activate many subscriptions from a file
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct Import {
    /// The file; - for standard input
    file: PathBuf,
    /// How it is written; by the file's name or its first octet if left out
    #[arg(id = "rows", long = "format", value_name = "FORMAT", default_value = "auto", hide_default_value = true)]
    format: Choice,
    /// Take nothing if any line is wrong
    #[arg(long)]
    all_or_nothing: bool,
    /// Write all that is wrong to this file, values whole; the first 20 wrong lines are shown anyway
    #[arg(long, value_name = "FILE")]
    errors: Option<PathBuf>,
    /// Whose the subscriptions of lines are that do not say so; the server's default tenant if left out
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    tenant: String,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Choice {
    /// By the file's name, else by its first octet.
    Auto,
    /// CSV with a header line.
    Csv,
    /// An object on each line.
    Jsonl,
}

impl Import {
    pub async fn run(self, server: ServerArgs) -> Result<(), CommandError> {
        if !self.all_or_nothing {
            let mut report = Report::begin(server.output, self.errors.as_deref(), "imported")?;
            let rows = self.open(self.input()?)?;
            let mut control = ControlClient::new(server.connect().await?);
            self.pass(&mut control, rows, false, &mut report).await?;
            return report.end();
        }
        let mut file = self.again()?;
        let rows = self.open(buffered(file.try_clone()?))?;
        let mut control = ControlClient::new(server.connect().await?);
        let mut report = Report::begin(server.output, self.errors.as_deref(), "checked, none imported")?;
        self.pass(&mut control, rows, true, &mut report).await?;
        if report.refused() > 0 {
            return report.end();
        }
        file.rewind()?;
        let rows = self.open(buffered(file))?;
        report.start_over("imported");
        self.pass(&mut control, rows, false, &mut report).await?;
        report.end()
    }

    /// Reads the file to its end, if there is no trouble with it or the server.
    async fn pass<R: BufRead + Send + 'static>(
        &self,
        control: &mut ControlClient<Channel>,
        rows: Rows<R>,
        validate_only: bool,
        report: &mut Report,
    ) -> Result<(), CommandError> {
        let layout = rows.layout().clone();
        let batches = read(rows, self.tenant.clone(), validate_only);
        let done = transfer(control, &layout, batches, validate_only, report).await;
        if done.is_err() {
            report.interrupted();
        }
        done
    }

    fn input(&self) -> Result<Box<dyn BufRead + Send>, CommandError> {
        match self.file.as_os_str() == "-" {
            true => Ok(Box::new(BufReader::with_capacity(READ_OCTETS, io::stdin()))),
            false => Ok(Box::new(buffered(self.file()?))),
        }
    }

    fn file(&self) -> Result<File, CommandError> {
        File::open(&self.file).map_err(|error| self.wrong(error))
    }

    /// A file that can be read twice.
    fn again(&self) -> Result<File, CommandError> {
        let twice = "--all-or-nothing reads the file twice: standard input and pipes cannot be read again";
        if self.file.as_os_str() == "-" {
            return Err(CommandError::Usage(twice.to_owned()));
        }
        let file = self.file()?;
        match file.metadata().map_err(|error| self.wrong(error))?.is_file() {
            true => Ok(file),
            false => Err(self.wrong(twice)),
        }
    }

    fn open<R: BufRead>(&self, input: R) -> Result<Rows<R>, CommandError> {
        Rows::open(input, self.format()).map_err(|error| self.wrong(error))
    }

    fn format(&self) -> Option<Format> {
        match self.format {
            Choice::Csv => Some(Format::Csv),
            Choice::Jsonl => Some(Format::Jsonl),
            Choice::Auto => Format::of(&self.file),
        }
    }

    fn wrong(&self, why: impl std::fmt::Display) -> CommandError {
        CommandError::Usage(format!("{}: {why}", self.file.display()))
    }
}

impl Format {
    /// As the name of a file tells it.
    pub fn of(file: &Path) -> Option<Self> {
        match file.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            _ => None,
        }
    }
}

fn buffered(file: File) -> BufReader<File> {
    BufReader::with_capacity(READ_OCTETS, file)
}
