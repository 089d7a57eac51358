//! `publish`: events into a source of a running server.

mod answers;
mod stream;

use super::CommandError;
use super::runtime::block_on;
use super::server::{ServerArgs, answer};
use super::source_args::SourceArgs;
use crate::control::proto::control_client::ControlClient;
use crate::control::proto::{Event, PublishRequest};
use answers::Answers;
pub(super) use answers::PublishFailed;
use clap::Args;
use stream::Sent;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;

/// Publications read ahead of the server.
const READ_AHEAD: usize = 16;

const EXAMPLE: &str = "\
Example:
  bellwire publish --feed prices --type price --id 17 --data '{\"EUR\": 1.08}' --wait
  curl -N https://example.com/prices | bellwire publish --feed prices

Without --data it reads an event stream (text/event-stream) from standard input; a block is complete with its blank line.
A line per publication that was taken, and with --wait another when its events have ended. Exit code 64 when the server
calls a publication wrong, 1 when one was rejected for another reason or, with --wait, when an event was neither accepted
nor delivered.";

/// Publish events from standard input or the command line
#[derive(Args, Debug)]
#[command(after_help = EXAMPLE)]
pub(super) struct Publish {
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    source: SourceArgs,
    /// Whose source it is; the server's default tenant if left out
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    tenant: String,
    /// The data of a single event
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    data: Option<String>,
    /// Its type; "message" if left out
    #[arg(long = "type", value_name = "TYPE", requires = "data", default_value = "", hide_default_value = true)]
    event_type: String,
    /// Its id
    #[arg(long, value_name = "ID", requires = "data", default_value = "", hide_default_value = true)]
    id: String,
    /// Names the publication, so that a retry publishes nothing twice
    #[arg(long, value_name = "ID", requires = "data", default_value = "", hide_default_value = true)]
    publish_id: String,
    /// Wait until the events have ended or were accepted for every subscription
    #[arg(long)]
    wait: bool,
}

impl Publish {
    pub(super) fn run(self) -> Result<(), CommandError> {
        block_on(async {
            let Self { server, source, tenant, data, event_type, id, publish_id, wait } = self;
            let mut control = ControlClient::new(server.connect().await?);
            let (requests, sent) = mpsc::channel(READ_AHEAD);
            let (finished, finish) = oneshot::channel();
            let empty = PublishRequest { publish_id, tenant, source: Some(source.into_source()), events: Vec::new() };
            match data {
                Some(data) => {
                    let events = vec![Event { r#type: event_type, data, id }];
                    // Both have room: nothing was sent before.
                    let _ = requests.try_send(PublishRequest { events, ..empty });
                    let _ = finished.send(Ok(Sent { publications: 1, oversize: 0 }));
                    drop(requests);
                }
                None => stream::read(empty, requests, finished),
            }
            let responses = answer(control.publish(ReceiverStream::new(sent))).await?;
            Answers::new(server.output, wait).take_all(responses, finish).await
        })?
    }
}
