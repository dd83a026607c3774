//! Who a request comes from: the peer of its connection, or whom a trusted proxy names (`http.trusted_proxies`).
//!
//! `X-Forwarded-For` is a list to which each proxy appends the peer it saw. Everything left of what the last trusted
//! proxy wrote is the client's own invention, so the list is read from its end, and from a peer that is not trusted
//! it is not read at all. `Forwarded` (RFC 7239) is not read: proxies that write it alone are rare, and two sources of
//! one truth are one too many to forge.

use std::net::{IpAddr, SocketAddr};

use crate::config::Networks;
use crate::ws::Headers;

/// Headers by which a reverse proxy says that the request came from somewhere else.
const PROXIED: [&str; 4] = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

/// Whether a proxy says that it hands on what somebody else asks.
pub(crate) fn is_proxied(headers: &http::HeaderMap) -> bool {
    PROXIED.iter().any(|name| headers.contains_key(*name))
}

/// The address of a request's client; `None` for one that comes through a Unix socket and is not named.
pub(crate) fn address(trusted: &Networks, peer: Option<IpAddr>, headers: &(impl Headers + ?Sized)) -> Option<IpAddr> {
    let peer = peer.map(|address| address.to_canonical());
    if !trusted.contain(peer) {
        return peer;
    }
    let fields: Vec<&[u8]> = headers.values("x-forwarded-for").collect();
    let mut named = None;
    for entry in fields.iter().rev().flat_map(|field| field.rsplit(|byte| *byte == b',')) {
        let Some(address) = parse(entry) else {
            // Whoever wrote this stands where a trusted proxy should: nothing it says counts.
            return peer;
        };
        named = Some(address);
        if !trusted.contain(named) {
            break;
        }
    }
    // All of them trusted: the first is where the request began.
    named.or(peer)
}

/// An entry: an address, or one with a port as some proxies write it.
fn parse(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim_matches([' ', '\t']);
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).filter(|text| text.contains(':'));
    let address = bare.unwrap_or(text).parse().or_else(|_| text.parse().map(|with_port: SocketAddr| with_port.ip()));
    address.ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, fields: &[&str]) -> String {
        let trusted = Networks::new(&["127.0.0.1", "10.0.0.0/8", "unix"]).expect("networks");
        let mut headers = http::HeaderMap::new();
        for field in fields {
            headers.append("x-forwarded-for", http::HeaderValue::from_bytes(field.as_bytes()).expect("a value"));
        }
        let peer = (peer != "unix").then(|| peer.parse().expect("an address"));
        address(&trusted, peer, &headers).map_or("nobody".to_owned(), |address| address.to_string())
    }

    #[test]
    fn only_a_trusted_peer_may_name_its_client() {
        for (peer, fields, expected) in [
            ("203.0.113.5", &["198.51.100.1"][..], "203.0.113.5"),
            ("203.0.113.5", &["127.0.0.1"], "203.0.113.5"),
            ("::ffff:203.0.113.5", &[], "203.0.113.5"),
            ("127.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("::ffff:127.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("unix", &["198.51.100.1"], "198.51.100.1"),
            ("unix", &[], "nobody"),
            ("127.0.0.1", &[], "127.0.0.1"),
        ] {
            assert_eq!(client(peer, fields), expected, "{peer} {fields:?}");
        }
    }

    #[test]
    fn the_list_is_read_from_its_end() {
        for (fields, expected) in [
            (&["192.0.2.66, 198.51.100.1"][..], "198.51.100.1"),
            (&["192.0.2.66", "198.51.100.1, 10.1.1.1"], "198.51.100.1"),
            (&["198.51.100.1", "10.1.1.1", " 10.2.2.2\t"], "198.51.100.1"),
            (&["10.9.9.9, 10.1.1.1"], "10.9.9.9"),
            (&["'; drop, 198.51.100.1"], "198.51.100.1"),
            (&["2001:db8::7"], "2001:db8::7"),
            (&["[2001:db8::7]"], "2001:db8::7"),
            (&["[2001:db8::7]:443"], "2001:db8::7"),
            (&["198.51.100.1:50123"], "198.51.100.1"),
            (&["::ffff:198.51.100.1"], "198.51.100.1"),
        ] {
            assert_eq!(client("127.0.0.1", fields), expected, "{fields:?}");
        }
    }

    #[test]
    fn garbage_where_a_proxy_should_have_written_leaves_the_peer() {
        for fields in [
            &[""][..],
            &["unknown"],
            &["198.51.100.1,"],
            &["198.51.100.1, _hidden"],
            &["198.51.100.1 192.0.2.1"],
            &["198.51.100.1\u{e9}"],
            &["0198.51.100.1"],
            &["198.51.100.1", "[198.51.100.1]"],
            &["198.51.100.1:99999"],
            &["fe80::1%eth0"],
        ] {
            assert_eq!(client("127.0.0.1", fields), "127.0.0.1", "{fields:?}");
        }
    }
}
