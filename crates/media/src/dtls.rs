//! One DTLS configuration and one certificate for all legs.
//!
//! dimpl validates its crypto provider for every configuration that is built, some 0.6 ms, and a certificate takes more
//! than 1 ms to make. Both are made once per process; each leg's handshake then costs only itself. WebRTC peers pin the
//! certificate by its fingerprint in each description, so that sharing one is as safe as the signalling.
//!
//! Instances also tell their SRTP keys, to those legs whose media leaves past str0m.

use std::cell::RefCell;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use str0m::config::{CryptoProvider, DtlsCert, DtlsVersion};
use str0m::crypto::CryptoError;
use str0m::crypto::dtls::{DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, ProtocolVersion};

use crate::srtp::{Keys, Tap};

/// What every leg is built with.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) provider: Arc<CryptoProvider>,
    pub(crate) certificate: DtlsCert,
}

/// The process's identity.
///
/// # Errors
/// If the crypto library cannot make a certificate: the machine has no randomness, say.
pub(crate) fn identity() -> Result<Identity, String> {
    static IDENTITY: OnceLock<Result<Identity, String>> = OnceLock::new();
    IDENTITY
        .get_or_init(|| {
            let mut provider = str0m::crypto::from_feature_flags();
            provider.dtls_provider = &Shared;
            let certificate = Shared.generate_certificate().ok_or("cannot make a DTLS certificate")?;
            Ok(Identity { provider: Arc::new(provider), certificate })
        })
        .clone()
}

thread_local! {
    /// The tap of the instance that this thread made last: str0m makes them, and knows no way to hand one on.
    static LAST: RefCell<Option<Tap>> = const { RefCell::new(None) };
}

/// Where the keys of the connection will be found that this thread has just built.
pub(crate) fn tap() -> Tap {
    LAST.with(|last| last.borrow_mut().take()).unwrap_or_default()
}

#[derive(Debug)]
struct Shared;

impl DtlsProvider for Shared {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        dimpl::certificate::generate_self_signed_certificate().ok()
    }

    fn new_dtls(
        &self,
        cert: &DtlsCert,
        now: Instant,
        _version: DtlsVersion,
        mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        // All legs have one MTU: whoever comes first decides.
        static CONFIG: OnceLock<Result<Arc<dimpl::Config>, String>> = OnceLock::new();
        let config = CONFIG
            .get_or_init(|| {
                // Datagrams of sources that have not passed ICE never get here, so a cookie would prove nothing more.
                let mut builder = dimpl::Config::builder().use_server_cookie(false);
                if let Some(mtu) = mtu {
                    builder = builder.mtu(mtu);
                }
                builder.build().map(Arc::new).map_err(|error| error.to_string())
            })
            .clone()
            .map_err(CryptoError::Other)?;
        let tap = Tap::default();
        LAST.with(|last| *last.borrow_mut() = Some(Arc::clone(&tap)));
        Ok(Box::new(Instance { dtls: dimpl::Dtls::new_12(config, cert.clone(), now), tap }))
    }
}

struct Instance {
    dtls: dimpl::Dtls,
    tap: Tap,
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dtls")
    }
}

impl DtlsInstance for Instance {
    fn set_active(&mut self, active: bool) {
        self.dtls.set_active(active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.dtls.handle_packet(packet)
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        let output = self.dtls.poll_output(buf);
        if let DtlsOutput::KeyingMaterial(material, profile) = &output
            && let Some(keys) = Keys::cut(material, *profile, self.dtls.is_active())
        {
            // The first ones are those of the connection; it has no others.
            let _ = self.tap.set(keys);
        }
        output
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.dtls.handle_timeout(now)
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        self.dtls.send_application_data(data)
    }

    fn is_active(&self) -> bool {
        self.dtls.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.dtls.protocol_version()
    }

    fn is_closing(&self) -> bool {
        self.dtls.is_closing()
    }

    fn is_closed(&self) -> bool {
        self.dtls.is_closed()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.dtls.close()
    }
}
