//! The proxy by TLS, in HTTP/1.1 and in HTTP/2.

use crate::house::{House, QUICK, within};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

#[tokio::test]
async fn a_stream_is_relayed_by_tls_in_either_version_of_http() {
    let directory = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["proxy.example".to_owned()]).unwrap();
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (chain, key) = (write("chain.pem", &made.cert.pem()), write("key.pem", &made.signing_key.serialize_pem()));
    let house = House::with(&format!("{QUICK}[http]\ncertificate = '{chain}'\nprivate_key = '{key}'\n"), "").await;
    house.origin.tick("/stream");
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    for version in ["h2", "http/1.1"] {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots.clone())
            .with_no_client_auth();
        config.alpn_protocols = vec![version.as_bytes().to_vec()];
        let socket = TcpStream::connect(house.http).await.unwrap();
        let name = ServerName::try_from("proxy.example").unwrap();
        let tls = within(TlsConnector::from(Arc::new(config)).connect(name, socket)).await.unwrap();
        assert_eq!(tls.get_ref().1.alpn_protocol(), Some(version.as_bytes()));
        let request = Request::get(format!("https://proxy.example{}", house.relay("/stream", "&lastEventId=0")));
        let request = request.body(Empty::<Bytes>::new()).unwrap();
        let response = match version {
            "h2" => {
                let (mut sender, connection) =
                    hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(tls)).await.unwrap();
                tokio::spawn(async move { drop(connection.await) });
                within(sender.send_request(request)).await.unwrap()
            }
            _ => {
                let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(tls)).await.unwrap();
                tokio::spawn(async move { drop(connection.await) });
                within(sender.send_request(request)).await.unwrap()
            }
        };
        assert_eq!(response.status(), StatusCode::OK);
        let (mut body, mut text) = (response.into_body(), String::new());
        while !text.contains("data:1") && !text.contains("data: 1") {
            let frame = within(body.frame()).await.unwrap().unwrap();
            text.push_str(&String::from_utf8_lossy(&frame.into_data().unwrap()));
        }
    }
}
