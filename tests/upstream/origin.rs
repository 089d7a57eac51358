//! A scripted origin: the test accepts each connection, reads its request and says what comes back, octet for octet.

use bytes::Bytes;
use http_body_util::StreamBody;
use hyper::body::Frame;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

/// Waits for `future`, but not for ever.
pub async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it should have happened by now")
}

pub struct Origin {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    /// The certificate, in PEM; empty without TLS.
    pub certificate: String,
}

impl Origin {
    pub async fn plain() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { listener, tls: None, certificate: String::new() }
    }

    /// An origin with a fresh certificate for `localhost`, which speaks `protocol`.
    pub async fn tls(protocol: &str) -> Self {
        let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let private = PrivateKeyDer::try_from(key.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![key.cert.der().clone()], private)
            .unwrap();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let tls = Some(TlsAcceptor::from(Arc::new(config)));
        Self { tls, certificate: key.cert.pem(), ..Self::plain().await }
    }

    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    pub fn url(&self, path: &str) -> String {
        match self.tls {
            Some(_) => self.url_at("https://localhost", path),
            None => self.url_at("http://127.0.0.1", path),
        }
    }

    /// The URL of `path` here, under another name.
    pub fn url_at(&self, scheme_and_host: &str, path: &str) -> String {
        format!("{scheme_and_host}:{}{path}", self.address().port())
    }

    /// The next connection, with its request read. Handshakes that fail are passed over.
    pub async fn accept(&self) -> Exchange {
        within(async {
            loop {
                let (tcp, _) = self.listener.accept().await.unwrap();
                let mut socket: Box<dyn Socket> = match &self.tls {
                    None => Box::new(tcp),
                    Some(tls) => match tls.accept(tcp).await {
                        Ok(session) => Box::new(session),
                        Err(_) => continue,
                    },
                };
                let head = read_head(&mut socket).await;
                return Exchange { head, socket };
            }
        })
        .await
    }

    /// The next connection, answered with a stream over HTTP/2: the request's head, and where to say what it carries.
    pub async fn accept_http2(&self) -> (http::request::Parts, mpsc::Sender<&'static str>) {
        let (tcp, _) = within(self.listener.accept()).await.unwrap();
        let session = within(self.tls.as_ref().unwrap().accept(tcp)).await.unwrap();
        let (head_sender, mut heads) = mpsc::channel(1);
        let (sender, pieces) = mpsc::channel(16);
        let pieces = parking_lot::Mutex::new(Some(pieces));
        let service = service_fn(move |request: http::Request<_>| {
            let (head, _): (_, hyper::body::Incoming) = request.into_parts();
            head_sender.try_send(head).unwrap();
            let stream = ReceiverStream::new(pieces.lock().take().expect("one request per connection"));
            let frames =
                stream.map(|piece: &str| Ok::<_, Infallible>(Frame::data(Bytes::from_static(piece.as_bytes()))));
            let response = http::Response::builder().header("content-type", "text/event-stream");
            std::future::ready(response.body(StreamBody::new(frames)))
        });
        let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        tokio::spawn(connection.serve_connection(TokioIo::new(session), service));
        (within(heads.recv()).await.unwrap(), sender)
    }
}

async fn read_head(socket: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match socket.read_u8().await {
            Ok(octet) => head.push(octet),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap()
}

pub trait Socket: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Socket for S {}

/// One request and whatever the test answers.
pub struct Exchange {
    /// The request line and the headers.
    pub head: String,
    socket: Box<dyn Socket>,
}

impl Exchange {
    /// The value of a request header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    /// Sends octets.
    pub async fn say(&mut self, octets: impl AsRef<[u8]>) {
        within(self.try_say(octets)).await.unwrap();
    }

    /// Sends octets, however long it takes.
    pub async fn try_say(&mut self, octets: impl AsRef<[u8]>) -> std::io::Result<()> {
        self.socket.write_all(octets.as_ref()).await?;
        self.socket.flush().await
    }

    /// Answers with a head and no body.
    pub async fn answer(&mut self, status_and_headers: &str) {
        self.say(format!("HTTP/1.1 {status_and_headers}\r\nContent-Length: 0\r\n\r\n")).await;
    }

    /// Opens an event stream that ends with the connection.
    pub async fn open(mut self) -> Self {
        self.say("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n").await;
        self
    }

    /// Opens an event stream in chunks.
    pub async fn open_chunked(mut self) -> Self {
        self.say(
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n",
        )
        .await;
        self
    }

    /// Sends one chunk.
    pub async fn chunk(&mut self, data: &str) {
        self.say(chunk(data)).await;
    }

    /// Waits until the peer has closed.
    pub async fn closed(&mut self) {
        let mut rest = Vec::new();
        // A reset is as good as an end.
        let _ = within(self.socket.read_to_end(&mut rest)).await;
    }
}

pub fn chunk(data: &str) -> String {
    format!("{:x}\r\n{data}\r\n", data.len())
}
