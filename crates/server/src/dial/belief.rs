//! Why a server's certificate is not believed, in words for the operator: only he can do something about it, and until he does,
//! every attempt fails alike.

use std::io;

use rustls::{CertificateError, Error};

/// The cause and what to do, if it was a certificate.
pub(super) fn warning(error: &io::Error) -> Option<&'static str> {
    let Error::InvalidCertificate(cause) = error.get_ref()?.downcast_ref::<Error>()? else { return None };
    Some(match cause {
        CertificateError::UnknownIssuer => {
            "a rendezvous server is not spoken to over TLS: its certificate is signed by nobody whom this machine believes; add \
             its authority to the system's, or name a PEM file with all authorities in the environment as SSL_CERT_FILE"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "a rendezvous server is not spoken to over TLS: its certificate is for another name; dial the name that it is for \
             (ers=, or the host of an entry of dialect.ers.ems.pull), or give it a certificate for this one"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "a rendezvous server is not spoken to over TLS: its certificate has expired; renew it there, and check this \
             machine's clock"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "a rendezvous server is not spoken to over TLS: its certificate is not valid yet; check this machine's clock"
        }
        _ => {
            "a rendezvous server is not spoken to over TLS: its certificate is of no use; replace it there, or see the log at \
             level debug for what is wrong with it"
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_alone_are_warned_of() {
        let of = |error: Error| warning(&io::Error::new(io::ErrorKind::InvalidData, error));
        for (cause, words) in [
            (CertificateError::UnknownIssuer, "SSL_CERT_FILE"),
            (CertificateError::NotValidForName, "another name"),
            (CertificateError::Expired, "has expired"),
            (CertificateError::NotValidYet, "not valid yet"),
            (CertificateError::BadEncoding, "of no use"),
        ] {
            let said = of(Error::InvalidCertificate(cause)).expect("a warning");
            assert!(said.contains(words), "{said}");
        }
        assert_eq!(of(Error::DecryptError), None);
        assert_eq!(warning(&io::ErrorKind::ConnectionRefused.into()), None);
    }
}
