//! From a source to an open event stream: the request, its redirects and the response.

use super::body::Body;
use super::connect::{ConnectError, Connector, Socket};
use super::connection::Connection;
use super::frames::Frames;
use super::http1::{self, HeadError};
use super::response::{Futile, Judgement, judge};
use crate::actors::upstream::Cause;
use crate::model::{SourceUrl, SourceUrlError};
use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CACHE_CONTROL, HOST, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, Uri};
use http_body_util::Empty;
use std::time::Duration;
use tokio::time::timeout;
use url::{Position, Url};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Ids longer than this are not sent: origins commonly refuse heads above 8 KiB, which would end the stream.
pub(super) const LAST_EVENT_ID_MAX_OCTETS: usize = 4096;

/// Opens event streams.
pub(super) struct Requester {
    /// Connects.
    pub connector: Connector,
    /// The User-Agent sent.
    pub user_agent: HeaderValue,
    /// Time from a request to the head of its response.
    pub head_timeout: Duration,
    /// Redirects followed in a row.
    pub max_redirects: u32,
}

/// What is asked for.
pub(super) struct Target {
    /// The URL of the source.
    pub url: SourceUrl,
    /// Sent to the origin of `url` and to nobody else.
    pub authorization: Option<HeaderValue>,
}

impl Requester {
    /// Opens `target`, going on after the event called `last_event_id` if there is one.
    ///
    /// # Errors
    /// [`OpenError`], which knows whether another try can help.
    pub(super) async fn open(&self, target: &Target, last_event_id: Option<&HeaderValue>) -> Result<Body, OpenError> {
        let mut url = target.url.clone();
        let mut authorization = target.authorization.as_ref();
        for _ in 0..=self.max_redirects {
            let location = match self.exchange(url.url(), authorization, last_event_id).await? {
                Answer::Stream(body) => return Ok(body),
                Answer::Elsewhere(location) => location,
            };
            let next = follow(&url, &location)?;
            // Once a foreign origin was asked, the credential stays away: that origin chose what comes next.
            authorization = authorization.filter(|_| next.url().origin() == url.url().origin());
            url = next;
        }
        Err(OpenError::Redirects { limit: self.max_redirects })
    }

    async fn exchange(
        &self,
        url: &Url,
        authorization: Option<&HeaderValue>,
        last_event_id: Option<&HeaderValue>,
    ) -> Result<Answer, OpenError> {
        let socket = self.connector.connect(url).await?;
        let fields = [(AUTHORIZATION, authorization), (LAST_EVENT_ID, last_event_id)];
        let head = self.ask(socket, url, fields);
        let limit = self.head_timeout;
        let (status, headers, body) = timeout(limit, head).await.map_err(|_| OpenError::HeadTimeout { limit })??;
        match judge(status, &headers) {
            Judgement::Stream => Ok(Answer::Stream(body)),
            Judgement::Redirect(location) => Ok(Answer::Elsewhere(location)),
            Judgement::Later { status, at_least } => Err(OpenError::Later { status, at_least }),
            Judgement::Never(futile) => Err(OpenError::Futile(futile)),
        }
    }

    /// Asks for `url` over `socket`, with those of `fields` that there are.
    async fn ask(
        &self,
        socket: Socket,
        url: &Url,
        fields: Fields<'_>,
    ) -> Result<(StatusCode, HeaderMap, Body), OpenError> {
        match socket {
            Socket::Plain(tcp) => {
                let request = self.request(url, false, fields)?;
                let http1::Response { status, headers, stream } = http1::exchange(tcp, &request).await?;
                Ok((status, headers, Body::Plain(stream)))
            }
            Socket::Tls(tls) => {
                let mut connection = Connection::open(tls).await?;
                let request = self.request(url, connection.is_http2(), fields)?;
                let (head, incoming) = connection.send(request).await?.into_parts();
                Ok((head.status, head.headers, Body::Framed(Box::new(Frames::new(incoming, connection)))))
            }
        }
    }

    fn request(&self, url: &Url, http2: bool, fields: Fields<'_>) -> Result<Request<Empty<Bytes>>, OpenError> {
        let mut request = request(url, http2).ok_or(OpenError::Url)?;
        request.headers_mut().insert(USER_AGENT, self.user_agent.clone());
        for (name, value) in fields {
            value.map(|value| request.headers_mut().insert(name, value.clone()));
        }
        Ok(request)
    }
}

/// Header fields that a request may have.
type Fields<'a> = [(HeaderName, Option<&'a HeaderValue>); 2];

enum Answer {
    Stream(Body),
    Elsewhere(String),
}

/// "User agents may set (`Accept`, `text/event-stream`) in request's header list" and "Set request's cache mode to
/// "no-store"" (HTML §9.2.2). An encoded stream could not be read while it is under way, hence `identity`.
fn request(url: &Url, http2: bool) -> Option<Request<Empty<Bytes>>> {
    let host = &url[Position::BeforeHost..Position::AfterPort];
    // HTTP/1.1 takes the path alone and names the host in a header; HTTP/2 makes its pseudo-headers of the whole.
    let text = if http2 { &url[..Position::AfterQuery] } else { &url[Position::BeforePath..Position::AfterQuery] };
    let mut request = Request::new(Empty::new());
    *request.uri_mut() = text.parse::<Uri>().ok()?;
    let headers = request.headers_mut();
    if !http2 {
        headers.insert(HOST, HeaderValue::from_str(host).ok()?);
    }
    headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Some(request)
}

/// Where `location`, found at `url`, leads.
fn follow(url: &SourceUrl, location: &str) -> Result<SourceUrl, OpenError> {
    let joined = url.url().join(location);
    let joined = joined.map_err(|error| SourceUrlError::Malformed { reason: error.to_string() });
    joined.and_then(|next| next.as_str().parse()).map_err(OpenError::Location)
}

/// Why there is no event stream.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum OpenError {
    /// There is no connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The connection does not carry a response.
    #[error("no response")]
    Http(#[from] hyper::Error),
    /// The plain connection does not carry a response.
    #[error("no response")]
    Head(#[from] HeadError),
    /// No response came in time.
    #[error("no response within {limit:?}")]
    HeadTimeout { limit: Duration },
    /// The origin asks to come back later.
    #[error("status {status}")]
    Later { status: StatusCode, at_least: Duration },
    /// The response ends the stream.
    #[error(transparent)]
    Futile(#[from] Futile),
    /// The chain of redirects does not end.
    #[error("more than {limit} redirects")]
    Redirects { limit: u32 },
    /// A redirect leads to no source URL.
    #[error("redirect to where no stream can be")]
    Location(#[source] SourceUrlError),
    /// The URL cannot be asked for.
    #[error("the URL cannot stand in a request")]
    Url,
}

impl OpenError {
    /// How long to wait at least before another try; none if no other try can help.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Connect(error) => error.can_retry().then_some(Duration::ZERO),
            Self::Http(_) | Self::Head(_) | Self::HeadTimeout { .. } => Some(Duration::ZERO),
            Self::Later { at_least, .. } => Some(*at_least),
            Self::Futile(_) | Self::Redirects { .. } | Self::Location(_) | Self::Url => None,
        }
    }

    /// What kind of reason it is.
    pub(super) fn cause(&self) -> Cause {
        match self {
            Self::Connect(error) if error.is_forbidden() => Cause::Forbidden,
            Self::Later { status, .. } | Self::Futile(Futile::Status(status) | Futile::NoLocation(status)) => {
                Cause::Status(status.as_u16())
            }
            Self::Futile(_) => Cause::Content,
            Self::Location(_) => Cause::Forbidden,
            Self::Connect(_) | Self::Http(_) | Self::Head(_) | Self::HeadTimeout { .. } => Cause::Connection,
            Self::Redirects { .. } | Self::Url => Cause::Content,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(url: &str) -> SourceUrl {
        url.parse().unwrap()
    }

    #[test]
    fn a_location_is_resolved_against_where_it_was_found() {
        let base = source("https://a.example/x/y?q=1");
        for (location, expected) in [
            ("z", "https://a.example/x/z"),
            ("/z?r", "https://a.example/z?r"),
            ("//b.example/", "https://b.example/"),
            ("http://b.example:81/q#f", "http://b.example:81/q"),
            ("?r=2", "https://a.example/x/y?r=2"),
        ] {
            assert_eq!(follow(&base, location).unwrap().as_str(), expected, "{location}");
        }
        for location in ["ftp://b.example/", "file:///etc/passwd", "http://user:pw@b.example/", "http://"] {
            assert!(matches!(follow(&base, location), Err(OpenError::Location(_))), "{location}");
        }
    }

    #[test]
    fn the_request_names_the_host_once() {
        let url = source("http://a.example:8080/x?q=%20a");
        let one = request(url.url(), false).unwrap();
        assert_eq!(one.uri().to_string(), "/x?q=%20a");
        assert_eq!(one.headers()[HOST], "a.example:8080");
        let two = request(url.url(), true).unwrap();
        assert_eq!(two.uri().to_string(), "http://a.example:8080/x?q=%20a");
        assert!(!two.headers().contains_key(HOST));
        let six = request(source("http://[2001:db8::1]:81/").url(), false).unwrap();
        assert_eq!(six.headers()[HOST], "[2001:db8::1]:81");
    }
}
