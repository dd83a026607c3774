//! The address of a listener: `:8080`, `host:port`, `[::]:port` or `unix:/path.sock`.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::path::PathBuf;
use std::str::FromStr;

use serde::Deserialize;

/// Where a listener is bound. Port 0 lets the system choose.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum ListenAddr {
    /// A TCP port.
    Tcp {
        /// The interface or name to bind.
        host: Host,
        /// The port; 0 = any free one.
        port: u16,
    },
    /// A Unix stream socket.
    Unix(PathBuf),
}

/// The host part of a TCP listener's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// All interfaces, IPv6 and IPv4 (written by leaving the host out: `:8080`).
    All,
    /// One literal address. `[::]` means what the socket option says; the listener decides.
    Ip(IpAddr),
    /// A name to be looked up when the listener is bound, in lower case.
    Name(String),
}

/// Why a text is no listener address, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenAddrError {
    /// The cause.
    pub problem: &'static str,
    /// What to write.
    pub action: String,
}

impl fmt::Display for ListenAddrError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.problem, self.action)
    }
}

impl std::error::Error for ListenAddrError {}

/// `sun_path` holds 108 bytes on Linux (104 on macOS) with its closing zero.
const UNIX_PATH_BYTES: usize = 103;
const FORMS: &str =
    "write \":8080\", \"127.0.0.1:8080\", \"[::1]:8080\", \"localhost:8080\" or \"unix:/run/patchbay.sock\"";

fn refused(problem: &'static str) -> ListenAddrError {
    ListenAddrError { problem, action: FORMS.to_owned() }
}

impl FromStr for ListenAddr {
    type Err = ListenAddrError;

    fn from_str(text: &str) -> Result<Self, ListenAddrError> {
        if let Some(path) = text.strip_prefix("unix:") {
            return unix(path);
        }
        if text.contains("://") {
            return Err(refused("a listener address has no scheme"));
        }
        if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            // Go's listener, which the ADDR variable comes from, refuses it as well.
            return Err(ListenAddrError {
                problem: "a bare number may be a port or a host",
                action: format!("write \":{text}\" for the port on all interfaces"),
            });
        }
        let (host, port) = text.rsplit_once(':').ok_or(refused("there is no port"))?;
        if let Some(literal) = host.strip_prefix('[') {
            let literal = literal.strip_suffix(']').ok_or(refused("the brackets of the IPv6 address do not match"))?;
            let ip: Ipv6Addr = literal.parse().map_err(|_| refused("between the brackets is no IPv6 address"))?;
            return tcp(Host::Ip(ip.into()), port);
        }
        if host.contains(':') {
            return Err(refused("an IPv6 address needs brackets"));
        }
        tcp(named_host(host)?, port)
    }
}

fn unix(path: &str) -> Result<ListenAddr, ListenAddrError> {
    if path.is_empty() {
        return Err(refused("there is no path after \"unix:\""));
    }
    if path.len() > UNIX_PATH_BYTES {
        return Err(refused("the path of a Unix socket may have 103 bytes at most"));
    }
    if path.contains('\0') {
        return Err(refused("the path holds a zero byte"));
    }
    Ok(ListenAddr::Unix(PathBuf::from(path)))
}

fn tcp(host: Host, port: &str) -> Result<ListenAddr, ListenAddrError> {
    // `u16::from_str` takes a plus sign; a port has digits only.
    if port.is_empty() || !port.bytes().all(|b| b.is_ascii_digit()) {
        return Err(refused("the port is not a number"));
    }
    let port = port.parse().map_err(|_| refused("the port is above 65535"))?;
    Ok(ListenAddr::Tcp { host, port })
}

fn named_host(host: &str) -> Result<Host, ListenAddrError> {
    if host.is_empty() {
        return Ok(Host::All);
    }
    if let Ok(ip) = host.parse() {
        return Ok(Host::Ip(ip));
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    if host.len() > 253 || !host.bytes().all(plain) {
        return Err(refused("the host has characters that no host name has"));
    }
    if host.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        // Looking "256.0.0.1" up as a name would only fail later and less clearly.
        return Err(refused("the host looks like an IPv4 address, but is none"));
    }
    Ok(Host::Name(host.to_ascii_lowercase()))
}

impl TryFrom<String> for ListenAddr {
    type Error = ListenAddrError;

    fn try_from(text: String) -> Result<Self, ListenAddrError> {
        text.parse()
    }
}

impl fmt::Display for ListenAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } => match host {
                Host::All => write!(f, ":{port}"),
                Host::Ip(IpAddr::V4(ip)) => write!(f, "{ip}:{port}"),
                Host::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]:{port}"),
                Host::Name(name) => write!(f, "{name}:{port}"),
            },
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn forms_that_are_accepted() {
        let tcp = |host, port| ListenAddr::Tcp { host, port };
        let v6 = |ip: Ipv6Addr| Host::Ip(ip.into());
        for (text, expected) in [
            (":8080", tcp(Host::All, 8080)),
            (":0", tcp(Host::All, 0)),
            ("0.0.0.0:8080", tcp(Host::Ip(Ipv4Addr::UNSPECIFIED.into()), 8080)),
            ("127.0.0.1:65535", tcp(Host::Ip(Ipv4Addr::LOCALHOST.into()), 65535)),
            ("[::]:8080", tcp(v6(Ipv6Addr::UNSPECIFIED), 8080)),
            ("[::1]:0", tcp(v6(Ipv6Addr::LOCALHOST), 0)),
            ("localhost:8080", tcp(Host::Name("localhost".into()), 8080)),
            ("Sig.Example.org:80", tcp(Host::Name("sig.example.org".into()), 80)),
            ("unix:/var/run/webrtc.sock", ListenAddr::Unix("/var/run/webrtc.sock".into())),
            ("unix:rel.sock", ListenAddr::Unix("rel.sock".into())),
        ] {
            assert_eq!(text.parse(), Ok(expected.clone()), "{text}");
            let shown = expected.to_string();
            assert_eq!(shown.parse(), Ok(expected), "{shown} survives Display");
        }
    }

    #[test]
    fn forms_that_are_refused_say_why() {
        for (text, problem) in [
            ("", "no port"),
            ("localhost", "no port"),
            ("127.0.0.1", "no port"),
            ("127.0.0.1:", "not a number"),
            (":http", "not a number"),
            (":+80", "not a number"),
            (":65536", "above 65535"),
            ("::1:8080", "brackets"),
            ("[::1:8080", "brackets"),
            ("[fe80::1%eth0]:80", "no IPv6 address"),
            ("256.0.0.1:80", "IPv4"),
            ("a b:80", "characters"),
            ("*:80", "characters"),
            ("http://localhost:80", "scheme"),
            ("unix:", "no path"),
            ("unix:/a\0b", "zero byte"),
        ] {
            let error = text.parse::<ListenAddr>().expect_err(text);
            assert!(error.problem.contains(problem), "{text}: {error}");
        }
        let long = format!("unix:/{}", "x".repeat(110));
        assert!(long.parse::<ListenAddr>().is_err());
    }

    #[test]
    fn a_bare_port_is_refused_with_the_right_spelling() {
        let error = "8080".parse::<ListenAddr>().expect_err("bare port");
        assert!(error.to_string().contains("write \":8080\""), "{error}");
    }
}
