//! Which leg a datagram is for.
//!
//! A leg is found by the address that a datagram comes from, once a connectivity check from there has proved that its
//! sender knows the leg's password (RFC 8445 section 7.3). Checks themselves name their leg. Everything else, a DTLS hello
//! of a stranger say, is nobody's: it costs a look-up and is counted.

use std::collections::HashMap;
use std::net::SocketAddr;

/// What a datagram is, by its first byte (RFC 7983 section 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class<'a> {
    /// A connectivity check, with our part of its user name.
    Check(&'a str),
    /// An answer to a check of ours.
    Answer,
    /// RTP or RTCP.
    Media,
    /// DTLS.
    Dtls,
    /// None of these.
    Junk,
}

/// Classifies a datagram. Nothing of it is trusted: a check is verified by the leg that it names.
pub(crate) fn classify(datagram: &[u8]) -> Class<'_> {
    match datagram.first() {
        Some(0..=3) => stun(datagram).unwrap_or(Class::Junk),
        Some(20..=63) => Class::Dtls,
        Some(128..=191) => Class::Media,
        _ => Class::Junk,
    }
}

const MAGIC: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const HEADER: usize = 20;
const USERNAME: u16 = 0x0006;

/// RFC 8489 section 5: type, length, magic cookie, transaction; then attributes, padded to four bytes.
fn stun(datagram: &[u8]) -> Option<Class<'_>> {
    let (kind, length, magic) = (datagram.get(..2)?, datagram.get(2..4)?, datagram.get(4..8)?);
    let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
    if magic != MAGIC || datagram.len() != HEADER + length || !length.is_multiple_of(4) {
        return None;
    }
    match kind {
        [0x00, 0x01] => {}
        [0x01, 0x01 | 0x11] => return Some(Class::Answer),
        _ => return None,
    }
    let mut rest = &datagram[HEADER..];
    while let [a, b, c, d, body @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*c, *d]));
        let value = body.get(..length)?;
        if u16::from_be_bytes([*a, *b]) == USERNAME {
            let name = std::str::from_utf8(value).ok()?;
            return Some(Class::Check(name.split_once(':')?.0));
        }
        rest = body.get(length.next_multiple_of(4)..)?;
    }
    None
}

/// Legs by what finds them. Both maps are bounded by the legs: a leg has a few names, and [`ADDRESSES`] addresses.
#[derive(Debug, Default)]
pub(crate) struct Demux {
    by_address: HashMap<SocketAddr, usize>,
    by_name: HashMap<String, usize>,
}

/// Addresses of one leg that datagrams are taken from: a phone that changes networks has few at once; more would let a
/// peer that knows the password fill the map. The oldest makes room.
pub(crate) const ADDRESSES: usize = 8;

/// Names of one leg: each time that its peer begins anew (RFC 8445 section 9) it gets another, and checks that name the
/// one before may still be on their way. More would let a peer that begins anew without end fill the map.
pub(crate) const NAMES: usize = 2;

impl Demux {
    /// The leg that datagrams of this source belong to.
    pub(crate) fn by_address(&self, source: SocketAddr) -> Option<usize> {
        self.by_address.get(&source).copied()
    }

    /// The leg whose user name fragment this is.
    pub(crate) fn by_name(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// A check from that address was proved to be for that leg. An address that another leg had is that one's no longer:
    /// its peer has gone, and the system gave its port to the next.
    pub(crate) fn learn(&mut self, source: SocketAddr, leg: usize, known: &mut Vec<SocketAddr>) {
        self.by_address.insert(source, leg);
        if !known.contains(&source) {
            if known.len() >= ADDRESSES {
                let oldest = known.remove(0);
                self.forget_address(oldest, leg);
            }
            known.push(source);
        }
    }

    /// The leg can be found by that name, and no more by the oldest if it has too many.
    pub(crate) fn name(&mut self, name: String, leg: usize, known: &mut Vec<String>) {
        if known.contains(&name) {
            return;
        }
        if known.len() >= NAMES {
            self.by_name.remove(&known.remove(0));
        }
        self.by_name.insert(name.clone(), leg);
        known.push(name);
    }

    /// The leg has gone.
    pub(crate) fn forget(&mut self, leg: usize, addresses: &[SocketAddr], names: &[String]) {
        addresses.iter().for_each(|address| self.forget_address(*address, leg));
        for name in names {
            self.by_name.remove(name);
        }
    }

    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn addresses(&self) -> impl Iterator<Item = (&SocketAddr, &usize)> {
        self.by_address.iter()
    }

    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn names(&self) -> impl Iterator<Item = (&String, &usize)> {
        self.by_name.iter()
    }

    fn forget_address(&mut self, address: SocketAddr, leg: usize) {
        if self.by_address.get(&address) == Some(&leg) {
            self.by_address.remove(&address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &[u8]) -> Vec<u8> {
        let mut attributes = vec![0x80, 0x22, 0, 1, b'x', 0, 0, 0, 0, 6];
        attributes.extend(u16::try_from(name.len()).expect("short").to_be_bytes());
        attributes.extend(name);
        attributes.resize(attributes.len().next_multiple_of(4), 0);
        let mut datagram = vec![0, 1];
        datagram.extend(u16::try_from(attributes.len()).expect("short").to_be_bytes());
        datagram.extend(MAGIC);
        datagram.extend([7; 12]);
        datagram.extend(attributes);
        datagram
    }

    #[test]
    fn a_datagram_is_classified_by_its_first_byte() {
        assert_eq!(classify(&check(b"ours:theirs")), Class::Check("ours"));
        assert_eq!(classify(&[22, 254, 253]), Class::Dtls);
        assert_eq!(classify(&[0x80, 111]), Class::Media);
        for junk in [&[][..], &[64], &[127; 30], &[192; 30], &[255]] {
            assert_eq!(classify(junk), Class::Junk, "{junk:?}");
        }
        let mut answer = check(b"a:b");
        answer[0] = 1;
        assert_eq!(classify(&answer), Class::Answer);
    }

    #[test]
    fn a_check_that_is_cut_or_odd_is_junk() {
        let whole = check(b"ours:theirs");
        for length in 0..whole.len() {
            assert_eq!(classify(&whole[..length]), Class::Junk, "{length} bytes");
        }
        assert_eq!(classify(&check(b"nocolon")), Class::Junk);
        assert_eq!(classify(&check(b"\xff:x")), Class::Junk);
        for (index, byte) in [(4, 0), (3, 1), (0, 2), (1, 0x11)] {
            let mut odd = whole.clone();
            odd[index] = byte;
            assert_eq!(classify(&odd), Class::Junk, "byte {index} is {byte}");
        }
    }

    #[test]
    fn a_leg_has_so_many_addresses_and_names_and_leaves_none_behind() {
        let (mut demux, mut known) = (Demux::default(), Vec::new());
        let address = |port: u16| SocketAddr::from(([10, 0, 0, 1], port));
        for port in 0..10 {
            demux.learn(address(port), 1, &mut known);
            demux.learn(address(port), 1, &mut known);
        }
        assert_eq!(known.len(), ADDRESSES);
        assert_eq!((demux.by_address(address(1)), demux.by_address(address(2))), (None, Some(1)));
        let mut other = Vec::new();
        demux.learn(address(5), 2, &mut other);
        let mut names = Vec::new();
        for name in ["a", "b", "b", "c"] {
            demux.name(name.to_owned(), 1, &mut names);
        }
        assert_eq!(names, ["b", "c"], "few, the newest");
        assert_eq!((demux.by_name("a"), demux.by_name("b")), (None, Some(1)));
        demux.forget(1, &known, &names);
        assert_eq!(demux.by_address(address(5)), Some(2), "it is another leg's by now");
        demux.forget(2, &other, &[]);
        assert!(demux.by_address.is_empty() && demux.by_name.is_empty());
    }
}
