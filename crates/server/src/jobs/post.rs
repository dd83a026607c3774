//! One POST to a server elsewhere: the address is looked up once, checked, and then used as it is, so that a name that
//! means something else a moment later changes nothing. Redirections are not followed, and the answer's body is not read.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use http::{Request, header};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use patchbay_dialect_antmedia::security::Secret;
use patchbay_dialect_antmedia::security::sign::signature;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;

use super::target::{Target, may_go_to};
use crate::config::Networks;

/// Where distributions keep the authorities that they trust.
const BUNDLES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];
/// Longest head of an answer, in bytes: some servers send many cookies; whoever sends without an end is not listened to.
const HEAD_BYTES: usize = 64 * 1024;
/// The header of the signature.
const SIGNATURE: &str = "x-patchbay-signature";

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The address is none, or one that nothing may be sent to.
    Refused,
    /// The name means nothing, nobody answers there, or not in HTTP, or without a certificate that is believed.
    Unreachable,
}

/// How this server speaks to others.
pub(crate) struct Outside {
    pub(crate) allowed: Networks,
    pub(crate) secret: Option<Secret>,
    pub(crate) tls: Arc<ClientConfig>,
}

impl Outside {
    /// # Errors
    /// If TLS cannot be set up, which is a bug.
    pub(crate) fn new(allowed: Networks, secret: Option<Secret>) -> Result<Self, String> {
        let file = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
        let mut files = file.into_iter().chain(BUNDLES.map(PathBuf::from));
        // Without any, nobody is believed: questions over TLS fail, and the rest of the server works.
        let pem = files.find_map(|file| std::fs::read(file).ok()).unwrap_or_default();
        Ok(Self { allowed, secret, tls: Arc::new(tls(&pem)?) })
    }

    /// Posts JSON; the answer's status. It may take as long as it likes: whoever asks has a clock.
    pub(crate) async fn post(&self, target: &Target, body: &[u8], unix: u64) -> Result<u16, Failure> {
        let address = self.address(target).await?;
        let mut request = Request::post(&target.path)
            .header(header::HOST, &target.authority)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, concat!("patchbay/", env!("CARGO_PKG_VERSION")))
            .header(header::CONNECTION, "close");
        if let Some(secret) = &self.secret {
            request = request.header(SIGNATURE, signature(secret, unix, body));
        }
        let request = request.body(Full::new(Bytes::copy_from_slice(body))).map_err(|_| Failure::Refused)?;
        let socket = TcpStream::connect(address).await.map_err(|_| Failure::Unreachable)?;
        if !target.tls {
            return send(socket, request).await;
        }
        let name = ServerName::try_from(target.host.clone()).map_err(|_| Failure::Refused)?;
        let stream = TlsConnector::from(Arc::clone(&self.tls)).connect(name, socket).await;
        send(stream.map_err(|_| Failure::Unreachable)?, request).await
    }

    /// The first of its addresses that may be gone to.
    async fn address(&self, target: &Target) -> Result<SocketAddr, Failure> {
        let found = lookup_host((target.host.as_str(), target.port)).await.map_err(|_| Failure::Unreachable)?;
        let mut found = found.peekable();
        if found.peek().is_none() {
            return Err(Failure::Unreachable);
        }
        found.find(|address| may_go_to(address.ip(), &self.allowed)).ok_or(Failure::Refused)
    }
}

async fn send(stream: impl AsyncRead + AsyncWrite + Unpin, request: Request<Full<Bytes>>) -> Result<u16, Failure> {
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEAD_BYTES);
    let begun = builder.handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = begun.map_err(|_| Failure::Unreachable)?;
    let answer = sender.send_request(request);
    tokio::pin!(answer, connection);
    let answer = tokio::select! {
        answer = &mut answer => answer,
        // It is over, and what it has brought is there.
        _ = &mut connection => answer.await,
    };
    answer.map(|answer| answer.status().as_u16()).map_err(|_| Failure::Unreachable)
}

/// Believes the authorities in a PEM file.
pub(crate) fn tls(pem: &[u8]) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(CertificateDer::pem_slice_iter(pem).filter_map(Result::ok));
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("cannot set up TLS: {error}; this is a bug of ours, please report it"))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
