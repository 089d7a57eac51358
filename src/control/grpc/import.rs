//! `ImportSubscriptions`: one request after the other is read, checked, and handed to the router in parts, so that the
//! router does other things in between.

use super::ask::{ask, stopping};
use super::control::code;
use super::violations::Violations;
use super::{Shared, request};
use crate::actors::router::{ActivateError, Activation, RouterMessage};
use crate::control::proto::import_subscriptions_response::Refusal;
use crate::control::proto::{ActivateRequest, FieldViolation, ImportSubscriptionsRequest, ImportSubscriptionsResponse};
use std::ops::AddAssign;
use std::sync::Arc;
use tokio::sync::mpsc::{Sender, channel};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};
use tracing::info;

/// What an importer is sent.
pub(super) type Responses = ReceiverStream<Result<ImportSubscriptionsResponse, Status>>;

/// Activations per request at most.
const REQUEST_MAX: usize = 1000;
/// Activations that the router is given at a time: it needs a few milliseconds for them.
const PART: usize = 250;
/// Responses that wait for a slow importer; beyond it the stream is not read.
const RESPONSES_WAITING: usize = 4;

/// Begins to read requests.
pub(super) fn begin(shared: Arc<Shared>, requests: Streaming<ImportSubscriptionsRequest>) -> Responses {
    let (responses, received) = channel(RESPONSES_WAITING);
    tokio::spawn(async move {
        let mut counts = Counts::default();
        let end = tokio::select! {
            end = read(&shared, requests, &responses, &mut counts) => end,
            () = shared.stopped() => Err(stopping()),
        };
        let Counts { created, renewed, refused, validated } = counts;
        info!(created, renewed, refused, validated, complete = end.is_ok(), "import ended");
        if let Err(status) = end {
            // The importer may be gone.
            let _ = responses.send(Err(status)).await;
        }
    });
    ReceiverStream::new(received)
}

/// What came of all requests.
#[derive(Default)]
struct Counts {
    created: u64,
    renewed: u64,
    refused: u64,
    /// Only looked at.
    validated: u64,
}

impl AddAssign<(&ImportSubscriptionsResponse, bool)> for Counts {
    fn add_assign(&mut self, (response, validate_only): (&ImportSubscriptionsResponse, bool)) {
        let (created, renewed) = (u64::from(response.created), u64::from(response.renewed));
        match validate_only {
            true => self.validated += created + renewed,
            false => (self.created, self.renewed) = (self.created + created, self.renewed + renewed),
        }
        self.refused += response.refused.len() as u64;
    }
}

/// Reads until the importer has no more, or is gone.
async fn read(
    shared: &Shared,
    mut requests: Streaming<ImportSubscriptionsRequest>,
    responses: &Sender<Result<ImportSubscriptionsResponse, Status>>,
    counts: &mut Counts,
) -> Result<(), Status> {
    while let Some(ImportSubscriptionsRequest { activations, validate_only }) = requests.message().await? {
        if activations.len() > REQUEST_MAX {
            let mut violations = Violations::default();
            violations.add("activations", format_args!("{} exceed {REQUEST_MAX}", activations.len()));
            return Err(violations.into());
        }
        let response = import(shared, activations, validate_only).await?;
        *counts += (&response, validate_only);
        if responses.send(Ok(response)).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

async fn import(
    shared: &Shared,
    activations: Vec<ActivateRequest>,
    validate_only: bool,
) -> Result<ImportSubscriptionsResponse, Status> {
    let mut response = ImportSubscriptionsResponse::default();
    let mut requests = (0..REQUEST_MAX as u32).zip(activations);
    while requests.len() > 0 {
        let (mut places, mut part) = (Vec::with_capacity(PART), Vec::with_capacity(PART));
        for (index, request) in requests.by_ref().take(PART) {
            match request::activation(&shared.settings, request) {
                Ok(activation) => {
                    places.push(index);
                    part.push(activation);
                }
                Err(violations) => response.refused.push(wrong(index, violations)),
            }
        }
        let answers = ask(&shared.router, |reply| question(part, validate_only, reply)).await?;
        for (index, answer) in places.into_iter().zip(answers) {
            match answer {
                Ok(true) => response.created += 1,
                Ok(false) => response.renewed += 1,
                Err(ActivateError::Stopping) => return Err(stopping()),
                Err(error) => response.refused.push(refusal(index, &error)),
            }
        }
    }
    response.refused.sort_by_key(|refusal| refusal.index);
    Ok(response)
}

type Answers = ractor::RpcReplyPort<Vec<Result<bool, ActivateError>>>;

fn question(activations: Vec<Activation>, validate_only: bool, reply: Answers) -> RouterMessage {
    match validate_only {
        true => RouterMessage::Validate(activations, reply),
        false => RouterMessage::Import(activations, reply),
    }
}

fn wrong(index: u32, violations: Violations) -> Refusal {
    let (code, message) = (Code::InvalidArgument.into(), "wrong fields".to_owned());
    Refusal { index, code, message, violations: violations.into_fields() }
}

fn refusal(index: u32, error: &ActivateError) -> Refusal {
    let field = match error {
        ActivateError::NoRoute | ActivateError::OtherNumber => "to",
        ActivateError::TooMany => "handset",
        _ => "",
    };
    let blamed = Some(field).filter(|field| !field.is_empty());
    let violation = |field: &str| FieldViolation { field: field.to_owned(), description: error.to_string() };
    let violations = blamed.map(violation).into_iter().collect();
    Refusal { index, code: code(error).into(), message: error.to_string(), violations }
}
