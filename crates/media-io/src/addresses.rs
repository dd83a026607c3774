//! By which addresses peers reach us.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use crate::Settings;

/// Addresses for candidates, in order: what is advertised, else what is bound to, else what the system sends from.
pub(crate) fn candidates(settings: &Settings) -> Vec<IpAddr> {
    if !settings.advertise.is_empty() {
        return settings.advertise.clone();
    }
    let mut found: Vec<IpAddr> = Vec::new();
    for address in &settings.bind {
        if address.is_unspecified() {
            found.extend(outward(*address));
        } else {
            found.push(*address);
        }
    }
    if found.is_empty() {
        // No way out: peers on this very machine are the only ones there can be.
        found.extend(settings.bind.iter().map(loopback));
    }
    found.dedup();
    found
}

/// The address that the system would send from to somebody far away. Nothing is sent: connecting a UDP socket only looks
/// into the routing table. The addresses are reserved for documents (RFC 5737, RFC 3849), so that they mean nobody.
fn outward(family: IpAddr) -> Option<IpAddr> {
    let far: SocketAddr = match family {
        IpAddr::V4(_) => (Ipv4Addr::new(192, 0, 2, 1), 9).into(),
        IpAddr::V6(_) => (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1), 9).into(),
    };
    let socket = UdpSocket::bind((family, 0)).ok()?;
    socket.connect(far).ok()?;
    let own = socket.local_addr().ok()?.ip();
    let link_local = matches!(own, IpAddr::V6(own) if own.is_unicast_link_local());
    (!own.is_unspecified() && !link_local).then_some(own)
}

/// Whether this machine has that address: only then it can be bound to.
#[must_use]
pub fn is_own(address: IpAddr) -> bool {
    UdpSocket::bind((address, 0)).is_ok()
}

fn loopback(family: &IpAddr) -> IpAddr {
    match family {
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_advertised_goes_before_what_is_bound() {
        let settings = |bind: &[&str], advertise: &[&str]| Settings {
            port: 0,
            bind: bind.iter().map(|address| address.parse().expect("an address")).collect(),
            advertise: advertise.iter().map(|address| address.parse().expect("an address")).collect(),
            workers: 1,
            rtp_ports: crate::RTP_PORTS,
            media: patchbay_media::Config::default(),
        };
        let named = |bind: &[&str], advertise: &[&str]| {
            candidates(&settings(bind, advertise)).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(named(&["0.0.0.0"], &["203.0.113.7"]), ["203.0.113.7"]);
        assert_eq!(named(&["127.0.0.1", "::1"], &[]), ["127.0.0.1", "::1"]);
        let all = candidates(&settings(&["0.0.0.0", "::"], &[]));
        assert!(!all.is_empty() && all.iter().all(|address| !address.is_unspecified()), "{all:?}");
    }
}
