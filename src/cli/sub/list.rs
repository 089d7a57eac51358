//! `sub list`.

use super::TenantArgs;
use super::filter_args::FilterArgs;
use crate::cli::CommandError;
use crate::cli::server::{ServerArgs, answer};
use crate::cli::shown::{print, subscription_json, subscription_line};
use crate::control::proto::control_client::ControlClient;
use clap::Args;

/// Subscriptions asked for at a time: the most that a server gives.
const PAGE_SIZE: u32 = 1000;

const EXAMPLE: &str = "\
Examples:
  bellwire sub list --tenant acme
  bellwire sub list --source https://example.com/prices --state waiting --output json
  bellwire sub list --to +15551234567

A line per subscription: id, status, number, source. None is woken by it. With filters every subscription is looked at,
up to 20,000 for each call: of a million it takes some seconds.";

/// List a tenant's subscriptions
#[derive(Args, Debug)]
#[command(after_help = EXAMPLE)]
pub(super) struct List {
    #[command(flatten)]
    tenant: TenantArgs,
    #[command(flatten)]
    filter: FilterArgs,
}

impl List {
    pub async fn run(self, server: ServerArgs) -> Result<(), CommandError> {
        let mut control = ControlClient::new(server.connect().await?);
        let mut request = self.filter.into_request(self.tenant.tenant, PAGE_SIZE);
        loop {
            let page = answer(control.list_subscriptions(request.clone())).await?;
            for one in &page.subscriptions {
                print(server.output, || subscription_line(one), || subscription_json(one))?;
            }
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                return Ok(());
            }
        }
    }
}
