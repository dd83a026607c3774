//! The certificate that new handshakes present, read again when its files change.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};
use tokio::signal::unix::Signal;

/// How often the files are looked at. Shorter shows a new certificate sooner, longer costs fewer system calls; renewals
/// come every few weeks.
const LOOK: Duration = Duration::from_secs(1);

/// A certificate chain with its key, and the files that they come from.
pub(crate) struct Certificate {
    files: [PathBuf; 2],
    provider: Arc<CryptoProvider>,
    current: RwLock<Arc<CertifiedKey>>,
    /// Of the files as they were just before they were read first: what changes until somebody looks is a change, too.
    loaded: Stamp,
}

impl std::fmt::Debug for Certificate {
    /// Required by rustls; without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificate").field("files", &self.files).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// What of a file's metadata tells that it is another one or has been written to; `None` while it cannot be seen. Links
/// are followed, so that turning one to other files counts.
type Stamp = [Option<(u64, u64, i64, i64)>; 2];

impl Certificate {
    pub(super) fn load(cert: &Path, key: &Path, provider: Arc<CryptoProvider>) -> Result<Self, String> {
        let files: [PathBuf; 2] = [cert.into(), key.into()];
        let loaded = look(&files);
        let current = read(cert, key, &provider)?;
        Ok(Self { files, provider, current: RwLock::new(Arc::new(current)), loaded })
    }

    /// Looks after the files for ever; each `hangup` has them read at once.
    pub(crate) async fn watch(&self, mut hangup: Signal) {
        let mut known = self.loaded;
        let mut seen = known;
        loop {
            let asked = tokio::select! {
                () = tokio::time::sleep(LOOK) => false,
                asked = hangup.recv() => asked.is_some(),
            };
            let now = self.stamp().await;
            // A change counts when it has been still for one look: the two files are rarely written in one moment.
            if asked || (now != known && now == seen) {
                known = now;
                self.reload();
            }
            seen = now;
        }
    }

    /// A pair that is of no use leaves the one before in place.
    pub(super) fn reload(&self) {
        match read(&self.files[0], &self.files[1], &self.provider) {
            Ok(new) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
                tracing::info!("certificate read again; new connections get it");
            }
            Err(error) => tracing::error!("the certificate before stays in use: {error}"),
        }
    }

    async fn stamp(&self) -> Stamp {
        let files = self.files.clone();
        // On a thread that may wait: the files may lie on a disk that does not answer.
        tokio::task::spawn_blocking(move || look(&files)).await.unwrap_or_default()
    }
}

fn look(files: &[PathBuf; 2]) -> Stamp {
    files.each_ref().map(|file| fs::metadata(file).ok().as_ref().map(stamp))
}

fn stamp(metadata: &Metadata) -> (u64, u64, i64, i64) {
    (metadata.ino(), metadata.len(), metadata.mtime(), metadata.mtime_nsec())
}

fn read(cert: &Path, key: &Path, provider: &CryptoProvider) -> Result<CertifiedKey, String> {
    let (cert_shown, key_shown) = (cert.display(), key.display());
    let unreadable = |name: &str, path: &Path, error: &io::Error| {
        format!("cannot read {name} {}: {error}; check its path and mode", path.display())
    };
    let chain = fs::read(cert).map_err(|error| unreadable("https.cert", cert, &error))?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&chain).filter_map(Result::ok).collect();
    if chain.is_empty() {
        return Err(format!("https.cert {cert_shown} holds no certificate; write a PEM file with the whole chain"));
    }
    let secret = fs::read(key).map_err(|error| unreadable("https.key", key, &error))?;
    // What the parser has to say might quote the file.
    let secret = PrivateKeyDer::from_pem_slice(&secret)
        .map_err(|_| format!("https.key {key_shown} holds no private key; write a PEM file that is not encrypted"))?;
    CertifiedKey::from_der(chain, secret, provider).map_err(|error| match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            format!("https.key {key_shown} is not the key of https.cert {cert_shown}; put a pair in place")
        }
        Error::InvalidCertificate(_) => {
            format!("https.cert {cert_shown} holds no valid certificate: {error}; get it issued again")
        }
        _ => format!("https.key {key_shown} is of no use: {error}; use an ECDSA, RSA or Ed25519 key"),
    })
}
