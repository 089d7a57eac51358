//! `sub export`.

use super::TenantArgs;
use super::rows::{Format, row};
use crate::cli::CommandError;
use crate::cli::destination::Destination;
use crate::cli::server::{ServerArgs, answer};
use crate::control::proto::ListSubscriptionsRequest;
use crate::control::proto::control_client::ControlClient;
use clap::Args;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use tonic::transport::Channel;

/// Subscriptions asked for at a time: the most that a server gives.
const PAGE_SIZE: u32 = 1000;

const HELP: &str = "\
Examples:
  bellwire sub export subscriptions.csv
  bellwire sub export --tenant acme --format jsonl | wc -l

A line for each subscription, as `sub import` reads it: importing the file makes the same subscriptions, with the same
ids. Not in it is how far they are; `bellwire backup` keeps that. What is activated or ended meanwhile may be in it or
not.

It is your own data: phone numbers are written in full, and the file can be read by its owner only (mode 0600). It takes
its place when it is whole; until then nothing is there, or the one before.";

/// Write every subscription of a tenant to a file
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct Export {
    /// The file; standard output if left out or -
    file: Option<PathBuf>,
    /// How it is written; by the file's name if left out, else csv
    #[arg(id = "rows", long = "format", value_name = "FORMAT")]
    format: Option<Format>,
    #[command(flatten)]
    tenant: TenantArgs,
}

impl Export {
    pub async fn run(self, server: ServerArgs) -> Result<(), CommandError> {
        let file = self.file.as_deref().filter(|file| file.as_os_str() != "-");
        let format = self.format.or_else(|| Format::of(file?)).unwrap_or(Format::Csv);
        let mut control = ControlClient::new(server.connect().await?);
        match file {
            None => {
                let mut out = BufWriter::new(io::stdout().lock());
                write(&mut control, self.tenant.tenant, format, &mut out).await?;
                Ok(out.flush()?)
            }
            Some(file) => {
                let wrong = |error| named(file, &error);
                let mut out = Destination::create(file).map_err(wrong)?;
                write(&mut control, self.tenant.tenant, format, &mut out).await?;
                out.finish().map_err(wrong)
            }
        }
    }
}

fn named(file: &Path, error: &io::Error) -> CommandError {
    CommandError::Failed(format!("{}: {error}", file.display()))
}

async fn write(
    control: &mut ControlClient<Channel>,
    tenant: String,
    format: Format,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    if let Some(header) = format.header() {
        writeln!(out, "{header}")?;
    }
    let mut request = ListSubscriptionsRequest { tenant, page_size: PAGE_SIZE, ..ListSubscriptionsRequest::default() };
    loop {
        let page = answer(control.list_subscriptions(request.clone())).await?;
        for one in &page.subscriptions {
            let line = format.line(&row(one)).map_err(io::Error::from)?;
            writeln!(out, "{line}")?;
        }
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return Ok(());
        }
    }
}
