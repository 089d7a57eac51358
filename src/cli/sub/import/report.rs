//! What an import tells: how far it is, which lines are wrong, and what came of it all.

use crate::cli::CommandError;
use crate::cli::load::grouped;
use crate::cli::progress_line::ProgressLine;
use crate::cli::server::Output;
use crate::cli::shown::print;
use crate::cli::sub::rows::Wrong;
use serde_json::json;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// Wrong lines that are shown.
const SHOWN: u64 = 20;

/// What is told.
#[derive(Debug)]
pub(super) struct Report {
    output: Output,
    errors: Option<BufWriter<File>>,
    line: ProgressLine,
    /// What happens to good lines.
    done: &'static str,
    started: Instant,
    counts: Counts,
    complete: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    lines: u64,
    created: u64,
    renewed: u64,
    refused: u64,
}

impl Report {
    /// Begins to count; `errors` is where every wrong line goes, `done` what happens to good ones.
    ///
    /// # Errors
    /// When that file cannot be written.
    pub fn begin(output: Output, errors: Option<&Path>, done: &'static str) -> Result<Self, CommandError> {
        let errors = errors.map(|path| {
            // It has values whole, such as phone numbers.
            let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
            file.map_err(|error| CommandError::Usage(format!("--errors {}: {error}", path.display())))
        });
        Ok(Self {
            output,
            errors: errors.transpose()?.map(BufWriter::new),
            line: ProgressLine::new(),
            done,
            started: Instant::now(),
            counts: Counts::default(),
            complete: true,
        })
    }

    /// The file is read anew.
    pub fn start_over(&mut self, done: &'static str) {
        self.line.clear();
        (self.done, self.started, self.counts) = (done, Instant::now(), Counts::default());
    }

    /// Lines that were not taken.
    pub fn refused(&self) -> u64 {
        self.counts.refused
    }

    /// What came of some lines.
    ///
    /// # Errors
    /// When the file of errors takes no more.
    pub fn handle_batch(
        &mut self,
        created: u32,
        renewed: u32,
        lines: usize,
        refused: Vec<(u64, Vec<Wrong>)>,
    ) -> io::Result<()> {
        self.counts.lines += lines as u64;
        self.counts.created += u64::from(created);
        self.counts.renewed += u64::from(renewed);
        for (number, wrong) in refused {
            self.counts.refused += 1;
            let shown = self.counts.refused <= SHOWN;
            if shown {
                self.line.clear();
            }
            for wrong in wrong {
                if shown {
                    eprintln!("line {number}: {}", wrong.words(false));
                }
                if let Some(errors) = &mut self.errors {
                    writeln!(errors, "line {number}: {}", wrong.words(true))?;
                }
            }
        }
        Ok(())
    }

    /// Tells whoever watches how far it is.
    pub fn show_progress(&self) {
        let Counts { lines, refused, .. } = self.counts;
        self.line.show(|| progress(lines, refused, self.started.elapsed()));
    }

    /// It ends before its time: tells what there is.
    pub fn interrupted(&mut self) {
        self.complete = false;
        // Why it ends is told by whoever knows.
        let _ = self.summarize();
    }

    /// Tells what came of all lines.
    ///
    /// # Errors
    /// When any was refused, or nobody can be told.
    pub fn end(mut self) -> Result<(), CommandError> {
        self.summarize()?;
        match self.counts {
            Counts { refused: 0, .. } => Ok(()),
            Counts { refused, lines, .. } => {
                let (refused, lines) = (grouped(refused), grouped(lines));
                Err(CommandError::Failed(format!("{refused} of {lines} lines refused")))
            }
        }
    }

    fn summarize(&mut self) -> io::Result<()> {
        self.line.clear();
        if let Some(errors) = &mut self.errors {
            errors.flush()?;
        }
        let Counts { lines, created, renewed, refused } = self.counts;
        if let hidden @ 1.. = refused.saturating_sub(SHOWN) {
            let rest = if self.errors.is_some() { "" } else { "; --errors FILE writes all of them" };
            eprintln!("and {} wrong lines more{rest}", grouped(hidden));
        }
        let seconds = self.started.elapsed().as_secs_f64();
        let (done, complete) = (self.done, self.complete);
        let text = || {
            let [lines, created, renewed, refused] = [lines, created, renewed, refused].map(grouped);
            format!("lines {lines}, {done}: created {created}, renewed {renewed}, refused {refused}; {seconds:.1} s")
        };
        let object = || {
            json!({
                "lines": lines, "created": created, "renewed": renewed, "refused": refused,
                "imported": done == "imported", "complete": complete, "seconds": seconds,
            })
        };
        print(self.output, text, object)
    }
}

fn progress(lines: u64, refused: u64, passed: Duration) -> String {
    let rate = lines as f64 / passed.as_secs_f64().max(1e-3);
    format!("{} lines, {}/s, {} refused", grouped(lines), grouped(rate as u64), grouped(refused))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_has_lines_rate_and_refused() {
        assert_eq!(progress(123_000, 3, Duration::from_secs(2)), "123,000 lines, 61,500/s, 3 refused");
        assert_eq!(progress(0, 0, Duration::ZERO), "0 lines, 0/s, 0 refused");
    }
}
