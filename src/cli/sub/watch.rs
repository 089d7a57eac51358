//! `sub watch`.

use super::{TenantArgs, whole};
use crate::cli::CommandError;
use crate::cli::server::{ServerArgs, ServerError, answer};
use crate::cli::shown::{print, subscription_json, subscription_line, word};
use crate::control::proto::WatchSubscriptionsRequest;
use crate::control::proto::control_client::ControlClient;
use clap::Args;
use serde_json::json;

const EXAMPLE: &str = "\
Example:
  bellwire sub watch --current

A line per change: activated, status or deactivated (with --current also current), then as `sub list`. Goes on until it
is interrupted or the server ends it.";

/// Follow what happens to a tenant's subscriptions
#[derive(Args, Debug)]
#[command(after_help = EXAMPLE)]
pub(super) struct Watch {
    #[command(flatten)]
    tenant: TenantArgs,
    /// Begin with every subscription there is
    #[arg(long)]
    current: bool,
}

impl Watch {
    pub async fn run(self, server: ServerArgs) -> Result<(), CommandError> {
        let mut control = ControlClient::new(server.connect().await?);
        let request = WatchSubscriptionsRequest { tenant: self.tenant.tenant, include_current: self.current };
        let mut changes = answer(control.watch_subscriptions(request)).await?;
        while let Some(response) = changes.message().await.map_err(ServerError::from)? {
            let change = word(response.change().as_str_name(), "CHANGE_");
            let one = whole(response.subscription)?;
            let text = || format!("{change:<11} {}", subscription_line(&one));
            print(server.output, text, || json!({ "change": change, "subscription": subscription_json(&one) }))?;
        }
        Ok(())
    }
}
