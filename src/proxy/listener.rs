//! The listener: connections in bounded number, each with a limit to how long it may be silent or stuck.

use super::request::answer;
use super::{Parts, Proxy, Settings};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustix::net::sockopt::set_tcp_user_timeout;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tracing::{debug, warn};

/// How long the head of a request may take, and a TLS handshake.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Octets that hyper keeps of what a slow client has not read: more would be in doubt without our knowing.
const BUFFER_OCTETS: usize = 16 * 1024;
/// How long connections may take to end when the proxy stops.
const END_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the listener rests when it cannot accept, for want of descriptors for instance.
const REST: Duration = Duration::from_millis(100);

/// Who the proxy is by TLS.
#[derive(Clone)]
pub struct Certificate(Arc<rustls::ServerConfig>);

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// A file is not what it should be.
    #[error("{path}: {error}", path = .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: rustls::pki_types::pem::Error,
    },
    /// Certificate and key do not work.
    #[error("{0}")]
    Tls(#[from] rustls::Error),
}

impl Certificate {
    /// The chain in the PEM file at `chain`, and the private key at `key`.
    ///
    /// # Errors
    /// When a file cannot be read, or the two do not belong together.
    pub fn load(chain: &Path, key: &Path) -> Result<Self, CertificateError> {
        let file = |path: &Path| {
            let path = path.to_owned();
            move |error| CertificateError::File { path, error }
        };
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_file_iter(chain).map_err(file(chain))?.collect();
        let key_read = PrivateKeyDer::from_pem_file(key).map_err(file(key))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(certificates.map_err(file(chain))?, key_read)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }
}

/// Serves on `listener` until `shutdown` is done; then connections end within two seconds.
pub async fn serve(
    listener: TcpListener,
    certificate: Option<Certificate>,
    settings: Settings,
    parts: Parts,
    shutdown: impl Future<Output = ()>,
) {
    let places = Arc::new(Semaphore::new(settings.max_connections));
    let proxy = Arc::new(Proxy::new(settings, parts));
    let acceptor = certificate.map(|Certificate(config)| TlsAcceptor::from(config));
    let mut connections = JoinSet::new();
    tokio::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            () = &mut shutdown => break,
        };
        let (socket, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                warn!(%error, "cannot accept connections at the moment");
                tokio::time::sleep(REST).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            proxy.telemetry.proxy_refused[1].increment(1);
            debug!(%peer, "connection closed: there are too many");
            continue;
        };
        let (proxy, acceptor) = (Arc::clone(&proxy), acceptor.clone());
        connections.spawn(async move {
            connection(proxy, acceptor, socket, peer).await;
            drop(place);
        });
    }
    let all = async { while connections.join_next().await.is_some() {} };
    let _ = timeout(END_TIMEOUT, all).await;
}

async fn connection(proxy: Arc<Proxy>, acceptor: Option<TlsAcceptor>, socket: TcpStream, peer: SocketAddr) {
    // Without it a peer that has vanished is believed in for a quarter of an hour.
    let stuck_for = u32::try_from(proxy.settings.send_timeout.as_millis()).unwrap_or(u32::MAX);
    let set = socket.set_nodelay(true).and_then(|()| set_tcp_user_timeout(&socket, stuck_for).map_err(Into::into));
    if let Err(error) = set {
        debug!(%peer, %error, "a connection that could not be set up");
        return;
    }
    let Some(acceptor) = acceptor else { return http1(proxy, socket, peer).await };
    match timeout(HEAD_TIMEOUT, acceptor.accept(socket)).await {
        Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(b"h2") => http2(proxy, stream, peer).await,
        Ok(Ok(stream)) => http1(proxy, stream, peer).await,
        Ok(Err(error)) => debug!(%peer, %error, "no TLS"),
        Err(_) => debug!(%peer, "no TLS in time"),
    }
}

async fn http1(proxy: Arc<Proxy>, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, peer: SocketAddr) {
    let service = service_fn(move |request| answer(Arc::clone(&proxy), peer.ip(), request));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(BUFFER_OCTETS)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = served.await {
        debug!(%peer, %error, "connection lost");
    }
}

async fn http2(proxy: Arc<Proxy>, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, peer: SocketAddr) {
    let (interval, limit) = (proxy.settings.heartbeat, proxy.settings.send_timeout);
    let service = service_fn(move |request| answer(Arc::clone(&proxy), peer.ip(), request));
    let served = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(interval)
        .keep_alive_timeout(limit)
        .max_send_buf_size(BUFFER_OCTETS)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = served.await {
        debug!(%peer, %error, "connection lost");
    }
}
