//! `restore`.

use super::CommandError;
use crate::store;
use clap::Args;
use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

/// Octets read at a time.
const READ_OCTETS: usize = 256 * 1024;

const HELP: &str = "\
Example:
  bellwire restore bellwire-2026-07-01.backup --data-dir /var/lib/bellwire

The node that the directory is for must not run, and the directory must be empty or not there: move away what is in it.
Then start the node with node.data_dir set to it: it goes on from the moment of the backup. Events since then come from
their origins again as far as these still have them, and what handsets got since then may reach them twice.";

/// Make a data directory of a backup
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct Restore {
    /// The backup
    file: PathBuf,
    /// The directory, as node.data_dir names it
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
}

impl Restore {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let (file, directory) = (self.file.display(), self.data_dir.display());
        let input = File::open(&self.file).map_err(|error| CommandError::Usage(format!("{file}: {error}")))?;
        if !is_free(&self.data_dir).map_err(|error| CommandError::Usage(format!("{directory}: {error}")))? {
            return Err(CommandError::Usage(format!("{directory} is not empty: move away what is in it")));
        }
        let mut input = BufReader::with_capacity(READ_OCTETS, input);
        store::restore(&mut input, &self.data_dir)
            .map_err(|error| CommandError::Failed(format!("cannot restore {file}: {error}")))
    }
}

/// Whether nothing is in a directory, or it is not there.
fn is_free(directory: &Path) -> io::Result<bool> {
    match fs::read_dir(directory) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}
