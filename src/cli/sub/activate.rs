//! `sub activate`.

use super::policy_args::PolicyArgs;
use super::{TenantArgs, whole};
use crate::cli::CommandError;
use crate::cli::server::{ServerArgs, answer};
use crate::cli::shown::{print, subscription_json, subscription_line};
use crate::cli::source_args::SourceArgs;
use crate::control::proto::ActivateRequest;
use crate::control::proto::control_client::ControlClient;
use clap::Args;

const EXAMPLE: &str = "\
Example:
  bellwire sub activate --source https://example.com/prices --to +15551234567 --batch-window 30s --ttl 10m

Prints the subscription. Activating what is active changes its policy and nothing else.";

/// Send a source's events to a handset from now on
#[derive(Args, Debug)]
#[command(after_help = EXAMPLE)]
pub(super) struct Activate {
    #[command(flatten)]
    source: SourceArgs,
    /// The handset's E.164 number
    #[arg(long, value_name = "MSISDN")]
    to: String,
    /// Your own name for the handset; without one its number names it
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    handset: String,
    /// The handset's identity, 32 hexadecimal digits, instead of a name
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true, conflicts_with = "handset")]
    handset_id: String,
    /// The application on the handset: a URI, or a number such as 0x2; the configured one if left out
    #[arg(long, value_name = "ID")]
    application: Option<String>,
    #[command(flatten)]
    tenant: TenantArgs,
    /// The id of the last event that the handset has; the next event is the first if left out
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    last_event_id: String,
    #[command(flatten)]
    policy: PolicyArgs,
}

impl Activate {
    pub async fn run(self, server: ServerArgs) -> Result<(), CommandError> {
        let request = ActivateRequest {
            tenant: self.tenant.tenant,
            handset: self.handset,
            handset_id: self.handset_id,
            to: self.to,
            source: Some(self.source.into_source()),
            application: self.application,
            policy: Some(self.policy.into_policy()),
            last_event_id: self.last_event_id,
        };
        let mut control = ControlClient::new(server.connect().await?);
        let one = whole(answer(control.activate(request)).await?.subscription)?;
        Ok(print(server.output, || subscription_line(&one), || subscription_json(&one))?)
    }
}
