//! A file's lines, read in a thread of its own and gathered into requests.

use super::claims::Claims;
use crate::cli::sub::rows::{Line, Rows, Wrong};
use crate::control::proto::ActivateRequest;
use std::io::{self, BufRead};
use tokio::sync::mpsc;

/// Activations in one request: what a server takes.
const REQUEST_MAX: usize = 1000;
/// Octets of lines in one request, so that it stays well below the 4 MiB that a server takes.
const REQUEST_OCTETS: usize = 1024 * 1024;
/// Requests that are ready before they can be sent.
const READY: usize = 2;

/// One request, and the lines that it is made of.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// What is asked for.
    pub activations: Vec<ActivateRequest>,
    /// The line of each.
    pub lines: Vec<Place>,
    /// The text of these lines.
    text: String,
    /// Lines that ask for nothing, and why.
    pub wrong: Vec<(u64, Vec<Wrong>)>,
}

/// Where a line is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Its number.
    pub number: u64,
    start: usize,
    end: usize,
}

impl Batch {
    /// Lines in it.
    pub fn len(&self) -> usize {
        self.lines.len() + self.wrong.len()
    }

    /// A line as it was written.
    pub fn text(&self, place: Place) -> &str {
        self.text.get(place.start..place.end).unwrap_or_default()
    }

    fn is_full(&self) -> bool {
        self.len() >= REQUEST_MAX || self.text.len() >= REQUEST_OCTETS
    }

    fn take(&mut self, number: u64, line: &str, asked: Result<ActivateRequest, Vec<Wrong>>) {
        match asked {
            Ok(activation) => {
                let start = self.text.len();
                self.text.push_str(line);
                self.lines.push(Place { number, start, end: self.text.len() });
                self.activations.push(activation);
            }
            Err(wrong) => self.wrong.push((number, wrong)),
        }
    }
}

/// Reads rows to the end; those that say nothing else are `tenant`'s. With `whole` also lines are wrong that contradict
/// an earlier one.
pub(super) fn read<R: BufRead + Send + 'static>(
    mut rows: Rows<R>,
    tenant: String,
    whole: bool,
) -> mpsc::Receiver<io::Result<Batch>> {
    let (batches, received) = mpsc::channel(READY);
    std::thread::spawn(move || {
        let mut claims = whole.then(Claims::default);
        loop {
            let batch = match next(&mut rows, &tenant, claims.as_mut()) {
                Ok(batch) if batch.len() == 0 => return,
                other => other,
            };
            let failed = batch.is_err();
            if batches.blocking_send(batch).is_err() || failed {
                return;
            }
        }
    });
    received
}

fn next<R: BufRead>(rows: &mut Rows<R>, tenant: &str, mut claims: Option<&mut Claims>) -> io::Result<Batch> {
    let mut batch = Batch::default();
    while !batch.is_full() {
        let Some(Line { number, text, row }) = rows.next()? else { break };
        let mut asked = row.map_err(|wrong| vec![wrong]).and_then(|row| row.into_activation(tenant));
        if let (Ok(activation), Some(claims)) = (&asked, claims.as_deref_mut())
            && let Err(wrong) = claims.note(number, activation)
        {
            asked = Err(vec![wrong]);
        }
        batch.take(number, text, asked);
    }
    Ok(batch)
}
