//! Where webhooks go, and where they may not: nobody who can name an address for them may use this server to reach what
//! only it can reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::Uri;

use crate::config::Networks;

/// The address of a webhook, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) tls: bool,
    /// A name or an address, without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// As the `Host` header names it.
    pub(crate) authority: String,
    /// Path and query.
    pub(crate) path: String,
}

impl Target {
    /// Takes an address apart; `None` if it is none that can be asked.
    pub(crate) fn parse(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let tls = match uri.scheme_str()? {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        let authority = uri.authority()?;
        // What looks like a name before an `@` misleads whoever reads it.
        if authority.as_str().contains('@') {
            return None;
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let path = uri.path_and_query().map_or("", |path| path.as_str());
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        (!host.is_empty()).then(|| Self { tls, host, port, authority: authority.to_string(), path })
    }
}

/// Whether a webhook may go to that address: it is somebody's in the open internet, or was allowed.
pub(crate) fn may_go_to(address: IpAddr, allowed: &Networks) -> bool {
    let address = address.to_canonical();
    allowed.contain(Some(address)) || is_public(address)
}

/// The ranges of RFC 6890 and its followers that are nobody's in the open internet. The addresses at which clouds tell a
/// machine its secrets are among them: 169.254.169.254 is link-local, fd00:ec2::254 unique local.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => {
            let segments = address.segments();
            match segments {
                // What is translated or tunnelled to the older internet goes there: RFC 6052, RFC 3056, RFC 4291.
                [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0, 0, 0, 0, 0, 0, high, low] => {
                    is_public_v4(joined(high, low))
                }
                [0x2002, high, low, ..] => is_public_v4(joined(high, low)),
                // RFC 8215: such translations inside a network; Teredo, RFC 4380; documentation, RFC 3849.
                [0x64, 0xff9b, 1, ..] | [0x2001, 0, ..] | [0x2001, 0xdb8, ..] => false,
                _ => is_public_v6(address),
            }
        }
    }
}

fn joined(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let odd = match (a, b, c) {
        // This network; carriers' translations; protocol assignments; the old anycast of tunnels; tests of speed.
        (0, _, _) | (100, 64..128, _) | (192, 0, 0) | (192, 88, 99) | (198, 18..20, _) => true,
        // Multicast, and what is kept for later.
        (224.., _, _) => true,
        _ => false,
    };
    !(odd || address.is_private() || address.is_loopback() || address.is_link_local() || address.is_documentation())
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    // Global unicast is 2000::/3 alone.
    address.segments()[0] & 0xe000 == 0x2000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        let of = |url: &str| Target::parse(url).map(|t| (t.tls, t.host, t.port, t.authority, t.path));
        let found = |tls, host: &str, port, authority: &str, path: &str| {
            Some((tls, host.to_owned(), port, authority.to_owned(), path.to_owned()))
        };
        for (url, expected) in [
            ("http://example.com", found(false, "example.com", 80, "example.com", "/")),
            ("https://example.com/a?b=c", found(true, "example.com", 443, "example.com", "/a?b=c")),
            ("http://[::1]:8/x", found(false, "::1", 8, "[::1]:8", "/x")),
            ("http://127.0.0.1:8080/", found(false, "127.0.0.1", 8080, "127.0.0.1:8080", "/")),
            ("http://example.com?x", found(false, "example.com", 80, "example.com", "/?x")),
            ("ftp://example.com", None),
            ("file:///etc/passwd", None),
            ("gopher://x", None),
            ("http://user:secret@example.com/", None),
            ("http://example.com@127.0.0.1/", None),
            ("/only/a/path", None),
            ("example.com", None),
            ("http://", None),
            ("", None),
        ] {
            assert_eq!(of(url), expected, "{url}");
        }
    }

    #[test]
    fn only_addresses_of_the_open_internet_are_gone_to() {
        let nobody = Networks::default();
        for address in [
            "127.0.0.1",
            "127.9.9.9",
            "::1",
            "0.0.0.0",
            "::",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "169.254.1.1",
            "fe80::1",
            "fd00:ec2::254",
            "fc00::1",
            "100.64.0.1",
            "100.127.255.255",
            "224.0.0.1",
            "239.1.1.1",
            "ff02::1",
            "255.255.255.255",
            "240.0.0.1",
            "192.0.0.1",
            "192.0.2.1",
            "198.18.0.1",
            "203.0.113.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2001:db8::1",
            "2001::1",
            "fec0::1",
            "100::1",
        ] {
            assert!(!may_go_to(address.parse().expect(address), &nobody), "{address}");
        }
        for address in ["8.8.8.8", "100.63.0.1", "172.32.0.1", "2a00:1450::1", "64:ff9b::808:808", "2002:808:808::1"] {
            assert!(may_go_to(address.parse().expect(address), &nobody), "{address}");
        }
        let allowed = Networks::new(&["127.0.0.0/8", "fd00::/8"]).expect("networks");
        for (address, expected) in [
            ("127.0.0.1", true),
            ("::ffff:127.0.0.1", true),
            ("fd00:ec2::254", true),
            ("10.0.0.1", false),
            ("::1", false),
        ] {
            assert_eq!(may_go_to(address.parse().expect(address), &allowed), expected, "{address}");
        }
    }
}
