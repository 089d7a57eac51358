//! `/metrics`, `/health/live` and `/health/ready`.

use super::Readiness;
use crate::telemetry::Exporter;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use std::future::Future;
use std::io;
use tokio::net::TcpListener;

/// Answers on `listener` until `shutdown` resolves and the requests under way are answered.
///
/// A client that keeps a request half sent delays the end: bound the wait, dropping this future is safe.
///
/// # Errors
/// When the listener fails for good.
pub async fn serve(
    listener: TcpListener,
    exporter: Exporter,
    readiness: Readiness,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let routes = Router::new()
        .route("/metrics", get(metrics))
        .with_state(exporter)
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .with_state(readiness);
    axum::serve(listener, routes).with_graceful_shutdown(shutdown).await
}

async fn metrics(State(exporter): State<Exporter>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], exporter.render())
}

/// Alive is whoever can answer: a node that waits for its SMSC must not be restarted for it.
async fn live() -> impl IntoResponse {
    json(StatusCode::OK, &serde_json::json!({ "status": "live" }))
}

async fn ready(State(readiness): State<Readiness>) -> impl IntoResponse {
    let missing = readiness.missing();
    let (status, word) = match missing.as_slice() {
        [] => (StatusCode::OK, "ready"),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "unready"),
    };
    json(status, &serde_json::json!({ "status": word, "missing": missing, "links_bound": readiness.links() }))
}

fn json(status: StatusCode, body: &serde_json::Value) -> impl IntoResponse + use<> {
    (status, [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")], body.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::sync::oneshot;
    use tokio::task::JoinHandle;

    const LIMIT: Duration = Duration::from_secs(5);

    struct Served {
        address: SocketAddr,
        readiness: Readiness,
        stop: oneshot::Sender<()>,
        task: JoinHandle<io::Result<()>>,
    }

    async fn served(requires_link: bool) -> Served {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let readiness = Readiness::new(requires_link);
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async move {
            let _ = stopped.await;
        };
        let task = tokio::spawn(serve(listener, Exporter::install().unwrap(), readiness.clone(), shutdown));
        Served { address, readiness, stop, task }
    }

    async fn fetched(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: ops\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        tokio::time::timeout(LIMIT, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
        answer
    }

    #[tokio::test]
    async fn readiness_follows_listeners_and_links() {
        let served = served(true).await;
        let answer = fetched(served.address, "/health/ready").await;
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        assert!(
            answer.ends_with(r#"{"links_bound":0,"missing":["listeners","links"],"status":"unready"}"#),
            "{answer}"
        );
        served.readiness.set_listeners(true);
        served.readiness.set_links(2);
        let answer = fetched(served.address, "/health/ready").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert!(answer.ends_with(r#"{"links_bound":2,"missing":[],"status":"ready"}"#), "{answer}");
    }

    #[tokio::test]
    async fn an_unready_node_is_live() {
        let served = served(true).await;
        assert!(fetched(served.address, "/health/live").await.starts_with("HTTP/1.1 200 "));
        assert!(fetched(served.address, "/health").await.starts_with("HTTP/1.1 404 "));
    }

    #[tokio::test]
    async fn metrics_are_rendered_as_prometheus_text() {
        let served = served(false).await;
        ::metrics::counter!("test_of_the_operations_server_total").increment(3);
        let answer = fetched(served.address, "/metrics").await;
        assert!(answer.contains("content-type: text/plain; version=0.0.4"), "{answer}");
        assert!(answer.contains("test_of_the_operations_server_total 3"), "{answer}");
    }

    #[tokio::test]
    async fn it_ends_when_it_is_told_to() {
        let served = served(false).await;
        served.stop.send(()).unwrap();
        tokio::time::timeout(LIMIT, served.task).await.unwrap().unwrap().unwrap();
        assert!(TcpStream::connect(served.address).await.is_err());
    }
}
