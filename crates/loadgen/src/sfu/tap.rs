//! Tells the SRTP keys of a connection to the generator: a DTLS provider that looks at what its instances export.
//!
//! All instances share one configuration and one certificate: dimpl checks its cryptography anew for every
//! configuration, which would cost more than the handshake, and would be the generator's time in every join.

use std::cell::RefCell;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use str0m::config::{DtlsCert, DtlsVersion};
use str0m::crypto::dtls::{DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, ProtocolVersion};
use str0m::crypto::{CryptoError, CryptoProvider};

use super::srtp::Keys;

/// Where the keys will be found once the handshake is done; `None` in it: a profile that we cannot read.
pub(crate) type Tap = Arc<OnceLock<Option<Keys>>>;

thread_local! {
    /// The tap of the instance that this thread made last.
    static LAST: RefCell<Option<Tap>> = const { RefCell::new(None) };
}

/// str0m's own provider, but for DTLS.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    Arc::clone(PROVIDER.get_or_init(|| {
        let mut provider = str0m::crypto::from_feature_flags();
        provider.dtls_provider = &Tapped;
        Arc::new(provider)
    }))
}

/// The certificate of all peers.
///
/// # Errors
/// If none can be made.
pub(crate) fn certificate() -> crate::Result<DtlsCert> {
    static CERTIFICATE: OnceLock<Option<DtlsCert>> = OnceLock::new();
    let made = CERTIFICATE.get_or_init(|| Tapped.generate_certificate());
    made.clone().ok_or_else(|| "no certificate could be made".into())
}

/// The tap of the connection that this thread has just made.
pub(crate) fn take_last() -> Tap {
    LAST.with(|last| last.borrow_mut().take()).unwrap_or_default()
}

#[derive(Debug)]
struct Tapped;

impl DtlsProvider for Tapped {
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
        static CONFIG: OnceLock<Result<Arc<dimpl::Config>, String>> = OnceLock::new();
        let config = CONFIG.get_or_init(|| {
            // ICE has shown that the peer is where it says it is, so that the cookie's round trip shows nothing more.
            let builder = dimpl::Config::builder().use_server_cookie(false);
            let builder = mtu.into_iter().fold(builder, dimpl::ConfigBuilder::mtu);
            builder.build().map(Arc::new).map_err(|error| error.to_string())
        });
        let config = config.clone().map_err(CryptoError::Other)?;
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
        f.write_str("Instance")
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
        if let DtlsOutput::KeyingMaterial(material, profile) = &output {
            self.tap.get_or_init(|| Keys::cut(material, *profile, self.dtls.is_active()));
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
