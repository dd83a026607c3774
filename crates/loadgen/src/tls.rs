//! TLS, as far as a load needs it: a client that trusts everybody, and a certificate for the measured server.
//!
//! Neither certificates nor their signatures are checked: the load goes to a server of one's own choice and carries
//! nothing secret, and the generator has to be cheaper than what it measures. Sessions are not resumed, so that each
//! connection costs the server a whole handshake. The key exchange is what current browsers send, X25519MLKEM768 with
//! X25519 beside it.

use std::io::{self, Read, Write};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConfig, ClientConnection, Resumption};
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs as provider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};

/// Makes the TLS half of connections to one server.
#[derive(Clone)]
pub(crate) struct Connector {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Connector {
    /// `host` is a name or an address, with or without a port.
    pub(crate) fn new(host: &str) -> io::Result<Self> {
        let provider = CryptoProvider {
            kx_groups: vec![provider::kx_group::X25519MLKEM768, provider::kx_group::X25519],
            ..provider::default_provider()
        };
        let anyone = Arc::new(Anyone(provider.signature_verification_algorithms.supported_schemes()));
        let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .dangerous()
            .with_custom_certificate_verifier(anyone)
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        let name = ServerName::try_from(bare(host).to_owned()).map_err(io::Error::other)?;
        Ok(Self { config: Arc::new(config), name })
    }

    pub(crate) fn open(&self) -> io::Result<Tls> {
        let mut inner = ClientConnection::new(Arc::clone(&self.config), self.name.clone()).map_err(io::Error::other)?;
        // What a load has under way is its own bound.
        inner.set_buffer_limit(None);
        Ok(Tls { inner: Box::new(inner) })
    }
}

/// The host without its port and brackets.
fn bare(host: &str) -> &str {
    match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    }
}

/// One connection's TLS: text on one side, records on the other.
pub(crate) struct Tls {
    inner: Box<ClientConnection>,
}

impl Tls {
    /// Takes text to be sent; before the handshake is over it waits for that.
    pub(crate) fn write(&mut self, text: &[u8]) -> io::Result<()> {
        self.inner.writer().write_all(text)
    }

    /// Records wait to be sent.
    pub(crate) fn wants_write(&self) -> bool {
        self.inner.wants_write()
    }

    /// Sends records; `WouldBlock` if the socket takes no more.
    pub(crate) fn send(&mut self, socket: &mut impl Write) -> io::Result<()> {
        while self.inner.wants_write() {
            match self.inner.write_tls(socket) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Opens the records in `wire` and appends their text to `text`.
    pub(crate) fn receive(&mut self, mut wire: &[u8], text: &mut Vec<u8>) -> io::Result<()> {
        while !wire.is_empty() {
            self.inner.read_tls(&mut wire)?;
            self.inner.process_new_packets().map_err(io::Error::other)?;
            match self.inner.reader().read_to_end(text) {
                // The server has said that this was all; the end of the stream follows.
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Accepts anybody who uses one of these schemes.
#[derive(Debug)]
struct Anyone(Vec<SignatureScheme>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.clone()
    }
}

/// What the measured server shows: a certificate of its own making and the key, as PEM.
pub(crate) struct Certificate {
    pub(crate) chain: String,
    pub(crate) key: String,
}

impl Certificate {
    /// ECDSA on P-256, as certificate authorities hand out by default.
    pub(crate) fn new() -> io::Result<Self> {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).map_err(io::Error::other)?;
        Ok(Self { chain: made.cert.pem(), key: made.signing_key.serialize_pem() })
    }
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::PrivateKeyDer;
    use rustls::pki_types::pem::PemObject;
    use rustls::server::{ServerConfig, ServerConnection};

    use super::*;

    fn server() -> ServerConnection {
        let made = Certificate::new().unwrap();
        let chain = vec![CertificateDer::from_pem_slice(made.chain.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(made.key.as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(provider::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        ServerConnection::new(Arc::new(config)).unwrap()
    }

    /// Hands records over in pieces of `step` bytes until neither side has anything to say.
    fn exchange(client: &mut Tls, server: &mut ServerConnection, step: usize) -> Vec<u8> {
        let mut text = Vec::new();
        while client.wants_write() || server.wants_write() {
            let mut wire = Vec::new();
            client.send(&mut wire).unwrap();
            let mut rest = &wire[..];
            while !rest.is_empty() {
                server.read_tls(&mut rest).unwrap();
                server.process_new_packets().unwrap();
            }
            let mut wire = Vec::new();
            while server.wants_write() {
                server.write_tls(&mut wire).unwrap();
            }
            for piece in wire.chunks(step) {
                client.receive(piece, &mut text).unwrap();
            }
        }
        text
    }

    #[test]
    fn text_arrives_however_the_records_are_cut() {
        let long = vec![b'x'; 100_000];
        for step in [1, 7, 4096, 200_000] {
            let (mut client, mut server) = (Connector::new("127.0.0.1:1").unwrap().open().unwrap(), server());
            client.write(b"early").unwrap();
            assert_eq!(exchange(&mut client, &mut server, step), b"");
            let mut came = [0; 16];
            assert_eq!(server.reader().read(&mut came).unwrap(), 5);
            assert_eq!(&came[..5], b"early");
            server.set_buffer_limit(None);
            server.writer().write_all(&long).unwrap();
            assert_eq!(exchange(&mut client, &mut server, step), long, "cut every {step} bytes");
        }
    }

    #[test]
    fn the_key_exchange_is_that_of_browsers_and_sessions_are_not_resumed() {
        let connector = Connector::new("localhost").unwrap();
        for _ in 0..2 {
            let (mut client, mut server) = (connector.open().unwrap(), server());
            exchange(&mut client, &mut server, 4096);
            let group = server.negotiated_key_exchange_group().unwrap();
            assert_eq!(group.name(), rustls::NamedGroup::X25519MLKEM768);
            assert_eq!(server.handshake_kind(), Some(rustls::HandshakeKind::Full));
        }
    }

    #[test]
    fn a_server_that_speaks_no_tls_is_noticed() {
        let mut client = Connector::new("localhost").unwrap().open().unwrap();
        let error = client.receive(b"HTTP/1.1 400 Bad Request\r\n\r\n", &mut Vec::new()).unwrap_err();
        assert!(!error.to_string().is_empty());
    }

    #[test]
    fn hosts_without_their_ports() {
        for (host, name) in [("a.example", "a.example"), ("a:443", "a"), ("[::1]:9", "::1"), ("[::1]", "::1")] {
            assert_eq!(bare(host), name);
        }
        assert!(Connector::new("").is_err());
    }
}
