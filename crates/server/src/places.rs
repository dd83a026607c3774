//! Connections by client address (`limits.connections_per_address`), so that one client cannot take all that
//! `limits.connections` gives.
//!
//! Off by default: behind one address may stand a whole school (NAT), and everybody where a reverse proxy is not in
//! `http.trusted_proxies`. IPv6 clients own at least a /64, so that is what counts as one. Clients of Unix sockets have
//! no address and are exempt, as is the admin listener.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::metrics::Refused;

/// How many connections each address has. One short lock when a connection opens and when it ends, nothing between.
pub(crate) struct Places {
    /// 0 = no limit, nothing is counted.
    most: usize,
    /// Never 0 for an address that is in it: at most as many entries as there are connections. A tree, because it
    /// gives its memory back and no choice of addresses makes it slow.
    taken: Mutex<BTreeMap<Source, usize>>,
}

/// What counts as one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    V4([u8; 4]),
    /// The network of an IPv6 address.
    V6([u8; 8]),
}

/// One of the connections of an address, for as long as this lives.
pub(crate) struct Place {
    places: Arc<Places>,
    source: Source,
}

impl Places {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, taken: Mutex::default() })
    }

    /// Takes a place for a client; none is needed where nothing is limited.
    ///
    /// # Errors
    /// If the address has all that it may have.
    pub(crate) fn take(self: &Arc<Self>, address: Option<IpAddr>) -> Result<Option<Place>, Refused> {
        let Some(source) = address.map(Source::of).filter(|_| self.most > 0) else { return Ok(None) };
        let mut taken = self.lock();
        let count = taken.entry(source).or_default();
        // A new entry is below every limit, so none is left behind at zero.
        if *count >= self.most {
            return Err(Refused::Address);
        }
        *count += 1;
        Ok(Some(Place { places: Arc::clone(self), source }))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Source, usize>> {
        // Nothing panics under this lock.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        if let Some(count) = taken.get_mut(&self.source) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.source);
            }
        }
    }
}

impl Source {
    pub(crate) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.octets()),
            IpAddr::V6(address) => {
                let [a, b, c, d, e, f, g, h, ..] = address.octets();
                Self::V6([a, b, c, d, e, f, g, h])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(places: &Arc<Places>, address: &str) -> Result<Option<Place>, Refused> {
        places.take(Some(address.parse().expect("an address")))
    }

    #[test]
    fn each_address_has_its_own_places_and_an_empty_one_leaves_nothing() {
        let places = Places::new(2);
        let mut held =
            vec![take(&places, "192.0.2.1").expect("first"), take(&places, "::ffff:192.0.2.1").expect("second")];
        assert!(take(&places, "192.0.2.1").is_err(), "IPv4 in IPv6 form is the same client");
        held.push(take(&places, "192.0.2.2").expect("another address"));
        held.push(take(&places, "2001:db8:0:1::1").expect("a network's first"));
        held.push(take(&places, "2001:db8:0:1:ffff::2").expect("its second"));
        assert!(take(&places, "2001:db8:0:1:8000::3").is_err(), "a /64 is one client");
        held.push(take(&places, "2001:db8:0:2::3").expect("another network"));
        assert_eq!(places.lock().len(), 4);
        held.swap_remove(0);
        held.push(take(&places, "192.0.2.1").expect("a freed place"));
        assert!(take(&places, "192.0.2.1").is_err());
        drop(held);
        assert!(places.lock().is_empty());
    }

    #[test]
    fn nothing_is_counted_without_a_limit_or_an_address() {
        let off = Places::new(0);
        assert!((0..10).all(|_| take(&off, "192.0.2.1").is_ok_and(|place| place.is_none())));
        let on = Places::new(1);
        assert!((0..10).all(|_| on.take(None).is_ok_and(|place| place.is_none())));
        assert!(off.lock().is_empty() && on.lock().is_empty());
    }
}
