//! Links by TLS, to an SMSC behind a little proxy that speaks it.

use crate::rig::{Rig, settings, strict};
use crate::smsc::ScriptedSmsc;
use bellwire::actors::pool::LinkState;
use bellwire::egress::smpp::{LinkSettings, Tls, TlsSettings};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// A certificate authority, with a directory for files.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    directory: TempDir,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { issuer, directory: tempfile::tempdir().unwrap() }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn file(&self) -> PathBuf {
        self.write("ca.pem", &self.issuer.pem())
    }

    /// Certificate and key for a name.
    fn issue(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> (rcgen::Certificate, KeyPair) {
        let (mut params, key) = (CertificateParams::new([name.to_owned()]).unwrap(), KeyPair::generate().unwrap());
        change(&mut params);
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    fn client(&self) -> (PathBuf, PathBuf) {
        let (certificate, key) = self.issue("bellwire.example", |_| {});
        (self.write("client.pem", &certificate.pem()), self.write("client.key", &key.serialize_pem()))
    }
}

/// Takes TLS connections and passes what is in them on to `smsc`.
async fn proxy(
    smsc: SocketAddr,
    (certificate, key): (rcgen::Certificate, KeyPair),
    asks: Option<&Authority>,
) -> SocketAddr {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().unwrap();
    let builder = match asks {
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.issuer.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        }
        None => builder.with_no_client_auth(),
    };
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = builder.with_single_cert(vec![certificate.der().clone()], key).unwrap();
    let (acceptor, listener) = (TlsAcceptor::from(Arc::new(config)), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut outer) = acceptor.accept(stream).await else { return };
                let mut inner = TcpStream::connect(smsc).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut outer, &mut inner).await;
            });
        }
    });
    address
}

fn by_tls(address: SocketAddr, tls: &TlsSettings) -> LinkSettings {
    LinkSettings { tls: Some(Tls::load(tls).unwrap()), ..settings(address) }
}

#[tokio::test]
async fn a_link_by_tls_with_a_client_certificate_works_like_any_other() {
    let (smsc, ours) = (ScriptedSmsc::new(), Authority::new("ours"));
    let address = proxy(smsc.address(), ours.issue("smsc.example", |_| {}), Some(&ours)).await;
    let tls =
        TlsSettings { ca_file: Some(ours.file()), client: Some(ours.client()), server_name: "smsc.example".into() };
    let mut rig = Rig::new(1, vec![by_tls(address, &tls)]).await;
    let mut link = smsc.accept_bound().await;
    rig.until_bound(1).await;
    let mut phone = rig.phone(0, strict());
    let all: Vec<String> = (0..200).map(|number| format!("{number:0>80}")).collect();
    phone.feed(&all);
    for data in &all {
        let submit = link.expect_submit().await;
        assert_eq!(submit.data(), std::slice::from_ref(data));
        link.accept_submit(&submit).await;
    }
    phone.until_released().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_is_said_in_words() {
    let (smsc, ours, theirs) = (ScriptedSmsc::new(), Authority::new("ours"), Authority::new("theirs"));
    let expired = ours.issue("smsc.example", |params| {
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    });
    let good = |authority: &Authority| authority.issue("smsc.example", |_| {});
    let named = |name: &str| TlsSettings { ca_file: Some(ours.file()), client: None, server_name: name.into() };
    for (certificate, asks, name, words) in [
        (good(&theirs), None, "smsc.example", "from nobody who is trusted: check ca_file"),
        (expired, None, "smsc.example", "has expired"),
        (good(&ours), None, "other.example", "for another name, check server_name"),
        (good(&ours), Some(&ours), "smsc.example", "refuses TLS (CertificateRequired): check client_certificate"),
    ] {
        let address = proxy(smsc.address(), certificate, asks).await;
        let rig = Rig::new(1, vec![by_tls(address, &named(name))]).await;
        let view = rig.until(0, |view| view.last_error.is_some()).await;
        let error = view.last_error.unwrap();
        assert!(error.contains(words), "{error}");
        assert_ne!(view.state, LinkState::Bound);
    }
}

#[test]
fn a_file_that_is_of_no_use_is_named_with_its_setting() {
    let ours = Authority::new("ours");
    let (chain, key) = ours.client();
    let (_, other_key) = ours.issue("other.example", |_| {});
    let other = ours.write("other.key", &other_key.serialize_pem());
    let (empty, missing) = (ours.write("empty.pem", ""), ours.directory.path().join("missing.pem"));
    let tls = TlsSettings { ca_file: Some(ours.file()), client: None, server_name: "smsc.example".into() };
    let client =
        |chain: &PathBuf, key: &PathBuf| TlsSettings { client: Some((chain.clone(), key.clone())), ..tls.clone() };
    for (settings, key, path) in [
        (TlsSettings { ca_file: Some(missing.clone()), ..tls.clone() }, "ca_file", Some(&missing)),
        (TlsSettings { ca_file: Some(empty.clone()), ..tls.clone() }, "ca_file", Some(&empty)),
        (client(&missing, &key), "client_certificate", Some(&missing)),
        (client(&empty, &key), "client_certificate", Some(&empty)),
        (client(&chain, &missing), "client_key", Some(&missing)),
        (client(&chain, &other), "client_key", Some(&other)),
        (TlsSettings { server_name: "no name".into(), ..tls.clone() }, "server_name", None),
    ] {
        let error = Tls::load(&settings).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{key}: ")), "{error}");
        assert!(path.is_none_or(|path| error.contains(&path.display().to_string())), "{error}");
    }
}
