//! What a server answers to publications, as it is printed, and what it makes of the exit code.

use super::stream::Sent;
use crate::cli::CommandError;
use crate::cli::server::{Output, ServerError};
use crate::cli::shown::print;
use crate::control::proto::publish_response::Answer;
use crate::control::proto::{PublishResponse, Rejected, Released, Taken};
use serde_json::{Value, json};
use std::io;
use tokio::sync::oneshot;
use tonic::{Code, Streaming};

/// Why publishing did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(in crate::cli) enum PublishFailed {
    /// The server took some publications not at all.
    #[error("publications rejected: {count}")]
    Rejected {
        /// How many.
        count: u64,
        /// Whether one of them was wrong.
        wrong: bool,
    },
    /// Events were left out before they were sent.
    #[error("events too long to be published: {0}")]
    Oversize(u64),
    /// Events did not end well.
    #[error("events neither accepted nor delivered: {0}")]
    Lost(u64),
    /// The server ended the stream too early.
    #[error("the server answered {answered} publications of {sent}")]
    Cut {
        /// How many it answered.
        answered: u64,
        /// How many were sent.
        sent: u64,
    },
    /// Standard input cannot be read.
    #[error("cannot read standard input: {0}")]
    Input(io::Error),
}

impl PublishFailed {
    /// Whether the command line, or the stream, asked for something impossible.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Rejected { wrong: true, .. })
    }
}

/// Answers, counted.
pub(super) struct Answers {
    output: Output,
    wait: bool,
    /// Publications that nothing more is expected for.
    answered: u64,
    rejected: u64,
    wrong: bool,
    lost: u64,
}

impl Answers {
    /// Prints as `output` says; `wait`s for events to end, or only until they are taken.
    pub fn new(output: Output, wait: bool) -> Self {
        Self { output, wait, answered: 0, rejected: 0, wrong: false, lost: 0 }
    }

    /// Takes answers until there is one for everything that was sent.
    pub async fn take_all(
        mut self,
        mut responses: Streaming<PublishResponse>,
        mut finish: oneshot::Receiver<io::Result<Sent>>,
    ) -> Result<(), CommandError> {
        let mut sent = None;
        while sent.as_ref().is_none_or(|sent: &Sent| self.answered < sent.publications) {
            tokio::select! {
                finished = &mut finish, if sent.is_none() => {
                    let finished = finished.unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()));
                    sent = Some(finished.map_err(PublishFailed::Input)?);
                }
                response = responses.message() => match response.map_err(ServerError::from)? {
                    Some(response) => self.take(&response)?,
                    None => break,
                },
            }
        }
        Ok(self.verdict(&sent.unwrap_or(Sent { publications: 0, oversize: 0 }))?)
    }

    fn take(&mut self, response: &PublishResponse) -> Result<(), CommandError> {
        let answer = response.answer.as_ref().ok_or(ServerError::Incomplete("answer"))?;
        match answer {
            Answer::Taken(_) => self.answered += u64::from(!self.wait),
            Answer::Released(released) => {
                self.answered += u64::from(self.wait);
                self.lost += released.failed + released.expired + released.dropped + released.unknown;
                if !self.wait {
                    return Ok(());
                }
            }
            Answer::Rejected(rejected) => {
                self.answered += 1;
                self.rejected += 1;
                self.wrong |= Code::from(rejected.code) == Code::InvalidArgument;
                if self.output == Output::Text {
                    eprintln!("{}", rejected_text(rejected));
                    return Ok(());
                }
            }
        }
        Ok(print(self.output, || text(answer), || object(&response.publish_id, answer))?)
    }

    fn verdict(&self, sent: &Sent) -> Result<(), PublishFailed> {
        let (answered, lost) = (self.answered, if self.wait { self.lost } else { 0 });
        if self.rejected > 0 {
            return Err(PublishFailed::Rejected { count: self.rejected, wrong: self.wrong });
        }
        if answered < sent.publications {
            return Err(PublishFailed::Cut { answered, sent: sent.publications });
        }
        match (sent.oversize, lost) {
            (0, 0) => Ok(()),
            (0, lost) => Err(PublishFailed::Lost(lost)),
            (oversize, _) => Err(PublishFailed::Oversize(oversize)),
        }
    }
}

fn text(answer: &Answer) -> String {
    match answer {
        Answer::Taken(Taken { first_sequence, subscriptions, repeated }) => {
            let again = if *repeated { ", published before" } else { "" };
            format!("taken: sequence {first_sequence}, subscriptions {subscriptions}{again}")
        }
        Answer::Released(released) => {
            let counts = counts(released).map(|(name, count)| format!("{name} {count}"));
            format!("released: {}", counts.join(", "))
        }
        Answer::Rejected(rejected) => rejected_text(rejected),
    }
}

/// Every wrong field on a line of its own, or else what the server says.
fn rejected_text(rejected: &Rejected) -> String {
    if rejected.violations.is_empty() {
        return rejected.message.clone();
    }
    let lines = rejected.violations.iter().map(|one| format!("{}: {}", one.field, one.description));
    lines.collect::<Vec<_>>().join("\n")
}

fn object(publish_id: &str, answer: &Answer) -> Value {
    match answer {
        Answer::Taken(Taken { first_sequence, subscriptions, repeated }) => json!({
            "publish_id": publish_id,
            "taken": { "first_sequence": first_sequence, "subscriptions": subscriptions, "repeated": repeated },
        }),
        Answer::Released(released) => {
            let counts: serde_json::Map<_, _> =
                counts(released).map(|(name, count)| (name.to_owned(), count.into())).into_iter().collect();
            json!({ "publish_id": publish_id, "released": counts })
        }
        Answer::Rejected(Rejected { code, message, violations }) => {
            let violations: Vec<Value> =
                violations.iter().map(|one| json!({ "field": one.field, "description": one.description })).collect();
            let rejected = json!({ "code": code, "message": message, "violations": violations });
            json!({ "publish_id": publish_id, "rejected": rejected })
        }
    }
}

fn counts(released: &Released) -> [(&'static str, u64); 9] {
    let Released { accepted, delivered, failed, expired, dropped, unknown, relayed, filtered, coalesced } = *released;
    [
        ("accepted", accepted),
        ("delivered", delivered),
        ("failed", failed),
        ("expired", expired),
        ("dropped", dropped),
        ("unknown", unknown),
        ("relayed", relayed),
        ("filtered", filtered),
        ("coalesced", coalesced),
    ]
}
