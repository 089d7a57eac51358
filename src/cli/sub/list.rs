//! `sub list`.

use super::TenantArgs;
use crate::cli::CommandError;
use crate::cli::server::{ServerArgs, answer};
use crate::cli::shown::{print, subscription_json, subscription_line};
use crate::control::proto::ListSubscriptionsRequest;
use crate::control::proto::control_client::ControlClient;
use clap::Args;

/// Subscriptions asked for at a time: the most that a server gives.
const PAGE_SIZE: u32 = 1000;

const EXAMPLE: &str = "\
Example:
  bellwire sub list --tenant acme

A line per subscription: id, status, number, source.";

/// List a tenant's subscriptions
#[derive(Args, Debug)]
#[command(after_help = EXAMPLE)]
pub(super) struct List {
    #[command(flatten)]
    tenant: TenantArgs,
}

impl List {
    pub async fn run(self, server: ServerArgs) -> Result<(), CommandError> {
        let mut control = ControlClient::new(server.connect().await?);
        let mut page_token = String::new();
        loop {
            let tenant = self.tenant.tenant.clone();
            let request = ListSubscriptionsRequest { tenant, page_size: PAGE_SIZE, page_token };
            let page = answer(control.list_subscriptions(request)).await?;
            for one in &page.subscriptions {
                print(server.output, || subscription_line(one), || subscription_json(one))?;
            }
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(());
            }
        }
    }
}
