//! TLS: the certificate and its renewal, what is agreed to in a handshake, and the stream behind it
//! (`docs/decisions/0008`).

mod certificate;
mod stream;
#[cfg(test)]
pub(crate) mod tests;

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::server::NoServerSessionStorage;

pub(crate) use certificate::Certificate;
pub(crate) use stream::TlsStream;

/// The first byte of a client that speaks TLS: the record type "handshake" (RFC 8446 section 5.1). No HTTP method
/// begins with it.
pub(crate) const HANDSHAKE: u8 = 0x16;

/// What every TLS listener of the process shares.
#[derive(Clone)]
pub(crate) struct Tls {
    config: Arc<ServerConfig>,
    certificate: Arc<Certificate>,
}

impl Tls {
    /// Reads certificate and key, both PEM files.
    ///
    /// # Errors
    /// With cause and next action, if they are of no use.
    pub(crate) fn load(cert: &Path, key: &Path) -> Result<Self, String> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let certificate = Arc::new(Certificate::load(cert, key, Arc::clone(&provider))?);
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("cannot set up TLS: {error}; this is a bug of ours, please report it"))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&certificate) as Arc<_>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // No resumption: signalling connections last for hours, so that a full handshake costs little, while sessions
        // would cost memory here and forward secrecy there.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Self { config: Arc::new(config), certificate })
    }

    /// The agreement for one handshake.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    pub(crate) fn certificate(&self) -> &Certificate {
        &self.certificate
    }
}
