//! The service `Smsc`.

use super::Shared;
use super::ask::ask;
use super::violations::Violations;
use crate::actors::pool::{LinkName, LinkView, NoSuchLink, PoolMessage};
use crate::control::proto::{
    DrainLinkRequest, DrainLinkResponse, Link, ListLinksRequest, ListLinksResponse, ResumeLinkRequest,
    ResumeLinkResponse, smsc_server,
};
use ractor::RpcReplyPort;
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// The service.
#[derive(Debug)]
pub(super) struct Smsc {
    shared: Arc<Shared>,
}

impl Smsc {
    pub fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Tells the pool something about one link.
    async fn tell(
        &self,
        smsc: String,
        index: u32,
        what: impl FnOnce(LinkName, RpcReplyPort<Result<LinkView, NoSuchLink>>) -> PoolMessage,
    ) -> Result<Link, Status> {
        if smsc.is_empty() {
            let mut violations = Violations::default();
            violations.add("smsc", "the name of a configured SMSC is required");
            return Err(violations.into());
        }
        let answer = ask(&self.shared.pool, |reply| what(LinkName { smsc, index }, reply)).await?;
        answer.map(Into::into).map_err(|unknown| Status::not_found(unknown.to_string()))
    }
}

#[tonic::async_trait]
impl smsc_server::Smsc for Smsc {
    async fn list_links(&self, _: Request<ListLinksRequest>) -> Result<Response<ListLinksResponse>, Status> {
        let links = ask(&self.shared.pool, PoolMessage::List).await?;
        Ok(Response::new(ListLinksResponse { links: links.into_iter().map(Into::into).collect() }))
    }

    async fn drain_link(&self, request: Request<DrainLinkRequest>) -> Result<Response<DrainLinkResponse>, Status> {
        let DrainLinkRequest { smsc, index } = request.into_inner();
        let link = self.tell(smsc, index, PoolMessage::Drain).await?;
        Ok(Response::new(DrainLinkResponse { link: Some(link) }))
    }

    async fn resume_link(&self, request: Request<ResumeLinkRequest>) -> Result<Response<ResumeLinkResponse>, Status> {
        let ResumeLinkRequest { smsc, index } = request.into_inner();
        let link = self.tell(smsc, index, PoolMessage::Resume).await?;
        Ok(Response::new(ResumeLinkResponse { link: Some(link) }))
    }
}
