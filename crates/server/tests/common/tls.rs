//! TLS as a client has it, with rustls's buffered connection (the server uses the other one), and certificates.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, SupportedProtocolVersion};

use super::process::{Folder, Server};
use super::wire::Address;

/// A certificate for `localhost` with its key, in files.
pub(crate) struct Pair {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) der: CertificateDer<'static>,
}

impl Pair {
    /// A new pair in `cert.pem` and `key.pem` of a folder, in the place of what was there.
    pub(crate) fn write(folder: &Path) -> Self {
        let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
        let CertifiedKey { cert: made, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        fs::write(&cert, made.pem()).expect("the folder is writable");
        fs::write(&key, signing_key.serialize_pem()).expect("the folder is writable");
        Self { cert, key, der: made.der().clone() }
    }
}

/// A server with an HTTPS listener besides the plain one.
pub(crate) struct Secure {
    pub(crate) server: Server,
    pub(crate) folder: Folder,
    pub(crate) pair: Pair,
}

impl Secure {
    pub(crate) fn start(settings: &[(&str, &str)]) -> Self {
        let folder = Folder::new();
        let pair = Pair::write(folder.path());
        let files = pair.settings();
        let of_files = files.iter().map(|(name, value)| (*name, value.as_str()));
        let settings: Vec<_> = settings.iter().copied().chain(of_files).collect();
        Self { server: Server::start(&settings), folder, pair }
    }

    /// Where its HTTPS listener is, with the certificate of the start.
    pub(crate) fn address(&self) -> Address {
        self.address_with(&self.pair)
    }

    /// The same address, spoken to with TLS.
    pub(crate) fn trusted(&self, address: Address) -> Address {
        match address {
            Address::Tcp(address) => Address::Tls(address, self.pair.der.clone()),
            other => panic!("TLS is spoken over TCP, not over {other:?}"),
        }
    }

    pub(crate) fn address_with(&self, pair: &Pair) -> Address {
        let https = self.server.ready("https")[0].as_str().expect("the ready line names the listener");
        Address::Tls(https.parse().expect("an address"), pair.der.clone())
    }
}

impl Pair {
    pub(crate) fn settings(&self) -> [(&'static str, String); 3] {
        let text = |path: &Path| path.to_str().expect("text").to_owned();
        [
            ("PATCHBAY_HTTPS__ADDR", "127.0.0.1:0".to_owned()),
            ("PATCHBAY_HTTPS__CERT", text(&self.cert)),
            ("PATCHBAY_HTTPS__KEY", text(&self.key)),
        ]
    }
}

/// The client's side of TLS on a stream; clones share it, so that one may write while another reads.
#[derive(Clone)]
pub(crate) struct Session {
    inner: Arc<Mutex<ClientConnection>>,
    /// Decrypted, and not read.
    plain: Arc<Mutex<VecDeque<u8>>>,
    /// Held while records go out, so that they do so in order.
    order: Arc<Mutex<()>>,
}

impl Session {
    /// One that trusts this certificate alone.
    pub(crate) fn new(certificate: &CertificateDer<'static>, versions: &[&'static SupportedProtocolVersion]) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).expect("a certificate");
        let mut config =
            ClientConfig::builder_with_protocol_versions(versions).with_root_certificates(roots).with_no_client_auth();
        // As browsers offer it.
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let name = ServerName::try_from("localhost").expect("a name");
        let session = ClientConnection::new(Arc::new(config), name).expect("a configuration");
        Self { inner: Arc::new(Mutex::new(session)), plain: Arc::default(), order: Arc::default() }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, ClientConnection> {
        self.inner.lock().expect("no test thread has panicked")
    }

    pub(crate) fn shake_hands(&self, mut stream: &TcpStream) -> io::Result<()> {
        let mut session = self.lock();
        while session.is_handshaking() {
            session.complete_io(&mut stream)?;
        }
        Ok(())
    }

    /// # Errors
    /// As of the stream; `UnexpectedEof` if it ends without a farewell.
    pub(crate) fn read(&self, mut stream: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
        let mut raw = [0; 16_384];
        loop {
            let mut plain = self.plain.lock().expect("no test thread has panicked");
            if !plain.is_empty() {
                return plain.read(buffer);
            }
            match self.lock().reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read,
            }
            let length = stream.read(&mut raw)?;
            let mut raw = &raw[..length];
            let mut session = self.lock();
            // Once at least, for the end of the stream. The session takes more only after its plaintext has been read.
            loop {
                session.read_tls(&mut raw)?;
                let waits = session.process_new_packets().map_err(io::Error::other)?.plaintext_bytes_to_read();
                let mut part = vec![0; waits];
                session.reader().read_exact(&mut part)?;
                plain.extend(part);
                if raw.is_empty() {
                    break;
                }
            }
        }
    }

    pub(crate) fn write(&self, mut stream: &TcpStream, bytes: &[u8]) -> io::Result<()> {
        let _order = self.order.lock().expect("no test thread has panicked");
        for part in bytes.chunks(16_384) {
            let mut records = Vec::new();
            let mut session = self.lock();
            session.writer().write_all(part)?;
            while session.wants_write() {
                session.write_tls(&mut records)?;
            }
            // A reader may go on while this waits.
            drop(session);
            stream.write_all(&records)?;
        }
        Ok(())
    }
}
