//! Where a request goes.

use std::net::SocketAddr;

use patchbay_sip::uri::Uri;

use crate::settings::{Proxy, Settings, Transport};

/// Whom to reach, before it is known where that is (RFC 3263).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// A name or an address, an IPv6 one without brackets.
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    /// As the URI says.
    pub(crate) transport: Option<Transport>,
    /// TLS and nothing else: `sips`.
    pub(crate) secure: bool,
    /// The message is too long for a datagram: a stream, if there is one.
    pub(crate) stream: bool,
}

impl Target {
    pub(crate) fn of(uri: &Uri) -> Self {
        let host = uri.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        let transport = uri.param("transport").and_then(Transport::parse);
        Self { host, port: uri.port(), transport, secure: uri.is_secure(), stream: false }
    }

    /// Of a request to `to`: where the proxy is, if there is one.
    pub(crate) fn towards(to: &Uri, settings: &Settings) -> Self {
        Self::of(settings.proxy.as_ref().map_or(to, Proxy::uri))
    }

    /// Whether `path` leads there, as far as that can be seen without asking anybody.
    pub(crate) fn is_reached_by(&self, path: &Path) -> bool {
        if path.target == *self {
            return true;
        }
        let transport = match (self.transport, self.secure) {
            (_, true) => Transport::Tls,
            (Some(transport), _) => transport,
            (None, _) => Transport::Udp,
        };
        let port = self.port.unwrap_or(transport.port());
        let same = self.host.parse().is_ok_and(|ip| path.remote == SocketAddr::new(ip, port));
        same && transport == path.transport && !self.stream
    }
}

/// A way to somebody: one socket or stream of ours, and an address at its other end. Challenge and retry take the same
/// one: with two servers behind one name, the second knows nothing of what the first has asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) flow: u64,
    pub(crate) transport: Transport,
    pub(crate) remote: SocketAddr,
    /// Our side, as it is written into messages.
    pub(crate) local: SocketAddr,
    pub(crate) target: Target,
}

/// Why there is no path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unrouted {
    /// The name has no address; what the client is told.
    Lookup(String),
    /// There is an address, and nobody at it.
    Unreachable,
}

/// Where a message came from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    pub(crate) flow: u64,
    pub(crate) transport: Transport,
    pub(crate) remote: SocketAddr,
    /// Our side, as it is written into messages.
    pub(crate) local: SocketAddr,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_its_target_and_to_its_address() {
        let target = |text: &str| Target::of(&Uri::parse(text).expect("a URI"));
        let to = target("sip:Example.com");
        assert_eq!((to.host.as_str(), to.port, to.transport, to.secure), ("example.com", None, None, false));
        let remote = SocketAddr::from(([10, 0, 0, 1], 5060));
        let path = Path { flow: 1, transport: Transport::Udp, remote, local: remote, target: to };
        for (text, reached) in [
            ("sip:example.com", true),
            ("sip:example.com:5060", false),
            ("sip:10.0.0.1", true),
            ("sip:x@10.0.0.1:5060;transport=udp;lr", true),
            ("sip:10.0.0.1:5061", false),
            ("sip:10.0.0.1;transport=tcp", false),
            ("sips:10.0.0.1", false),
            ("sip:10.0.0.2", false),
        ] {
            assert_eq!(target(text).is_reached_by(&path), reached, "{text}");
        }
    }
}
