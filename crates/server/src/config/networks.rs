//! A list of networks: exact addresses, ranges in CIDR form, and `unix` for the peers of Unix sockets.
//!
//! Entries are numbers, never prefixes of text: `10.1` is refused and `10.1.0.0/16` does not hold 10.10.0.0. An IPv4
//! client of an IPv6 socket (`::ffff:192.0.2.1`) counts as IPv4, so that one way of writing a network is enough.

use std::net::IpAddr;

use serde::Deserialize;

/// Networks, parsed once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct Networks {
    unix: bool,
    ranges: Vec<Range>,
}

/// Addresses that share their first `bits` bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    network: IpAddr,
    bits: u32,
}

const FORMS: &str =
    "write an address (\"192.0.2.1\", \"2001:db8::1\"), a range (\"10.0.0.0/8\", \"2001:db8::/32\") or \"unix\"";

impl Networks {
    /// Parses the entries.
    ///
    /// # Errors
    /// With the cause and what to write instead, for the first entry that is none.
    pub fn new<S: AsRef<str>>(entries: &[S]) -> Result<Self, String> {
        let mut networks = Self::default();
        for entry in entries.iter().map(|entry| entry.as_ref().trim()) {
            if entry == "unix" {
                networks.unix = true;
            } else {
                networks.ranges.push(Range::parse(entry)?);
            }
        }
        Ok(networks)
    }

    /// Whether a peer is in one of them; `None` is a peer of a Unix socket.
    pub fn contain(&self, peer: Option<IpAddr>) -> bool {
        match peer.map(|address| address.to_canonical()) {
            None => self.unix,
            Some(address) => self.ranges.iter().any(|range| range.contains(address)),
        }
    }
}

impl Networks {
    /// Whether nobody but this machine is in them.
    pub fn are_local(&self) -> bool {
        let local =
            |range: &Range| range.network.is_loopback() && range.bits >= if range.network.is_ipv4() { 8 } else { 128 };
        self.ranges.iter().all(local)
    }
}

impl TryFrom<Vec<String>> for Networks {
    type Error = String;

    fn try_from(entries: Vec<String>) -> Result<Self, String> {
        Self::new(&entries)
    }
}

impl Range {
    fn parse(text: &str) -> Result<Self, String> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let network: IpAddr = address.parse().map_err(|_| format!("it is no address; {FORMS}"))?;
        if network.to_canonical() != network {
            return Err(format!("an IPv4 address in IPv6 form never matches; write {}", network.to_canonical()));
        }
        let most = if network.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            // `parse` alone would take a plus sign and leading zeros.
            Some(bits) => match bits.parse::<u32>() {
                Ok(number) if number <= most && number.to_string() == bits => number,
                _ => return Err(format!("the range's length is no number from 0 to {most}; {FORMS}")),
            },
        };
        let range = Self { network: cut(network, bits), bits };
        if range.network != network {
            return Err(format!("the address has bits behind the range's length; write {}/{bits}", range.network));
        }
        Ok(range)
    }

    fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.network.is_ipv4() && cut(address, self.bits) == self.network
    }
}

/// The address with everything behind its first `bits` bits zero.
fn cut(address: IpAddr, bits: u32) -> IpAddr {
    // A shift by the whole width is none: for length 0 no bit is kept.
    match address {
        IpAddr::V4(address) => {
            IpAddr::V4((address.to_bits() & u32::MAX.checked_shl(32 - bits).unwrap_or_default()).into())
        }
        IpAddr::V6(address) => {
            IpAddr::V6((address.to_bits() & u128::MAX.checked_shl(128 - bits).unwrap_or_default()).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_loopback_and_nothing_else() {
        for (entries, expected) in [
            (&["127.0.0.0/8", "::1", "unix"][..], true),
            (&["127.0.0.1"], true),
            (&[], true),
            (&["126.0.0.0/7"], false),
            (&["::/127"], false),
            (&["::1", "10.0.0.1"], false),
            (&["0.0.0.0/0"], false),
        ] {
            let networks = Networks::new(entries).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(networks.are_local(), expected, "{entries:?}");
        }
    }

    fn contain(entries: &[&str], peer: &str) -> bool {
        let peer = (peer != "unix").then(|| peer.parse().expect("an address"));
        Networks::new(entries).expect("networks").contain(peer)
    }

    #[test]
    fn a_peer_is_compared_as_a_number() {
        for (entry, inside, outside) in [
            (
                "10.1.0.0/16",
                &["10.1.0.0", "10.1.255.255", "::ffff:10.1.2.3"][..],
                &["10.10.0.0", "10.2.0.1", "::a01:1"][..],
            ),
            ("192.0.2.1", &["192.0.2.1", "::ffff:192.0.2.1"], &["192.0.2.10", "192.0.2.11", "192.0.2.0", "unix"]),
            ("10.0.0.0/9", &["10.127.255.255"], &["10.128.0.0", "11.0.0.0"]),
            ("0.0.0.0/0", &["203.0.113.9", "::ffff:203.0.113.9"], &["::1", "unix"]),
            ("::/0", &["::1", "2001:db8::1"], &["127.0.0.1", "::ffff:127.0.0.1", "unix"]),
            ("2001:db8::/33", &["2001:db8:7fff::1"], &["2001:db8:8000::", "2001:db9::"]),
            ("::1", &["::1"], &["::2", "127.0.0.1"]),
            ("unix", &["unix"], &["127.0.0.1"]),
        ] {
            inside.iter().for_each(|peer| assert!(contain(&[entry], peer), "{entry} {peer}"));
            outside.iter().for_each(|peer| assert!(!contain(&[entry], peer), "{entry} {peer}"));
        }
        assert!(!contain(&[], "127.0.0.1") && !contain(&[], "unix"), "nobody is trusted unasked");
        assert!(contain(&["192.0.2.1", " 10.0.0.0/8 "], "10.9.9.9"));
    }

    #[test]
    fn what_is_no_network_is_refused_with_what_to_write() {
        for (entry, part) in [
            ("", "no address"),
            ("10.1", "no address"),
            ("10.0.0.", "no address"),
            ("010.0.0.1", "no address"),
            ("10.0.0.0/", "from 0 to 32"),
            ("10.0.0.0/33", "from 0 to 32"),
            ("10.0.0.0/+8", "from 0 to 32"),
            ("10.0.0.0/08", "from 0 to 32"),
            ("10.0.0.0/8/8", "from 0 to 32"),
            ("10.0.0.0/255.0.0.0", "from 0 to 32"),
            ("::/129", "from 0 to 128"),
            ("10.0.0.1/8", "write 10.0.0.0/8"),
            ("2001:db8::1/32", "write 2001:db8::/32"),
            ("::ffff:10.0.0.1", "write 10.0.0.1"),
            ("fe80::1%eth0", "no address"),
            ("proxy.example", "no address"),
            ("*", "no address"),
            ("Unix", "no address"),
        ] {
            let error = Networks::new(&[entry]).expect_err(entry);
            assert!(error.contains(part), "{entry}: {error}");
        }
    }
}
