//! Where the load goes.

use std::net::{SocketAddr, ToSocketAddrs};

/// A WebSocket address, resolved once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) addr: SocketAddr,
    pub(crate) tls: bool,
    /// The `Host` header.
    pub(crate) host: String,
    pub(crate) path: String,
    /// The WebSocket subprotocol that is asked for.
    pub(crate) subprotocol: Option<&'static str>,
}

impl Target {
    pub(crate) fn at(addr: SocketAddr, tls: bool, path: &str) -> Self {
        Self { addr, tls, host: addr.to_string(), path: path.to_owned(), subprotocol: None }
    }

    /// Reads `ws://host[:port][/path]`, or `wss://` for TLS, whose certificate is not checked.
    pub(crate) fn parse(url: &str) -> Result<Self, String> {
        let (tls, port, rest) = match (url.strip_prefix("ws://"), url.strip_prefix("wss://")) {
            (Some(rest), _) => (false, 80, rest),
            (None, Some(rest)) => (true, 443, rest),
            (None, None) => return Err("the address must begin with ws:// or wss://".to_owned()),
        };
        let (host, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        let with_port = if has_port(host) { host.to_owned() } else { format!("{host}:{port}") };
        let mut addrs = with_port.to_socket_addrs().map_err(|error| format!("{host}: {error}"))?;
        let addr = addrs.next().ok_or_else(|| format!("{host}: no address"))?;
        Ok(Self { addr, tls, host: host.to_owned(), path: path.to_owned(), subprotocol: None })
    }
}

fn has_port(host: &str) -> bool {
    let after_ipv6 = host.rsplit(']').next().unwrap_or(host);
    after_ipv6.contains(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let parse = |url: &str| {
            let target = Target::parse(url).unwrap();
            (target.addr.to_string(), target.tls, target.host, target.path)
        };
        let of = |addr: &str, tls, host: &str, path: &str| (addr.to_owned(), tls, host.to_owned(), path.to_owned());
        assert_eq!(parse("ws://127.0.0.1:8080/ws"), of("127.0.0.1:8080", false, "127.0.0.1:8080", "/ws"));
        assert_eq!(parse("ws://127.0.0.1"), of("127.0.0.1:80", false, "127.0.0.1", "/"));
        assert_eq!(parse("ws://[::1]/a?b"), of("[::1]:80", false, "[::1]", "/a?b"));
        assert_eq!(parse("ws://[::1]:9/"), of("[::1]:9", false, "[::1]:9", "/"));
        assert_eq!(parse("wss://127.0.0.1/sid"), of("127.0.0.1:443", true, "127.0.0.1", "/sid"));
        assert_eq!(parse("wss://[::1]:9"), of("[::1]:9", true, "[::1]:9", "/"));
        assert!(Target::parse("https://127.0.0.1/").is_err());
        assert!(Target::parse("ws://127.0.0.1:port/").is_err());
    }
}
