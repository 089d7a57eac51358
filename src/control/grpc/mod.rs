//! The gRPC server: `bellwire.control.v1`, with grpc.health.v1 and server reflection.
//!
//! It reads requests, asks the actors and writes down their answers; nothing is decided here. Left out: TLS and
//! authentication, for which it listens on loopback unless told otherwise.

mod ask;
mod backup;
mod control;
mod import;
mod link;
mod publication;
mod publish;
mod request;
mod smsc;
mod subscription;
mod violations;
mod watch;

use super::proto::DESCRIPTORS;
use super::proto::control_server::ControlServer;
use super::proto::smsc_server::SmscServer;
use crate::actors::pool::PoolMessage;
use crate::actors::router::RouterMessage;
use crate::model::{CredentialRef, Policy, TenantId};
use crate::store::Store;
use ractor::ActorRef;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::{Router as Services, TcpIncoming};
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

/// Octets of one message, either way; a larger one is refused with OUT_OF_RANGE.
const MESSAGE_MAX_OCTETS: usize = 4 * 1024 * 1024;
/// Calls that one connection may have open at the same time.
const MAX_CONCURRENT_STREAMS: u32 = 256;
/// After this long without a frame a connection is asked whether it is still there …
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
/// … and closed when it does not say so for this long.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest time until a unary call is answered and a streaming one has begun: longer than any wait for an actor, so
/// that whoever waits learns what it was waiting for.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// What requests leave out, and what they may refer to.
#[derive(Clone)]
pub struct Settings {
    /// Whose a request is that names no tenant.
    pub tenant: TenantId,
    /// What is done with events when a request does not say so.
    pub policy: Policy,
    /// The credentials that sources may be opened with.
    pub credentials: Vec<CredentialRef>,
    /// What is backed up; none if everything is kept in memory only.
    pub store: Option<Arc<dyn Store>>,
    /// How long open calls may take to end after the server was told to stop: publishers wait for outcomes.
    pub drain: Duration,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tenant, policy, credentials, store, drain } = self;
        let mut shown = f.debug_struct("Settings");
        shown.field("tenant", tenant).field("policy", policy).field("credentials", credentials);
        shown.field("store", &store.is_some()).field("drain", drain).finish()
    }
}

/// Why the server could not begin or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The descriptors that reflection answers from cannot be read.
    #[error("cannot set up server reflection: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// The transport failed.
    #[error("gRPC server: {0}")]
    Transport(#[from] tonic::transport::Error),
}

/// What every service of the server shares.
#[derive(Debug)]
struct Shared {
    settings: Settings,
    router: ActorRef<RouterMessage>,
    pool: ActorRef<PoolMessage>,
    stopping: tokio::sync::watch::Receiver<bool>,
}

impl Shared {
    /// Done when the server was told to stop.
    fn stopped(&self) -> impl Future<Output = ()> + Send + use<> {
        stopped(self.stopping.clone())
    }
}

async fn stopped(mut stopping: tokio::sync::watch::Receiver<bool>) {
    // The sender is gone only when the server is.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

/// Serves on `listener` until `shutdown` is done. Then nothing new is accepted, watchers are told to come back later,
/// publishers may send no more and have [`Settings::drain`] to learn how their events end.
///
/// # Errors
/// When the transport fails.
pub async fn serve(
    listener: TcpListener,
    settings: Settings,
    router: ActorRef<RouterMessage>,
    pool: ActorRef<PoolMessage>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let (stop, stopping) = tokio::sync::watch::channel(false);
    let (drain, stopped) = (settings.drain, stopped(stopping.clone()));
    let (health, services) = services(Arc::new(Shared { settings, router, pool, stopping })).await?;
    let shutdown = async move {
        shutdown.await;
        health.set_service_status("", ServingStatus::NotServing).await;
        stop.send_replace(true);
    };
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let overdue = async move {
        stopped.await;
        tokio::time::sleep(drain).await;
    };
    tokio::select! {
        served = services.serve_with_incoming_shutdown(incoming, shutdown) => Ok(served?),
        () = overdue => Ok(()),
    }
}

async fn services(shared: Arc<Shared>) -> Result<(HealthReporter, Services), ServeError> {
    let (health, health_service) = tonic_health::server::health_reporter();
    let control = ControlServer::new(control::Control::new(Arc::clone(&shared)))
        .max_decoding_message_size(MESSAGE_MAX_OCTETS)
        .max_encoding_message_size(MESSAGE_MAX_OCTETS);
    let smsc = SmscServer::new(smsc::Smsc::new(shared))
        .max_decoding_message_size(MESSAGE_MAX_OCTETS)
        .max_encoding_message_size(MESSAGE_MAX_OCTETS);
    health.set_serving::<ControlServer<control::Control>>().await;
    health.set_serving::<SmscServer<smsc::Smsc>>().await;
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            // So that clients without descriptors can show what is wrong with a request.
            .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
    };
    let services = Server::builder()
        .timeout(REQUEST_TIMEOUT)
        .max_concurrent_streams(MAX_CONCURRENT_STREAMS)
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .add_service(health_service)
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?)
        .add_service(control)
        .add_service(smsc);
    Ok((health, services))
}
