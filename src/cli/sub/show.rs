//! `sub show`.

use super::{TenantArgs, whole};
use crate::cli::CommandError;
use crate::cli::server::{ServerArgs, answer};
use crate::cli::shown::{print, subscription_json, subscription_text};
use crate::control::proto::GetSubscriptionRequest;
use crate::control::proto::control_client::ControlClient;
use clap::Args;

const EXAMPLE: &str = "\
Example:
  bellwire sub show 6f1c0d5e9a7b4c3d2e1f00112233aabb --output json";

/// Show everything about a subscription
#[derive(Args, Debug)]
#[command(after_help = EXAMPLE)]
pub(super) struct Show {
    /// The subscription's id: 32 hexadecimal digits
    id: String,
    #[command(flatten)]
    tenant: TenantArgs,
}

impl Show {
    pub async fn run(self, server: ServerArgs) -> Result<(), CommandError> {
        let mut control = ControlClient::new(server.connect().await?);
        let request = GetSubscriptionRequest { tenant: self.tenant.tenant, id: self.id };
        let one = whole(answer(control.get_subscription(request)).await?.subscription)?;
        Ok(print(server.output, || subscription_text(&one), || subscription_json(&one))?)
    }
}
