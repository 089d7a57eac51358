//! The service `Control`.

use super::ask::{ask, stopping};
use super::{Shared, backup, import, publish, request, watch};
use crate::actors::router::{ActivateError, Activated, Listing, RouterMessage, View};
use crate::control::proto::{
    ActivateRequest, ActivateResponse, BackupRequest, DeactivateRequest, DeactivateResponse, GetSubscriptionRequest,
    GetSubscriptionResponse, ImportSubscriptionsRequest, ListSubscriptionsRequest, ListSubscriptionsResponse,
    PublishRequest, WatchSubscriptionsRequest, control_server,
};
use crate::model::SubscriptionId;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tonic::{Code, Request, Response, Status, Streaming};

/// The service.
#[derive(Debug)]
pub(super) struct Control {
    shared: Arc<Shared>,
    /// One backup at a time.
    backup: Arc<Semaphore>,
}

impl Control {
    pub fn new(shared: Arc<Shared>) -> Self {
        Self { shared, backup: Arc::new(Semaphore::new(1)) }
    }
}

#[tonic::async_trait]
impl control_server::Control for Control {
    async fn activate(&self, request: Request<ActivateRequest>) -> Result<Response<ActivateResponse>, Status> {
        let activation = Box::new(request::activation(&self.shared.settings, request.into_inner())?);
        let answer = ask(&self.shared.router, |reply| RouterMessage::Activate(activation, reply)).await?;
        let Activated { view, created } = answer.map_err(refusal)?;
        Ok(Response::new(ActivateResponse { subscription: Some(view.into()), created }))
    }

    type ImportSubscriptionsStream = import::Responses;

    async fn import_subscriptions(
        &self,
        request: Request<Streaming<ImportSubscriptionsRequest>>,
    ) -> Result<Response<import::Responses>, Status> {
        Ok(Response::new(import::begin(Arc::clone(&self.shared), request.into_inner())))
    }

    async fn deactivate(&self, request: Request<DeactivateRequest>) -> Result<Response<DeactivateResponse>, Status> {
        let DeactivateRequest { tenant, id } = request.into_inner();
        let (tenant, id) = request::reference(&self.shared.settings, &tenant, &id)?;
        let view = ask(&self.shared.router, |reply| RouterMessage::Deactivate(tenant, id, reply)).await?;
        Ok(Response::new(DeactivateResponse { subscription: Some(found(view, id)?.into()) }))
    }

    async fn get_subscription(
        &self,
        request: Request<GetSubscriptionRequest>,
    ) -> Result<Response<GetSubscriptionResponse>, Status> {
        let GetSubscriptionRequest { tenant, id } = request.into_inner();
        let (tenant, id) = request::reference(&self.shared.settings, &tenant, &id)?;
        let view = ask(&self.shared.router, |reply| RouterMessage::Get(tenant, id, reply)).await?;
        Ok(Response::new(GetSubscriptionResponse { subscription: Some(found(view, id)?.into()) }))
    }

    async fn list_subscriptions(
        &self,
        request: Request<ListSubscriptionsRequest>,
    ) -> Result<Response<ListSubscriptionsResponse>, Status> {
        let page = Box::new(request::page(&self.shared.settings, request.into_inner())?);
        let Listing { views, next } = ask(&self.shared.router, |reply| RouterMessage::List(page, reply)).await?;
        Ok(Response::new(ListSubscriptionsResponse {
            next_page_token: next.map(|id| id.to_string()).unwrap_or_default(),
            subscriptions: views.into_iter().map(Into::into).collect(),
        }))
    }

    type WatchSubscriptionsStream = watch::Responses;

    async fn watch_subscriptions(
        &self,
        request: Request<WatchSubscriptionsRequest>,
    ) -> Result<Response<watch::Responses>, Status> {
        let WatchSubscriptionsRequest { tenant, include_current } = request.into_inner();
        let tenant = request::owner(&self.shared.settings, &tenant)?;
        Ok(Response::new(watch::begin(&self.shared, tenant, include_current).await?))
    }

    type PublishStream = publish::Responses;

    async fn publish(
        &self,
        request: Request<Streaming<PublishRequest>>,
    ) -> Result<Response<publish::Responses>, Status> {
        Ok(Response::new(publish::begin(Arc::clone(&self.shared), request.into_inner())))
    }

    type BackupStream = backup::Responses;

    async fn backup(&self, _: Request<BackupRequest>) -> Result<Response<backup::Responses>, Status> {
        Ok(Response::new(backup::begin(&self.shared, &self.backup)?))
    }
}

fn found(view: Option<Box<View>>, id: SubscriptionId) -> Result<View, Status> {
    view.map(|view| *view).ok_or_else(|| Status::not_found(format!("the tenant has no subscription {id}")))
}

fn refusal(error: ActivateError) -> Status {
    match error {
        ActivateError::Stopping => stopping(),
        other => Status::new(code(&other), other.to_string()),
    }
}

/// What a call of Activate ends with.
pub(super) fn code(error: &ActivateError) -> Code {
    match error {
        ActivateError::Suppressed => Code::PermissionDenied,
        ActivateError::NoRoute | ActivateError::OtherNumber | ActivateError::Unencodable(_) => Code::FailedPrecondition,
        ActivateError::TooMany | ActivateError::Limit(_) | ActivateError::Probes(_) => Code::ResourceExhausted,
        ActivateError::Stopping | ActivateError::Store => Code::Unavailable,
    }
}
