//! One line on standard error that says how far something is, for whoever watches a terminal.

use std::io::{self, IsTerminal};
use std::time::Duration;

/// How often it is worth saying.
pub(super) const INTERVAL: Duration = Duration::from_millis(500);

/// The line.
#[derive(Debug)]
pub(super) struct ProgressLine {
    watched: bool,
}

impl ProgressLine {
    /// Is seen only on a terminal.
    pub fn new() -> Self {
        Self { watched: io::stderr().is_terminal() }
    }

    /// Says something in place of what was said before.
    pub fn show(&self, line: impl FnOnce() -> String) {
        if self.watched {
            eprint!("\r{}\x1b[K", line());
        }
    }

    /// Says nothing any more: something else is written there.
    pub fn clear(&self) {
        if self.watched {
            eprint!("\r\x1b[K");
        }
    }
}
