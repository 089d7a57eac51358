//! `Publish`: one publication after the other is read, checked and handed to its source.

use super::ask::{ask, stopping};
use super::publication::{Answered, MAX_ANSWERS, Publication};
use super::violations::Violations;
use super::{Shared, request};
use crate::actors::router::{self, RouterMessage};
use crate::actors::source::PublishError;
use crate::codec::sse::{EventError, Events, EventsBuilder, Field};
use crate::control::proto::{Event, PublishRequest, PublishResponse, Rejected};
use crate::model::SourceId;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use std::pin::pin;
use std::sync::Arc;
use tokio::sync::mpsc::{Sender, channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};

/// What a publisher is sent.
pub(super) type Responses = BoxStream<'static, Result<PublishResponse, Status>>;

/// Publications of one stream that may be unreleased; beyond it the stream is not read.
const MAX_UNRELEASED: usize = 1024;

/// Begins to read publications.
pub(super) fn begin(shared: Arc<Shared>, requests: Streaming<PublishRequest>) -> Responses {
    // Every publication's answers, and how the stream ends.
    let (answers, received) = channel(MAX_UNRELEASED * MAX_ANSWERS + 1);
    tokio::spawn(read(shared, requests, answers));
    // Taking an answer out of the queue gives its place back.
    ReceiverStream::new(received).map(|(response, _place)| response).boxed()
}

/// Reads until the publisher has no more; then the stream ends with the last answer. When the server stops, what was
/// taken is answered, and then the publisher is told to come back for the rest.
async fn read(shared: Arc<Shared>, mut requests: Streaming<PublishRequest>, answers: Sender<Answered>) {
    let places = Arc::new(Semaphore::new(MAX_UNRELEASED));
    let mut stopped = pin!(shared.stopped());
    loop {
        let next = tokio::select! {
            next = next(&mut requests, &places) => next,
            () = &mut stopped => break,
            () = answers.closed() => return,
        };
        match next {
            Ok(Some((request, place))) => publish(&shared, request, &answers, place).await,
            Ok(None) => return,
            Err(status) => return end(&answers, status),
        }
    }
    tokio::select! {
        _ = places.acquire_many(MAX_UNRELEASED as u32) => end(&answers, stopping()),
        () = answers.closed() => {}
    }
}

/// The next publication, once there is a place for it.
async fn next(
    requests: &mut Streaming<PublishRequest>,
    places: &Arc<Semaphore>,
) -> Result<Option<(PublishRequest, OwnedSemaphorePermit)>, Status> {
    let place = Arc::clone(places).acquire_owned().await.map_err(|_| stopping())?;
    Ok(requests.message().await?.map(|request| (request, place)))
}

fn end(answers: &Sender<Answered>, status: Status) {
    // The publisher may be gone.
    let _ = answers.try_send((Err(status), None));
}

/// Publications of a stream are handed over one by one, so that the events of a source keep their order.
async fn publish(
    shared: &Shared,
    mut request: PublishRequest,
    answers: &Sender<Answered>,
    place: OwnedSemaphorePermit,
) {
    let events = request.events.len() as u64;
    let publish_id = std::mem::take(&mut request.publish_id);
    let publication = Publication::new(publish_id.clone(), events, answers.clone(), place);
    let (source, events) = match contents(shared, &publish_id, request) {
        Ok(contents) => contents,
        Err(violations) => return publication.handle_rejected(violations.into()),
    };
    let asked = Box::new(router::Publication { source, events, publish_id, watch: publication.watch() });
    match ask(&shared.router, |reply| RouterMessage::Publish(asked, reply)).await {
        Ok(Ok(taken)) => publication.handle_taken(taken),
        Ok(Err(error)) => publication.handle_rejected(refusal(&error)),
        Err(status) => publication.handle_rejected(rejected(status.code(), status.message().to_owned())),
    }
}

fn contents(shared: &Shared, publish_id: &str, request: PublishRequest) -> Result<(SourceId, Events), Violations> {
    let mut violations = Violations::default();
    if publish_id.len() > request::NAME_MAX_OCTETS {
        let octets = publish_id.len();
        violations.add("publish_id", format_args!("{octets} octets exceed {}", request::NAME_MAX_OCTETS));
    }
    let tenant = request::tenant(&shared.settings, &request.tenant, &mut violations);
    let source = request::source(&shared.settings, tenant.as_ref(), request.source, &mut violations);
    if request.events.is_empty() {
        violations.add("events", "at least one event is required");
    }
    let mut builder = EventsBuilder::new();
    for (index, Event { r#type, data, id }) in request.events.iter().enumerate() {
        // HTML §9.2.6: an event whose type buffer is empty is of the type "message".
        let event_type = if r#type.is_empty() { "message" } else { r#type };
        if let Err(error) = builder.push(event_type.as_bytes(), data.as_bytes(), id.as_bytes()) {
            violations.add(format!("events[{index}].{}", field(&error)), error);
        }
    }
    violations.finish(source.map(|source| (source, builder.finish())))
}

/// The field of an event as the API calls it.
fn field(error: &EventError) -> &'static str {
    let (EventError::Forbidden { field, .. } | EventError::NotUtf8 { field, .. } | EventError::TooLong { field, .. }) =
        error;
    match field {
        Field::Type => "type",
        Field::Data => "data",
        Field::Id => "id",
    }
}

fn refusal(error: &PublishError) -> Rejected {
    let code = match error {
        PublishError::UnknownSource => Code::NotFound,
        PublishError::Full => Code::ResourceExhausted,
        PublishError::Store => Code::Unavailable,
    };
    rejected(code, error.to_string())
}

fn rejected(code: Code, message: String) -> Rejected {
    Rejected { code: code.into(), message, violations: Vec::new() }
}
