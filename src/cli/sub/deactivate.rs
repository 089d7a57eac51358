//! `sub deactivate`.

use super::{TenantArgs, whole};
use crate::cli::CommandError;
use crate::cli::server::{ServerArgs, answer};
use crate::cli::shown::{print, subscription_json, subscription_line};
use crate::control::proto::DeactivateRequest;
use crate::control::proto::control_client::ControlClient;
use clap::Args;

const EXAMPLE: &str = "\
Example:
  bellwire sub deactivate 6f1c0d5e9a7b4c3d2e1f00112233aabb

Prints the subscription as it was last. Its events that were not sent are dropped.";

/// End a subscription
#[derive(Args, Debug)]
#[command(after_help = EXAMPLE)]
pub(super) struct Deactivate {
    /// The subscription's id: 32 hexadecimal digits
    id: String,
    #[command(flatten)]
    tenant: TenantArgs,
}

impl Deactivate {
    pub async fn run(self, server: ServerArgs) -> Result<(), CommandError> {
        let mut control = ControlClient::new(server.connect().await?);
        let request = DeactivateRequest { tenant: self.tenant.tenant, id: self.id };
        let one = whole(answer(control.deactivate(request)).await?.subscription)?;
        Ok(print(server.output, || subscription_line(&one), || subscription_json(&one))?)
    }
}
