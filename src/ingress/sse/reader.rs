//! The life of one upstream: open, read, lose, wait, open again; until it ends for good or its source lets go.

use super::body::{Body, End};
use super::reconnection::Reconnection;
use super::request::{LAST_EVENT_ID_MAX_OCTETS, OpenError, Requester, Target};
use super::settings::SseSettings;
use super::watchdog::Watchdog;
use crate::actors::admission::Door;
use crate::actors::clock::now;
use crate::actors::port::Port;
use crate::actors::upstream::{Cause, Outage, Resume, ResumePoint, UpstreamFact};
use crate::codec::sse::{Limits, Parser};
use crate::engine::chunk;
use bytes::Bytes;
use http::HeaderValue;
use std::error::Error;
use std::fmt::Write as _;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tracing::{debug, info, warn};
use url::Position;

/// What the reader of one stream needs to know of the settings.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    /// Bounds of the parser.
    pub limits: Limits,
    /// Silence after which the stream is taken for dead.
    pub idle_timeout: Duration,
    /// How long a stream has to stay open to count as sound without an event.
    pub proven_after: Duration,
}

impl Reading {
    pub(super) fn new(settings: &SseSettings) -> Self {
        let SseSettings { limits, idle_timeout, proven_after, .. } = settings.clone();
        Self { limits, idle_timeout, proven_after }
    }
}

/// Reads one upstream.
pub(super) struct Reader {
    /// Opens it.
    pub requester: Arc<Requester>,
    /// What is opened.
    pub target: Target,
    /// How it is read.
    pub reading: Reading,
    /// When it is opened again.
    pub reconnection: Reconnection,
    /// Where it goes on when it is opened again.
    pub resume: ResumePoint,
    /// Where credits are.
    pub door: Door,
    /// Who is told.
    pub facts: Port<UpstreamFact>,
    /// The origin has reset the id in force.
    pub reset: bool,
    /// Whether the loss that is going on was already logged aloud.
    pub outage: bool,
}

/// How a stream that was open was lost.
struct Loss {
    reason: String,
    /// An event came, or it stayed open long enough.
    proven: bool,
    /// The origin finished the response, as many do every few minutes.
    orderly: bool,
}

impl Reader {
    /// Reads until the stream ends for good.
    pub(super) async fn run(mut self) {
        loop {
            let resume = if self.reset { Resume::default() } else { self.resume.get() };
            let header = self.header(&resume);
            // Boxed: an idle stream should not hold the memory that opening it took.
            let opened = Box::pin(self.requester.open(&self.target, header.as_ref())).await;
            let (outage, wait) = match opened {
                Ok(body) => {
                    let id = resume.id.clone();
                    self.opened(header.map(|_| resume));
                    let loss = self.read(body, &id).await;
                    let wait = self.wait_after(&loss);
                    (Outage::new(Cause::Connection, loss.reason), wait)
                }
                Err(error) => match error.retry_after() {
                    Some(at_least) => {
                        let outage = Outage::new(error.cause(), in_words(&error));
                        let wait = self.reconnection.after_failure(at_least);
                        self.log_loss(&outage.reason, wait, false);
                        (outage, wait)
                    }
                    None => return self.end(&error),
                },
            };
            self.facts.send(UpstreamFact::Lost { outage, retry_in: wait });
            sleep(wait).await;
        }
    }

    /// "If the EventSource object's last event ID string is not the empty string [...] Set (`Last-Event-ID`,
    /// lastEventIDValue) in request's header list" (HTML §9.2.3). An id that HTTP cannot carry is left out.
    fn header(&self, resume: &Resume) -> Option<HeaderValue> {
        if resume.id.is_empty() {
            return None;
        }
        let id = HeaderValue::from_maybe_shared(resume.id.clone()).ok();
        let id = id.filter(|id| id.len() <= LAST_EVENT_ID_MAX_OCTETS);
        if id.is_none() {
            let octets = resume.id.len();
            warn!(url = self.shown(), octets, "last event id cannot stand in a header: the stream starts afresh");
        }
        id
    }

    fn opened(&self, resumed: Option<Resume>) {
        if self.outage {
            debug!(url = self.shown(), resumed = resumed.is_some(), "upstream open again");
        } else {
            info!(url = self.shown(), resumed = resumed.is_some(), "upstream open");
        }
        self.facts.send(UpstreamFact::Opened { resumed });
    }

    /// Reads an open stream, which goes on behind `last_event_id`, until it is lost.
    async fn read(&mut self, mut body: Body, last_event_id: &[u8]) -> Loss {
        // "Once the end of the file is reached, any pending data must be discarded" (HTML §9.2.6): what was
        // begun on one connection is not finished on the next, so each has a parser of its own.
        let mut parser = Parser::with_last_event_id(self.reading.limits, last_event_id);
        let mut watchdog = Watchdog::new(self.reading.idle_timeout);
        let opened = Instant::now();
        let (mut proven, mut retry) = (false, None);
        let reason = loop {
            let piece = match poll_fn(|context| next_piece(&mut body, &mut watchdog, context)).await {
                Ok(piece) => piece,
                Err(reason) => break reason,
            };
            proven |= self.take(&mut parser, piece).await;
            if parser.retry() != retry {
                retry = parser.retry();
                retry.into_iter().for_each(|time| self.facts.send(UpstreamFact::Retry(time)));
            }
            watchdog.rest();
            proven = proven || opened.elapsed() >= self.reading.proven_after;
            if proven {
                self.sound();
            }
        };
        if opened.elapsed() >= self.reading.proven_after {
            proven = true;
            self.sound();
        }
        self.reset = parser.last_event_id().is_empty();
        if let Some(retry) = parser.retry() {
            self.reconnection.set_time(retry);
        }
        Loss { orderly: reason.is_none(), reason: reason.unwrap_or_else(|| "the origin ended it".to_owned()), proven }
    }

    /// Takes a piece in. Its events wait here until there is room for them; nothing more is read until then, and the
    /// watchdog rests. Whether an event was in it.
    ///
    /// The credit is for all that the events take in memory: many short ones take several times what was read.
    async fn take(&self, parser: &mut Parser, piece: Bytes) -> bool {
        let read_at = now();
        let octets = piece.len();
        let events = parser.feed(piece);
        let found = !events.is_empty();
        if found || events.repaired() > 0 || events.oversize() > 0 {
            let credit = self.door.admit(chunk::octets(&events).max(octets)).await;
            self.facts.send(UpstreamFact::Events { events, credit, read_at });
        }
        found
    }

    fn wait_after(&mut self, loss: &Loss) -> Duration {
        let wait = match loss.proven {
            true => self.reconnection.after_success(),
            false => self.reconnection.after_failure(Duration::ZERO),
        };
        self.log_loss(&loss.reason, wait, loss.proven && loss.orderly);
        wait
    }

    /// The stream has proven itself, which ends an outage: accepting connections alone does not.
    fn sound(&mut self) {
        if self.outage {
            self.outage = false;
            info!(url = self.shown(), "upstream sound again");
        }
    }

    /// One outage is one warning, however often it is tried; an origin that ends a sound stream is none.
    fn log_loss(&mut self, reason: &str, retry_in: Duration, routine: bool) {
        if routine || self.outage {
            debug!(url = self.shown(), ?retry_in, reason, "upstream lost");
        } else {
            self.outage = true;
            warn!(url = self.shown(), ?retry_in, reason, "upstream lost");
        }
    }

    fn end(&self, error: &OpenError) {
        let reason = in_words(error);
        warn!(url = self.shown(), reason, "upstream ended for good");
        self.facts.send(UpstreamFact::Ended { outage: Outage::new(error.cause(), reason) });
    }

    /// The URL as logs may show it: a query may carry a token.
    fn shown(&self) -> &str {
        &self.target.url.url()[..Position::AfterPath]
    }
}

/// The next octets.
///
/// # Errors
/// Why there are none, in words unless the end is an orderly one.
fn next_piece(
    body: &mut Body,
    watchdog: &mut Watchdog,
    context: &mut Context<'_>,
) -> Poll<Result<Bytes, Option<String>>> {
    if let Poll::Ready(piece) = body.poll_piece(context) {
        return Poll::Ready(piece.map_err(|end| match end {
            End::Complete => None,
            End::Broken(error) => Some(in_words(&error)),
        }));
    }
    watchdog.poll(context).map(|()| Err(Some(format!("silent for {:?}", watchdog.time))))
}

/// An error and what it came from.
fn in_words(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let _ = write!(words, ": {cause}");
        source = cause.source();
    }
    words
}
