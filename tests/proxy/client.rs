//! A client: requests, and streams that it reads, leaves, or lets hang.

use crate::house::within;
use bellwire::codec::sse::{Limits, Parser};
use bellwire::sim::Event;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::collections::VecDeque;
use std::net::SocketAddr;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {:?}", self.body))
    }
}

/// A stream that is open.
pub struct Stream {
    pub headers: HeaderMap,
    body: Incoming,
    parser: Parser,
    events: VecDeque<Event>,
    /// Every octet that came.
    pub text: String,
    connection: JoinHandle<()>,
}

/// Percent-encodes for a query.
pub fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

async fn send(
    address: SocketAddr,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (http::Response<Incoming>, JoinHandle<()>) {
    let socket = within(TcpStream::connect(address)).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(socket)).await.unwrap();
    // It ends with its client.
    let connection = tokio::spawn(async move { drop(connection.await) });
    let mut request = Request::builder().method(method).uri(path).header("host", "proxy");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).unwrap();
    (within(sender.send_request(request)).await.unwrap(), connection)
}

pub async fn ask(address: SocketAddr, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let (response, _connection) = send(address, method, path, headers, body).await;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = within(response.into_body().collect()).await.unwrap().to_bytes();
    Answer { status, headers, body: String::from_utf8(body.into()).unwrap() }
}

pub async fn get(address: SocketAddr, path: &str) -> Answer {
    ask(address, Method::GET, path, &[], "").await
}

impl Stream {
    /// Opens a stream, or the answer that is none.
    pub async fn try_open(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Result<Self, Answer> {
        let (response, connection) = send(address, Method::GET, path, headers, "").await;
        let (status, headers, body) = (response.status(), response.headers().clone(), response.into_body());
        if status != StatusCode::OK {
            let body = within(body.collect()).await.unwrap().to_bytes();
            return Err(Answer { status, headers, body: String::from_utf8(body.into()).unwrap() });
        }
        let (parser, events) = (Parser::new(Limits::default()), VecDeque::new());
        Ok(Self { headers, body, parser, events, text: String::new(), connection })
    }

    pub async fn open(address: SocketAddr, path: &str) -> Self {
        match Self::try_open(address, path, &[]).await {
            Ok(stream) => stream,
            Err(answer) => panic!("{}: {}", answer.status, answer.body),
        }
    }

    /// The next event; none when the stream has ended.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            let frame = within(self.body.frame()).await?.ok()?;
            let piece = frame.into_data().unwrap_or_default();
            self.text.push_str(&String::from_utf8_lossy(&piece));
            self.events.extend(self.parser.feed(piece).iter().map(Event::from));
        }
    }

    /// The data of the next events.
    pub async fn data(&mut self, count: usize) -> Vec<String> {
        let mut data = Vec::new();
        while data.len() < count {
            data.push(self.next().await.expect("the stream has ended").data);
        }
        data
    }

    /// Leaves, as a page does that is closed.
    pub async fn close(self) {
        self.connection.abort();
        // The socket is closed when its task is gone.
        drop(self.connection.await);
    }
}
