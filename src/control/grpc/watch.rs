//! `WatchSubscriptions`: the current list if wanted, then changes as they happen.

use super::Shared;
use super::ask::{ask, stopping};
use super::request::PAGE_MAX_SIZE;
use crate::actors::router::{Change, Filter, Listing, Page, RouterMessage, View};
use crate::control::proto::WatchSubscriptionsResponse;
use crate::control::proto::watch_subscriptions_response::Change as Shown;
use crate::model::TenantId;
use ractor::ActorRef;
use std::convert::Infallible;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

/// What a watcher is sent.
pub(super) type Responses = ReceiverStream<Result<WatchSubscriptionsResponse, Status>>;

/// Responses that wait for a slow watcher here; the changes behind them wait at the router, which keeps only so many.
const RESPONSES_WAITING: usize = 16;

/// Begins to watch. When it returns, no later change will be missed.
pub(super) async fn begin(shared: &Shared, tenant: TenantId, include_current: bool) -> Result<Responses, Status> {
    let changes = ask(&shared.router, RouterMessage::Watch).await?;
    let (responses, received) = mpsc::channel(RESPONSES_WAITING);
    let watcher = Watcher { router: shared.router.clone(), tenant, responses };
    let stopped = shared.stopped();
    tokio::spawn(async move {
        let gone = watcher.responses.clone();
        tokio::select! {
            Err(end) = watcher.run(changes, include_current) => watcher.end(end).await,
            () = stopped => watcher.end(stopping()).await,
            () = gone.closed() => {}
        }
    });
    Ok(ReceiverStream::new(received))
}

struct Watcher {
    router: ActorRef<RouterMessage>,
    tenant: TenantId,
    responses: mpsc::Sender<Result<WatchSubscriptionsResponse, Status>>,
}

impl Watcher {
    async fn run(&self, mut changes: broadcast::Receiver<Change>, include_current: bool) -> Result<Infallible, Status> {
        if include_current {
            self.list().await?;
        }
        loop {
            let (change, view) = match changes.recv().await {
                Ok(Change::Activated(view)) => (Shown::Activated, view),
                Ok(Change::Status(view)) => (Shown::Status, view),
                Ok(Change::Deactivated(view)) => (Shown::Deactivated, view),
                Err(RecvError::Lagged(missed)) => {
                    let message = format!("{missed} changes missed: start over with include_current");
                    return Err(Status::data_loss(message));
                }
                Err(RecvError::Closed) => return Err(stopping()),
            };
            if view.tenant == self.tenant {
                self.send(change, view).await;
            }
        }
    }

    /// Everything there is, page by page.
    async fn list(&self) -> Result<(), Status> {
        let (tenant, limit) = (self.tenant.clone(), PAGE_MAX_SIZE as usize);
        let mut page = Page { tenant, after: None, limit, filter: Filter::default() };
        loop {
            let asked = Box::new(page.clone());
            let Listing { views, next } = ask(&self.router, |reply| RouterMessage::List(asked, reply)).await?;
            for view in views {
                self.send(Shown::Current, view).await;
            }
            match next {
                Some(last) => page.after = Some(last),
                None => return Ok(()),
            }
        }
    }

    async fn send(&self, change: Shown, view: View) {
        let response = WatchSubscriptionsResponse { change: change.into(), subscription: Some(view.into()) };
        // A watcher that is gone is noticed by whoever runs this.
        let _ = self.responses.send(Ok(response)).await;
    }

    async fn end(&self, status: Status) {
        let _ = self.responses.send(Err(status)).await;
    }
}
