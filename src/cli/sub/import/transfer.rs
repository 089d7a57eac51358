//! Requests out, responses in, a few on their way at a time.

use super::batch::Batch;
use super::report::Report;
use crate::cli::CommandError;
use crate::cli::progress_line::INTERVAL;
use crate::cli::server::{ServerError, answer};
use crate::cli::sub::rows::{Column, Layout, Wrong};
use crate::control::proto::control_client::ControlClient;
use crate::control::proto::import_subscriptions_response::Refusal;
use crate::control::proto::{ImportSubscriptionsRequest, ImportSubscriptionsResponse};
use std::collections::VecDeque;
use std::io;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;

/// Requests that wait for their response.
const UNANSWERED: usize = 4;

/// Has every batch imported, or only validated.
///
/// # Errors
/// When the file cannot be read to its end, or the server does not answer everything; what was reported is so.
pub(super) async fn transfer(
    control: &mut ControlClient<Channel>,
    layout: &Layout,
    mut batches: mpsc::Receiver<io::Result<Batch>>,
    validate_only: bool,
    report: &mut Report,
) -> Result<(), CommandError> {
    let (requests, sent) = mpsc::channel(UNANSWERED);
    let mut requests = Some(requests);
    let mut responses = answer(control.import_subscriptions(ReceiverStream::new(sent))).await?;
    let mut waiting = VecDeque::new();
    let mut ticks = tokio::time::interval(INTERVAL);
    loop {
        tokio::select! {
            batch = batches.recv(), if requests.is_some() && waiting.len() < UNANSWERED => match batch.transpose()? {
                Some(mut batch) => {
                    let activations = std::mem::take(&mut batch.activations);
                    waiting.push_back(batch);
                    if let Some(requests) = &requests {
                        // One that does not arrive has no response, which is noticed.
                        let _ = requests.send(ImportSubscriptionsRequest { activations, validate_only }).await;
                    }
                }
                None => requests = None,
            },
            response = responses.message() => match response.map_err(ServerError::from)? {
                Some(response) => {
                    let Some(batch) = waiting.pop_front() else { continue };
                    report.handle_batch(response.created, response.renewed, batch.len(), refused(layout, batch, response))?;
                }
                None if waiting.is_empty() && requests.is_none() => return Ok(()),
                None => return Err(ServerError::Incomplete("response to every request").into()),
            },
            _ = ticks.tick() => report.show_progress(),
        }
    }
}

/// Every line of a batch that was not taken, and why, in their order.
fn refused(layout: &Layout, batch: Batch, response: ImportSubscriptionsResponse) -> Vec<(u64, Vec<Wrong>)> {
    let mut refused = Vec::with_capacity(batch.wrong.len() + response.refused.len());
    for refusal in response.refused {
        let Some(place) = batch.lines.get(refusal.index as usize) else { continue };
        refused.push((place.number, reasons(layout, batch.text(*place), refusal)));
    }
    refused.extend(batch.wrong);
    refused.sort_by_key(|(number, _)| *number);
    refused
}

fn reasons(layout: &Layout, line: &str, refusal: Refusal) -> Vec<Wrong> {
    if refusal.violations.is_empty() {
        return vec![Wrong::row(refusal.message)];
    }
    // Once more, for it was given away.
    let row = layout.row(line).unwrap_or_default();
    let fields = refusal.violations.into_iter();
    let wrong = fields.map(|field| match Column::of_field(&field.field) {
        Some(column) => Wrong::value(column, row.get(column).unwrap_or_default(), field.description),
        None => Wrong::row(format_args!("{}: {}", field.field, field.description)),
    });
    wrong.collect()
}
