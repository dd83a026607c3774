//! One DTLS configuration and one certificate for all legs.
//!
//! dimpl validates its crypto provider for every configuration that is built, some 0.6 ms, and a certificate takes more
//! than 1 ms to make. Both are made once per process; each leg's handshake then costs only itself. WebRTC peers pin the
//! certificate by its fingerprint in each description, so that sharing one is as safe as the signalling.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use str0m::config::{CryptoProvider, DtlsCert, DtlsVersion};
use str0m::crypto::CryptoError;
use str0m::crypto::dtls::{DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, ProtocolVersion};

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
        Ok(Box::new(Instance(dimpl::Dtls::new_12(config, cert.clone(), now))))
    }
}

struct Instance(dimpl::Dtls);

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dtls")
    }
}

impl DtlsInstance for Instance {
    fn set_active(&mut self, active: bool) {
        self.0.set_active(active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.0.handle_packet(packet)
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        self.0.poll_output(buf)
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.0.handle_timeout(now)
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        self.0.send_application_data(data)
    }

    fn is_active(&self) -> bool {
        self.0.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.0.protocol_version()
    }

    fn is_closing(&self) -> bool {
        self.0.is_closing()
    }

    fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.0.close()
    }
}
