//! TLS to an SMSC. SMPP knows nothing of it: it is below, from the first octet on.

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// What is asked of TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsSettings {
    /// PEM file of who is trusted; none for the authorities of the web.
    pub ca_file: Option<PathBuf>,
    /// PEM files of our certificate chain and its private key, for an SMSC that asks for them.
    pub client: Option<(PathBuf, PathBuf)>,
    /// The name or address that the SMSC's certificate is to be for.
    pub server_name: String,
}

/// Speaks TLS to one SMSC.
#[derive(Clone)]
pub struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

/// Why TLS cannot be spoken as asked for. Each begins with the setting to change.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file is not what it should be.
    #[error("{key}: {path}: {error}", path = .path.display())]
    File {
        /// The setting.
        key: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        error: pem::Error,
    },
    /// A certificate authority cannot be one.
    #[error("ca_file: {path}: {error}", path = .path.display())]
    Authority {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: rustls::Error,
    },
    /// A file has no certificate in it.
    #[error("{key}: {path}: there is no certificate in it", path = .path.display())]
    Empty {
        /// The setting.
        key: &'static str,
        /// Which file.
        path: PathBuf,
    },
    /// Certificate and key do not work together.
    #[error("client_key: {path}: it does not go with client_certificate: {error}", path = .path.display())]
    Client {
        /// The key's file.
        path: PathBuf,
        /// Why.
        error: rustls::Error,
    },
    /// No certificate can be for such a name.
    #[error("server_name: {name:?} is no name for a certificate")]
    Name {
        /// The name.
        name: String,
    },
    /// TLS itself cannot be set up.
    #[error("tls: {0}")]
    Setup(#[from] rustls::Error),
}

impl Tls {
    /// Reads the files and makes ready.
    ///
    /// # Errors
    /// When a file cannot be used.
    pub fn load(settings: &TlsSettings) -> Result<Self, TlsError> {
        let roots = match &settings.ca_file {
            Some(path) => authorities(path)?,
            None => RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() },
        };
        // The provider is named here, so that a second one in the binary cannot make the choice ambiguous.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots);
        let config = match &settings.client {
            Some((chain, key)) => {
                let certificates = certificates("client_certificate", chain)?;
                let file = |error| TlsError::File { key: "client_key", path: key.clone(), error };
                let private = PrivateKeyDer::from_pem_file(key).map_err(file)?;
                let unlike = |error| TlsError::Client { path: key.clone(), error };
                builder.with_client_auth_cert(certificates, private).map_err(unlike)?
            }
            None => builder.with_no_client_auth(),
        };
        let name = settings.server_name.trim_end_matches('.').to_owned();
        let name = ServerName::try_from(name.clone()).map_err(|_| TlsError::Name { name })?;
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), name })
    }

    /// Shakes hands on a new connection.
    ///
    /// # Errors
    /// When the SMSC is not who it should be, or does not take us for who we are.
    pub(super) async fn connect(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.connector.connect(self.name.clone(), stream).await
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("name", &self.name).finish_non_exhaustive()
    }
}

fn authorities(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("ca_file", path)? {
        roots.add(certificate).map_err(|error| TlsError::Authority { path: path.to_owned(), error })?;
    }
    Ok(roots)
}

fn certificates(key: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let file = |error| TlsError::File { key, path: path.to_owned(), error };
    let read: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).map_err(file)?.collect();
    let read = read.map_err(file)?;
    if read.is_empty() { Err(TlsError::Empty { key, path: path.to_owned() }) } else { Ok(read) }
}

/// What TLS has against a connection, in words that name the setting; none if it is not about TLS.
pub(super) fn trouble(error: &io::Error) -> Option<String> {
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(match error {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
            "the SMSC's certificate is from nobody who is trusted: check ca_file".to_owned()
        }
        rustls::Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            "the SMSC's certificate has expired".to_owned()
        }
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        ) => "the SMSC's certificate is not valid yet: check the clock".to_owned(),
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => format!("the SMSC's certificate is for another name, check server_name: {error}"),
        rustls::Error::AlertReceived(alert) => {
            format!("the SMSC refuses TLS ({alert:?}): check client_certificate and client_key")
        }
        rustls::Error::InvalidMessage(_) => format!("the peer speaks no TLS: {error}"),
        _ => error.to_string(),
    })
}
