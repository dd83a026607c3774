//! TLS for streams.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::settings::Roots;

/// Where distributions keep the authorities that they trust.
const BUNDLES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

fn bug(error: impl std::fmt::Display) -> String {
    format!("cannot set up TLS for SIP: {error}; this is a bug of ours, please report it")
}

/// How we connect.
///
/// # Errors
/// If the given authorities have no certificate in them.
pub(super) fn client(roots: &Roots) -> Result<Arc<ClientConfig>, String> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(bug)?;
    let config = match roots {
        Roots::Anybody => {
            let verifier = Arc::new(Anybody(provider));
            builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
        }
        Roots::Pem(pem) => {
            let store = store(pem);
            if store.is_empty() {
                return Err(
                    "the authorities for SIP have no certificate in them; give a PEM file of certificates".into()
                );
            }
            builder.with_root_certificates(store).with_no_client_auth()
        }
        Roots::System => {
            let file = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
            let files = file.into_iter().chain(BUNDLES.map(PathBuf::from));
            // Without any, nobody is believed: each connection fails, and the rest of the server works.
            let pem = files.filter_map(|file| std::fs::read(file).ok()).next().unwrap_or_default();
            builder.with_root_certificates(store(&pem)).with_no_client_auth()
        }
    };
    Ok(Arc::new(config))
}

fn store(pem: &[u8]) -> RootCertStore {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(CertificateDer::pem_slice_iter(pem).filter_map(Result::ok));
    store
}

/// What a `tls:` listener shows.
///
/// # Errors
/// With cause and next action, if there is nothing to show.
pub(super) fn server(identity: Option<&(Vec<u8>, Vec<u8>)>) -> Result<Arc<ServerConfig>, String> {
    let (chain, key) = identity.ok_or("a tls: listener for SIP needs a certificate; give cert and key in [https]")?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(chain).filter_map(Result::ok).collect();
    let key = PrivateKeyDer::from_pem_slice(key)
        .map_err(|error| format!("the key for SIP cannot be read: {error}; give a PEM file"))?;
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(bug)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| format!("certificate and key for SIP do not fit: {error}; give a pair"))?;
    Ok(Arc::new(config))
}

/// The handshake with `name`, which its certificate must show: a domain, as RFC 5922 wants, or an address.
pub(super) async fn connect(config: Arc<ClientConfig>, socket: TcpStream, name: &str) -> Option<TlsStream<TcpStream>> {
    let name = ServerName::try_from(name.to_owned()).ok()?;
    match TlsConnector::from(config).connect(name, socket).await {
        Ok(stream) => Some(stream),
        Err(error) => {
            tracing::debug!(%error, "a TLS handshake for SIP failed");
            None
        }
    }
}

/// Believes every certificate; the handshake's signatures are checked all the same.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
