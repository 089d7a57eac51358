//! `links`: a running server's links to its SMSCs.

use super::CommandError;
use super::runtime::block_on;
use super::server::{Output, ServerArgs, ServerError, answer};
use super::shown::{link_json, link_line, print};
use crate::control::proto::smsc_client::SmscClient;
use crate::control::proto::{DrainLinkRequest, Link, ListLinksRequest, ResumeLinkRequest};
use clap::{Args, Subcommand};

const EXAMPLE: &str = "\
Example:
  bellwire links
  bellwire links drain main 0

A line per link: SMSC, index, state, open/window, mode, address, and why it was last lost.";
const DRAIN_EXAMPLE: &str = "\
Example:
  bellwire links drain main 0";
const RESUME_EXAMPLE: &str = "\
Example:
  bellwire links resume main 0";

/// Show, drain and resume links to SMSCs
#[derive(Args, Debug)]
#[command(after_help = EXAMPLE)]
pub(super) struct Links {
    #[command(flatten)]
    server: ServerArgs,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show every link
    #[command(after_help = EXAMPLE)]
    List,
    /// Let a link finish what it has begun and take nothing new
    #[command(after_help = DRAIN_EXAMPLE)]
    Drain(LinkArgs),
    /// Let a drained link work again, and a refused one try again now
    #[command(after_help = RESUME_EXAMPLE)]
    Resume(LinkArgs),
}

#[derive(Args, Debug)]
struct LinkArgs {
    /// The SMSC's configured name
    smsc: String,
    /// Which of its links, from 0
    index: u32,
}

impl Links {
    pub(super) fn run(self) -> Result<(), CommandError> {
        block_on(async {
            let mut smsc = SmscClient::new(self.server.connect().await?);
            let links = match self.action.unwrap_or(Action::List) {
                Action::List => answer(smsc.list_links(ListLinksRequest {})).await?.links,
                Action::Drain(LinkArgs { smsc: name, index }) => {
                    let request = DrainLinkRequest { smsc: name, index };
                    vec![whole(answer(smsc.drain_link(request)).await?.link)?]
                }
                Action::Resume(LinkArgs { smsc: name, index }) => {
                    let request = ResumeLinkRequest { smsc: name, index };
                    vec![whole(answer(smsc.resume_link(request)).await?.link)?]
                }
            };
            show(self.server.output, &links)
        })?
    }
}

fn show(output: Output, links: &[Link]) -> Result<(), CommandError> {
    for link in links {
        print(output, || link_line(link), || link_json(link))?;
    }
    Ok(())
}

fn whole(link: Option<Link>) -> Result<Link, ServerError> {
    link.ok_or(ServerError::Incomplete("link"))
}
