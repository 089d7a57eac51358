//! The server that a client command talks to: which one, how long it is waited for, and what it refuses.

use clap::{Args, ValueEnum};
use std::error::Error;
use std::time::Duration;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Response, Status};
use tonic_types::StatusExt;

/// Where a server listens unless told otherwise.
const DEFAULT_SERVER: &str = "http://127.0.0.1:50051";
/// Names another default.
const SERVER_VARIABLE: &str = "BELLWIRE_SERVER";
/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait for an answer; a stream has to begin within it.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// Which server is asked, and how its answer is printed.
#[derive(Args, Debug)]
pub(super) struct ServerArgs {
    /// The server's gRPC listener [default: BELLWIRE_SERVER of the environment, else http://127.0.0.1:50051]
    #[arg(long, global = true, value_name = "URL")]
    server: Option<String>,
    /// How answers are printed; json is one object per line
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    pub output: Output,
}

/// How answers are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// For people.
    Text,
    /// One object per line.
    Json,
}

impl ServerArgs {
    /// A server by its address, whatever the environment says.
    pub fn at(address: String, output: Output) -> Self {
        Self { server: Some(address), output }
    }

    /// Connects to it.
    ///
    /// # Errors
    /// When its address is no URL, or nobody answers there.
    pub async fn connect(&self) -> Result<Channel, ServerError> {
        let named = self.server.clone().or_else(|| std::env::var(SERVER_VARIABLE).ok().filter(|name| !name.is_empty()));
        let address = named.unwrap_or_else(|| DEFAULT_SERVER.to_owned());
        let endpoint = Endpoint::from_shared(address.clone()).ok().filter(is_plain);
        let Some(endpoint) = endpoint else {
            return Err(ServerError::Address(address));
        };
        let connected = endpoint.connect_timeout(CONNECT_TIMEOUT).connect().await;
        connected.map_err(|error| ServerError::Unreachable { address, reason: root(&error) })
    }
}

/// Whether an address is `http://…`: without a scheme the transport would only say that it is invalid.
fn is_plain(endpoint: &Endpoint) -> bool {
    endpoint.uri().scheme_str() == Some("http") && endpoint.uri().host().is_some()
}

/// What a server answers, within [`CALL_TIMEOUT`].
///
/// # Errors
/// When it refuses, or does not answer in time.
pub(super) async fn answer<T>(call: impl Future<Output = Result<Response<T>, Status>>) -> Result<T, ServerError> {
    let answered = tokio::time::timeout(CALL_TIMEOUT, call).await.map_err(|_| ServerError::Slow)?;
    Ok(answered?.into_inner())
}

/// Why a server did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum ServerError {
    /// Its address is wrong.
    #[error("server {0:?} is no address such as {DEFAULT_SERVER}")]
    Address(String),
    /// Nobody is there.
    #[error("cannot reach the server at {address}: {reason}")]
    Unreachable {
        /// Where it was looked for.
        address: String,
        /// What the system says.
        reason: String,
    },
    /// It is there and does not answer.
    #[error("the server did not answer within {CALL_TIMEOUT:?}")]
    Slow,
    /// It refused.
    #[error("{}", words(.0))]
    Refused(Box<Status>),
    /// It left out what it promises to answer.
    #[error("the server's answer has no {0}")]
    Incomplete(&'static str),
}

impl ServerError {
    /// Whether the command line asked for something impossible.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Address(_) => true,
            Self::Refused(status) => status.code() == Code::InvalidArgument,
            _ => false,
        }
    }
}

impl From<Status> for ServerError {
    fn from(status: Status) -> Self {
        Self::Refused(Box::new(status))
    }
}

/// Every wrong field on a line of its own, or else what the server says.
fn words(status: &Status) -> String {
    let violations = status.get_details_bad_request().map(|wrong| wrong.field_violations).unwrap_or_default();
    if !violations.is_empty() {
        let lines = violations.iter().map(|one| format!("{}: {}", one.field, one.description));
        return lines.collect::<Vec<_>>().join("\n");
    }
    match status.message() {
        "" => status.code().description().to_owned(),
        message => message.to_owned(),
    }
}

/// The innermost cause: what is around it says only that something failed.
fn root(error: &(dyn Error + 'static)) -> String {
    let mut root = error;
    while let Some(cause) = root.source() {
        root = cause;
    }
    root.to_string()
}
